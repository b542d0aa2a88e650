//! Two sockets, in whichever order.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

use crate::segment::Segment;

/// What tells a connection from those beside it. Made and hashed for every packet, and therefore of plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    low: End,
    high: End,
}

/// A socket: its address, its port, and which kind of address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    address: u128,
    port: u32,
}

/// Set in [`End::port`] where the address is of IPv6.
const IPV6: u32 = 1 << 16;

impl End {
    fn of(socket: SocketAddr) -> Self {
        let port = u32::from(socket.port());
        match socket.ip() {
            IpAddr::V4(ip) => Self {
                address: ip.to_bits().into(),
                port,
            },
            IpAddr::V6(ip) => Self {
                address: ip.to_bits(),
                port: port | IPV6,
            },
        }
    }
}

impl Key {
    /// The connection of a segment, whoever sent it.
    pub(super) fn of(segment: &Segment<'_>) -> Self {
        let (src, dst) = (End::of(segment.src), End::of(segment.dst));
        Self {
            low: src.min(dst),
            high: src.max(dst),
        }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.low.address);
        state.write_u128(self.high.address);
        state.write_u64(u64::from(self.low.port) << 32 | u64::from(self.high.port));
    }
}
