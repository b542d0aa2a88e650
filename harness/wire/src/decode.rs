//! Frames: from link layer to TCP.
//!
//! What may stand around TCP: Ethernet, VLAN tags (802.1Q, 802.1ad and what came before it), `MACsec` that is only
//! authenticated, Linux cooked headers, BSD loopback, PPP, `PPPoE`, Cisco HDLC, MPLS and its Ethernet pseudowires,
//! IPv4 and IPv6 with extension headers and fragments, and IP in any of these tunnels: IP-in-IP, GRE, ERSPAN, PPTP,
//! `EtherIP`, VXLAN, Geneve. They may nest in any order, up to a bound.
//!
//! Lengths are read leniently, since captures hold frames that were cut by the snap length and frames recorded before the
//! network card filled in their lengths. What a length field shuts out (padding, frame check sequences) is not of the
//! stream. Checksums are never verified: on the sending machine they are not there yet.
//!
//! The headers are read here and not with etherparse's slices, which enter only at Ethernet, Linux cooked or IP, know few
//! of these layers, and keep more of a packet than is wanted for each of a hundred million.
//!
//! Only the innermost IP addresses are kept. Two connections between the same sockets in different tunnels, tags or
//! private networks are one connection to this reader.

mod ethertype;
mod fragments;
mod link;
mod mpls;
mod net;
mod tcp;
mod tunnel;
mod walk;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use self::fragments::{Fragment, Fragments};
use self::tcp::Tcp;
use self::walk::{Layer, Stop, Walk};
use crate::notes::NoteLog;
use crate::read::Frame;
use crate::segment::Segment;
use crate::{Note, NoteKind};

/// How many times a packet may turn out to be a fragment: of a tunnel's datagram, of the datagram in it, and so on.
const MAX_REASSEMBLIES: usize = 4;

/// For how many interfaces it is remembered that their link type is not read.
const MAX_UNREAD_INTERFACES: usize = 256;

/// Takes frames apart and remembers what was odd about them.
#[derive(Debug, Default)]
pub struct Decoder {
    notes: NoteLog,
    unread_interfaces: BTreeSet<u32>,
    met_wrappers: BTreeSet<&'static str>,
    fragments: Fragments,
    /// The datagrams that the latest fragment made whole, outermost first.
    whole: [Vec<u8>; MAX_REASSEMBLIES],
}

impl Decoder {
    /// The TCP segment that the frame carries; `None` where it carries something else, or nothing that can be read.
    ///
    /// A segment that came in IP fragments is returned for the frame that completes it. A segment quoted inside an ICMP
    /// error is not a segment of the connection and is not returned.
    #[inline]
    pub fn segment<'a>(&'a mut self, frame: &Frame<'a>) -> Option<Segment<'a>> {
        let Some(first) = link::first_layer(frame.link_type) else {
            self.unread(frame);
            return None;
        };
        let uncaptured = frame.wire_length.saturating_sub(frame.bytes.len() as u64);
        let mut walk = Walk::new(frame.bytes, uncaptured);
        match walk.run(first) {
            Ok(tcp) => Some(segment(frame, &walk, tcp, false)),
            Err(Stop::Other) => None,
            Err(Stop::Fragment(_)) => self.reassembled(frame, first),
            Err(stop) => {
                self.remark(frame, stop);
                None
            }
        }
    }

    /// The remarks on the frames so far.
    pub fn finish(self) -> Vec<Note> {
        let mut notes = self.notes;
        self.fragments.finish(&mut notes);
        notes.finish()
    }

    /// Takes a frame that holds a fragment, and goes on in the datagram that it completes.
    #[cold]
    fn reassembled<'a>(&'a mut self, frame: &Frame<'a>, first: Layer) -> Option<Segment<'a>> {
        let uncaptured = frame.wire_length.saturating_sub(frame.bytes.len() as u64);
        let mut walk = Walk::new(frame.bytes, uncaptured);
        let mut outcome = walk.run(first);
        let mut disputed = false;
        for buffer in &mut self.whole {
            let Err(Stop::Fragment(piece)) = outcome else {
                break;
            };
            let fragment = Fragment {
                packet: frame.packet,
                time: frame.time,
                src: walk.src,
                dst: walk.dst,
                piece,
                bytes: walk.bytes,
                uncaptured: walk.uncaptured,
            };
            let whole = self.fragments.add(&fragment, buffer, &mut self.notes)?;
            disputed |= whole.disputed;
            walk = walk.resume(buffer, whole.uncaptured);
            outcome = walk.run(Layer::Protocol(whole.protocol));
        }
        match outcome {
            Ok(tcp) => Some(segment(frame, &walk, tcp, disputed)),
            Err(stop) => {
                remark(&mut self.notes, &mut self.met_wrappers, frame, stop);
                None
            }
        }
    }

    #[cold]
    fn remark(&mut self, frame: &Frame<'_>, stop: Stop) {
        remark(&mut self.notes, &mut self.met_wrappers, frame, stop);
    }

    /// Tells once for each interface that its packets are not read.
    #[cold]
    fn unread(&mut self, frame: &Frame<'_>) {
        if self.unread_interfaces.len() < MAX_UNREAD_INTERFACES
            && self.unread_interfaces.insert(frame.interface)
        {
            self.notes.push(
                NoteKind::UnknownLinkType,
                Some(frame.packet),
                format_args!(
                    "link type {} of interface {} is not read by this build; its packets were passed over",
                    frame.link_type, frame.interface
                ),
            );
        }
    }
}

#[inline]
fn segment<'a>(frame: &Frame<'_>, walk: &Walk<'_>, tcp: Tcp<'a>, disputed: bool) -> Segment<'a> {
    Segment {
        packet: frame.packet,
        time: frame.time,
        src: SocketAddr::new(walk.src, tcp.source_port),
        dst: SocketAddr::new(walk.dst, tcp.destination_port),
        seq: tcp.seq,
        ack: tcp.ack,
        flags: tcp.flags,
        payload: tcp.payload,
        missing: tcp.missing,
        disputed,
    }
}

/// Says why a frame was not read to its end.
fn remark(
    notes: &mut NoteLog,
    met_wrappers: &mut BTreeSet<&'static str>,
    frame: &Frame<'_>,
    stop: Stop,
) {
    let packet = Some(frame.packet);
    match stop {
        Stop::Other => {}
        Stop::Cut(what) => notes.push(
            NoteKind::Undecodable,
            packet,
            format_args!("its {what} is cut short"),
        ),
        Stop::Damaged(why) => notes.push(NoteKind::Undecodable, packet, format_args!("{why}")),
        Stop::Closed(name) => {
            if met_wrappers.insert(name) {
                notes.push(
                    NoteKind::Wrapped,
                    packet,
                    format_args!("{name} is not opened by this build; such packets were passed over"),
                );
            }
        }
        Stop::Deep | Stop::Fragment(_) => notes.push(
            NoteKind::Limit,
            packet,
            format_args!("it has more headers inside one another than this reader follows, and was passed over"),
        ),
    }
}

#[cfg(test)]
mod tests;
