//! Capture files: from bytes to frames.
//!
//! Field captures break the rules of their own format: a snap length of zero, a captured length above the original one,
//! fractions of a second beyond a second. Each of these costs a [`Note`], never the capture. Reading stops only where the
//! next record can no longer be found, and everything before that point is kept.

mod fields;
mod pcap;
mod pcapng;

use std::path::{Path, PathBuf};

use crate::notes::NoteLog;
use crate::{Error, Note, NoteKind, Timestamp};

/// One packet as the capture file holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its number, counting from 1 as Wireshark does.
    pub packet: u64,
    /// When it was captured; the epoch where the file does not say (pcapng simple packet block).
    pub time: Timestamp,
    /// Which interface of the file it came from, counting from 0 over all sections.
    pub interface: u32,
    /// How to read its first bytes: a LINKTYPE_ value of the link-layer header types registry.
    pub link_type: u16,
    /// How many bytes it had on the wire, if the file is to be believed; at least as many as `bytes`.
    pub wire_length: u64,
    /// What was captured of it.
    pub bytes: &'a [u8],
}

/// Where, and why, reading a capture stopped before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// Number of the packet that could not be read whole, counting from 1.
    pub packet: u64,
    /// Byte offset in the file at which its record begins.
    pub offset: u64,
    /// What is wrong there: lower case, no full stop.
    pub reason: String,
}

/// What is known once all frames were taken.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// The number of the last packet read. In a pcapng file, blocks that hold no packet but that Wireshark numbers (custom
    /// blocks, journal entries) count too.
    pub packets: u64,
    /// Remarks on the file.
    pub notes: Vec<Note>,
    /// Set where reading stopped before the end of the file.
    pub truncated: Option<Truncation>,
}

/// The most bytes that one record of a capture may claim. No capture program writes more (Wireshark refuses it for any
/// link type), so a length above it shows damage.
pub(crate) const LARGEST_RECORD: usize = 128 * 1024 * 1024;

/// How much text of TLS secrets is kept of one capture.
const MOST_SECRETS: usize = 16 << 20;

#[derive(Debug)]
enum Format {
    Unknown,
    Pcap(pcap::Records),
    PcapNg(pcapng::Blocks),
    Done,
}

/// What a format reader answers when asked for the next packet.
enum Step<'a> {
    Frame(Frame<'a>),
    /// The record needs this many bytes in all, more than there are.
    More(usize),
    Stop(String),
}

/// What comes next in the bytes of a capture.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A packet.
    Frame(Frame<'a>),
    /// The next record needs at least this many bytes from where reading stands, more than there are.
    More(usize),
    /// Nothing more: the end of the capture, or the place where it breaks off.
    Done,
}

/// Reads a capture whose bytes come in pieces.
///
/// Every call hands over the bytes that were not used yet, with more behind them where there are more; the caller keeps
/// the pieces together.
#[derive(Debug)]
pub struct Parser {
    name: PathBuf,
    format: Format,
    offset: u64,
    packets: u64,
    notes: NoteLog,
    secrets: Vec<String>,
    secret_bytes: usize,
    truncated: Option<Truncation>,
}

impl Parser {
    /// Before the first byte; `name` stands for the capture in errors.
    pub fn new(name: &Path) -> Self {
        Self {
            name: name.to_owned(),
            format: Format::Unknown,
            offset: 0,
            packets: 0,
            notes: NoteLog::default(),
            secrets: Vec::new(),
            secret_bytes: 0,
            truncated: None,
        }
    }

    /// Number of packets read so far.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Counts packets from this number on, for a file that continues another one.
    pub fn count_from(&mut self, packets: u64) {
        self.packets = packets;
    }

    /// TLS secrets (Decryption Secrets Blocks that hold a key log) that were met since the last call.
    pub fn take_secrets(&mut self) -> Vec<String> {
        std::mem::take(&mut self.secrets)
    }

    /// The next packet in `input`, and how many bytes were used. `last`: no more bytes will come.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::NotACapture`], or [`Error::Malformed`] where the file header cannot be read.
    pub fn next<'a>(
        &mut self,
        input: &'a [u8],
        last: bool,
    ) -> Result<(usize, Progress<'a>), Error> {
        let mut rest = input;
        if matches!(self.format, Format::Unknown)
            && let Some(needed) = self.begin(&mut rest, last)?
        {
            return Ok((0, Progress::More(needed)));
        }
        if rest.is_empty() {
            let progress = if last {
                Progress::Done
            } else {
                Progress::More(1)
            };
            return Ok((self.used(input, rest), progress));
        }
        let step = match &mut self.format {
            Format::Pcap(records) => {
                records.next(&mut rest, last, &mut self.packets, &mut self.notes)
            }
            Format::PcapNg(blocks) => {
                let mut secrets = Vec::new();
                let step = blocks.next(
                    &mut rest,
                    last,
                    &mut self.packets,
                    &mut self.notes,
                    &mut secrets,
                );
                self.keep_secrets(secrets);
                step
            }
            Format::Unknown | Format::Done => return Ok((input.len(), Progress::Done)),
        };
        let used = self.used(input, rest);
        Ok(match step {
            Step::Frame(frame) => (used, Progress::Frame(frame)),
            Step::More(needed) => (used, Progress::More(needed)),
            Step::Stop(reason) => {
                self.stop(reason);
                (used, Progress::Done)
            }
        })
    }

    fn used(&mut self, input: &[u8], rest: &[u8]) -> usize {
        let used = input.len() - rest.len();
        self.offset += used as u64;
        used
    }

    fn keep_secrets(&mut self, secrets: Vec<String>) {
        for secret in secrets {
            self.secret_bytes += secret.len();
            if self.secret_bytes <= MOST_SECRETS {
                self.secrets.push(secret);
            }
        }
    }

    fn stop(&mut self, reason: String) {
        let packet = self.packets + 1;
        let offset = self.offset;
        self.notes.push(
            NoteKind::Truncated,
            Some(packet),
            format_args!(
                "reading stopped at offset {offset}: {reason}; the packets before it were read"
            ),
        );
        self.truncated = Some(Truncation {
            packet,
            offset,
            reason,
        });
        self.format = Format::Done;
    }

    /// Looks at the first bytes and reads the file header. Answers how many bytes it needs, where there are not enough.
    fn begin(&mut self, rest: &mut &[u8], last: bool) -> Result<Option<usize>, Error> {
        let bytes = *rest;
        if bytes.is_empty() && last {
            return Err(Error::Empty {
                path: self.name.clone(),
            });
        }
        // Four would do to tell what it is, and eight to say what it is not.
        if bytes.len() < 8 && !last {
            return Ok(Some(8));
        }
        let malformed = |(offset, reason)| Error::Malformed {
            path: self.name.clone(),
            packet: 0,
            offset,
            reason,
        };
        let header = if pcap::is_magic(bytes) {
            pcap::Records::new(rest, last)
                .map_err(malformed)?
                .map(Format::Pcap)
        } else if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            pcapng::Blocks::new(rest, last, &mut self.notes)
                .map_err(malformed)?
                .map(Format::PcapNg)
        } else {
            return Err(Error::NotACapture {
                path: self.name.clone(),
                found: describe(bytes),
            });
        };
        match header {
            Ok(format) => {
                self.format = format;
                Ok(None)
            }
            Err(needed) => Ok(Some(needed)),
        }
    }

    /// Number of packets taken, notes, and where reading stopped.
    pub fn finish(self) -> Ending {
        Ending {
            packets: self.packets,
            notes: self.notes.finish(),
            truncated: self.truncated,
        }
    }
}

/// The frames of a capture that is in memory, in file order.
#[derive(Debug)]
pub struct Frames<'a> {
    parser: Parser,
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    /// Looks at the first bytes of `bytes` and starts reading; `name` stands for the file in errors.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::NotACapture`], or [`Error::Malformed`] where the file header cannot be read.
    pub fn new(name: &Path, bytes: &'a [u8]) -> Result<Self, Error> {
        let mut parser = Parser::new(name);
        let mut rest = bytes;
        parser.begin(&mut rest, true)?;
        parser.used(bytes, rest);
        Ok(Self { parser, rest })
    }

    /// Number of packets taken so far, notes, and where reading stopped.
    pub fn finish(self) -> Ending {
        self.parser.finish()
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        // The header was read by `new`, so that no error can come.
        let (used, progress) = self.parser.next(self.rest, true).ok()?;
        self.rest = self.rest.get(used..).unwrap_or_default();
        match progress {
            Progress::Frame(frame) => Some(frame),
            Progress::More(_) | Progress::Done => None,
        }
    }
}

/// Whether a file that begins so may be a capture.
pub(crate) fn is_capture_magic(bytes: &[u8]) -> bool {
    pcap::is_magic(bytes) || bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a])
}

/// The original length of a packet, made to cover what was captured of it.
fn wire_length(original: u32, captured: &[u8], packet: u64, notes: &mut NoteLog) -> u64 {
    let captured = captured.len() as u64;
    if captured > u64::from(original) {
        notes.push(
            NoteKind::OddRecord,
            Some(packet),
            format_args!("{captured} bytes were captured of a packet said to have had {original}; all were used"),
        );
    }
    captured.max(original.into())
}

/// Says what a file is that is not a capture.
fn describe(bytes: &[u8]) -> String {
    let known = match bytes {
        [0x1f, 0x8b, ..] => "gzip data",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd data",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => "xz data",
        [b'B', b'Z', b'h', ..] => "bzip2 data",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [b'G', b'M', b'B', b'U', ..] | [b'R', b'T', b'S', b'S', ..] => {
            "a Microsoft Network Monitor capture"
        }
        [b's', b'n', b'o', b'o', b'p', 0, ..] => "a snoop capture",
        _ => "",
    };
    let first = bytes
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(" ");
    match known {
        "" => format!("the bytes {first}"),
        known => format!("{known} (bytes {first})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_capture() {
        let refuse = |bytes: &[u8]| Frames::new(Path::new("x"), bytes).unwrap_err();
        assert!(matches!(refuse(b""), Error::Empty { .. }));
        let Error::NotACapture { found, .. } = refuse(b"\x1f\x8b\x08\0rest") else {
            panic!()
        };
        assert_eq!(found, "gzip data (bytes 1f 8b 08 00 72 65 73 74)");
        let Error::NotACapture { found, .. } = refuse(b"220") else {
            panic!()
        };
        assert_eq!(found, "the bytes 32 32 30");
    }
}
