mod spare;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rstest::rstest;

use super::{Settings, Worker, run};
use crate::source::{Origin, Sources};
use crate::tcp::Ended;
use crate::{CaptureWriter, Direction, Header, StreamEvent, TappedConversation, Timestamp};

/// Makes a line of each connection.
struct Clerk;

impl Worker for Clerk {
    type Consumer = Vec<StreamEvent>;
    type Product = String;

    fn secrets(&mut self, _: &str) {}

    fn open(&mut self) -> Self::Consumer {
        Vec::new()
    }

    fn close(&mut self, ended: Ended<Self::Consumer>) -> Option<String> {
        let bytes: usize = ended
            .consumer
            .iter()
            .map(|event| match event {
                StreamEvent::Data { bytes, .. } => bytes.len(),
                _ => 0,
            })
            .sum();
        let about = ended.about;
        Some(format!("{} {} {bytes}", about.client, about.first_packet))
    }
}

fn writer() -> CaptureWriter<Vec<u8>> {
    let header = Header {
        application: "smtpspec test".to_owned(),
        comment: String::new(),
        interface: "tap".to_owned(),
    };
    CaptureWriter::new(Vec::new(), &header).unwrap()
}

fn at(step: u64) -> Timestamp {
    Timestamp::from_nanos(1_700_000_000_000_000_000 + step * 1_000_000)
}

/// Two hundred connections that interleave, each with its own length.
fn capture() -> Vec<u8> {
    let mut to = writer();
    let mut open: Vec<(u64, TappedConversation)> = Vec::new();
    for step in 0..900_u64 {
        if step < 200 {
            let port = 20_000 + u16::try_from(step).unwrap();
            let client = ([192, 0, 2, 1], port).into();
            let mut tap = TappedConversation::new(client, ([192, 0, 2, 2], 25).into(), step);
            tap.open(at(step), &mut to).unwrap();
            open.push((step, tap));
        }
        for (number, tap) in &mut open {
            let age = step - *number;
            if age == 50 + *number {
                tap.fin(Direction::Client, at(step), &mut to).unwrap();
                tap.fin(Direction::Server, at(step), &mut to).unwrap();
            } else if age < 50 + *number && age % 7 == *number % 7 {
                let bytes = vec![b'x'; 4_000];
                tap.data(Direction::Client, at(step), &bytes, &mut to)
                    .unwrap();
            }
        }
    }
    to.into_inner()
}

#[rstest]
#[case::from_a_file(true)]
#[case::from_a_stream(false)]
fn any_number_of_lanes_gives_the_same_in_the_same_order(#[case] from_a_file: bool) {
    let bytes = capture();
    // Several rounds, and more than are put together.
    assert!(bytes.len() > 6 << 20);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let go = |lanes| {
        let origin = if from_a_file {
            Origin::File(file.path().to_path_buf())
        } else {
            Origin::Stream {
                name: PathBuf::from("test"),
                reader: Box::new(std::io::Cursor::new(bytes.clone())),
            }
        };
        let settings = Settings {
            lanes,
            ..Settings::default()
        };
        let mut made = Vec::new();
        let summary = run(
            Sources::new(vec![origin]),
            &settings,
            || Clerk,
            |line| made.push(line),
        );
        assert!(summary.errors().next().is_none());
        (made, summary.packets, summary.strays)
    };
    let (one, packets, strays) = go(1);
    assert_eq!(one.len(), 200);
    assert!(packets > 5_000);
    for lanes in 2..5 {
        assert_eq!(go(lanes), (one.clone(), packets, strays));
    }
}

#[test]
fn a_stop_ends_the_reading_in_good_order() {
    let origin = Origin::Stream {
        name: PathBuf::from("test"),
        reader: Box::new(std::io::Cursor::new(capture())),
    };
    let settings = Settings::default();
    settings
        .stop
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let mut made = 0;
    let summary = run(
        Sources::new(vec![origin]),
        &settings,
        || Clerk,
        |_| made += 1,
    );
    assert!(made < 200 && summary.packets < 5_000, "{made}");
}

/// A named pipe into which a thread writes `bytes`. It is left open until the sender that is returned is used or dropped.
#[cfg(unix)]
fn pipe(path: PathBuf, bytes: Vec<u8>) -> (Origin, mpsc::Sender<()>) {
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    let (sender, told) = mpsc::channel();
    let to = path.clone();
    std::thread::spawn(move || {
        let mut pipe = std::fs::File::create(to).unwrap();
        pipe.write_all(&bytes).unwrap();
        // Where nothing is delivered, the test is to fail and not to hang.
        let _ = told.recv_timeout(Duration::from_secs(20));
    });
    (Origin::File(path), sender)
}

#[cfg(unix)]
#[test]
fn what_a_pipe_brings_is_delivered_before_it_ends() {
    let mut to = writer();
    let mut tap = TappedConversation::new(
        ([192, 0, 2, 1], 20_000).into(),
        ([192, 0, 2, 2], 25).into(),
        0,
    );
    tap.open(at(0), &mut to).unwrap();
    for direction in [Direction::Client, Direction::Server] {
        tap.fin(direction, at(1), &mut to).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let (origin, told) = pipe(folder.path().join("pipe"), to.into_inner());
    let settings = Settings {
        lanes: 2,
        ..Settings::default()
    };
    let begun = Instant::now();
    let mut delivered = None;
    run(
        Sources::new(vec![origin]),
        &settings,
        || Clerk,
        |_| {
            delivered = Some(begun.elapsed());
            let _ = told.send(());
        },
    );
    assert!(delivered.is_some_and(|after| after < Duration::from_secs(15)));
}

#[cfg(unix)]
#[test]
fn several_pipes_are_each_opened_once() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = capture();
    let origins = ["one", "two"].map(|name| pipe(folder.path().join(name), bytes.clone()).0);
    let mut made = 0;
    let summary = run(
        Sources::new(origins.into()),
        &Settings::default(),
        || Clerk,
        |_| made += 1,
    );
    assert!(summary.errors().next().is_none() && summary.problems.is_empty());
    assert!(made >= 200 && summary.packets > 10_000, "{made}");
}

/// Fails at the tenth connection.
struct Clumsy(usize);

impl Worker for Clumsy {
    type Consumer = Vec<StreamEvent>;
    type Product = ();

    fn secrets(&mut self, _: &str) {}

    fn open(&mut self) -> Self::Consumer {
        Vec::new()
    }

    fn close(&mut self, _: Ended<Self::Consumer>) -> Option<()> {
        self.0 += 1;
        assert!(self.0 < 10, "clumsy");
        None
    }
}

#[test]
#[should_panic(expected = "a scoped thread panicked")]
fn a_thread_that_fails_does_not_leave_the_others_waiting() {
    let origin = Origin::Stream {
        name: PathBuf::from("test"),
        reader: Box::new(std::io::Cursor::new(capture())),
    };
    let settings = Settings {
        lanes: 3,
        ..Settings::default()
    };
    run(Sources::new(vec![origin]), &settings, || Clumsy(0), |()| {});
}

#[test]
fn each_thread_of_a_lane_begins_with_what_is_asked_for_and_the_calling_one_does_not() {
    static BEGUN: AtomicU64 = AtomicU64::new(0);
    let go = |lanes| {
        let settings = Settings {
            lanes,
            begin: Some(|| {
                BEGUN.fetch_add(1, Ordering::Relaxed);
            }),
            ..Settings::default()
        };
        let origin = Origin::Stream {
            name: PathBuf::from("test"),
            reader: Box::new(std::io::Cursor::new(capture())),
        };
        run(Sources::new(vec![origin]), &settings, || Clerk, |_| {});
        BEGUN.swap(0, Ordering::Relaxed)
    };
    assert_eq!([go(1), go(2), go(3)], [0, 2, 3]);
}
