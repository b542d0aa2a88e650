//! Tunnels that go by an IP protocol or a UDP port: GRE, ERSPAN, VXLAN, Geneve.

use super::ethertype;
use super::walk::{Layer, Stop, Walk, number};

/// Registered for VXLAN (RFC 7348).
const VXLAN: u16 = 4_789;
/// What Linux used for VXLAN before, and still does unless told otherwise.
const VXLAN_LINUX: u16 = 8_472;
/// Registered for VXLAN with a protocol field (draft-ietf-nvo3-vxlan-gpe).
const VXLAN_GENERIC: u16 = 4_790;
/// Registered for Geneve (RFC 8926).
const GENEVE: u16 = 6_081;

/// ERSPAN, first and second type.
const ERSPAN: u16 = 0x88be;
/// ERSPAN, third type.
const ERSPAN_3: u16 = 0x22eb;

/// Whether a UDP datagram to this port may hold a tunnel.
pub(super) const fn is_tunnel(port: u16) -> bool {
    matches!(port, VXLAN | VXLAN_LINUX | VXLAN_GENERIC | GENEVE)
}

impl Walk<'_> {
    /// UDP is looked into only where its receiver is a tunnel's end.
    pub(super) fn udp(&mut self) -> Result<Layer, Stop> {
        let Some((&[_, _, port_high, port_low, high, low, _, _], rest)) =
            self.bytes.split_first_chunk::<8>()
        else {
            return Err(Stop::Other);
        };
        let port = number(port_high, port_low);
        if !is_tunnel(port) {
            return Err(Stop::Other);
        }
        self.bytes = rest;
        match number(high, low) {
            // Left out by segmentation offload.
            0 => {}
            length @ 8.. => self.limit(usize::from(length) - 8),
            _ => return Err(Stop::Other),
        }
        match port {
            GENEVE => self.geneve(),
            VXLAN_GENERIC => self.vxlan_generic(),
            _ => self.vxlan(),
        }
    }

    /// VXLAN (RFC 7348 section 5). What does not say that it has a network identifier is something else.
    fn vxlan(&mut self) -> Result<Layer, Stop> {
        const HAS_IDENTIFIER: u8 = 0x08;
        match self.bytes.split_first_chunk::<8>() {
            Some((head, rest)) if head[0] & HAS_IDENTIFIER != 0 => {
                self.bytes = rest;
                Ok(Layer::Ethernet)
            }
            _ => Err(Stop::Other),
        }
    }

    /// VXLAN with a protocol field, if a flag says so (draft-ietf-nvo3-vxlan-gpe section 3.1).
    fn vxlan_generic(&mut self) -> Result<Layer, Stop> {
        const HAS_PROTOCOL: u8 = 0x04;
        match self.bytes.split_first_chunk::<8>() {
            Some((&[flags, _, _, protocol, ..], rest)) if flags & HAS_PROTOCOL != 0 => {
                self.bytes = rest;
                match protocol {
                    1 => Ok(Layer::Ipv4),
                    2 => Ok(Layer::Ipv6),
                    3 => Ok(Layer::Ethernet),
                    5 => Ok(Layer::Mpls),
                    _ => Err(Stop::Other),
                }
            }
            _ => self.vxlan(),
        }
    }

    /// Geneve (RFC 8926 section 3.4).
    fn geneve(&mut self) -> Result<Layer, Stop> {
        match self.bytes.split_first_chunk::<8>() {
            Some((&[first, _, high, low, ..], rest)) if first >> 6 == 0 => {
                self.bytes = rest;
                self.skip(usize::from(first & 0x3f) * 4, "Geneve header")?;
                Ok(Layer::EtherType(number(high, low)))
            }
            _ => Err(Stop::Other),
        }
    }

    /// GRE (RFC 2784, RFC 2890) and its enhanced form (RFC 2637).
    pub(super) fn gre(&mut self) -> Result<Layer, Stop> {
        const CHECKSUM: u16 = 0x8000;
        const ROUTING: u16 = 0x4000;
        const KEY: u16 = 0x2000;
        const SEQUENCE: u16 = 0x1000;
        const ACKNOWLEDGMENT: u16 = 0x0080;
        const VERSION: u16 = 0x0007;
        let &[flags_high, flags_low, high, low] = self.take::<4>("GRE header")?;
        let flags = number(flags_high, flags_low);
        let protocol = number(high, low);
        let mut options = [KEY, SEQUENCE]
            .into_iter()
            .filter(|flag| flags & flag != 0)
            .count();
        match flags & VERSION {
            0 if flags & ROUTING != 0 => return Err(Stop::Closed("GRE with source routing")),
            0 => options += usize::from(flags & CHECKSUM != 0),
            1 if flags & KEY != 0 => {
                options += usize::from(flags & ACKNOWLEDGMENT != 0);
                // The length of the payload stands in the first half of the key.
                let key = self.peek::<2>("GRE header")?;
                self.limit(options * 4 + usize::from(number(key[0], key[1])));
            }
            _ => return Err(Stop::Other),
        }
        self.skip(options * 4, "GRE header")?;
        match protocol {
            // Without a sequence number it is the first type, which has no header of its own.
            ERSPAN if flags & SEQUENCE == 0 => Ok(Layer::Ethernet),
            ERSPAN => {
                self.skip(8, "ERSPAN header")?;
                Ok(Layer::Ethernet)
            }
            ERSPAN_3 => self.erspan_3(),
            ethertype::BRIDGED => Ok(Layer::Ethernet),
            kind => Ok(Layer::EtherType(kind)),
        }
    }

    /// ERSPAN, third type (draft-foschiano-erspan section 4.3).
    fn erspan_3(&mut self) -> Result<Layer, Stop> {
        const ETHERNET: u8 = 0;
        const IP: u8 = 2;
        let head = self.take::<12>("ERSPAN header")?;
        let kind = head[10] >> 2 & 0x1f;
        let has_subheader = head[11] & 1 != 0;
        if has_subheader {
            self.skip(8, "ERSPAN header")?;
        }
        match kind {
            ETHERNET => Ok(Layer::Ethernet),
            IP => Ok(Layer::AnyIp),
            _ => Err(Stop::Other),
        }
    }
}
