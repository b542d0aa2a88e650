//! Several threads, one for each lane. Whoever has nothing to do reads on, if nobody else does: so all processors are
//! busy, and bytes are mostly looked into by the processor that read them.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::batch::Batch;
use super::lane::{Lane, Made};
use super::producer::Producer;
use super::{Summary, Worker};

/// How many rounds may be read ahead of the slowest lane, and how many answers may wait for the caller.
const MOST_WAITING: usize = 6;

/// What the threads share.
struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// The rounds that are still to be worked through, for each lane.
    waiting: Vec<VecDeque<Batch>>,
    /// Not there while somebody reads.
    producer: Option<Producer>,
    /// The last round was read.
    done: bool,
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
        loop {
            if let Some(batch) = state.waiting[lane].pop_front() {
                self.changed.notify_all();
                return Task::Work(batch);
            }
            if state.done {
                return Task::Leave;
            }
            let room = state.waiting.iter().all(|queue| queue.len() < MOST_WAITING);
            if room && let Some(producer) = state.producer.take() {
                return Task::Read(Box::new(producer));
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Reads a round and puts it up for all lanes.
    fn read(&self, mut producer: Box<Producer>) {
        let round = producer.round();
        let mut state = self.lock();
        for (queue, batch) in state.waiting.iter_mut().zip(round.batches) {
            queue.push_back(batch);
        }
        state.done |= round.last;
        state.producer = Some(*producer);
        self.changed.notify_all();
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
            self.0.changed.notify_all();
        }
    }
}

/// Reads everything; `pass_on` gets what the lanes made, round by round.
pub(super) fn run<W: Worker>(
    producer: Producer,
    lanes: Vec<Lane<W>>,
    pass_on: &mut impl FnMut(Made<W::Product>),
) -> Summary {
    let board = Board {
        state: Mutex::new(State {
            waiting: lanes.iter().map(|_| VecDeque::new()).collect(),
            producer: Some(producer),
            done: false,
        }),
        changed: Condvar::new(),
    };
    std::thread::scope(|scope| {
        let mut outputs = Vec::new();
        for (number, lane) in lanes.into_iter().enumerate() {
            let (answers, output) = sync_channel(MOST_WAITING);
            outputs.push(output);
            let board = &board;
            scope.spawn(move || staff(board, number, lane, &answers));
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
    answers: &SyncSender<Made<W::Product>>,
) {
    let _alarm = Alarm(board);
    loop {
        match board.next(number) {
            Task::Read(producer) => board.read(producer),
            Task::Work(batch) => {
                // The caller is gone only if it panicked.
                if answers.send(lane.work(&batch)).is_err() {
                    return;
                }
            }
            Task::Leave => break,
        }
    }
    let _ = answers.send(lane.finish());
}

/// Every lane answers every round, so that answers can be put in order round by round.
fn gather<P>(outputs: &[Receiver<Made<P>>], pass_on: &mut impl FnMut(Made<P>)) {
    loop {
        let mut all = Made::default();
        let mut open = false;
        for output in outputs {
            if let Ok(made) = output.recv() {
                open = true;
                all.join(made);
            }
        }
        if !open {
            return;
        }
        all.sort();
        pass_on(all);
    }
}
