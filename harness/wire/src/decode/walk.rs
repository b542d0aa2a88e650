//! The walk through the headers of a packet, from the outermost to TCP.
//!
//! One loop, one header a turn, no recursion: how far a packet may nest is bounded by two counters. A packet without
//! tunnels takes three or four turns and touches nothing but its own bytes.

use std::net::{IpAddr, Ipv4Addr};

use super::fragments::Piece;
use super::tcp::Tcp;

/// How many IP headers may stand in one another.
const MAX_NETWORKS: u8 = 8;

/// How many headers of any kind a packet may have: tags, label stacks, tunnels, IPv6 extensions.
const MAX_HEADERS: u8 = 64;

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// An Ethernet header.
    Ethernet,
    /// What an ether type announces.
    EtherType(u16),
    /// An IEEE 802.2 header.
    Llc,
    /// A Linux cooked header, first version.
    Cooked,
    /// A Linux cooked header, second version.
    Cooked2,
    /// A BSD loopback header.
    Loopback,
    /// PPP, with or without its HDLC-like framing.
    Ppp,
    /// A `PPPoE` session header.
    PppOverEthernet,
    /// A Cisco HDLC header.
    CiscoHdlc,
    /// An MPLS label stack.
    Mpls,
    /// IP of either version, told by its first four bits.
    AnyIp,
    /// An IPv4 header.
    Ipv4,
    /// An IPv6 header.
    Ipv6,
    /// What an IP protocol number announces.
    Protocol(u8),
}

/// Why the walk ended without a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The packet carries something other than TCP.
    Other,
    /// The bytes of this header are not all there.
    Cut(&'static str),
    /// A header says what it cannot say: a sentence about "it".
    Damaged(&'static str),
    /// A wrapper that is encrypted or that this build does not open, by name.
    Closed(&'static str),
    /// It nests deeper than is read.
    Deep,
    /// A part of a datagram; its bytes are what the walk has left.
    Fragment(Piece),
}

/// A place in a packet, and what was learnt on the way there.
#[derive(Clone, Debug)]
pub(super) struct Walk<'a> {
    /// The bytes that are captured from here to the end of the layer.
    pub(super) bytes: &'a [u8],
    /// How many bytes of the layer follow that were not captured.
    pub(super) uncaptured: u64,
    /// Sender, by the innermost IP header so far.
    pub(super) src: IpAddr,
    /// Receiver, by the innermost IP header so far.
    pub(super) dst: IpAddr,
    headers: u8,
    networks: u8,
}

impl<'a> Walk<'a> {
    /// A packet of which `bytes` are captured and `uncaptured` are not.
    pub(super) fn new(bytes: &'a [u8], uncaptured: u64) -> Self {
        let nobody = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Self {
            bytes,
            uncaptured,
            src: nobody,
            dst: nobody,
            headers: 0,
            networks: 0,
        }
    }

    /// Goes on in a datagram that was put together from fragments, the latest of which is where `self` stands.
    pub(super) fn resume<'b>(&self, bytes: &'b [u8], uncaptured: u64) -> Walk<'b> {
        Walk {
            bytes,
            uncaptured,
            ..*self
        }
    }

    /// Walks on to TCP.
    #[inline]
    pub(super) fn run(&mut self, first: Layer) -> Result<Tcp<'a>, Stop> {
        let mut layer = first;
        loop {
            if layer == Layer::Protocol(etherparse::ip_number::TCP.0) {
                return self.tcp();
            }
            if self.headers == MAX_HEADERS {
                return Err(Stop::Deep);
            }
            self.headers += 1;
            layer = match layer {
                Layer::Ethernet => self.ethernet()?,
                Layer::EtherType(number) => self.ether_type(number)?,
                Layer::Ipv4 => self.ipv4()?,
                Layer::Ipv6 => self.ipv6()?,
                Layer::Protocol(number) => self.protocol(number)?,
                Layer::AnyIp => self.any_ip()?,
                Layer::Cooked => self.cooked()?,
                Layer::Cooked2 => self.cooked2()?,
                Layer::Loopback => self.loopback()?,
                Layer::Llc => self.llc()?,
                Layer::Ppp => self.ppp()?,
                Layer::PppOverEthernet => self.ppp_over_ethernet()?,
                Layer::CiscoHdlc => self.cisco_hdlc()?,
                Layer::Mpls => self.mpls()?,
            };
        }
    }

    /// Notes that an IP header begins here.
    #[inline]
    pub(super) fn enter_network(&mut self) -> Result<(), Stop> {
        if self.networks == MAX_NETWORKS {
            return Err(Stop::Deep);
        }
        self.networks += 1;
        Ok(())
    }

    /// Takes the next `N` bytes, which belong to the header `what`.
    #[inline]
    pub(super) fn take<const N: usize>(&mut self, what: &'static str) -> Result<&'a [u8; N], Stop> {
        let (head, rest) = self.bytes.split_first_chunk().ok_or(Stop::Cut(what))?;
        self.bytes = rest;
        Ok(head)
    }

    /// Looks at the next `N` bytes without taking them.
    #[inline]
    pub(super) fn peek<const N: usize>(&self, what: &'static str) -> Result<&'a [u8; N], Stop> {
        self.bytes.first_chunk().ok_or(Stop::Cut(what))
    }

    /// Passes over `count` bytes, which belong to the header `what`.
    #[inline]
    pub(super) fn skip(&mut self, count: usize, what: &'static str) -> Result<(), Stop> {
        self.bytes = self.bytes.get(count..).ok_or(Stop::Cut(what))?;
        Ok(())
    }

    /// A length field says that `length` bytes of the layer follow: what stands behind them is padding, a checksum, or
    /// otherwise not of the layer.
    #[inline]
    pub(super) fn limit(&mut self, length: usize) {
        if let Some(within) = self.bytes.get(..length) {
            self.bytes = within;
            self.uncaptured = 0;
        } else {
            self.uncaptured = (length - self.bytes.len()) as u64;
        }
    }
}

/// Two bytes in network order.
#[inline]
pub(super) const fn number(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high, low])
}
