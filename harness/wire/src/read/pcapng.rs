//! The pcapng format: several sections, several interfaces, each with a clock of its own.
//!
//! Blocks are found by the parser of `pcap-file`; their bodies are read here, since that crate's readers refuse what field
//! captures hold (a reserved field that is not zero, a comment that is not UTF-8, a captured length above the original).

mod interface;

use pcap_file::Endianness;
use pcap_file::pcapng::{PcapNgParseError, PcapNgParser};

use self::interface::Interface;
use super::fields::Fields;
use super::{Frame, Step, wire_length};
use crate::notes::NoteLog;
use crate::{NoteKind, Timestamp};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
/// These hold no packet, but Wireshark gives each a packet number of its own.
const SYSTEMD_JOURNAL: u32 = 9;
const CUSTOM_COPIED: u32 = 0x0000_0bad;
const CUSTOM_NOT_COPIED: u32 = 0x4000_0bad;

/// Section headers without options, to stand in for one whose options cannot be read.
const PLAIN_SECTION_LITTLE: [u8; 28] = *b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0\
    \xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0";
const PLAIN_SECTION_BIG: [u8; 28] = *b"\x0a\x0d\x0d\x0a\0\0\0\x1c\x1a\x2b\x3c\x4d\0\x01\0\0\
    \xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x1c";

/// The blocks that are left to read.
#[derive(Debug)]
pub(super) struct Blocks<'a> {
    parser: PcapNgParser,
    rest: &'a [u8],
    file_length: usize,
    /// Interfaces of the current section.
    interfaces: Vec<Interface>,
    /// Number of interfaces in the sections before.
    earlier_interfaces: usize,
}

/// A block, cut out of the file.
struct Block<'a> {
    kind: u32,
    body: &'a [u8],
}

/// The fields that the three kinds of packet block have in common.
struct Packet<'a> {
    interface: usize,
    ticks: Option<u64>,
    captured: usize,
    original: u32,
    body: &'a [u8],
}

impl<'a> Blocks<'a> {
    /// Reads the first section header; the error is an offset and a reason.
    pub(super) fn new(bytes: &'a [u8], notes: &mut NoteLog) -> Result<Self, (u64, String)> {
        let (rest, parser) = match PcapNgParser::new(bytes) {
            Ok(read) => read,
            Err(PcapNgParseError::IncompleteBuffer(..)) => {
                return Err((
                    bytes.len() as u64,
                    "the file ends inside its first section header".to_owned(),
                ));
            }
            Err(error @ PcapNgParseError::BlockConversion(_)) => {
                stand_in(bytes, notes).ok_or_else(|| (0, error.to_string()))?
            }
            Err(error) => return Err((0, error.to_string())),
        };
        Ok(Self {
            parser,
            rest,
            file_length: bytes.len(),
            interfaces: Vec::new(),
            earlier_interfaces: 0,
        })
    }

    /// The next packet; `packets` is the number of packets read so far.
    pub(super) fn next(&mut self, packets: &mut u64, notes: &mut NoteLog) -> Step<'a> {
        loop {
            if self.rest.is_empty() {
                return Step::End;
            }
            let offset = (self.file_length - self.rest.len()) as u64;
            let block = match self.block(notes) {
                Ok(block) => block,
                Err(reason) => return Step::Stop { offset, reason },
            };
            let fields = Fields::new(block.body, self.big_endian());
            let packet = match block.kind {
                SECTION_HEADER => {
                    self.earlier_interfaces += self.interfaces.len();
                    self.interfaces.clear();
                    continue;
                }
                INTERFACE_DESCRIPTION => {
                    self.interfaces.push(Interface::read(fields, notes));
                    continue;
                }
                ENHANCED_PACKET => enhanced_packet(fields),
                PACKET => obsolete_packet(fields),
                SIMPLE_PACKET => self.simple_packet(fields),
                SYSTEMD_JOURNAL | CUSTOM_COPIED | CUSTOM_NOT_COPIED => {
                    *packets += 1;
                    continue;
                }
                _ => continue,
            };
            *packets += 1;
            if let Some(frame) = self.frame(*packets, packet, notes) {
                return Step::Frame(frame);
            }
        }
    }

    fn big_endian(&self) -> bool {
        self.parser.section().endianness == Endianness::Big
    }

    /// Cuts the next block out of the file.
    fn block(&mut self, notes: &mut NoteLog) -> Result<Block<'a>, String> {
        let source = self.rest;
        let rest = match self.parser.next_raw_block(source) {
            Ok((rest, _)) => rest,
            Err(PcapNgParseError::IncompleteBuffer(..)) => {
                return Err("the file ends inside a block".to_owned());
            }
            // The block is whole, but its options cannot be read by the parser.
            Err(
                error @ (PcapNgParseError::StateUpdate(_) | PcapNgParseError::BlockConversion(_)),
            ) => {
                if source.starts_with(&SECTION_HEADER.to_be_bytes()) {
                    let (rest, parser) =
                        stand_in(source, notes).ok_or_else(|| error.to_string())?;
                    self.parser = parser;
                    rest
                } else {
                    after_block(source, self.big_endian()).ok_or_else(|| error.to_string())?
                }
            }
            Err(PcapNgParseError::InvalidFormat(error)) => {
                return Err(format!("the block is damaged: {error}"));
            }
        };
        let length = source.len() - rest.len();
        let kind = Fields::new(source, self.big_endian())
            .u32()
            .unwrap_or_default();
        let body = source.get(8..length.saturating_sub(4)).unwrap_or_default();
        self.rest = rest;
        Ok(Block { kind, body })
    }

    fn simple_packet(&self, mut fields: Fields<'a>) -> Option<Packet<'a>> {
        let original = fields.u32()?;
        // A simple packet does not say how much of it was captured: as much as the snap length allowed.
        let snap_length = self
            .interfaces
            .first()
            .map_or(0, |interface| interface.snap_length);
        let captured = if snap_length == 0 {
            original
        } else {
            original.min(snap_length)
        };
        Some(Packet {
            interface: 0,
            ticks: None,
            captured: usize::try_from(captured).ok()?,
            original,
            body: fields.rest(),
        })
    }

    fn frame(
        &self,
        packet: u64,
        block: Option<Packet<'a>>,
        notes: &mut NoteLog,
    ) -> Option<Frame<'a>> {
        let Some(block) = block else {
            notes.push(
                NoteKind::Skipped,
                Some(packet),
                format_args!("its block is too short for a packet"),
            );
            return None;
        };
        let Some(interface) = self.interfaces.get(block.interface) else {
            notes.push(
                NoteKind::Skipped,
                Some(packet),
                format_args!(
                    "it names interface {}, which the section does not describe",
                    block.interface
                ),
            );
            return None;
        };
        let bytes = block.body.get(..block.captured).unwrap_or(block.body);
        if bytes.len() < block.captured {
            notes.push(
                NoteKind::OddRecord,
                Some(packet),
                format_args!(
                    "it claims {} captured bytes, but its block has room for {}; those were used",
                    block.captured,
                    bytes.len()
                ),
            );
        }
        let time = block
            .ticks
            .map_or(Some(Timestamp::default()), |ticks| interface.time(ticks));
        let time = time.unwrap_or_else(|| {
            notes.push(
                NoteKind::OddRecord,
                Some(packet),
                format_args!("its time does not fit the years 1970 to 2554; the epoch was used"),
            );
            Timestamp::default()
        });
        Some(Frame {
            packet,
            time,
            interface: u32::try_from(self.earlier_interfaces + block.interface).unwrap_or(u32::MAX),
            link_type: interface.link_type,
            wire_length: wire_length(block.original, bytes, packet, notes),
            bytes,
        })
    }
}

fn enhanced_packet(mut fields: Fields<'_>) -> Option<Packet<'_>> {
    let interface = usize::try_from(fields.u32()?).ok()?;
    timed_packet(interface, fields)
}

fn obsolete_packet(mut fields: Fields<'_>) -> Option<Packet<'_>> {
    let interface = usize::from(fields.u16()?);
    let _drops = fields.u16()?;
    timed_packet(interface, fields)
}

fn timed_packet(interface: usize, mut fields: Fields<'_>) -> Option<Packet<'_>> {
    let ticks = u64::from(fields.u32()?) << 32 | u64::from(fields.u32()?);
    let captured = usize::try_from(fields.u32()?).ok()?;
    let original = fields.u32()?;
    Some(Packet {
        interface,
        ticks: Some(ticks),
        captured,
        original,
        body: fields.rest(),
    })
}

/// What follows a block whose frame is sound, without looking at its body.
fn after_block(source: &[u8], big_endian: bool) -> Option<&[u8]> {
    let mut fields = Fields::new(source, big_endian);
    fields.u32()?;
    let length = usize::try_from(fields.u32()?).ok()?;
    // A block shorter than its own frame would be read again and again.
    if length < 12 {
        None
    } else {
        source.get(length..)
    }
}

/// Passes over a section header whose options cannot be read.
fn stand_in<'a>(source: &'a [u8], notes: &mut NoteLog) -> Option<(&'a [u8], PcapNgParser)> {
    let big_endian = source.get(8..12)? == [0x1a, 0x2b, 0x3c, 0x4d];
    let plain: &[u8] = if big_endian {
        &PLAIN_SECTION_BIG
    } else {
        &PLAIN_SECTION_LITTLE
    };
    let (_, parser) = PcapNgParser::new(plain).ok()?;
    let rest = after_block(source, big_endian)?;
    notes.push(
        NoteKind::OddRecord,
        None,
        format_args!("the options of a section header could not be read and were passed over"),
    );
    Some((rest, parser))
}

#[cfg(test)]
mod tests;
