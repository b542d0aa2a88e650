//! A conversation as its own server saw it, turned into frames.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;

use super::CaptureWriter;
use super::frames::{self, CLIENT_MAC, Draft, SERVER_MAC};
use crate::segment::Flags;
use crate::{Direction, Timestamp};

/// A receiver acknowledges at least every second segment (RFC 9293 section 3.8.6.3).
const SEGMENTS_PER_ACK: u8 = 2;

/// One side's sending state.
#[derive(Clone, Copy, Debug)]
struct Side {
    /// Sequence number of the next byte to send.
    next: u32,
    /// How many segments of this side the other has not acknowledged yet.
    outstanding: u8,
    /// IPv4 identification of the next packet.
    identification: u16,
    fin_sent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Open,
    Reset,
}

/// Makes up the packets of one conversation.
///
/// The calls say what happened on the socket, in order; each writes the frames that stand for it. Acknowledgments ride on
/// the next data of the other direction; where none comes in time, a frame of its own carries them. Several conversations
/// may write to one file in turn.
#[derive(Clone, Debug)]
pub struct TappedConversation {
    client_address: SocketAddr,
    server_address: SocketAddr,
    client: Side,
    server: Side,
    phase: Phase,
    /// The most payload bytes in a frame.
    largest_segment: u16,
}

impl TappedConversation {
    /// A conversation between two sockets. `index` tells apart conversations of the same file between the same sockets.
    ///
    /// IPv4 addresses in IPv6 form, as a socket for both families shows them, are written as IPv4.
    pub fn new(client: SocketAddr, server: SocketAddr, index: u64) -> Self {
        let (client_ip, server_ip) =
            one_family(client.ip().to_canonical(), server.ip().to_canonical());
        let client_address = SocketAddr::new(client_ip, client.port());
        let server_address = SocketAddr::new(server_ip, server.port());
        let side = |from, to| {
            let next = initial_number(from, to, index);
            Side {
                next,
                outstanding: 0,
                identification: 1,
                fin_sent: false,
            }
        };
        Self {
            client_address,
            server_address,
            client: side(client_address, server_address),
            server: side(server_address, client_address),
            phase: Phase::New,
            largest_segment: frames::largest_segment(client_ip),
        }
    }

    /// With segments of up to so many bytes, where it is known how long those on the wire may be; else they are those of
    /// Ethernet.
    #[must_use]
    pub fn with_segments(mut self, most: NonZeroU16) -> Self {
        self.largest_segment = most.get().min(frames::MOST_SEGMENT);
        self
    }

    /// The connection was accepted: SYN, SYN-ACK, ACK.
    ///
    /// # Errors
    /// Those of the writer; [`io::ErrorKind::InvalidInput`] if the conversation was opened before.
    pub fn open<W: Write>(&mut self, time: Timestamp, to: &mut CaptureWriter<W>) -> io::Result<()> {
        if self.phase != Phase::New {
            return Err(out_of_order("a tapped conversation was opened twice"));
        }
        self.phase = Phase::Open;
        self.send(Direction::Client, time, Flags::SYN, &[], false, to)?;
        self.send(
            Direction::Server,
            time,
            Flags::SYN.with(Flags::ACK),
            &[],
            false,
            to,
        )?;
        self.acknowledge(Direction::Client, time, to)
    }

    /// `bytes` went over the wire from `direction`'s side. No bytes, no frame.
    ///
    /// # Errors
    /// Those of the writer; [`io::ErrorKind::InvalidInput`] if the conversation is not open, or that side is done sending.
    pub fn data<W: Write>(
        &mut self,
        direction: Direction,
        time: Timestamp,
        bytes: &[u8],
        to: &mut CaptureWriter<W>,
    ) -> io::Result<()> {
        self.must_be_open(direction)?;
        self.segments(direction, time, (bytes, Flags::ACK), to)
    }

    /// That side will send no more. Its FIN is acknowledged with whatever the other side sends next; the second FIN at
    /// once.
    ///
    /// # Errors
    /// Those of the writer; [`io::ErrorKind::InvalidInput`] if the conversation is not open, or that side is done sending.
    pub fn fin<W: Write>(
        &mut self,
        direction: Direction,
        time: Timestamp,
        to: &mut CaptureWriter<W>,
    ) -> io::Result<()> {
        self.last(direction, time, &[], to)
    }

    /// `bytes` went over the wire from `direction`'s side, and its FIN in the last segment of them.
    ///
    /// # Errors
    /// As [`TappedConversation::fin`].
    pub fn last<W: Write>(
        &mut self,
        direction: Direction,
        time: Timestamp,
        bytes: &[u8],
        to: &mut CaptureWriter<W>,
    ) -> io::Result<()> {
        self.must_be_open(direction)?;
        let flags = Flags::FIN.with(Flags::ACK);
        self.segments(direction, time, (bytes, flags), to)?;
        self.side_mut(direction).fin_sent = true;
        if self.side(direction.reverse()).fin_sent {
            self.acknowledge(direction.reverse(), time, to)?;
        }
        Ok(())
    }

    /// `bytes` in as many segments as they need, the last of them with `flags`: where these hold FIN, one at least.
    fn segments<W: Write>(
        &mut self,
        direction: Direction,
        time: Timestamp,
        (bytes, flags): (&[u8], Flags),
        to: &mut CaptureWriter<W>,
    ) -> io::Result<()> {
        if bytes.is_empty() && !flags.has(Flags::FIN) {
            return Ok(());
        }
        if self.side(direction).outstanding > 0 {
            self.acknowledge(direction.reverse(), time, to)?;
        }
        let most = usize::from(self.largest_segment);
        let mut rest = bytes;
        while let Some((segment, more)) = rest.split_at_checked(most)
            && !more.is_empty()
        {
            self.send(direction, time, Flags::ACK, segment, false, to)?;
            if self.side(direction).outstanding >= SEGMENTS_PER_ACK {
                self.acknowledge(direction.reverse(), time, to)?;
            }
            rest = more;
        }
        self.send(direction, time, flags, rest, !rest.is_empty(), to)
    }

    /// That side aborted the connection.
    ///
    /// # Errors
    /// Those of the writer; [`io::ErrorKind::InvalidInput`] if the conversation is not open.
    pub fn reset<W: Write>(
        &mut self,
        direction: Direction,
        time: Timestamp,
        to: &mut CaptureWriter<W>,
    ) -> io::Result<()> {
        if self.phase != Phase::Open {
            return Err(out_of_order(
                "a tapped conversation was reset before it was open",
            ));
        }
        self.phase = Phase::Reset;
        if self.side(direction).outstanding > 0 {
            self.acknowledge(direction.reverse(), time, to)?;
        }
        self.send(direction, time, Flags::RST.with(Flags::ACK), &[], false, to)
    }

    fn must_be_open(&self, direction: Direction) -> io::Result<()> {
        if self.phase != Phase::Open {
            return Err(out_of_order(
                "a tapped conversation carries data only after its opening and before its reset",
            ));
        }
        if self.side(direction).fin_sent {
            return Err(out_of_order(
                "a tapped conversation carries nothing after the FIN of its sender",
            ));
        }
        Ok(())
    }

    fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Client => &self.client,
            Direction::Server => &self.server,
        }
    }

    fn side_mut(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::Client => &mut self.client,
            Direction::Server => &mut self.server,
        }
    }

    /// A frame that carries nothing but what `direction`'s side has received.
    fn acknowledge<W: Write>(
        &mut self,
        direction: Direction,
        time: Timestamp,
        to: &mut CaptureWriter<W>,
    ) -> io::Result<()> {
        self.send(direction, time, Flags::ACK, &[], false, to)
    }

    fn send<W: Write>(
        &mut self,
        direction: Direction,
        time: Timestamp,
        flags: Flags,
        payload: &[u8],
        push: bool,
        to: &mut CaptureWriter<W>,
    ) -> io::Result<()> {
        let peer = *self.side(direction.reverse());
        let side = *self.side(direction);
        let (from, target, from_mac, to_mac) = match direction {
            Direction::Client => (
                self.client_address,
                self.server_address,
                CLIENT_MAC,
                SERVER_MAC,
            ),
            Direction::Server => (
                self.server_address,
                self.client_address,
                SERVER_MAC,
                CLIENT_MAC,
            ),
        };
        let draft = Draft {
            from,
            to: target,
            from_mac,
            to_mac,
            identification: side.identification,
            seq: side.next,
            ack: peer.next,
            flags,
            push,
            largest_segment: self.largest_segment,
        };
        let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
        // SYN and FIN take a sequence number each (RFC 9293 section 3.4).
        let length = length + u32::from(flags.has(Flags::SYN)) + u32::from(flags.has(Flags::FIN));
        let side = self.side_mut(direction);
        side.identification = side.identification.wrapping_add(1);
        side.next = side.next.wrapping_add(length);
        side.outstanding += u8::from(length > 0);
        if flags.has(Flags::ACK) {
            self.side_mut(direction.reverse()).outstanding = 0;
        }
        to.frame_with(time, |frame| frames::build(&draft, payload, frame))
    }
}

/// Both addresses in one family: where one is IPv6, the other is written as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2).
fn one_family(client: IpAddr, server: IpAddr) -> (IpAddr, IpAddr) {
    match (client, server) {
        (IpAddr::V4(client), IpAddr::V6(server)) => (client.to_ipv6_mapped().into(), server.into()),
        (IpAddr::V6(client), IpAddr::V4(server)) => (client.into(), server.to_ipv6_mapped().into()),
        same => same,
    }
}

/// An initial sequence number that differs between conversations and sides, but not between runs: FNV-1a over who talks.
fn initial_number(from: SocketAddr, to: SocketAddr, index: u64) -> u32 {
    let mut hash: u32 = 0x811c_9dc5;
    let mut mix = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    };
    for address in [from, to] {
        match address.ip() {
            IpAddr::V4(ip) => mix(&ip.octets()),
            IpAddr::V6(ip) => mix(&ip.octets()),
        }
        mix(&address.port().to_be_bytes());
    }
    mix(&index.to_be_bytes());
    hash
}

fn out_of_order(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
