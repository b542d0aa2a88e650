//! What a comparison came to.

use std::fmt;
use std::path::PathBuf;

use wire::pipeline::Summary;

/// Something that does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What, in a sentence that names the file.
    pub what: String,
    /// Packets that show it, counted through all captures; empty where it is not about packets.
    pub packets: Vec<u64>,
    /// The same with the capture and the number there, for reading.
    pub shown: String,
}

/// What a comparison came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Messages that were acknowledged on the wire.
    pub acknowledged: u64,
    /// Messages that are entered in the journal.
    pub stored: u64,
    /// Messages that are the same on both sides, byte for byte, with their entry.
    pub agree: u64,
    /// Stored messages of which the captures do not show that they were acknowledged: the connection or the server ended
    /// before.
    pub in_doubt: u64,
    /// Files without an entry of which the captures do not show that they were acknowledged: the server was killed before it
    /// had entered them, and so before it could have acknowledged them.
    pub unentered: u64,
    /// Stored messages whose packets were removed with old captures: only their entries were compared.
    pub beyond: u64,
    /// What does not agree.
    pub differences: Vec<Difference>,
    /// What is odd about the captures.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether everything agrees.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} acknowledged on the wire, {} stored; {} agree byte for byte",
            self.acknowledged, self.stored, self.agree
        )?;
        if self.in_doubt > 0 {
            writeln!(
                f,
                "{} more stored whose acknowledgement the captures do not show",
                self.in_doubt
            )?;
        }
        if self.unentered > 0 {
            writeln!(
                f,
                "{} files that were not entered or acknowledged before the server was killed",
                self.unentered
            )?;
        }
        if self.beyond > 0 {
            writeln!(
                f,
                "{} stored whose captures were removed: compared with their entries alone",
                self.beyond
            )?;
        }
        for difference in &self.differences {
            write!(f, "DIFFERENT  {}", difference.what)?;
            if !difference.shown.is_empty() {
                write!(f, " ({})", difference.shown)?;
            }
            writeln!(f)?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}

/// Which packets each capture has.
pub(super) struct Places(Vec<(PathBuf, u64, u64)>);

impl Places {
    pub(super) fn of(summary: &Summary) -> Self {
        let files = summary.files.iter();
        Self(
            files
                .filter_map(|file| {
                    let (first, last) = file.numbers?;
                    Some((file.name.clone(), first, last))
                })
                .collect(),
        )
    }

    /// Packets for reading: each capture with the numbers that Wireshark shows for it.
    pub(super) fn show(&self, packets: &[u64]) -> String {
        let mut shown: Vec<String> = Vec::new();
        for (path, first, last) in &self.0 {
            let here: Vec<_> = packets
                .iter()
                .filter(|packet| (first..=last).contains(packet))
                .map(|packet| packet - first + 1)
                .collect();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match here.as_slice() {
                [] => {}
                [one] => shown.push(format!("{name}, packet {one}")),
                [from, .., to] => shown.push(format!("{name}, packets {from} to {to}")),
            }
        }
        shown.join("; ")
    }
}
