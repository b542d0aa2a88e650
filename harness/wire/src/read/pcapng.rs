//! The pcapng format: several sections, several interfaces, each with a clock of its own.
//!
//! Blocks are found by the parser of `pcap-file`; their bodies are read here, since that crate's readers refuse what field
//! captures hold (a reserved field that is not zero, a comment that is not UTF-8, a captured length above the original).

mod interface;

use pcap_file::Endianness;
use pcap_file::pcapng::{PcapNgParseError, PcapNgParser};

use self::interface::Interface;
use super::fields::Fields;
use super::{Frame, LARGEST_RECORD, Step, wire_length};
use crate::notes::NoteLog;
use crate::{NoteKind, Timestamp};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;
/// The kind of secrets that is a TLS key log: `TLSK`.
const TLS_KEY_LOG: u32 = 0x544c_534b;
/// Options of an interface statistics block that count packets which are not in the file.
const DROPPED_BY_INTERFACE: u16 = 5;
const DROPPED_BY_SYSTEM: u16 = 7;
/// These hold no packet, but Wireshark gives each a packet number of its own.
const SYSTEMD_JOURNAL: u32 = 9;
const CUSTOM_COPIED: u32 = 0x0000_0bad;
const CUSTOM_NOT_COPIED: u32 = 0x4000_0bad;

/// Section headers without options, to stand in for one whose options cannot be read.
const PLAIN_SECTION_LITTLE: [u8; 28] = *b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0\
    \xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0";
const PLAIN_SECTION_BIG: [u8; 28] = *b"\x0a\x0d\x0d\x0a\0\0\0\x1c\x1a\x2b\x3c\x4d\0\x01\0\0\
    \xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x1c";

/// Reads blocks.
#[derive(Debug)]
pub(super) struct Blocks {
    parser: PcapNgParser,
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

/// What cutting the next block out of the file came to.
enum Cut<'a> {
    Block(Block<'a>),
    More(usize),
    Stop(String),
}

impl Blocks {
    /// Reads the first section header. An error is an offset and a reason; within the answer, how many bytes are needed.
    pub(super) fn new(
        input: &mut &[u8],
        last: bool,
        notes: &mut NoteLog,
    ) -> Result<Result<Self, usize>, (u64, String)> {
        let bytes = *input;
        let (rest, parser) = match PcapNgParser::new(bytes) {
            Ok(read) => read,
            Err(PcapNgParseError::IncompleteBuffer(needed, _))
                if !last && needed <= LARGEST_RECORD =>
            {
                return Ok(Err(needed.max(bytes.len() + 1)));
            }
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
        *input = rest;
        Ok(Ok(Self {
            parser,
            interfaces: Vec::new(),
            earlier_interfaces: 0,
        }))
    }

    /// The next packet; `packets` is the number of packets read so far. TLS secrets before it are added to `secrets`.
    pub(super) fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
        last: bool,
        packets: &mut u64,
        notes: &mut NoteLog,
        secrets: &mut Vec<String>,
    ) -> Step<'a> {
        loop {
            if input.is_empty() {
                return Step::More(1);
            }
            let block = match self.block(input, last, notes) {
                Cut::Block(block) => block,
                Cut::More(needed) => return Step::More(needed),
                Cut::Stop(reason) => return Step::Stop(reason),
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
                DECRYPTION_SECRETS => {
                    secrets.extend(tls_key_log(fields));
                    continue;
                }
                INTERFACE_STATISTICS => {
                    note_drops(fields, notes);
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
    fn block<'a>(&mut self, input: &mut &'a [u8], last: bool, notes: &mut NoteLog) -> Cut<'a> {
        let source = *input;
        let rest = match self.parser.next_raw_block(source) {
            Ok((rest, _)) => rest,
            Err(PcapNgParseError::IncompleteBuffer(needed, _)) if needed > LARGEST_RECORD => {
                return Cut::Stop(format!(
                    "the block claims {needed} bytes, which shows that the file is damaged here"
                ));
            }
            Err(PcapNgParseError::IncompleteBuffer(needed, _)) if !last => {
                return Cut::More(needed.max(source.len() + 1));
            }
            Err(PcapNgParseError::IncompleteBuffer(..)) => {
                return Cut::Stop("the file ends inside a block".to_owned());
            }
            // The block is whole, but its options cannot be read by the parser.
            Err(
                error @ (PcapNgParseError::StateUpdate(_) | PcapNgParseError::BlockConversion(_)),
            ) => {
                let passed = if source.starts_with(&SECTION_HEADER.to_be_bytes()) {
                    stand_in(source, notes).map(|(rest, parser)| {
                        self.parser = parser;
                        rest
                    })
                } else {
                    after_block(source, self.big_endian())
                };
                match passed {
                    Some(rest) => rest,
                    None => return Cut::Stop(error.to_string()),
                }
            }
            Err(PcapNgParseError::InvalidFormat(error)) => {
                return Cut::Stop(format!("the block is damaged: {error}"));
            }
        };
        let length = source.len() - rest.len();
        let kind = Fields::new(source, self.big_endian())
            .u32()
            .unwrap_or_default();
        let body = source.get(8..length.saturating_sub(4)).unwrap_or_default();
        *input = rest;
        Cut::Block(Block { kind, body })
    }

    fn simple_packet<'a>(&self, mut fields: Fields<'a>) -> Option<Packet<'a>> {
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

    fn frame<'a>(
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

/// The key log of a Decryption Secrets Block.
fn tls_key_log(mut fields: Fields<'_>) -> Option<String> {
    if fields.u32()? != TLS_KEY_LOG {
        return None;
    }
    let length = usize::try_from(fields.u32()?).ok()?;
    let text = fields.bytes(length.min(fields.rest().len()))?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// Tells of packets that the capturing machine saw and did not write.
fn note_drops(mut fields: Fields<'_>, notes: &mut NoteLog) {
    let mut read = || -> Option<(u32, u64)> {
        let interface = fields.u32()?;
        fields.bytes(8)?;
        let mut dropped = 0_u64;
        while !fields.rest().is_empty() {
            let code = fields.u16()?;
            let length = usize::from(fields.u16()?);
            let mut value = fields;
            fields.bytes(length.next_multiple_of(4))?;
            if code == 0 {
                break;
            }
            if matches!(code, DROPPED_BY_INTERFACE | DROPPED_BY_SYSTEM) && length == 8 {
                dropped = dropped.saturating_add(value.u64()?);
            }
        }
        Some((interface, dropped))
    };
    if let Some((interface, dropped @ 1..)) = read() {
        notes.push(
            NoteKind::Dropped,
            None,
            format_args!(
                "the capturing machine dropped {dropped} packets of interface {interface}; what they held is not here"
            ),
        );
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
