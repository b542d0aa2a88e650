//! Capture files: from bytes to frames.
//!
//! Field captures break the rules of their own format: a snap length of zero, a captured length above the original one,
//! fractions of a second beyond a second. Each of these costs a [`Note`], never the capture. Reading stops only where the
//! next record can no longer be found, and everything before that point is kept.

mod fields;
mod pcap;
mod pcapng;

use std::path::Path;

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

/// The frames of a capture, in file order.
#[derive(Debug)]
pub struct Frames<'a> {
    source: Source<'a>,
    packets: u64,
    notes: NoteLog,
    truncated: Option<Truncation>,
}

#[derive(Debug)]
enum Source<'a> {
    Pcap(pcap::Records<'a>),
    PcapNg(pcapng::Blocks<'a>),
    Done,
}

/// What a format reader answers when asked for the next packet.
enum Step<'a> {
    Frame(Frame<'a>),
    End,
    Stop { offset: u64, reason: String },
}

impl<'a> Frames<'a> {
    /// Looks at the first bytes of `bytes` and starts reading; `name` stands for the file in errors.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::NotACapture`], or [`Error::Malformed`] where the file header cannot be read.
    pub fn new(name: &Path, bytes: &'a [u8]) -> Result<Self, Error> {
        let mut notes = NoteLog::default();
        let malformed = |(offset, reason)| Error::Malformed {
            path: name.to_owned(),
            packet: 0,
            offset,
            reason,
        };
        let source = match bytes {
            [] => {
                return Err(Error::Empty {
                    path: name.to_owned(),
                });
            }
            [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..] => {
                Source::Pcap(pcap::Records::new(bytes).map_err(malformed)?)
            }
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => {
                Source::PcapNg(pcapng::Blocks::new(bytes, &mut notes).map_err(malformed)?)
            }
            _ => {
                return Err(Error::NotACapture {
                    path: name.to_owned(),
                    found: describe(bytes),
                });
            }
        };
        Ok(Self {
            source,
            packets: 0,
            notes,
            truncated: None,
        })
    }

    /// Number of packets taken so far, notes, and where reading stopped.
    pub fn finish(self) -> Ending {
        Ending {
            packets: self.packets,
            notes: self.notes.finish(),
            truncated: self.truncated,
        }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let step = match &mut self.source {
            Source::Pcap(records) => records.next(&mut self.packets, &mut self.notes),
            Source::PcapNg(blocks) => blocks.next(&mut self.packets, &mut self.notes),
            Source::Done => Step::End,
        };
        match step {
            Step::Frame(frame) => return Some(frame),
            Step::End => {}
            Step::Stop { offset, reason } => {
                let packet = self.packets + 1;
                self.notes.push(
                    NoteKind::Truncated,
                    Some(packet),
                    format_args!("reading stopped at offset {offset}: {reason}; the packets before it were read"),
                );
                self.truncated = Some(Truncation {
                    packet,
                    offset,
                    reason,
                });
            }
        }
        self.source = Source::Done;
        None
    }
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
        [0x34, 0xcd, 0xb2, 0xa1, ..] | [0xa1, 0xb2, 0xcd, 0x34, ..] => {
            "a pcap file in the modified format that some old tcpdump builds wrote"
        }
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
