//! MPLS label stacks (RFC 3032) and what is under them.
//!
//! Nothing in the packet says what a stack carries: the routers know by the label. Routers that spread load look at the
//! first four bits (RFC 4928), and so does this reader, with a second look where these four bits may as well begin a MAC
//! address.

use super::ethertype;
use super::walk::{Layer, Stop, Walk, number};

/// The label that says: IPv4 follows.
const IPV4_EXPLICIT_NULL: u32 = 0;
/// The label that says: IPv6 follows.
const IPV6_EXPLICIT_NULL: u32 = 2;

impl Walk<'_> {
    /// Reads one label; at the bottom of the stack, finds out what follows.
    pub(super) fn mpls(&mut self) -> Result<Layer, Stop> {
        let entry = u32::from_be_bytes(*self.take("MPLS label")?);
        let bottom = entry & 0x100 != 0;
        if !bottom {
            return Ok(Layer::Mpls);
        }
        match entry >> 12 {
            IPV4_EXPLICIT_NULL => Ok(Layer::Ipv4),
            IPV6_EXPLICIT_NULL => Ok(Layer::Ipv6),
            _ => self.below_labels(),
        }
    }

    fn below_labels(&mut self) -> Result<Layer, Stop> {
        let first = self.peek::<1>("MPLS payload")?[0] >> 4;
        match first {
            4 if self.may_be_ipv4() => return Ok(Layer::Ipv4),
            6 if self.may_be_ipv6() => return Ok(Layer::Ipv6),
            _ => {}
        }
        // A pseudowire's control word begins with four zero bits (RFC 4385 section 3).
        if first == 0 && is_ethernet(self.bytes.get(4..).unwrap_or_default()) {
            self.skip(4, "pseudowire control word")?;
            return Ok(Layer::Ethernet);
        }
        if is_ethernet(self.bytes) {
            return Ok(Layer::Ethernet);
        }
        match first {
            // So that a header that is cut or damaged is told.
            4 => Ok(Layer::Ipv4),
            6 => Ok(Layer::Ipv6),
            _ => Err(Stop::Other),
        }
    }

    /// Whether the lengths that an IPv4 header begins with fit.
    fn may_be_ipv4(&self) -> bool {
        let &[first, _, high, low, ..] = self.bytes else {
            return false;
        };
        let (header, total) = (u64::from(first & 15) * 4, u64::from(number(high, low)));
        header >= 20 && (total == 0 || header <= total && total <= self.rest())
    }

    /// Whether the length that an IPv6 header has fits.
    fn may_be_ipv6(&self) -> bool {
        let &[_, _, _, _, high, low, ..] = self.bytes else {
            return false;
        };
        40 + u64::from(number(high, low)) <= self.rest()
    }

    /// How many bytes the layer has on the wire.
    fn rest(&self) -> u64 {
        self.bytes.len() as u64 + self.uncaptured
    }
}

/// Whether `bytes` look like an Ethernet frame with something in it that is read: the ether type is one of these.
fn is_ethernet(bytes: &[u8]) -> bool {
    const KNOWN: [u16; 9] = [
        ethertype::IPV4,
        ethertype::IPV6,
        ethertype::VLAN,
        ethertype::QINQ,
        ethertype::OLD_QINQ,
        ethertype::OLD_QINQ_2,
        ethertype::MPLS,
        ethertype::MPLS_UPSTREAM,
        ethertype::PPPOE_SESSION,
    ];
    matches!(bytes, &[_, _, _, _, _, _, _, _, _, _, _, _, high, low, ..]
        if KNOWN.contains(&number(high, low)))
}
