//! The classic pcap format: microseconds or nanoseconds, either byte order; and the modified one of old Linux builds, whose
//! record headers are eight bytes longer.

use pcap_file::pcap::{PcapParseError, PcapParser, PcapTsResolution};

use super::fields::Fields;
use super::{Frame, LARGEST_RECORD, Step, wire_length};
use crate::notes::NoteLog;
use crate::{NoteKind, Timestamp};

/// Bytes of the file header.
const FILE_HEADER: usize = 24;

/// Bytes before each packet: seconds, fraction, captured length, original length.
const RECORD_HEADER: usize = 16;

/// What the modified format adds to it: interface index, protocol, packet type and padding.
const MODIFIED_EXTRA: usize = 8;

const MODIFIED_BIG: [u8; 4] = [0xa1, 0xb2, 0xcd, 0x34];
const MODIFIED_LITTLE: [u8; 4] = [0x34, 0xcd, 0xb2, 0xa1];

/// Whether a file that begins so is of this format.
pub(super) fn is_magic(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
    ) || bytes.starts_with(&MODIFIED_BIG)
        || bytes.starts_with(&MODIFIED_LITTLE)
}

/// Reads records.
#[derive(Debug)]
pub(super) struct Records {
    parser: PcapParser,
    modified: bool,
    big_endian: bool,
}

impl Records {
    /// Reads the file header. An error is an offset and a reason; within the answer, how many bytes are needed.
    pub(super) fn new(input: &mut &[u8], last: bool) -> Result<Result<Self, usize>, (u64, String)> {
        let bytes = *input;
        let Some(header) = bytes.first_chunk::<FILE_HEADER>() else {
            return if last {
                Err((
                    bytes.len() as u64,
                    "the file ends inside its header".to_owned(),
                ))
            } else {
                Ok(Err(FILE_HEADER))
            };
        };
        let mut header = *header;
        let big_endian = header[0] == 0xa1;
        let modified = header.starts_with(&MODIFIED_BIG) || header.starts_with(&MODIFIED_LITTLE);
        if modified {
            let magic = if big_endian {
                [0xa1, 0xb2, 0xc3, 0xd4]
            } else {
                [0xd4, 0xc3, 0xb2, 0xa1]
            };
            header[..4].copy_from_slice(&magic);
        }
        let (_, parser) =
            PcapParser::new(&header).map_err(|error: PcapParseError| (0, error.to_string()))?;
        *input = &bytes[FILE_HEADER..];
        Ok(Ok(Self {
            parser,
            modified,
            big_endian,
        }))
    }

    /// The next packet; `packets` is the number of packets read so far.
    pub(super) fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
        last: bool,
        packets: &mut u64,
        notes: &mut NoteLog,
    ) -> Step<'a> {
        let source = *input;
        let extra = if self.modified { MODIFIED_EXTRA } else { 0 };
        let mut fields = Fields::new(source, self.big_endian);
        let mut number = || fields.u32();
        let header = (number(), number(), number(), number());
        let (Some(seconds), Some(fraction), Some(captured), Some(original)) = header else {
            return if last {
                Step::Stop("the file ends inside a packet header".to_owned())
            } else {
                Step::More(RECORD_HEADER + extra)
            };
        };
        let length = usize::try_from(captured).unwrap_or(usize::MAX);
        let start = RECORD_HEADER + extra;
        let Some(bytes) = source.get(start..start.saturating_add(length)) else {
            if length > LARGEST_RECORD {
                return Step::Stop(format!(
                    "the packet claims {captured} captured bytes, which shows that the file is damaged here"
                ));
            }
            return if last {
                let left = source.len().saturating_sub(start);
                Step::Stop(format!(
                    "the file ends inside a packet: {left} of its {captured} bytes are there"
                ))
            } else {
                Step::More(start + length)
            };
        };
        *input = &source[start + length..];
        *packets += 1;
        let packet = *packets;
        let header = self.parser.header();
        if header.snaplen != 0 && captured > header.snaplen {
            notes.push(
                NoteKind::OddRecord,
                Some(packet),
                format_args!(
                    "{captured} bytes were captured although the snap length of the file is {}; all were used",
                    header.snaplen
                ),
            );
        }
        Step::Frame(Frame {
            packet,
            time: time(seconds, fraction, header.ts_resolution, packet, notes),
            interface: 0,
            // The upper half of the field tells the length of a frame check sequence, which the IP length trims anyway.
            link_type: u16::try_from(u32::from(header.datalink) & 0xffff).unwrap_or_default(),
            wire_length: wire_length(original, bytes, packet, notes),
            bytes,
        })
    }
}

fn time(
    seconds: u32,
    fraction: u32,
    resolution: PcapTsResolution,
    packet: u64,
    notes: &mut NoteLog,
) -> Timestamp {
    let unit: u64 = match resolution {
        PcapTsResolution::MicroSecond => 1_000,
        PcapTsResolution::NanoSecond => 1,
    };
    let nanos = u64::from(fraction) * unit;
    if nanos >= 1_000_000_000 {
        notes.push(
            NoteKind::OddRecord,
            Some(packet),
            format_args!("the fraction of its time is {fraction}, a second or more; it was added to the seconds"),
        );
    }
    Timestamp::from_nanos(u64::from(seconds) * 1_000_000_000 + nanos)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::read::{Ending, Frames};
    use crate::{Error, NoteKind};

    fn header(magic: [u8; 4], big: bool, snap_length: u32, link: u32) -> Vec<u8> {
        let mut bytes = magic.to_vec();
        let number = |value: u32| {
            if big {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            }
        };
        bytes.extend(if big { [0, 2, 0, 4] } else { [2, 0, 4, 0] });
        for value in [0, 0, snap_length, link] {
            bytes.extend(number(value));
        }
        bytes
    }

    fn record(bytes: &mut Vec<u8>, big: bool, fields: [u32; 4], data: &[u8]) {
        for value in fields {
            bytes.extend(if big {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            });
        }
        bytes.extend(data);
    }

    type Seen = (u64, u64, u16, u64, Vec<u8>);

    fn read(bytes: &[u8]) -> (Vec<Seen>, Ending) {
        let mut frames = Frames::new(Path::new("x"), bytes).unwrap();
        let mut seen = Vec::new();
        for frame in &mut frames {
            seen.push((
                frame.packet,
                frame.time.as_nanos(),
                frame.link_type,
                frame.wire_length,
                frame.bytes.to_vec(),
            ));
        }
        (seen, frames.finish())
    }

    #[test]
    fn reads_both_byte_orders_and_both_resolutions() {
        for (magic, big, nanos) in [
            ([0xa1, 0xb2, 0xc3, 0xd4], true, 5_000_007_000),
            ([0xd4, 0xc3, 0xb2, 0xa1], false, 5_000_007_000),
            ([0xa1, 0xb2, 0x3c, 0x4d], true, 5_000_000_007),
            ([0x4d, 0x3c, 0xb2, 0xa1], false, 5_000_000_007),
        ] {
            let mut file = header(magic, big, 65_535, 1);
            record(&mut file, big, [5, 7, 3, 9], b"abc");
            let (seen, ending) = read(&file);
            assert_eq!(seen, [(1, nanos, 1, 9, b"abc".to_vec())]);
            assert!(ending.notes.is_empty() && ending.truncated.is_none());
        }
    }

    #[test]
    fn reads_the_modified_format() {
        for (magic, big) in [
            ([0xa1, 0xb2, 0xcd, 0x34], true),
            ([0x34, 0xcd, 0xb2, 0xa1], false),
        ] {
            let mut file = header(magic, big, 65_535, 1);
            record(&mut file, big, [5, 7, 3, 9], b"\0\0\0\x02\x08\0\0\0abc");
            record(&mut file, big, [5, 8, 1, 1], b"\0\0\0\x02\x08\0\0\0d");
            let (seen, ending) = read(&file);
            assert_eq!(
                seen,
                [
                    (1, 5_000_007_000, 1, 9, b"abc".to_vec()),
                    (2, 5_000_008_000, 1, 1, b"d".to_vec())
                ]
            );
            assert!(ending.notes.is_empty() && ending.truncated.is_none());
        }
    }

    #[test]
    fn keeps_records_that_break_the_rules() {
        let mut file = header([0xd4, 0xc3, 0xb2, 0xa1], false, 2, 0x1000_0001);
        record(&mut file, false, [1, 2_000_000, 3, 1], b"abc");
        let (seen, ending) = read(&file);
        assert_eq!(seen, [(1, 3_000_000_000, 1, 3, b"abc".to_vec())]);
        assert_eq!(
            ending
                .notes
                .iter()
                .map(|note| note.kind)
                .collect::<Vec<_>>(),
            [NoteKind::OddRecord; 3]
        );
    }

    #[test]
    fn a_snap_length_of_zero_means_no_limit() {
        let mut file = header([0xd4, 0xc3, 0xb2, 0xa1], false, 0, 101);
        record(&mut file, false, [1, 0, 3, 3], b"abc");
        let (seen, ending) = read(&file);
        assert_eq!(seen.len(), 1);
        assert!(ending.notes.is_empty());
    }

    #[test]
    fn a_header_alone_is_an_empty_capture() {
        let (seen, ending) = read(&header([0xd4, 0xc3, 0xb2, 0xa1], false, 0, 1));
        assert!(seen.is_empty() && ending.truncated.is_none());
        assert_eq!(ending.packets, 0);
    }

    #[test]
    fn a_cut_packet_is_named_with_its_offset() {
        let mut file = header([0xd4, 0xc3, 0xb2, 0xa1], false, 0, 1);
        record(&mut file, false, [1, 0, 3, 3], b"abc");
        record(&mut file, false, [1, 0, 3, 3], b"ab");
        let (seen, ending) = read(&file);
        assert_eq!(seen.len(), 1);
        let cut = ending.truncated.unwrap();
        assert_eq!((cut.packet, cut.offset), (2, 24 + 19));
        assert_eq!(
            cut.reason,
            "the file ends inside a packet: 2 of its 3 bytes are there"
        );
        assert_eq!(ending.notes.len(), 1);
        assert_eq!(ending.notes[0].kind, NoteKind::Truncated);
    }

    #[test]
    fn an_absurd_length_is_called_damage() {
        let mut file = header([0xd4, 0xc3, 0xb2, 0xa1], false, 0, 1);
        record(&mut file, false, [1, 0, 3_900_000_000, 3], b"abc");
        let (_, ending) = read(&file);
        assert!(ending.truncated.unwrap().reason.contains("damaged"));
    }

    #[test]
    fn a_cut_header_is_an_error() {
        let file = &header([0xd4, 0xc3, 0xb2, 0xa1], false, 0, 1)[..20];
        let error = Frames::new(Path::new("x"), file).unwrap_err();
        assert!(matches!(
            error,
            Error::Malformed {
                packet: 0,
                offset: 20,
                ..
            }
        ));
    }
}
