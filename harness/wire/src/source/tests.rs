use std::io::Write;
use std::path::PathBuf;

use super::{Next, Origin, Sources, is_capture};
use crate::Error;

/// A pcap file with one packet of one byte for each time in seconds.
fn capture(times: &[u32]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
    for value in [0, 0, 65_535, 1_u32] {
        file.extend(value.to_le_bytes());
    }
    for time in times {
        for value in [*time, 0, 1, 1] {
            file.extend(value.to_le_bytes());
        }
        file.push(time.to_le_bytes()[0]);
    }
    file
}

/// Reads everything: for each packet its number and its byte.
fn read(mut sources: Sources) -> (Vec<(u64, u8)>, Vec<super::FileEnding>, Vec<String>) {
    let mut seen = Vec::new();
    loop {
        match sources.next(true) {
            Next::Frame(packet) => {
                let (frame, _) = sources.frame().unwrap();
                assert_eq!(frame.packet, packet);
                seen.push((packet, frame.bytes[0]));
            }
            Next::Read => panic!("reading was allowed"),
            Next::End => break,
        }
    }
    let (endings, problems) = sources.finish();
    (seen, endings, problems)
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn captures_are_unpacked_by_their_first_bytes() {
    let folder = Folder::new();
    let plain = capture(&[1, 2, 3]);
    let zstd = zstd::encode_all(plain.as_slice(), 1).unwrap();
    for (name, bytes) in [("a", plain.clone()), ("b", gzip(&plain)), ("c", zstd)] {
        let path = folder.file(name, &bytes);
        assert!(is_capture(&path));
        let (seen, endings, _) = read(Sources::new(vec![Origin::File(path)]));
        assert_eq!(seen, [(1, 1), (2, 2), (3, 3)]);
        assert_eq!(endings[0].numbers, Some((1, 3)));
    }
}

#[test]
fn several_captures_are_one_in_the_order_of_time() {
    let folder = Folder::new();
    let origins = [
        ("late", vec![50, 60]),
        ("early", vec![10, 20, 55]),
        ("between", vec![15, 16]),
        ("empty", vec![]),
    ]
    .map(|(name, times)| Origin::File(folder.file(name, &capture(&times))));
    let (seen, endings, _) = read(Sources::new(origins.into()));
    let bytes: Vec<_> = seen.iter().map(|(_, byte)| *byte).collect();
    assert_eq!(bytes, [10, 15, 16, 20, 50, 55, 60]);
    assert_eq!(
        seen.iter().map(|(packet, _)| *packet).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6, 7]
    );
    let numbers: Vec<_> = endings.iter().map(|ending| ending.numbers).collect();
    assert_eq!(numbers, [Some((5, 7)), Some((1, 6)), Some((2, 3)), None]);
}

#[test]
fn one_bad_capture_does_not_cost_the_others() {
    let folder = Folder::new();
    let origins = vec![
        Origin::File(folder.file("good", &capture(&[1]))),
        Origin::File(folder.file("bad", b"not a capture")),
        Origin::File(folder.0.path().join("absent")),
    ];
    let (seen, endings, _) = read(Sources::new(origins));
    assert_eq!(seen, [(1, 1)]);
    assert!(endings[0].error.is_none());
    assert!(matches!(endings[1].error, Some(Error::NotACapture { .. })));
    assert!(matches!(endings[2].error, Some(Error::Io { .. })));
}

#[test]
fn a_cut_archive_gives_what_comes_before_the_cut() {
    let folder = Folder::new();
    let times: Vec<u32> = (0..60_000).collect();
    let packed = gzip(&capture(&times));
    let path = folder.file("cut", &packed[..packed.len() / 2]);
    let (seen, endings, problems) = read(Sources::new(vec![Origin::File(path)]));
    assert!(seen.len() > 1_000 && seen.len() < times.len());
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(endings[0].error.is_none());
}

/// A reader that gives a few bytes at a time.
struct Dribble(Vec<u8>, usize);

impl std::io::Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let given = self.1.min(self.0.len()).min(buffer.len());
        buffer[..given].copy_from_slice(&self.0[..given]);
        self.0.drain(..given);
        Ok(given)
    }
}

#[test]
fn a_stream_may_come_in_any_pieces() {
    for step in 1..40 {
        let reader = Box::new(Dribble(capture(&[7, 8, 9]), step));
        let origin = Origin::Stream {
            name: PathBuf::from("-"),
            reader,
        };
        let (seen, ..) = read(Sources::new(vec![origin]));
        assert_eq!(seen, [(1, 7), (2, 8), (3, 9)], "step {step}");
    }
}
