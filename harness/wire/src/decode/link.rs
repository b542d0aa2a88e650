//! Link layers: what stands before IP.

use super::ethertype;
use super::walk::{Layer, Stop, Walk, number};

/// Values below this in the ether type field are lengths (IEEE 802.3 section 3.2.6).
const FIRST_ETHER_TYPE: u16 = 0x0600;

/// Ether types that wrap Ethernet or IP in a way that is not opened, by name.
const CLOSED: [(u16, &str); 7] = [
    (0x22f3, "TRILL"),
    (0x8870, "jumbo LLC"),
    (0x88e7, "provider backbone bridging (802.1ah)"),
    (0x8903, "FabricPath"),
    (0x8926, "VN-Tag"),
    (0x893f, "E-Tag (802.1BR)"),
    (0x894f, "network service header"),
];

/// The first layer of packets of a link type, which is a value of the link-layer header types registry (LINKTYPE_) or one
/// of the numbers that some systems write instead. `None` for those that are not read.
#[inline]
pub(super) const fn first_layer(link_type: u16) -> Option<Layer> {
    Some(match link_type {
        1 => Layer::Ethernet,
        // NULL and LOOP, the latter in network order.
        0 | 108 => Layer::Loopback,
        // RAW, as registered, and by the numbers of BSD and OpenBSD.
        12 | 14 | 101 => Layer::AnyIp,
        228 => Layer::Ipv4,
        229 => Layer::Ipv6,
        113 => Layer::Cooked,
        276 => Layer::Cooked2,
        // PPP and PPP_HDLC.
        9 | 50 => Layer::Ppp,
        // PPP_ETHER: the PPPoE header comes first.
        51 => Layer::PppOverEthernet,
        // C_HDLC.
        104 => Layer::CiscoHdlc,
        _ => return None,
    })
}

impl Walk<'_> {
    #[inline]
    pub(super) fn ethernet(&mut self) -> Result<Layer, Stop> {
        let head = self.take::<14>("Ethernet header")?;
        let kind = number(head[12], head[13]);
        if kind >= FIRST_ETHER_TYPE {
            return Ok(Layer::EtherType(kind));
        }
        self.limit(kind.into());
        Ok(Layer::Llc)
    }

    #[inline]
    pub(super) fn ether_type(&mut self, kind: u16) -> Result<Layer, Stop> {
        match kind {
            ethertype::IPV4 => self.ipv4(),
            ethertype::IPV6 => self.ipv6(),
            ethertype::VLAN | ethertype::QINQ | ethertype::OLD_QINQ | ethertype::OLD_QINQ_2 => {
                let tag = self.take::<4>("VLAN tag")?;
                let kind = number(tag[2], tag[3]);
                if kind >= FIRST_ETHER_TYPE {
                    return Ok(Layer::EtherType(kind));
                }
                self.limit(kind.into());
                Ok(Layer::Llc)
            }
            ethertype::MPLS | ethertype::MPLS_UPSTREAM => Ok(Layer::Mpls),
            ethertype::PPPOE_SESSION => Ok(Layer::PppOverEthernet),
            ethertype::BRIDGED => Ok(Layer::Ethernet),
            ethertype::PPP => Ok(Layer::Ppp),
            ethertype::MACSEC => self.macsec(),
            _ => Err(CLOSED
                .iter()
                .find(|(number, _)| *number == kind)
                .map_or(Stop::Other, |(_, name)| Stop::Closed(name))),
        }
    }

    /// Linux cooked capture: type, hardware type, and address come before the ether type.
    #[inline]
    pub(super) fn cooked(&mut self) -> Result<Layer, Stop> {
        let head = self.take::<16>("Linux cooked header")?;
        Ok(cooked_protocol(number(head[14], head[15])))
    }

    /// Linux cooked capture, second version: the ether type comes first.
    #[inline]
    pub(super) fn cooked2(&mut self) -> Result<Layer, Stop> {
        let head = self.take::<20>("Linux cooked header")?;
        Ok(cooked_protocol(number(head[0], head[1])))
    }

    /// BSD loopback: four bytes of address family, in the order of the machine that captured (NULL) or of the network (LOOP).
    pub(super) fn loopback(&mut self) -> Result<Layer, Stop> {
        let family = *self.take::<4>("loopback header")?;
        // AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 23 on Windows, 24, 28 or 30 on the BSDs and macOS.
        match (u32::from_le_bytes(family), u32::from_be_bytes(family)) {
            (2 | 10 | 23 | 24 | 28 | 30, _) | (_, 2 | 10 | 23 | 24 | 28 | 30) => Ok(Layer::AnyIp),
            _ => Err(Stop::Other),
        }
    }

    /// IEEE 802.2; only its subnetwork access protocol leads to an ether type (RFC 1042).
    pub(super) fn llc(&mut self) -> Result<Layer, Stop> {
        match self.bytes.first_chunk::<8>() {
            // The second organization code is that of IEEE 802.1H bridges.
            Some(&[0xaa, 0xaa, 3, 0, 0, 0 | 0xf8, high, low]) => {
                self.skip(8, "SNAP header")?;
                Ok(Layer::EtherType(number(high, low)))
            }
            _ => Err(Stop::Other),
        }
    }

    /// `MACsec` (IEEE 802.1AE section 9): what is only authenticated can be read; its check value trails, like padding.
    fn macsec(&mut self) -> Result<Layer, Stop> {
        const HAS_CHANNEL: u8 = 0x20;
        const ENCRYPTED: u8 = 0x08;
        const CHANGED: u8 = 0x04;
        let tag = self.take::<6>("MACsec tag")?;
        if tag[0] & (ENCRYPTED | CHANGED) != 0 {
            return Err(Stop::Closed("MACsec encryption"));
        }
        if tag[0] & HAS_CHANNEL != 0 {
            self.skip(8, "MACsec tag")?;
        }
        let kind = self.take::<2>("MACsec tag")?;
        Ok(Layer::EtherType(number(kind[0], kind[1])))
    }

    /// PPP (RFC 1661, RFC 1662): the address and control bytes may be left out, and the protocol may be one byte.
    pub(super) fn ppp(&mut self) -> Result<Layer, Stop> {
        match self.bytes {
            [0xff, 0x03, ..] => self.skip(2, "PPP header")?,
            // Cisco HDLC goes by the same link types: unicast and broadcast.
            [0x0f | 0x8f, 0x00, ..] => return Ok(Layer::CiscoHdlc),
            _ => {}
        }
        let first = *self.peek::<1>("PPP header")?;
        let protocol = if first[0] & 1 == 1 {
            self.skip(1, "PPP header")?;
            first[0].into()
        } else {
            u16::from_be_bytes(*self.take("PPP header")?)
        };
        match protocol {
            0x0021 => Ok(Layer::Ipv4),
            0x0057 => Ok(Layer::Ipv6),
            0x0281 | 0x0283 => Ok(Layer::Mpls),
            0x0053 => Err(Stop::Closed("PPP encryption")),
            0x003d => Err(Stop::Closed("PPP multilink")),
            0x00fd => Err(Stop::Closed("PPP compression")),
            0x002d | 0x002f => Err(Stop::Closed("PPP with compressed TCP headers")),
            _ => Err(Stop::Other),
        }
    }

    /// `PPPoE` (RFC 2516 section 4); only its session stage carries data.
    pub(super) fn ppp_over_ethernet(&mut self) -> Result<Layer, Stop> {
        match *self.take::<6>("PPPoE header")? {
            [0x11, 0, _, _, high, low] => {
                self.limit(number(high, low).into());
                Ok(Layer::Ppp)
            }
            _ => Err(Stop::Other),
        }
    }

    /// Cisco HDLC: address, control, ether type.
    pub(super) fn cisco_hdlc(&mut self) -> Result<Layer, Stop> {
        let head = self.take::<4>("Cisco HDLC header")?;
        Ok(Layer::EtherType(number(head[2], head[3])))
    }
}

/// What a protocol number in a Linux cooked header announces.
#[inline]
const fn cooked_protocol(protocol: u16) -> Layer {
    // ETH_P_802_2: an LLC header follows.
    const LLC: u16 = 4;
    match protocol {
        LLC => Layer::Llc,
        kind => Layer::EtherType(kind),
    }
}
