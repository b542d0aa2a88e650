//! Captures without their secrets.
//!
//! Passwords, proofs and tokens are written over wherever they cross in clear, with placeholders that have the same length
//! and parse in the same way; the checksums around them are mended; keys of TLS and comments go. What is said, by whom, in
//! which packet and when stays, so that the capture is judged as before.
//!
//! What is no mail conversation is blanked, since nothing is known of what it holds. What cannot be written over is never
//! left in silence: then there is no output, and the reason is told.

mod body;
mod conversation;
mod frames;
mod metadata;
mod names;
mod needles;
mod sasl;
mod stream;
mod token;

use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use smtp::Timeline;
use wire::decode::Decoder;
use wire::{Conversation, Direction, Frames, Reassembler, StreamEvent, Truncation};

use self::conversation::side;
use self::frames::{Packet, Place};
use self::names::Names;
use self::needles::{Needle, Needles};
use self::stream::Stream;
use crate::Failure;
use crate::road::{self, Scope};

/// The longest capture, unpacked, that is redacted: it is held whole.
const LONGEST: u64 = 1 << 30;

/// How many packets are named in a message.
const MOST_NAMED: usize = 10;

/// What is to be taken out beside credentials and keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct Redaction {
    /// The texts of messages.
    pub bodies: bool,
    /// Mail addresses and user names.
    pub addresses: bool,
    /// Whether the payload of what is no mail conversation stays.
    pub keep_other: bool,
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Mail conversations.
    pub conversations: usize,
    /// Places that were written over.
    pub places: usize,
    /// Packets of other things that were blanked.
    pub blanked: usize,
    /// What else is to be known, a sentence each.
    pub notes: Vec<String>,
}

/// Writes a capture without its secrets, readable by its owner only, whole or not at all.
///
/// # Errors
///
/// The input is no capture or too long, something in it cannot be redacted, or the output cannot be written.
pub fn file(input: &Path, output: &Path, what: &Redaction) -> Result<Told, Failure> {
    let bytes = wire::source::unpacked(input, LONGEST)
        .map_err(|error| Failure::input(error.to_string()))?;
    let (bytes, told) = capture(input, bytes, what)?;
    let mut partial = output.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Path::new(&partial);
    let written = wire::create_private(partial)
        .and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(partial, output));
    written.map_err(|error| {
        let _ = std::fs::remove_file(partial);
        Failure::input(format!("cannot write {}: {error}", output.display()))
    })?;
    Ok(told)
}

/// The bytes of a capture without its secrets. `name` stands for it in errors.
///
/// # Errors
///
/// As [`file()`].
pub fn capture(
    name: &Path,
    mut bytes: Vec<u8>,
    what: &Redaction,
) -> Result<(Vec<u8>, Told), Failure> {
    let read = Read::new(name, &bytes)?;
    let mut told = Told::default();
    if let Some(cut) = &read.truncated {
        told.notes.push(format!(
            "the capture breaks off at byte {} ({}); what stands behind that is left out",
            cut.offset, cut.reason
        ));
        bytes.truncate(usize::try_from(cut.offset).unwrap_or(usize::MAX));
    }
    let mut connections = connections(&read, name)?;
    let needles = take_out(&mut connections, *what, &mut told)?;
    apply(&mut bytes, &read, &connections, *what, &mut told)?;
    let done = metadata::redact(&mut bytes, what.addresses);
    for (count, text) in [
        (done.keys, "blocks with keys of TLS were left out"),
        (done.comments, "comments were written over"),
        (done.blocks, "blocks that hold no packets were blanked"),
    ] {
        if count > 0 {
            told.notes.push(format!("{count} {text}"));
        }
    }
    look_again(name, &bytes, &needles, &mut told)?;
    Ok((bytes, told))
}

/// A capture, taken apart.
struct Read {
    packets: Vec<Packet>,
    conversations: Vec<Conversation>,
    truncated: Option<Truncation>,
}

impl Read {
    fn new(name: &Path, bytes: &[u8]) -> Result<Self, Failure> {
        let mut frames =
            Frames::new(name, bytes).map_err(|error| Failure::input(error.to_string()))?;
        let mut decoder = Decoder::default();
        let mut reassembler = Reassembler::default();
        let mut packets = Vec::new();
        for frame in &mut frames {
            let segment = decoder.segment(&frame);
            packets.extend(Packet::new(bytes, &frame, segment.as_ref()));
            if let Some(segment) = segment {
                reassembler.push(&segment);
            }
        }
        Ok(Self {
            packets,
            conversations: reassembler.finish(),
            truncated: frames.finish().truncated,
        })
    }
}

/// A mail conversation, its streams, and where they begin in sequence numbers.
struct Connection {
    timeline: Timeline,
    streams: [Stream; 2],
    bases: [Option<u32>; 2],
    ends: (SocketAddr, SocketAddr),
    packets: (u64, u64),
}

/// The mail conversations of a capture.
fn connections(read: &Read, name: &Path) -> Result<Vec<Connection>, Failure> {
    let places: HashMap<u64, &Place> = read
        .packets
        .iter()
        .filter_map(|packet| Some((packet.number, packet.segment.as_ref()?)))
        .collect();
    let mut connections = Vec::new();
    for conversation in &read.conversations {
        let timeline = smtp::session::read(conversation);
        if !road::wanted(&timeline, Scope::Field) {
            continue;
        }
        if let Some(why) = conversation
            .given_up
            .as_ref()
            .or(timeline.given_up.as_ref())
        {
            return Err(Failure::input(format!(
                "{}: the conversation that begins in packet {} cannot be read to its end ({why}), so its secrets cannot \
                 be found; nothing was written",
                name.display(),
                conversation.first_packet
            )));
        }
        let mut streams = [Stream::default(), Stream::default()];
        let mut bases = [None, None];
        for event in &conversation.events {
            let StreamEvent::Data { direction, .. } = event else {
                continue;
            };
            streams[side(*direction)].push(event);
            let base = &mut bases[side(*direction)];
            *base = base.or_else(|| base_of(event, &places));
        }
        connections.push(Connection {
            timeline,
            streams,
            bases,
            ends: (conversation.client, conversation.server),
            packets: (conversation.first_packet, conversation.last_packet),
        });
    }
    Ok(connections)
}

/// The sequence number of a stream's first byte, by a packet all of whose payload was taken into the stream.
fn base_of(event: &StreamEvent, places: &HashMap<u64, &Place>) -> Option<u32> {
    let StreamEvent::Data {
        offset,
        packet,
        bytes,
        ..
    } = event
    else {
        return None;
    };
    let place = places.get(packet)?;
    let offset = u32::try_from(*offset & u64::from(u32::MAX)).ok()?;
    (place.length == bytes.len()).then(|| place.seq.wrapping_sub(offset))
}

/// Writes over what is secret in the streams. The answer is what is to be found nowhere any more.
fn take_out(
    connections: &mut [Connection],
    what: Redaction,
    told: &mut Told,
) -> Result<Needles, Failure> {
    let names = if what.addresses {
        Names::of(connections.iter().map(|one| &one.timeline))?
    } else {
        Names::default()
    };
    if names.short > 0 {
        told.notes.push(format!(
            "{} names of fewer than three characters are written over in addresses only",
            names.short
        ));
    }
    let mut needles = Needles::default();
    for one in connections.iter_mut() {
        let taken = conversation::redact(&one.timeline, &mut one.streams, what, &names);
        told.places += taken.places;
        needles.add(&taken.needles);
    }
    told.conversations = connections.len();
    if needles.short > 0 {
        told.notes.push(format!(
            "{} passwords have fewer than {} characters: they are written over where they were used to log in, and \
             cannot be told from other text elsewhere",
            needles.short,
            needles::SHORTEST
        ));
    }
    let passwords = needles.passwords()?;
    for one in connections {
        for direction in [Direction::Client, Direction::Server] {
            let stream = &mut one.streams[side(direction)];
            let tls = one.timeline.tls.as_ref().map(|tls| match direction {
                Direction::Client => tls.client.start,
                Direction::Server => tls.server.start,
            });
            if let Some(passwords) = &passwords {
                told.places += stream.replace(passwords, tls);
            }
            if what.addresses {
                told.places += names.hide_in(stream, tls);
            }
        }
    }
    Ok(needles)
}

/// Puts what the streams became into the packets.
fn apply(
    bytes: &mut [u8],
    read: &Read,
    connections: &[Connection],
    what: Redaction,
    told: &mut Told,
) -> Result<(), Failure> {
    let mut by_ends: HashMap<(SocketAddr, SocketAddr), Vec<(&Connection, usize)>> = HashMap::new();
    for one in connections {
        let (client, server) = one.ends;
        by_ends.entry((client, server)).or_default().push((one, 0));
        by_ends.entry((server, client)).or_default().push((one, 1));
    }
    let mut stuck = Vec::new();
    for packet in &read.packets {
        if packet.frame.end > bytes.len() {
            break;
        }
        let found = packet.segment.as_ref().and_then(|place| {
            let all = by_ends.get(&place.ends)?;
            let (one, side) = all
                .iter()
                .rev()
                .find(|(one, _)| one.packets.0 <= packet.number)
                .or(all.first())?;
            Some((place, &one.streams[*side], one.bases[*side]))
        });
        let Some((place, stream, base)) = found else {
            if !what.keep_other && frames::blank(bytes, packet) {
                told.blanked += 1;
            }
            continue;
        };
        let at = |index: usize| -> Option<u64> {
            let distance = place.seq.wrapping_sub(base?).cast_signed();
            let start = i64::from(distance);
            u64::try_from(start + i64::try_from(index).ok()?).ok()
        };
        let done = match &place.payload {
            Some(payload) => frames::overwrite(bytes, packet, payload, |position| {
                stream.change(at(position - payload.start))
            }),
            None => false,
        };
        let end = at(place.length).unwrap_or(0);
        if !done && stream.changes(at(0).unwrap_or(0)..end) {
            stuck.push(packet.number);
        }
    }
    if stuck.is_empty() {
        return Ok(());
    }
    Err(Failure::input(format!(
        "{} hold secrets in IP fragments, which cannot be redacted; nothing was written",
        named(&stuck)
    )))
}

/// Searches the output for all that was taken out.
fn look_again(
    name: &Path,
    bytes: &[u8],
    needles: &Needles,
    told: &mut Told,
) -> Result<(), Failure> {
    let Some(forms) = needles.forms()? else {
        return Ok(());
    };
    let mut places: Vec<usize> = forms.find_iter(bytes).map(|found| found.start()).collect();
    if places.is_empty() {
        return Ok(());
    }
    let frames = Frames::new(name, bytes).map_err(|error| Failure::input(error.to_string()))?;
    let base = bytes.as_ptr().addr();
    let mut packets = Vec::new();
    for frame in frames {
        let start = frame.bytes.as_ptr().addr() - base;
        let range = start..start + frame.bytes.len();
        let before = places.len();
        places.retain(|place| !range.contains(place));
        if places.len() < before {
            packets.push(frame.packet);
        }
    }
    told.places = 0;
    let place = if packets.is_empty() {
        "the blocks between the packets".to_owned()
    } else {
        named(&packets)
    };
    Err(Failure::input(format!(
        "{}: a secret of this capture stands in {place} in another form, where it cannot be told what it is part of; \
         --bodies takes out the texts of messages, too; nothing was written",
        name.display()
    )))
}

/// Packets, by their numbers.
fn named(packets: &[u64]) -> String {
    let numbers: Vec<_> = packets
        .iter()
        .take(MOST_NAMED)
        .map(ToString::to_string)
        .collect();
    let more = packets.len().saturating_sub(MOST_NAMED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("packets {}{more}", numbers.join(", "))
}
