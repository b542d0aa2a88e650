//! IPv4 (RFC 791) and IPv6 (RFC 8200) with its extension headers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::IpNumber;

use super::fragments::Piece;
use super::walk::{Layer, Stop, Walk, number};

impl Walk<'_> {
    /// IP of either version, told by its first four bits.
    pub(super) fn any_ip(&mut self) -> Result<Layer, Stop> {
        match self.peek::<1>("IP header")?[0] >> 4 {
            4 => self.ipv4(),
            6 => self.ipv6(),
            _ => Err(Stop::Damaged(
                "its IP header is of neither version 4 nor version 6",
            )),
        }
    }

    #[inline]
    pub(super) fn ipv4(&mut self) -> Result<Layer, Stop> {
        const MORE_FRAGMENTS: u16 = 0x2000;
        const OFFSET: u16 = 0x1fff;
        self.enter_network()?;
        let head = self.peek::<20>("IPv4 header")?;
        let length = usize::from(head[0] & 15) * 4;
        if head[0] >> 4 != 4 || length < 20 {
            return Err(Stop::Damaged(
                "its IPv4 header begins with a version or a length that none has",
            ));
        }
        let total = usize::from(number(head[2], head[3]));
        // Segmentation offload leaves no length: then the frame alone tells.
        if total != 0 {
            if total < length {
                return Err(Stop::Damaged(
                    "its IPv4 datagram is said to be shorter than its own header",
                ));
            }
            self.limit(total);
        }
        self.skip(length, "IPv4 header")?;
        self.src = IpAddr::V4(Ipv4Addr::new(head[12], head[13], head[14], head[15]));
        self.dst = IpAddr::V4(Ipv4Addr::new(head[16], head[17], head[18], head[19]));
        let fragment = number(head[6], head[7]);
        if fragment & (MORE_FRAGMENTS | OFFSET) != 0 {
            if total == 0 {
                return Err(Stop::Damaged("it is an IPv4 fragment without a length"));
            }
            return Err(Stop::Fragment(Piece {
                id: number(head[4], head[5]).into(),
                protocol: head[9],
                start: u32::from(fragment & OFFSET) * 8,
                more: fragment & MORE_FRAGMENTS != 0,
            }));
        }
        Ok(Layer::Protocol(head[9]))
    }

    #[inline]
    pub(super) fn ipv6(&mut self) -> Result<Layer, Stop> {
        self.enter_network()?;
        let head = self.take::<40>("IPv6 header")?;
        if head[0] >> 4 != 6 {
            return Err(Stop::Damaged("its IPv6 header is of another version"));
        }
        // Zero stands for a jumbogram, or for segmentation offload: then the frame alone tells.
        let length = usize::from(number(head[4], head[5]));
        if length != 0 {
            self.limit(length);
        }
        self.src = address(head, 8);
        self.dst = address(head, 24);
        Ok(Layer::Protocol(head[6]))
    }

    /// What stands behind IP, by its number; TCP has been dealt with.
    pub(super) fn protocol(&mut self, protocol: u8) -> Result<Layer, Stop> {
        /// Ethernet in segment routing (RFC 8986); younger than etherparse's list.
        const ETHERNET: IpNumber = IpNumber(143);
        match IpNumber(protocol) {
            IpNumber::UDP => self.udp(),
            IpNumber::IPV4 => Ok(Layer::Ipv4),
            IpNumber::IPV6 => Ok(Layer::Ipv6),
            IpNumber::GRE => self.gre(),
            IpNumber::MPLS_IN_IP => Ok(Layer::Mpls),
            IpNumber::ETHER_IP => {
                // RFC 3378: a version of 3 and nothing else.
                self.skip(2, "EtherIP header")?;
                Ok(Layer::Ethernet)
            }
            ETHERNET => Ok(Layer::Ethernet),
            IpNumber::AUTHENTICATION_HEADER => self.authentication(),
            IpNumber::ENCAPSULATING_SECURITY_PAYLOAD => Err(Stop::Closed("ESP (IPsec)")),
            IpNumber::IP_COMP => Err(Stop::Closed("IP payload compression")),
            IpNumber::LAYER2_TUNNELING_PROTOCOL => Err(Stop::Closed("L2TP")),
            IpNumber::IPV6_HEADER_HOP_BY_HOP
            | IpNumber::IPV6_DESTINATION_OPTIONS
            | IpNumber::MOBILITY_HEADER
            | IpNumber::HIP
            | IpNumber::SHIM6
                if self.src.is_ipv6() =>
            {
                self.extension()
            }
            IpNumber::IPV6_ROUTE_HEADER if self.src.is_ipv6() => self.routing(),
            IpNumber::IPV6_FRAGMENTATION_HEADER if self.src.is_ipv6() => self.fragment(),
            _ => Err(Stop::Other),
        }
    }

    /// An IPv6 extension header of the usual form: next header, and length in units of eight bytes after the first eight.
    fn extension(&mut self) -> Result<Layer, Stop> {
        let head = self.peek::<2>("IPv6 extension header")?;
        self.skip(8 + usize::from(head[1]) * 8, "IPv6 extension header")?;
        Ok(Layer::Protocol(head[0]))
    }

    /// A routing header: while it is under way, the last receiver stands in it (RFC 8200 section 4.4).
    fn routing(&mut self) -> Result<Layer, Stop> {
        const SOURCE_ROUTE: u8 = 0;
        const HOME_ADDRESS: u8 = 2;
        const SEGMENT_ROUTING: u8 = 4;
        let &[next, length, kind, left] = self.peek::<4>("IPv6 routing header")?;
        let whole = 8 + usize::from(length) * 8;
        let header = self.bytes.get(..whole);
        self.skip(whole, "IPv6 routing header")?;
        let last = match kind {
            // The list is in reverse order (RFC 8754 section 2).
            SEGMENT_ROUTING => 8,
            SOURCE_ROUTE | HOME_ADDRESS => whole.saturating_sub(16).max(8),
            _ => whole,
        };
        if let Some(last) = header.and_then(|header| header.get(last..)?.first_chunk::<16>())
            && left != 0
        {
            self.dst = IpAddr::V6(Ipv6Addr::from(*last));
        }
        Ok(Layer::Protocol(next))
    }

    fn fragment(&mut self) -> Result<Layer, Stop> {
        let &[next, _, high, low, a, b, c, d] = self.take::<8>("IPv6 fragment header")?;
        let word = number(high, low);
        let piece = Piece {
            id: u32::from_be_bytes([a, b, c, d]),
            protocol: next,
            start: u32::from(word & !7),
            more: word & 1 != 0,
        };
        // The only fragment of its datagram has nothing to wait for, and other fragments are no part of it (RFC 6946).
        if piece.start == 0 && !piece.more {
            return Ok(Layer::Protocol(next));
        }
        Err(Stop::Fragment(piece))
    }

    /// Authentication header (RFC 4302): its length is in units of four bytes, less two.
    fn authentication(&mut self) -> Result<Layer, Stop> {
        let head = self.peek::<2>("authentication header")?;
        let length = (usize::from(head[1]) + 2) * 4;
        if length < 12 {
            return Err(Stop::Damaged("its authentication header is too short"));
        }
        self.skip(length, "authentication header")?;
        Ok(Layer::Protocol(head[0]))
    }
}

/// The IPv6 address at `at`.
#[inline]
fn address(head: &[u8; 40], at: usize) -> IpAddr {
    let mut octets = [0; 16];
    octets.copy_from_slice(&head[at..at + 16]);
    IpAddr::V6(Ipv6Addr::from(octets))
}
