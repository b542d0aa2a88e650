use std::path::Path;

use crate::read::{Ending, Frames};
use crate::{Error, NoteKind};

/// Builds pcapng blocks in either byte order.
struct File {
    bytes: Vec<u8>,
    big: bool,
}

impl File {
    fn new(big: bool) -> Self {
        let mut file = Self {
            bytes: Vec::new(),
            big,
        };
        file.section(big, &[]);
        file
    }

    fn u16(&self, value: u16) -> [u8; 2] {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn u32(&self, value: u32) -> [u8; 4] {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn section(&mut self, big: bool, options: &[u8]) {
        self.big = big;
        let mut body = self.u32(0x1a2b_3c4d).to_vec();
        body.extend(self.u16(1));
        body.extend(self.u16(0));
        body.extend([0xff; 8]);
        body.extend(options);
        self.block(0x0a0d_0d0a, &body);
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        let length = u32::try_from(12 + body.len().next_multiple_of(4)).unwrap();
        self.bytes.extend(self.u32(kind));
        self.bytes.extend(self.u32(length));
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.bytes.extend(self.u32(length));
    }

    fn interface(&mut self, link_type: u16, snap_length: u32, options: &[u8]) {
        let mut body = self.u16(link_type).to_vec();
        body.extend([0, 0]);
        body.extend(self.u32(snap_length));
        body.extend(options);
        self.block(1, &body);
    }

    fn enhanced(&mut self, interface: u32, ticks: u32, captured: u32, original: u32, data: &[u8]) {
        let body: Vec<u8> = [interface, 0, ticks, captured, original]
            .into_iter()
            .flat_map(|value| self.u32(value))
            .chain(data.iter().copied())
            .collect();
        self.block(6, &body);
    }
}

type Seen = (u64, u64, u32, u16, u64, Vec<u8>);

fn read(bytes: &[u8]) -> (Vec<Seen>, Ending) {
    let mut frames = Frames::new(Path::new("x"), bytes).unwrap();
    let seen = frames
        .by_ref()
        .map(|frame| {
            (
                frame.packet,
                frame.time.as_nanos(),
                frame.interface,
                frame.link_type,
                frame.wire_length,
                frame.bytes.to_vec(),
            )
        })
        .collect();
    (seen, frames.finish())
}

fn kinds(ending: &Ending) -> Vec<NoteKind> {
    ending.notes.iter().map(|note| note.kind).collect()
}

#[test]
fn several_sections_interfaces_and_packet_blocks() {
    for big in [false, true] {
        let mut file = File::new(big);
        file.interface(1, 0, &[]);
        // Interface 1 counts nanoseconds.
        let code = file.u16(9);
        let length = file.u16(1);
        file.interface(
            113,
            0,
            &[code[0], code[1], length[0], length[1], 9, 0, 0, 0],
        );
        file.enhanced(0, 7, 3, 3, b"abc");
        file.block(5, &[0; 12]);
        file.enhanced(1, 7, 3, 5, b"def");
        file.section(!big, &[]);
        file.interface(101, 2, &[]);
        let simple: Vec<u8> = file.u32(3).into_iter().chain(*b"gh").collect();
        file.block(3, &simple);
        let mut obsolete = vec![0; 4];
        for value in [0, 9, 2, 2] {
            obsolete.extend(file.u32(value));
        }
        obsolete.extend(b"ij");
        file.block(2, &obsolete);
        let (seen, ending) = read(&file.bytes);
        assert_eq!(
            seen,
            [
                (1, 7_000, 0, 1, 3, b"abc".to_vec()),
                (2, 7, 1, 113, 5, b"def".to_vec()),
                (3, 0, 2, 101, 3, b"gh".to_vec()),
                (4, 9_000, 2, 101, 2, b"ij".to_vec()),
            ]
        );
        assert_eq!(ending.packets, 4);
        assert!(ending.notes.is_empty() && ending.truncated.is_none());
    }
}

#[test]
fn a_packet_of_an_unknown_interface_counts_but_is_passed_over() {
    let mut file = File::new(false);
    file.interface(1, 0, &[]);
    file.enhanced(4, 0, 1, 1, b"a");
    file.enhanced(0, 0, 1, 1, b"b");
    let (seen, ending) = read(&file.bytes);
    assert_eq!(seen, [(2, 0, 0, 1, 1, b"b".to_vec())]);
    assert_eq!(ending.packets, 2);
    assert_eq!(kinds(&ending), [NoteKind::Skipped]);
}

#[test]
fn blocks_that_wireshark_numbers_take_a_number() {
    let mut file = File::new(false);
    file.interface(1, 0, &[]);
    file.block(9, b"MESSAGE=hi\n");
    file.block(0x0bad, &[1, 0, 0, 0]);
    file.block(0x4000_0bad, &[1, 0, 0, 0]);
    file.block(0x0a, b"KSLT");
    file.enhanced(0, 0, 1, 1, b"a");
    let (seen, ending) = read(&file.bytes);
    assert_eq!(seen, [(4, 0, 0, 1, 1, b"a".to_vec())]);
    assert_eq!(ending.packets, 4);
}

#[test]
fn lengths_that_do_not_fit_are_noted_and_bounded() {
    let mut file = File::new(false);
    file.interface(1, 0, &[]);
    file.enhanced(0, 0, 4_000_000_000, 1, b"abcd");
    let (seen, ending) = read(&file.bytes);
    assert_eq!(seen, [(1, 0, 0, 1, 4, b"abcd".to_vec())]);
    assert_eq!(kinds(&ending), [NoteKind::OddRecord, NoteKind::OddRecord]);
}

#[test]
fn options_that_are_not_utf8_do_not_stop_the_reader() {
    let bad_comment = [1, 0, 1, 0, 0xff, 0, 0, 0];
    let bad_name = [2, 0, 1, 0, 0xff, 0, 0, 0];
    let mut file = File {
        bytes: Vec::new(),
        big: false,
    };
    file.section(false, &bad_comment);
    file.interface(1, 0, &bad_name);
    file.enhanced(0, 0, 1, 1, b"a");
    file.section(false, &bad_comment);
    file.interface(1, 0, &[]);
    file.enhanced(0, 0, 1, 1, b"b");
    let (seen, ending) = read(&file.bytes);
    assert_eq!(seen.len(), 2);
    assert_eq!(
        seen[1].2, 1,
        "the interfaces of the second section are others"
    );
    assert_eq!(kinds(&ending), [NoteKind::OddRecord, NoteKind::OddRecord]);
    assert!(ending.truncated.is_none());
}

#[test]
fn a_cut_block_names_packet_and_offset() {
    let mut file = File::new(false);
    file.interface(1, 0, &[]);
    file.enhanced(0, 0, 1, 1, b"a");
    let whole = file.bytes.len();
    file.enhanced(0, 0, 1, 1, b"b");
    for end in whole + 1..file.bytes.len() {
        let (seen, ending) = read(&file.bytes[..end]);
        assert_eq!(seen.len(), 1);
        let cut = ending.truncated.unwrap();
        assert_eq!((cut.packet, cut.offset), (2, whole as u64));
    }
}

#[test]
fn a_block_with_a_wrong_trailer_stops_the_reader() {
    let mut file = File::new(false);
    file.interface(1, 0, &[]);
    file.enhanced(0, 0, 1, 1, b"a");
    let last = file.bytes.len() - 1;
    file.bytes[last] = 9;
    let (seen, ending) = read(&file.bytes);
    assert!(seen.is_empty());
    assert!(ending.truncated.unwrap().reason.contains("damaged"));
}

#[test]
fn a_cut_section_header_is_an_error() {
    let file = File::new(true);
    let error = Frames::new(Path::new("x"), &file.bytes[..20]).unwrap_err();
    assert!(matches!(
        error,
        Error::Malformed {
            packet: 0,
            offset: 20,
            ..
        }
    ));
}
