//! Captures damaged and rewritten on purpose, packet by packet. For captures of TCP over IPv4 on Ethernet.

use std::fs;
use std::path::Path;

use etherparse::{IpFragOffset, Ipv4Header, NetHeaders, PacketHeaders, TcpHeader, TransportHeader};
use pcap_file::pcap::{PcapHeader, PcapReader, PcapWriter, RawPcapPacket};

/// Length of two addresses and a type.
const ETHERNET: usize = 14;

/// One record of a pcap file.
#[derive(Clone)]
pub(crate) struct Frame {
    time: (u32, u32),
    /// How many bytes it had on the wire.
    wire: u32,
    /// What was captured of it.
    pub(crate) bytes: Vec<u8>,
}

/// A capture, as the packets that it consists of.
#[derive(Clone)]
pub(crate) struct Capture {
    header: PcapHeader,
    pub(crate) frames: Vec<Frame>,
}

impl Capture {
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = fs::read(path).expect("a capture");
        let mut reader = PcapReader::new(&bytes[..]).expect("a pcap file");
        let header = reader.header();
        let mut frames = Vec::new();
        while let Some(record) = reader.next_raw_packet() {
            let record = record.expect("a whole record");
            frames.push(Frame {
                time: (record.ts_sec, record.ts_frac),
                wire: record.orig_len,
                bytes: record.data.to_vec(),
            });
        }
        Self { header, frames }
    }

    /// The bytes of the file.
    pub(crate) fn file(&self) -> Vec<u8> {
        let mut writer = PcapWriter::with_header(Vec::new(), self.header).expect("a header");
        for frame in &self.frames {
            let record = RawPcapPacket {
                ts_sec: frame.time.0,
                ts_frac: frame.time.1,
                incl_len: u32::try_from(frame.bytes.len()).expect("a small packet"),
                orig_len: frame.wire,
                data: frame.bytes.as_slice().into(),
            };
            writer.write_raw_packet(&record).expect("a record");
        }
        writer.into_inner()
    }

    /// The same file with these packets in it. Their times are put in order, as a capture has them.
    pub(crate) fn with(&self, frames: impl IntoIterator<Item = Frame>) -> Self {
        let mut frames: Vec<Frame> = frames.into_iter().collect();
        let mut times: Vec<_> = frames.iter().map(|frame| frame.time).collect();
        times.sort_unstable();
        for (frame, time) in frames.iter_mut().zip(times) {
            frame.time = time;
        }
        Self {
            header: self.header,
            frames,
        }
    }

    /// The same file with these packets in it, and with the times that they have.
    pub(crate) fn with_times_of(&self, frames: impl IntoIterator<Item = Frame>) -> Self {
        Self {
            header: self.header,
            frames: frames.into_iter().collect(),
        }
    }

    /// The number, from 0, of the first packet whose payload begins with these bytes.
    pub(crate) fn find(&self, payload: &[u8]) -> usize {
        self.frames
            .iter()
            .position(|frame| frame.payload().starts_with(payload))
            .expect("a packet with this payload")
    }
}

impl Frame {
    fn headers(&self) -> (Ipv4Header, TcpHeader, &[u8]) {
        let headers = PacketHeaders::from_ethernet_slice(&self.bytes).expect("an Ethernet frame");
        match (headers.net, headers.transport) {
            (Some(NetHeaders::Ipv4(ip, _)), Some(TransportHeader::Tcp(tcp))) => {
                (ip, tcp, headers.payload.slice())
            }
            _ => panic!("not TCP over IPv4"),
        }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        self.headers().2
    }

    /// Whether neither bytes nor the beginning or end of a direction would be lost with it.
    pub(crate) fn is_bare(&self) -> bool {
        let (_, tcp, payload) = self.headers();
        payload.is_empty() && !tcp.syn && !tcp.fin && !tcp.rst
    }

    pub(crate) fn is_to(&self, port: u16) -> bool {
        self.headers().1.destination_port == port
    }

    /// The first bytes of it, as a capture with a snap length has them.
    pub(crate) fn snapped(mut self, length: usize) -> Self {
        self.bytes.truncate(length);
        self
    }

    /// With one tag (IEEE 802.1Q) or with two (802.1ad).
    pub(crate) fn tagged(self, double: bool) -> Self {
        let outer: &[u8] = if double { &[0x88, 0xa8, 0, 7] } else { &[] };
        let tags = [outer, &[0x81, 0, 0, 42]].concat();
        let bytes = [&self.bytes[..12], &tags, &self.bytes[12..]].concat();
        self.with_bytes(bytes)
    }

    /// With sequence numbers moved, so that they may wrap where one wants them to.
    pub(crate) fn moved(self, port: u16, client: u32, server: u32) -> Self {
        let to_server = self.is_to(port);
        let (ip, mut tcp, payload) = self.headers();
        let (own, other) = if to_server {
            (client, server)
        } else {
            (server, client)
        };
        tcp.sequence_number = tcp.sequence_number.wrapping_add(own);
        if tcp.ack {
            tcp.acknowledgment_number = tcp.acknowledgment_number.wrapping_add(other);
        }
        let bytes = assemble(&self.bytes[..ETHERNET], ip, tcp, payload);
        self.with_bytes(bytes)
    }

    /// The sequence number of its first byte.
    pub(crate) fn sequence(&self) -> u32 {
        self.headers().1.sequence_number
    }

    /// As packets with at most `size` bytes of payload each.
    pub(crate) fn split(self, size: usize) -> Vec<Self> {
        let (ip, tcp, payload) = self.headers();
        if payload.is_empty() {
            return vec![self];
        }
        let pieces = payload.chunks(size).enumerate();
        pieces
            .map(|(number, piece)| {
                let mut tcp = tcp.clone();
                let offset = u32::try_from(number * size).expect("a small packet");
                tcp.sequence_number = tcp.sequence_number.wrapping_add(offset);
                let bytes = assemble(&self.bytes[..ETHERNET], ip.clone(), tcp, piece);
                self.clone().with_bytes(bytes)
            })
            .collect()
    }

    /// As IP fragments of at most `size` bytes, a multiple of eight.
    pub(crate) fn fragments(self, identification: u16, size: usize) -> Vec<Self> {
        let (ip, _, _) = self.headers();
        let content = &self.bytes[ETHERNET + ip.header_len()..];
        let last = content.len().div_ceil(size) - 1;
        let pieces = content.chunks(size).enumerate();
        pieces
            .map(|(number, piece)| {
                let mut ip = ip.clone();
                ip.identification = identification;
                ip.dont_fragment = false;
                ip.more_fragments = number < last;
                let offset = u16::try_from(number * size / 8).expect("a small packet");
                ip.fragment_offset = IpFragOffset::try_new(offset).expect("13 bits");
                ip.set_payload_len(piece.len()).expect("a small packet");
                let mut bytes = self.bytes[..ETHERNET].to_vec();
                ip.write(&mut bytes).expect("memory");
                bytes.extend_from_slice(piece);
                self.clone().with_bytes(bytes)
            })
            .collect()
    }

    fn with_bytes(mut self, bytes: Vec<u8>) -> Self {
        self.wire = u32::try_from(bytes.len()).expect("a small packet");
        self.bytes = bytes;
        self
    }
}

fn assemble(ethernet: &[u8], mut ip: Ipv4Header, mut tcp: TcpHeader, payload: &[u8]) -> Vec<u8> {
    ip.set_payload_len(tcp.header_len() + payload.len())
        .expect("a small packet");
    tcp.checksum = tcp
        .calc_checksum_ipv4(&ip, payload)
        .expect("a small packet");
    let mut bytes = ethernet.to_vec();
    ip.write(&mut bytes).expect("memory");
    tcp.write(&mut bytes).expect("memory");
    bytes.extend_from_slice(payload);
    bytes
}
