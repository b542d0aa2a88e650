//! Several threads, one for each lane. Whoever comes by while there is little to do reads on, if nobody else does: so all
//! processors are busy, and bytes are mostly looked into by the processor that read them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::batch::Batch;
use super::lane::{Lane, Made};
use super::producer::Producer;
use super::{Summary, Worker};

/// How many rounds may be read ahead of the slowest lane.
const MOST_WAITING: usize = 12;

/// With how many rounds of a file a thread works on before it reads, so that it need not wait while another reads. More
/// of them would leave the processor's cache before they are worked through.
const AHEAD: usize = 3;

/// Of how many rounds the answers go to the caller together, so that its thread is not woken for each: it would take
/// the place of one that works.
const GROUP: usize = 8;

/// How many groups of answers may wait for the caller.
const MOST_GROUPS: usize = 2;

/// How often a thread looks whether there is something to do before it sleeps: for about as long as the reading of a
/// round takes. To be put to sleep and woken takes as long, and more where the processor is a virtual one.
const LOOKS: u32 = 20_000;

/// What the threads share.
struct Board {
    state: Mutex<State>,
    changed: Condvar,
    /// Counts rounds that were put up.
    rounds: AtomicU64,
    /// There is a processor for every thread: one that looks around takes nobody's place.
    roomy: bool,
}

struct State {
    /// The rounds that are still to be worked through, for each lane.
    waiting: Vec<VecDeque<Batch>>,
    /// Not there while somebody reads.
    producer: Option<Producer>,
    /// The last round was read.
    done: bool,
    /// The next round need not be waited for.
    ready: bool,
    /// The last round came from a file: the next one will not be long.
    from_file: bool,
    /// How many threads sleep.
    asleep: usize,
}

impl State {
    /// Whether the thread of `lane` is to read on, if nobody does.
    fn is_to_be_read(&self, lane: usize) -> bool {
        // Who is behind leaves the reading to those that soon have nothing else to do.
        let enough = if self.ready { AHEAD } else { 1 };
        let few = self.waiting[lane].len() < enough;
        few && !self.done && self.waiting.iter().all(|queue| queue.len() < MOST_WAITING)
    }
}

/// What a thread does next.
enum Task {
    Work(Batch),
    Read(Box<Producer>),
    Leave,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to do for the thread of `lane`.
    fn next(&self, lane: usize) -> Task {
        let mut state = self.lock();
        let mut may_look = self.roomy;
        loop {
            if state.is_to_be_read(lane)
                && let Some(producer) = state.producer.take()
            {
                return Task::Read(Box::new(producer));
            }
            if let Some(batch) = state.waiting[lane].pop_front() {
                // Somebody may wait for room.
                if state.waiting[lane].len() + 1 == MOST_WAITING {
                    self.wake(&state);
                }
                return Task::Work(batch);
            }
            if state.done {
                return Task::Leave;
            }
            if std::mem::take(&mut may_look) && state.from_file {
                let seen = self.rounds.load(Ordering::Relaxed);
                drop(state);
                self.look_out(seen);
                state = self.lock();
                continue;
            }
            state.asleep += 1;
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.asleep -= 1;
        }
    }

    /// Waits for a while for a round beyond those `seen`.
    fn look_out(&self, seen: u64) {
        for _ in 0..LOOKS {
            if self.rounds.load(Ordering::Relaxed) != seen {
                return;
            }
            std::hint::spin_loop();
        }
    }

    /// Wakes those that sleep. To ask whether anybody does is quicker than to wake nobody.
    fn wake(&self, state: &State) {
        if state.asleep > 0 {
            self.changed.notify_all();
        }
    }

    /// Reads a round and puts it up for all lanes.
    fn read(&self, mut producer: Box<Producer>) {
        let round = producer.round();
        let mut state = self.lock();
        for (queue, mut batch) in state.waiting.iter_mut().zip(round.batches) {
            batch.at_once = !round.ready;
            queue.push_back(batch);
        }
        state.done |= round.last;
        state.ready = round.ready;
        state.from_file = round.from_file;
        state.producer = Some(*producer);
        self.rounds.fetch_add(1, Ordering::Relaxed);
        self.wake(&state);
    }
}

/// Lets the others leave where a thread panics: they would wait for it.
struct Alarm<'a>(&'a Board);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut state = self.0.lock();
            state.done = true;
            state.waiting.iter_mut().for_each(VecDeque::clear);
            self.0.wake(&state);
        }
    }
}

/// What one lane made in some rounds that follow each other.
type Group<P> = Vec<Made<P>>;

/// Reads everything; each thread does `begin` first, and `pass_on` gets what the lanes made, round by round.
pub(super) fn run<W: Worker>(
    producer: Producer,
    lanes: Vec<Lane<W>>,
    begin: Option<fn()>,
    pass_on: &mut impl FnMut(Made<W::Product>),
) -> Summary {
    let board = Board {
        state: Mutex::new(State {
            waiting: lanes.iter().map(|_| VecDeque::new()).collect(),
            producer: Some(producer),
            done: false,
            ready: false,
            from_file: false,
            asleep: 0,
        }),
        changed: Condvar::new(),
        rounds: AtomicU64::new(0),
        roomy: std::thread::available_parallelism().is_ok_and(|most| most.get() >= lanes.len()),
    };
    std::thread::scope(|scope| {
        let mut outputs = Vec::new();
        for (number, lane) in lanes.into_iter().enumerate() {
            let (answers, output) = sync_channel(MOST_GROUPS);
            outputs.push(output);
            let board = &board;
            scope.spawn(move || {
                if let Some(begin) = begin {
                    begin();
                }
                staff(board, number, lane, &answers);
            });
        }
        gather(&outputs, pass_on);
    });
    let state = board
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    // It is away only where a thread panicked while it read, and then the scope has passed the panic on.
    state.producer.map(Producer::finish).unwrap_or_default()
}

/// The work of one thread.
fn staff<W: Worker>(
    board: &Board,
    number: usize,
    mut lane: Lane<W>,
    answers: &SyncSender<Group<W::Product>>,
) {
    let _alarm = Alarm(board);
    let mut group = Group::new();
    loop {
        match board.next(number) {
            Task::Read(producer) => board.read(producer),
            Task::Work(batch) => {
                group.push(lane.work(&batch));
                if group.len() < GROUP && !batch.at_once {
                    continue;
                }
                // The caller is gone only if it panicked.
                if answers.send(std::mem::take(&mut group)).is_err() {
                    return;
                }
            }
            Task::Leave => break,
        }
    }
    group.push(lane.finish());
    let _ = answers.send(group);
}

/// Every lane answers every round, and all put the answers to the same rounds together, so that they can be put in order
/// round by round.
fn gather<P>(outputs: &[Receiver<Group<P>>], pass_on: &mut impl FnMut(Made<P>)) {
    loop {
        let mut rounds = Group::new();
        for output in outputs {
            for (at, made) in output.recv().into_iter().flatten().enumerate() {
                match rounds.get_mut(at) {
                    Some(round) => round.join(made),
                    None => rounds.push(made),
                }
            }
        }
        if rounds.is_empty() {
            return;
        }
        for mut round in rounds {
            round.sort();
            pass_on(round);
        }
    }
}
