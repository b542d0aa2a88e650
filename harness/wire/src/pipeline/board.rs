//! What the threads of a crew share: rounds that wait for their lanes, and whoever may read the next one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

use super::Worker;
use super::batch::Batch;
use super::desk::{Desk, FEW};
use super::producer::{MOST_SEGMENTS, Producer};
use super::spare::Piecework;

/// How many rounds may be read ahead of the slowest lane.
const MOST_WAITING: usize = 12;

/// With how many rounds of a file a thread works on before it reads, so that it need not wait while another reads. More
/// of them would leave the processor's cache before they are worked through.
const AHEAD: usize = 3;

/// How often a thread looks whether there is something to do before it sleeps: for about as long as the reading of a
/// round takes. To be put to sleep and woken takes as long, and more where the processor is a virtual one.
const LOOKS: u32 = 20_000;

/// What the threads share.
pub(super) struct Board<W: Worker> {
    state: Mutex<State>,
    changed: Condvar,
    /// Counts rounds that were put up.
    rounds: AtomicU64,
    /// There is a processor for every thread: one that looks around takes nobody's place.
    roomy: bool,
    /// The lanes; none where it is over.
    desks: Vec<Mutex<Option<Desk<W>>>>,
    /// Somebody lends time, and the threads of the lanes leave to it what need not be waited for: they would take its place,
    /// or keep a lane that it could work in.
    lent: AtomicBool,
    /// The last round was read: from here on the threads of the lanes have no need to wait for anything.
    over: AtomicBool,
    /// A thread has panicked.
    failed: AtomicBool,
    /// The lane that was last worked in with lent time.
    turn: AtomicUsize,
}

struct State {
    /// The rounds that are still to be worked through, for each lane.
    waiting: Vec<VecDeque<Batch>>,
    /// Which lanes have answers that nobody handed in.
    unsent: Vec<bool>,
    /// Not there while somebody reads.
    producer: Option<Producer>,
    /// The next round need not be waited for.
    ready: bool,
    /// The last round came from a file: the next one will not be long.
    from_file: bool,
    /// How many threads sleep.
    asleep: usize,
}

impl State {
    /// Whether the thread of `lane` is to read on, if nobody does.
    fn is_to_be_read(&self, lane: usize, lent: bool) -> bool {
        // Who is behind leaves the reading to those that soon have nothing else to do.
        let enough = if self.ready { AHEAD } else { 1 };
        let few = self.waiting[lane].len() < enough;
        few && !(lent && self.ready) && self.has_room()
    }

    /// Whether there is room for a round.
    fn has_room(&self) -> bool {
        self.waiting.iter().all(|queue| queue.len() < MOST_WAITING)
    }
}

/// Lets the others leave where a thread panics: they would wait for it.
pub(super) struct Alarm<'a, W: Worker>(pub(super) &'a Board<W>);

impl<W: Worker> Drop for Alarm<'_, W> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.abandon();
        }
    }
}

/// What a thread does next.
pub(super) enum Task {
    Work,
    Read(Box<Producer>),
    Leave,
}

impl<W: Worker> Board<W> {
    pub(super) fn new(producer: Producer, desks: Vec<Desk<W>>) -> Self {
        let lanes = desks.len();
        Self {
            state: Mutex::new(State {
                waiting: desks.iter().map(|_| VecDeque::new()).collect(),
                unsent: vec![false; lanes],
                producer: Some(producer),
                ready: false,
                from_file: false,
                asleep: 0,
            }),
            changed: Condvar::new(),
            rounds: AtomicU64::new(0),
            roomy: std::thread::available_parallelism().is_ok_and(|most| most.get() >= lanes),
            desks: desks
                .into_iter()
                .map(|desk| Mutex::new(Some(desk)))
                .collect(),
            lent: AtomicBool::new(false),
            over: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            turn: AtomicUsize::new(0),
        }
    }

    /// Whether there is no next round. It is told with the state locked.
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to do for the thread of `lane`.
    pub(super) fn next(&self, lane: usize) -> Task {
        let mut state = self.lock();
        let mut may_look = self.roomy;
        loop {
            let lent = self.lent.load(Ordering::Relaxed);
            if !self.is_over()
                && state.is_to_be_read(lane, lent)
                && let Some(producer) = state.producer.take()
            {
                return Task::Read(Box::new(producer));
            }
            if !lent {
                let unsent = std::mem::take(&mut state.unsent[lane]);
                if unsent || !state.waiting[lane].is_empty() {
                    return Task::Work;
                }
                if self.is_over() {
                    return Task::Leave;
                }
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
    pub(super) fn read(&self, mut producer: Box<Producer>) {
        let lent = self.lent.load(Ordering::Relaxed);
        let round = producer.round(if lent { FEW } else { MOST_SEGMENTS });
        let mut state = self.lock();
        for (queue, mut batch) in state.waiting.iter_mut().zip(round.batches) {
            batch.at_once = !round.ready;
            queue.push_back(batch);
        }
        if round.last {
            self.over.store(true, Ordering::Relaxed);
        }
        state.ready = round.ready;
        state.from_file = round.from_file;
        state.producer = Some(*producer);
        self.rounds.fetch_add(1, Ordering::Relaxed);
        // Where time is lent, they are needed only to wait for more.
        if !(lent && round.ready) {
            self.wake(&state);
        }
    }

    /// Works in a lane. Says whether somebody still takes what is made.
    pub(super) fn work(&self, lane: usize) -> bool {
        let desk = &mut *self.desks[lane]
            .lock()
            .expect("nobody panicked in this lane");
        let next = || self.take(&mut self.lock(), lane);
        desk.as_mut().is_some_and(|desk| desk.work(next))
    }

    /// The next batch of a lane. Only whoever has its desk takes one.
    fn take(&self, state: &mut State, lane: usize) -> Option<Batch> {
        let batch = state.waiting[lane].pop_front()?;
        let left = state.waiting[lane].len();
        // Somebody may wait for room, or be needed to wait for more.
        if left + 1 == MOST_WAITING || left == 0 && !state.ready {
            self.wake(state);
        }
        Some(batch)
    }

    /// A lane is over.
    pub(super) fn close(&self, lane: usize) {
        let mut desk = self.desks[lane]
            .lock()
            .expect("nobody panicked in this lane");
        if let Some(desk) = desk.take() {
            desk.finish();
        }
    }

    /// A thread panics: the others are to leave, as they would wait for it.
    fn abandon(&self) {
        for desk in &self.desks {
            // Where somebody works, that one closes it.
            match desk.try_lock() {
                Ok(mut desk) => drop(desk.take()),
                Err(TryLockError::Poisoned(desk)) => drop(desk.into_inner().take()),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let mut state = self.lock();
        self.failed.store(true, Ordering::Relaxed);
        self.over.store(true, Ordering::Relaxed);
        self.lent.store(false, Ordering::Relaxed);
        state.waiting.iter_mut().for_each(VecDeque::clear);
        self.wake(&state);
    }

    /// The producer, once everybody has left.
    ///
    /// # Panics
    ///
    /// Somebody has panicked, who may have lent time.
    pub(super) fn take_producer(&self) -> Option<Producer> {
        let failed = self.failed.load(Ordering::Relaxed);
        assert!(!failed, "a thread that worked on captures panicked");
        self.lock().producer.take()
    }

    /// The desks that nobody sits at, from that of the last turn on.
    fn idle_desks(&self) -> impl Iterator<Item = (usize, MutexGuard<'_, Option<Desk<W>>>)> {
        let first = self.turn.load(Ordering::Relaxed);
        let lanes = (first..self.desks.len()).chain(0..first);
        lanes.filter_map(|lane| Some((lane, self.desks[lane].try_lock().ok()?)))
    }

    /// A little reading, where it need not be waited for.
    fn read_a_little(&self) -> bool {
        let producer = self
            .state
            .try_lock()
            .ok()
            .filter(|state| state.ready && !self.is_over() && state.has_room())
            .and_then(|mut state| state.producer.take());
        let reads = producer.is_some();
        if let Some(producer) = producer {
            self.read(Box::new(producer));
        }
        reads
    }
}

impl<W: Worker> Piecework for Board<W> {
    fn do_a_little(&self) -> bool {
        let _alarm = Alarm(self);
        if self.is_over() {
            self.take_over();
            return false;
        }
        self.lent.store(true, Ordering::Relaxed);
        for (lane, mut desk) in self.idle_desks() {
            let next = || self.take(&mut *self.state.try_lock().ok()?, lane);
            if desk.as_mut().is_some_and(|desk| desk.work_a_little(next)) {
                self.turn.store(lane, Ordering::Relaxed);
                return true;
            }
        }
        if self.read_a_little() {
            return true;
        }
        // Nobody is to wait for what is done.
        for (_, mut desk) in self.idle_desks() {
            if let Some(desk) = &mut *desk {
                desk.try_to_hand_in();
            }
        }
        false
    }

    fn take_over(&self) {
        if !self.lent.load(Ordering::Relaxed) {
            return;
        }
        for (lane, mut desk) in self.idle_desks() {
            if desk.as_mut().is_some_and(Desk::clear) {
                self.lock().unsent[lane] = true;
            }
        }
        let state = self.lock();
        self.lent.store(false, Ordering::Relaxed);
        self.wake(&state);
    }
}
