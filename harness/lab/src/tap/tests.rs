//! The tap over a scripted stream, and the files that recorders write.

use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wire::{Capture, Closing, Direction, StreamEvent};

use super::*;

/// A file that the test can look into while it is being written.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn capture(&self) -> Capture {
        Capture::from_bytes("test", &self.0.lock().expect("no panic")).expect("a capture")
    }
}

fn recorder(file: &Shared, clock: Clock) -> Recorder {
    let options = RecorderOptions {
        clock,
        nominal_port: Some(25),
        comment: String::new(),
        held: 0,
    };
    Recorder::new(Box::new(file.clone()), options).expect("a header")
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 7], port))
}

fn data(capture: &Capture, conversation: usize) -> Vec<(Direction, String)> {
    let events = &capture.conversations[conversation].events;
    events
        .iter()
        .filter_map(|event| match event {
            StreamEvent::Data {
                direction, bytes, ..
            } => Some((*direction, String::from_utf8_lossy(bytes).into())),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn what_crosses_the_stream_is_recorded_as_it_crosses() {
    let file = Shared::default();
    let recorder = recorder(&file, Clock::Real);
    let mock = tokio_test::io::Builder::new()
        .write(b"220 x\r\n")
        .read(b"EH")
        .read(b"LO y\r\n")
        .build();
    let mut stream = TapStream::new(mock, recorder.open(address(40_000), address(2525)));
    stream.write_all(b"220 x\r\n").await.expect("written");
    stream.flush().await.expect("flushed");
    let mut buffer = [0; 100];
    while stream.read(&mut buffer).await.expect("read") > 0 {}
    stream.shutdown().await.expect("shut down");

    let capture = file.capture();
    let conversation = &capture.conversations[0];
    assert_eq!(
        (conversation.client, conversation.server),
        (address(40_000), address(25))
    );
    assert_eq!(conversation.closing, Closing::Orderly);
    let wanted = [
        (Direction::Server, "220 x\r\n".to_owned()),
        (Direction::Client, "EH".to_owned()),
        (Direction::Client, "LO y\r\n".to_owned()),
    ];
    assert_eq!(
        data(&capture, 0),
        wanted,
        "with the real clock the cutting is kept"
    );
}

#[tokio::test]
async fn an_aborted_connection_is_recorded_once() {
    let file = Shared::default();
    let recorder = recorder(&file, Clock::Real);
    let reset = || io::Error::from(ErrorKind::ConnectionReset);
    let mock = tokio_test::io::Builder::new()
        .read_error(reset())
        .write_error(reset())
        .build();
    let mut stream = TapStream::new(mock, recorder.open(address(40_000), address(25)));
    let mut buffer = [0; 100];
    stream.read(&mut buffer).await.expect_err("reset");
    stream.write_all(b"x").await.expect_err("still reset");
    drop(stream);
    assert_eq!(
        recorder.finish().expect("nothing out of order"),
        4,
        "three for the handshake, one for the reset"
    );
    assert_eq!(
        file.capture().conversations[0].closing,
        Closing::Reset(Direction::Client)
    );
}

#[tokio::test]
async fn with_the_pinned_clock_connections_stand_one_after_the_other() {
    let file = Shared::default();
    let recorder = recorder(&file, Clock::Pinned);
    let stream = |number: u16| {
        let text = format!("{number}");
        let mock = tokio_test::io::Builder::new().read(text.as_bytes()).build();
        TapStream::new(mock, recorder.open(address(40_000 + number), address(2525)))
    };
    let (mut first, mut second) = (stream(1), stream(2));
    let mut buffer = [0; 10];
    for stream in [&mut second, &mut first] {
        let _ = stream.read(&mut buffer).await.expect("read");
    }
    drop(second);
    assert!(
        file.capture().conversations.is_empty(),
        "the first is still open"
    );
    drop(first);
    let capture = file.capture();
    assert_eq!(data(&capture, 0), [(Direction::Client, "1".to_owned())]);
    assert_eq!(data(&capture, 1), [(Direction::Client, "2".to_owned())]);
    let first = &capture.conversations[0];
    assert_eq!(first.client, SocketAddr::from(([127, 0, 0, 1], 49_152)));
    assert_eq!(
        first.end.since(first.start).as_millis(),
        1,
        "one tick for each event"
    );
    assert!(capture.conversations[1].start > first.end);
}

#[tokio::test]
async fn a_wait_and_another_servers_address_are_shown_with_the_pinned_clock() {
    let file = Shared::default();
    let recorder = recorder(&file, Clock::Pinned);
    let other = SocketAddr::from(([127, 0, 0, 3], 2525));
    for (shown, wait) in [(None, 0), (Some(other), 300), (None, 0)] {
        recorder.pause(Duration::from_secs(wait));
        let mock = tokio_test::io::Builder::new().build();
        let shown = Shown {
            server: shown,
            ..Shown::default()
        };
        let tap = recorder.open_as(address(40_000), address(2525), shown);
        drop(TapStream::new(mock, tap));
    }
    recorder.finish().expect("written");
    let capture = file.capture();
    let [first, second, third] = capture.conversations.as_slice() else {
        panic!("three connections")
    };
    assert_eq!(
        second.start.since(first.start),
        Duration::from_millis(300_001)
    );
    assert_eq!(third.start.since(second.start), Duration::from_millis(1));
    assert_eq!(second.server, other);
    assert_eq!(third.server, SocketAddr::from(([127, 0, 0, 1], 25)));
}

#[tokio::test]
async fn finishing_writes_what_is_held_back() {
    let file = Shared::default();
    let recorder = recorder(&file, Clock::Pinned);
    let mock = tokio_test::io::Builder::new()
        .read(b"x")
        .read(b"late")
        .build();
    let mut stream = TapStream::new(mock, recorder.open(address(40_000), address(25)));
    let mut buffer = [0; 10];
    let _ = stream.read(&mut buffer).await.expect("read");
    recorder.finish().expect("written");
    let _ = stream.read(&mut buffer).await.expect("read");
    drop(stream);
    drop(recorder);
    assert_eq!(
        data(&file.capture(), 0),
        [(Direction::Client, "x".to_owned())],
        "nothing comes after the end"
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told_at_the_end() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or(ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let recorder = Recorder::new(Box::new(Full(300)), RecorderOptions::default())
        .expect("room for the header");
    let mock = tokio_test::io::Builder::new()
        .write(b"220 x\r\n")
        .write(b"250 y\r\n")
        .build();
    let mut stream = TapStream::new(mock, recorder.open(address(40_000), address(25)));
    stream
        .write_all(b"220 x\r\n")
        .await
        .expect("the session goes on");
    stream
        .write_all(b"250 y\r\n")
        .await
        .expect("the session goes on");
    assert_eq!(
        recorder.finish().expect_err("the disk is full").kind(),
        ErrorKind::StorageFull
    );
}

#[test]
fn secrets_are_written_and_never_shown() {
    let file = Shared::default();
    let recorder = recorder(&file, Clock::Real);
    let keys = recorder
        .open(address(1), address(25))
        .key_log()
        .expect("it is recorded");
    keys.log("CLIENT_RANDOM", &[0xab], &[0xcd]);
    let bytes = file.0.lock().expect("no panic").clone();
    let line = b"CLIENT_RANDOM ab cd\n";
    assert!(bytes.windows(line.len()).any(|window| window == line));
    assert_eq!(format!("{keys:?}"), "Keys");
    assert!(Tap::none().key_log().is_none());
}

/// A disk with so much room, which a test can change.
#[derive(Clone)]
struct Disk {
    file: Shared,
    room: Arc<Mutex<usize>>,
}

impl Disk {
    fn with(room: usize) -> Self {
        Self {
            file: Shared::default(),
            room: Arc::new(Mutex::new(room)),
        }
    }

    fn make_room(&self) {
        *self.room.lock().expect("no panic") = usize::MAX;
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut room = self.room.lock().expect("no panic");
        let taken = bytes.len().min(*room);
        if taken == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        *room -= taken;
        self.file.write(&bytes[..taken])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn recorder_on(disk: &Disk) -> Recorder {
    let options = RecorderOptions::default();
    Recorder::new(Box::new(disk.clone()), options).expect("room for the header")
}

async fn say(stream: &mut TapStream<tokio::io::Sink>, bytes: &[u8]) {
    stream.write_all(bytes).await.expect("the session goes on");
}

#[tokio::test]
async fn a_file_that_has_room_again_is_gone_on_with_inside_the_block() {
    let disk = Disk::with(601);
    let recorder = recorder_on(&disk);
    let sink = || {
        TapStream::new(
            tokio::io::sink(),
            recorder.open(address(40_000), address(25)),
        )
    };
    let mut stream = sink();
    for number in 0..10 {
        say(&mut stream, format!("{number} 250 x\r\n").as_bytes()).await;
    }
    let error = recorder.written().expect_err("there is no room");
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert!(disk.file.capture().truncated.is_some(), "cut, and readable");
    disk.make_room();
    let frames = recorder.written().expect("there is room");
    say(&mut stream, b"10 250 x\r\n").await;
    drop(stream);
    assert!(recorder.finish().expect("nothing is missing") > frames);
    let capture = disk.file.capture();
    assert!(capture.truncated.is_none());
    assert_eq!(data(&capture, 0).len(), 11);
}

#[tokio::test]
async fn what_finds_no_room_in_memory_either_shows_as_missing() {
    let disk = Disk::with(601);
    let recorder = recorder_on(&disk);
    let tap = recorder.open(address(40_000), address(25));
    let mut stream = TapStream::new(tokio::io::sink(), tap);
    let much = vec![b'x'; 1 << 20];
    for _ in 0..20 {
        say(&mut stream, &much).await;
    }
    assert!(recorder.left_out() > 0);
    disk.make_room();
    recorder.written().expect("there is room");
    say(&mut stream, b"again\r\n").await;
    drop(stream);
    let error = recorder.finish().expect_err("frames are missing");
    assert!(
        error.to_string().contains("frames found no room"),
        "{error}"
    );
    let capture = disk.file.capture();
    let events = &capture.conversations[0].events;
    assert!(
        events
            .iter()
            .any(|event| matches!(event, StreamEvent::Gap { .. }))
    );
    let (_, last) = data(&capture, 0).pop().expect("data");
    assert_eq!(last, "again\r\n");
}
