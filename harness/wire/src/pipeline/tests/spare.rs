//! Time that is lent.

use std::io::{self, Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use super::super::board::{Board, Task};
use super::super::crew::staff;
use super::super::desk::{Desk, Group};
use super::super::lane::Lane;
use super::super::producer::Producer;
use super::super::spare::Piecework;
use super::super::{Settings, SpareTime, Summary, run};
use super::{Clerk, Clumsy, capture};
use crate::source::{Origin, Sources};

/// A capture that grows: of so many reads that follow each other, all but the last bring something without waiting.
struct Growing {
    bytes: Cursor<Vec<u8>>,
    ready: Arc<AtomicBool>,
    at_once: usize,
    reads: usize,
}

impl Read for Growing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.reads += 1;
        let more = self.bytes.position() < self.bytes.get_ref().len() as u64;
        let ready = more && !self.reads.is_multiple_of(self.at_once);
        self.ready.store(ready, Ordering::Relaxed);
        Ok(read)
    }
}

fn growing(at_once: usize) -> Sources {
    let ready = Arc::new(AtomicBool::new(false));
    let reader = Growing {
        bytes: Cursor::new(capture()),
        ready: Arc::clone(&ready),
        at_once,
        reads: 0,
    };
    Sources::new(vec![Origin::Growing {
        name: "test".into(),
        reader: Box::new(reader),
        ready,
    }])
}

/// What comes out, with so many lanes and whatever time is lent, where the caller takes a while for each.
fn lines(sources: Sources, lanes: usize, spare: &SpareTime, each: Duration) -> (Vec<String>, u64) {
    let settings = Settings {
        lanes,
        spare: spare.clone(),
        ..Settings::default()
    };
    let mut made = Vec::new();
    let take = |line| {
        if !each.is_zero() {
            thread::sleep(each);
        }
        made.push(line);
    };
    let Summary { packets, .. } = run(sources, &settings, || Clerk, take);
    (made, packets)
}

/// The board of a single lane, with room for so many groups of answers.
fn board(groups: usize) -> (Board<Clerk>, Receiver<Group<String>>) {
    let settings = Settings::default();
    let (answers, output) = sync_channel(groups);
    let desk = Desk::new(Lane::new(Clerk, settings.bounds), answers);
    let producer = Producer::new(growing(1000), &settings, 1);
    (Board::new(producer, vec![desk]), output)
}

/// Reads, where somebody has to wait for it.
fn read(board: &Board<Clerk>) {
    let Task::Read(producer) = board.next(0) else {
        panic!("somebody has to wait for it")
    };
    board.read(producer);
}

/// What was answered.
fn answered(groups: impl IntoIterator<Item = Group<String>>) -> Vec<String> {
    let made = groups.into_iter().flatten();
    let made = made.flat_map(|made| made.products);
    made.map(|(_, line)| line).collect()
}

fn alone() -> (Vec<String>, u64) {
    let alone = lines(growing(1), 1, &SpareTime::default(), Duration::ZERO);
    assert_eq!(alone.0.len(), 200);
    alone
}

#[test]
fn all_but_the_waiting_can_be_done_in_it() {
    let (board, output) = board(1000);
    assert!(!board.do_a_little(), "nothing is there without waiting");
    read(&board);
    let mut pieces = 0;
    while board.do_a_little() {
        pieces += 1;
    }
    // A piece is some segments or the reading of a few.
    assert!(pieces > 1000, "{pieces}");
    board.take_over();
    read(&board);
    staff(&board, 0);
    assert_eq!(answered(output), alone().0);
}

#[test]
fn what_was_begun_in_it_is_ended_where_it_is_withdrawn() {
    let (board, output) = board(1000);
    for pieces in 1.. {
        match board.next(0) {
            Task::Read(producer) => board.read(producer),
            Task::Work => assert!(board.work(0)),
            Task::Leave => break,
        }
        // Each time it ends somewhere else.
        for _ in 0..pieces % 12 {
            board.do_a_little();
        }
        board.take_over();
    }
    board.close(0);
    assert_eq!(answered(output), alone().0);
}

#[test]
fn no_more_is_made_in_it_than_somebody_takes() {
    let (board, output) = board(1);
    read(&board);
    let mut taken = Vec::new();
    let mut stops = 0;
    loop {
        while board.do_a_little() {}
        let Ok(group) = output.try_recv() else { break };
        stops += 1;
        taken.push(group);
    }
    assert!(stops > 2, "{stops}");
    board.take_over();
    thread::scope(|scope| {
        scope.spawn(|| staff(&board, 0));
        taken.extend(&output);
    });
    assert_eq!(answered(taken), alone().0);
}

/// Lends time until it is told to end, with pauses.
fn lend(spare: &SpareTime, over: &AtomicBool, most: usize) {
    while !over.load(Ordering::Relaxed) {
        for _ in 0..most {
            spare.lend();
        }
        spare.withdraw();
        thread::yield_now();
    }
}

#[test]
fn it_changes_nothing_of_what_comes_out() {
    let alone = alone();
    let slow = Duration::from_micros(100);
    for (most, at_once, each) in [
        (1, 1, Duration::ZERO),
        (7, 3, Duration::ZERO),
        (100, 2, slow),
        (10_000, 100, Duration::ZERO),
        (10_000, 100, slow),
    ] {
        let spare = SpareTime::default();
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| lend(&spare, &over, most));
            for lanes in 2..4 {
                assert_eq!(lines(growing(at_once), lanes, &spare, each), alone);
            }
            over.store(true, Ordering::Relaxed);
        });
        assert!(!spare.lend(), "there is no more to do");
    }
}

#[test]
fn a_failure_in_it_does_not_leave_others_waiting() {
    let spare = SpareTime::default();
    let settings = Settings {
        lanes: 2,
        spare: spare.clone(),
        ..Settings::default()
    };
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let lent = catch_unwind(AssertUnwindSafe(|| lend(&spare, &over, 100)));
                if lent.is_err() {
                    spare.withdraw();
                }
            }
        });
        let sources = growing(100);
        let judged = AssertUnwindSafe(|| run(sources, &settings, || Clumsy(0), |()| {}));
        assert!(catch_unwind(judged).is_err(), "it fails somewhere");
        over.store(true, Ordering::Relaxed);
    });
}
