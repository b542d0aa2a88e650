//! Link layers: what stands before IP.

use etherparse::{EtherType, LaxSlicedPacket};

/// Values of the link-layer header types registry (LINKTYPE_), with the numbers that some systems write instead.
mod link_type {
    pub(super) const NULL: u16 = 0;
    pub(super) const ETHERNET: u16 = 1;
    pub(super) const RAW_BSD: u16 = 12;
    pub(super) const RAW_OPENBSD: u16 = 14;
    pub(super) const RAW: u16 = 101;
    pub(super) const LOOP: u16 = 108;
    pub(super) const LINUX_SLL: u16 = 113;
    pub(super) const IPV4: u16 = 228;
    pub(super) const IPV6: u16 = 229;
    pub(super) const LINUX_SLL2: u16 = 276;
}

/// Why there is no IP behind the link-layer header.
#[derive(Debug)]
pub(super) enum Closed {
    /// It announces something other than IP.
    Other,
    /// A link type that is not read.
    Unknown,
    /// A frame that claims to hold IP, but cannot be read; why.
    Damaged(String),
}

/// Opens the link layer of a frame. What stands behind it may still hold no IP.
pub(super) fn open(link_type: u16, bytes: &[u8]) -> Result<LaxSlicedPacket<'_>, Closed> {
    match link_type {
        link_type::ETHERNET => LaxSlicedPacket::from_ethernet(bytes).map_err(|error| {
            Closed::Damaged(format!("its Ethernet header cannot be read: {error}"))
        }),
        link_type::LINUX_SLL => cooked(bytes, 14, 16),
        link_type::LINUX_SLL2 => cooked(bytes, 0, 20),
        link_type::NULL | link_type::LOOP => loopback(bytes),
        link_type::RAW
        | link_type::RAW_BSD
        | link_type::RAW_OPENBSD
        | link_type::IPV4
        | link_type::IPV6 => ip(bytes),
        _ => Err(Closed::Unknown),
    }
}

/// Linux cooked capture: a header of `length` bytes with the ether type, in network order, at `at`.
fn cooked(bytes: &[u8], at: usize, length: usize) -> Result<LaxSlicedPacket<'_>, Closed> {
    match (bytes.get(at..at + 2), bytes.get(length..)) {
        (Some(&[high, low]), Some(rest)) => Ok(LaxSlicedPacket::from_ether_type(
            EtherType(u16::from_be_bytes([high, low])),
            rest,
        )),
        _ => Err(Closed::Damaged(
            "its Linux cooked header is cut short".to_owned(),
        )),
    }
}

/// BSD loopback: four bytes of address family, in the order of the machine that captured (NULL) or of the network (LOOP).
fn loopback(bytes: &[u8]) -> Result<LaxSlicedPacket<'_>, Closed> {
    let Some((family, rest)) = bytes.split_first_chunk::<4>() else {
        return Err(Closed::Damaged(
            "its loopback header is cut short".to_owned(),
        ));
    };
    // AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 23 on Windows, 24, 28 or 30 on the BSDs and macOS.
    match (u32::from_le_bytes(*family), u32::from_be_bytes(*family)) {
        (2 | 10 | 23 | 24 | 28 | 30, _) | (_, 2 | 10 | 23 | 24 | 28 | 30) => ip(rest),
        _ => Err(Closed::Other),
    }
}

/// IP of either version, told by its first four bits.
fn ip(bytes: &[u8]) -> Result<LaxSlicedPacket<'_>, Closed> {
    LaxSlicedPacket::from_ip(bytes)
        .map_err(|error| Closed::Damaged(format!("its IP header cannot be read: {error}")))
}
