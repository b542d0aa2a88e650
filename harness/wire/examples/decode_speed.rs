//! Times the decoder over packets made here, and prints nanoseconds for each packet.
//!
//! `cargo run --release -p smtpspec-wire --example decode_speed`

use std::hint::black_box;
use std::time::Instant;

use etherparse::{EtherType, Ethernet2Header, PacketBuilder, VlanId};
use smtpspec_wire::{Decoder, Frame, Timestamp};

/// How many packets are decoded for one line of the output.
const PACKETS: u32 = 20_000_000;

/// A payload of a common size: short commands and replies, and full segments.
const SIZES: [usize; 4] = [0, 30, 512, 1_448];

fn payload(turn: usize) -> Vec<u8> {
    vec![b'x'; SIZES[turn % SIZES.len()]]
}

fn ipv4(turn: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .tcp(40_000 + u16::try_from(turn).unwrap_or(0), 25, 7, 1_000)
        .ack(9)
        .options_raw(&[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2])
        .expect("the options are short")
        .write(&mut bytes, &payload(turn))
        .expect("the packet is short");
    bytes
}

fn ipv6(turn: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv6([0x20; 16], [0x21; 16], 64)
        .tcp(40_000, 25, 7, 1_000)
        .ack(9)
        .write(&mut bytes, &payload(turn))
        .expect("the packet is short");
    bytes
}

fn ethernet(ether_type: EtherType, rest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let header = Ethernet2Header {
        ether_type,
        ..Ethernet2Header::default()
    };
    bytes.extend(header.to_bytes());
    bytes.extend(rest);
    bytes
}

fn vlan(turn: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2([2; 6], [3; 6])
        .single_vlan(VlanId::try_new(5).unwrap_or_default())
        .ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .tcp(40_000, 25, 7, 1_000)
        .write(&mut bytes, &payload(turn))
        .expect("the packet is short");
    bytes
}

fn cooked(turn: usize) -> Vec<u8> {
    let mut bytes = vec![0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0];
    bytes.extend(ipv4(turn));
    bytes
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2([2; 6], [3; 6])
        .ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .udp(50_000, port)
        .write(&mut bytes, payload)
        .expect("the packet is short");
    bytes
}

fn vxlan(turn: usize) -> Vec<u8> {
    let mut inner = vec![8, 0, 0, 0, 0, 0, 1, 0];
    inner.extend(ethernet(EtherType::IPV4, &ipv4(turn)));
    udp(4_789, &inner)
}

/// The first or the second half of a datagram; two turns make one.
fn fragment(turn: usize) -> Vec<u8> {
    let mut bytes = ipv4(3);
    let (more, place) = if turn.is_multiple_of(2) {
        (0x20, 0)
    } else {
        (0, 90)
    };
    let half = if turn.is_multiple_of(2) {
        20..740
    } else {
        740..bytes.len()
    };
    let total = u16::try_from(20 + half.len()).unwrap_or(0).to_be_bytes();
    let id = u16::try_from(turn / 2).unwrap_or(0).to_be_bytes();
    bytes[2..8].copy_from_slice(&[total[0], total[1], id[0], id[1], more, place]);
    [&bytes[..20], &bytes[half]].concat()
}

fn time(name: &str, link_type: u16, packets: &[Vec<u8>]) {
    let frames: Vec<Frame<'_>> = packets
        .iter()
        .map(|bytes| Frame {
            packet: 1,
            time: Timestamp::from_nanos(1),
            interface: 0,
            link_type,
            wire_length: bytes.len() as u64,
            bytes,
        })
        .collect();
    let mut decoder = Decoder::default();
    let (mut segments, mut done) = (0_u32, 0_u32);
    let start = Instant::now();
    while done < PACKETS {
        for frame in &frames {
            // Time goes by, so that identifications of fragments can be used again.
            let time = Timestamp::from_nanos(u64::from(done) * 40_000_000);
            let frame = Frame { time, ..*frame };
            if let Some(segment) = decoder.segment(black_box(&frame)) {
                black_box(&segment);
                segments += 1;
            }
            done += 1;
        }
    }
    let nanos = start.elapsed().as_secs_f64() * 1e9 / f64::from(done);
    println!("{name:<28} {nanos:6.1} ns/packet, {segments} segments in {done} packets");
}

fn make(one: impl Fn(usize) -> Vec<u8>) -> Vec<Vec<u8>> {
    (0..1_000).map(one).collect()
}

fn main() {
    let over = |kind, ip: fn(usize) -> Vec<u8>| move |turn| ethernet(kind, &ip(turn));
    time("Ethernet, IPv4", 1, &make(over(EtherType::IPV4, ipv4)));
    time("Ethernet, IPv6", 1, &make(over(EtherType::IPV6, ipv6)));
    time("Ethernet, VLAN, IPv4", 1, &make(vlan));
    time("Linux cooked, IPv4", 113, &make(cooked));
    time("raw IPv4", 101, &make(ipv4));
    let mixed = |turn| match turn % 4 {
        0 => ethernet(EtherType::IPV6, &ipv6(turn)),
        1 => vlan(turn),
        _ => ethernet(EtherType::IPV4, &ipv4(turn)),
    };
    time("Ethernet, mixed", 1, &make(mixed));
    time("UDP (not a tunnel)", 1, &make(|_| udp(53, &[0; 60])));
    time("VXLAN, IPv4", 1, &make(vxlan));
    time("IPv4 in two fragments", 101, &make(fragment));
    time(
        "fragments without an end",
        101,
        &make(|turn| fragment(turn * 2)),
    );
}
