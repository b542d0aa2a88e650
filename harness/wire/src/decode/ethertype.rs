//! Ether types that are read, as plain numbers for patterns.

use etherparse::EtherType;

pub(super) const IPV4: u16 = EtherType::IPV4.0;
pub(super) const IPV6: u16 = EtherType::IPV6.0;
/// IEEE 802.1Q.
pub(super) const VLAN: u16 = EtherType::VLAN_TAGGED_FRAME.0;
/// The outer tag of IEEE 802.1ad.
pub(super) const QINQ: u16 = EtherType::PROVIDER_BRIDGING.0;
/// Outer tags of equipment older than IEEE 802.1ad.
pub(super) const OLD_QINQ: u16 = EtherType::VLAN_DOUBLE_TAGGED_FRAME.0;
/// Another of these.
pub(super) const OLD_QINQ_2: u16 = 0x9200;
pub(super) const MACSEC: u16 = EtherType::MACSEC.0;
pub(super) const MPLS: u16 = 0x8847;
/// MPLS with a label that was assigned upstream (RFC 5332).
pub(super) const MPLS_UPSTREAM: u16 = 0x8848;
pub(super) const PPPOE_SESSION: u16 = 0x8864;
/// Transparent Ethernet bridging (RFC 1701).
pub(super) const BRIDGED: u16 = 0x6558;
/// PPP in GRE (RFC 2637).
pub(super) const PPP: u16 = 0x880b;
