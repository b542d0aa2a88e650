//! The recorder: events of many connections in, one capture file out.

use std::fmt;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wire::{CaptureWriter, Direction, Header, TappedConversation, Timestamp, create_private};

use super::files::{Files, Rotation};
use super::line::Line;
use super::queue::{Event, Queue};
use super::{Clock, Tap};

/// First client port that captures with a pinned clock show: the first ephemeral one (RFC 6335 section 6).
const FIRST_CLIENT_PORT: u16 = 49_152;

/// Bytes that may wait for a file that takes none. Beyond them frames are left out, which shows as bytes that the capture
/// does not hold.
const MOST_WAITING: usize = 16 << 20;

/// How a capture is written.
#[derive(Clone, Debug, Default)]
pub struct RecorderOptions {
    /// Where times come from. With the pinned clock, addresses and the cutting of the client's bytes are pinned too,
    /// and connections stand in the file one after the other in the order in which they were opened.
    pub clock: Clock,
    /// The server port that the capture shows, whatever port was really listened on. With the pinned clock, 25 where
    /// none is given.
    pub nominal_port: Option<u16>,
    /// A sentence about the capture, for its header; left out where empty.
    pub comment: String,
    /// How many bytes may wait in memory to be written together. With none, every event is written at once; else
    /// whoever wants them in the file calls [`Recorder::flush`].
    pub held: usize,
}

/// What a capture shows of a connection in place of what is usual.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// The server's address; else the one that is listened on.
    pub server: Option<SocketAddr>,
    /// How long segments may be on its socket; else as long as on Ethernet, and so with the pinned clock.
    pub segment: Option<NonZeroU16>,
}

/// Writes what several connections do into one capture file. Clones write to the same file.
#[derive(Clone)]
pub struct Recorder {
    state: Arc<Mutex<State>>,
    /// How many frames were told so far.
    frames: Arc<AtomicU64>,
}

struct State {
    frames: Arc<AtomicU64>,
    writer: CaptureWriter<Box<dyn Write + Send>>,
    options: RecorderOptions,
    /// How many connections were opened.
    opened: u64,
    pinned: Pinned,
    /// Where the capture goes on from file to file.
    rotation: Option<Rotation>,
    /// Frames were left out, so that secrets may be missing, too.
    left_out: bool,
    /// What is wrong with the file. It is tried again with each flush.
    failed: Option<io::Error>,
    /// Events came in an order that no connection has; nothing is written after it.
    broken: Option<io::Error>,
    /// Nothing is written any more.
    finished: bool,
}

/// What the pinned clock needs: events are held back until those of all earlier connections are in the file.
#[derive(Default)]
struct Pinned {
    lines: Vec<HeldBack>,
    /// How many connections, from the first on, are in the file already.
    written: usize,
    /// How many events are in the file already.
    ticks: u64,
    /// How long it was waited in all, before the connections that are in the file already.
    paused: Duration,
    /// How long it is waited before the next connection.
    pause: Duration,
}

/// One connection that is held back.
struct HeldBack {
    conversation: TappedConversation,
    /// How long it was waited before it.
    pause: Duration,
    queue: Queue,
    ended: bool,
}

impl Recorder {
    /// Begins a capture file that only its owner may read (mode 0600).
    ///
    /// # Errors
    ///
    /// The file cannot be made or written.
    pub fn create(path: &Path, options: RecorderOptions) -> io::Result<Self> {
        Self::new(Box::new(create_private(path)?), options)
    }

    /// Begins a capture anywhere.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn new(target: Box<dyn Write + Send>, options: RecorderOptions) -> io::Result<Self> {
        Self::begin(target, options, None)
    }

    /// Begins a capture that goes on from file to file. Each file can be read by itself: the secrets of connections that
    /// are open are repeated in it. The pinned clock is for one file.
    ///
    /// # Errors
    ///
    /// The first file cannot be made or written.
    pub fn rotating(mut files: Box<dyn Files>, options: RecorderOptions) -> io::Result<Self> {
        let first = files.next(1)?;
        Self::begin(first, options, Some(Rotation::new(files)))
    }

    fn begin(
        target: Box<dyn Write + Send>,
        options: RecorderOptions,
        rotation: Option<Rotation>,
    ) -> io::Result<Self> {
        let mut writer = CaptureWriter::new(target, &header(&options))?;
        // What waits is written by the recorder, event by event.
        writer.hold(usize::MAX);
        let frames = Arc::new(AtomicU64::new(0));
        let state = State {
            frames: Arc::clone(&frames),
            writer,
            options,
            opened: 0,
            pinned: Pinned::default(),
            rotation,
            left_out: false,
            failed: None,
            broken: None,
            finished: false,
        };
        let state = Arc::new(Mutex::new(state));
        Ok(Self { state, frames })
    }

    /// A connection was accepted. Its events come through the tap that this gives.
    pub fn open(&self, peer: SocketAddr, local: SocketAddr) -> Tap {
        self.open_as(peer, local, Shown::default())
    }

    /// As [`Recorder::open`], where the capture is to show something else than usual.
    pub fn open_as(&self, peer: SocketAddr, local: SocketAddr, shown: Shown) -> Tap {
        let line = self.state().open(self, peer, local, shown);
        Tap::new(line, Direction::Server)
    }

    /// With the pinned clock, the next connection begins so much later than it would: somebody waits, as long as the clock is
    /// concerned. The system's clock is not moved.
    pub fn pause(&self, time: Duration) {
        let mut state = self.state();
        state.pinned.pause = state.pinned.pause.saturating_add(time);
    }

    /// A connection to a server was made. Its events come through the tap that this gives.
    pub fn open_to(&self, server: SocketAddr, local: SocketAddr) -> Tap {
        let line = self.state().open(self, local, server, Shown::default());
        Tap::new(line, Direction::Client)
    }

    /// Writes what waits in memory, but for what the pinned clock holds back. What goes wrong with the file is told by
    /// [`Recorder::finish`].
    pub fn flush(&self) {
        self.state().flush();
    }

    /// Writes what waits in memory, and says how many frames are in the files then.
    ///
    /// # Errors
    ///
    /// They are not: what is wrong now. It is tried again with the next call.
    pub fn written(&self) -> io::Result<u64> {
        let mut state = self.state();
        state.flush();
        match state.problem() {
            Some(error) => Err(error),
            None => Ok(state.writer.frames()),
        }
    }

    /// How many frames there are so far, in the files or on their way there, to be watched from outside.
    pub fn frames(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.frames)
    }

    /// How many frames were left out, since a file took none and too much waited.
    pub fn left_out(&self) -> u64 {
        self.state().writer.left_out()
    }

    /// Writes what is still held back, connections that have not ended included, and says how many frames the file has.
    /// What happens later is not recorded.
    ///
    /// # Errors
    ///
    /// The first error that writing met, now or before.
    pub fn finish(&self) -> io::Result<u64> {
        let mut state = self.state();
        state.finish();
        match state.problem() {
            Some(error) => Err(error),
            None if state.writer.left_out() > 0 => Err(io::Error::other(format!(
                "{} frames found no room",
                state.writer.left_out()
            ))),
            None => Ok(state.writer.frames()),
        }
    }

    /// Writes an event of a connection, or its opening, as it happens.
    pub(super) fn write(&self, conversation: &mut TappedConversation, event: Option<Event<&[u8]>>) {
        self.state().write(conversation, event);
    }

    /// Holds back an event of a connection.
    pub(super) fn hold_back(&self, index: usize, event: Event<&[u8]>) {
        let mut state = self.state();
        // One that has ended is in the file already, or was ended by `finish`.
        let line = state.pinned.lines.get_mut(index);
        if let Some(line) = line.filter(|line| !line.ended) {
            line.queue.push(event);
        }
    }

    pub(super) fn secrets(&self, connection: Option<u64>, line: &str) {
        let mut state = self.state();
        if let (Some(number), Some(rotation)) = (connection, &mut state.rotation) {
            rotation.secrets(number, line);
        }
        state.secrets(line);
    }

    /// A connection of a capture that goes on from file to file has ended.
    pub(super) fn ended(&self, connection: u64) {
        if let Some(rotation) = &mut self.state().rotation {
            rotation.ended(connection);
        }
    }

    pub(super) fn cut(&self, index: usize) {
        if let Some(line) = self.state().pinned.lines.get_mut(index) {
            line.queue.cut();
        }
    }

    /// A connection that is held back has ended.
    pub(super) fn end(&self, index: usize) {
        let mut state = self.state();
        if let Some(line) = state.pinned.lines.get_mut(index) {
            line.ended = true;
        }
        state.catch_up();
    }

    /// A panic of another connection's task does not make its events wrong, so a poisoned lock is used all the same.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

impl State {
    fn open(
        &mut self,
        recorder: &Recorder,
        peer: SocketAddr,
        local: SocketAddr,
        shown: Shown,
    ) -> Line {
        let number = self.opened;
        self.opened += 1;
        match self.options.clock {
            Clock::Real => {
                let port = self.options.nominal_port.unwrap_or(local.port());
                let server = shown.server.unwrap_or(SocketAddr::new(local.ip(), port));
                let mut conversation = TappedConversation::new(peer, server, number);
                if let Some(most) = shown.segment {
                    conversation = conversation.with_segments(most);
                }
                if let Some(rotation) = &mut self.rotation {
                    rotation.opened(number);
                }
                self.write(&mut conversation, None);
                Line::Live {
                    recorder: recorder.clone(),
                    conversation: Box::new(conversation),
                    number: self.rotation.is_some().then_some(number),
                }
            }
            Clock::Pinned => {
                let index = self.pinned.lines.len();
                let offset = u16::try_from(index % usize::from(u16::MAX - FIRST_CLIENT_PORT))
                    .unwrap_or_default();
                let port = self.options.nominal_port.unwrap_or(25);
                let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                let server = shown.server.unwrap_or(at(port));
                let client = at(FIRST_CLIENT_PORT + offset);
                let pause = std::mem::take(&mut self.pinned.pause);
                self.pinned.lines.push(HeldBack {
                    conversation: TappedConversation::new(client, server, number),
                    pause,
                    queue: Queue::default(),
                    ended: false,
                });
                Line::HeldBack {
                    recorder: recorder.clone(),
                    index,
                }
            }
        }
    }

    /// Writes the connections that have ended and that no earlier open one holds back.
    fn catch_up(&mut self) {
        while let Some(line) = self.pinned.lines.get_mut(self.pinned.written)
            && line.ended
        {
            let events = line.queue.take();
            let mut conversation = line.conversation.clone();
            self.pinned.written += 1;
            self.pinned.paused = self.pinned.paused.saturating_add(line.pause);
            self.write(&mut conversation, None);
            for event in &events {
                self.write(&mut conversation, Some(event.map(Vec::as_slice)));
            }
        }
    }

    /// Writes the frames of an event, or those of the opening.
    fn write(&mut self, conversation: &mut TappedConversation, event: Option<Event<&[u8]>>) {
        if self.broken.is_some() || self.finished {
            return;
        }
        let full = self.writer.waiting() > MOST_WAITING.max(self.options.held);
        self.left_out |= full;
        self.writer.leave_out(full);
        let time = self.now();
        let writer = &mut self.writer;
        let written = match event {
            None => conversation.open(time, writer),
            Some(Event::Data(direction, bytes)) => {
                conversation.data(direction, time, bytes, writer)
            }
            Some(Event::Fin(direction, bytes)) => conversation.last(direction, time, bytes, writer),
            Some(Event::Reset(direction)) => conversation.reset(direction, time, writer),
            // Secrets are no event on the wire: they take no time.
            Some(Event::Secrets(line)) => return self.secrets(&String::from_utf8_lossy(line)),
        };
        self.pinned.ticks += 1;
        self.broken = written.err();
        self.frames.store(self.writer.frames(), Ordering::Relaxed);
        self.flush_if_full();
    }

    fn now(&self) -> Timestamp {
        match self.options.clock {
            Clock::Real => Clock::Real.now(),
            Clock::Pinned => {
                let waited = u64::try_from(self.pinned.paused.as_nanos()).unwrap_or(u64::MAX);
                let tick = Clock::tick(self.pinned.ticks).as_nanos();
                Timestamp::from_nanos(tick.saturating_add(waited))
            }
        }
    }

    fn secrets(&mut self, line: &str) {
        if self.broken.is_some() || self.finished {
            return;
        }
        if self.writer.waiting() > MOST_WAITING.max(self.options.held) {
            self.left_out = true;
            return;
        }
        self.broken = self.writer.secrets(line).err();
        self.flush_if_full();
    }

    fn flush_if_full(&mut self) {
        if self.writer.waiting() > self.options.held {
            self.flush();
        }
    }

    /// Writes what waits, and goes on in the next file where that is due.
    fn flush(&mut self) {
        if self.finished {
            return;
        }
        let gone = self
            .rotation
            .as_ref()
            .is_some_and(|one| one.files.is_gone());
        if gone && let Err(error) = self.go_on() {
            self.failed = Some(error);
            return;
        }
        self.failed = self.writer.flush().err();
        if self.failed.is_some() {
            return;
        }
        if std::mem::take(&mut self.left_out) {
            // Those of connections that went on meanwhile may have been left out.
            self.repeat_secrets();
            self.failed = self.writer.flush().err();
        }
        let bytes = self.writer.written();
        let due = self
            .rotation
            .as_ref()
            .is_some_and(|one| one.files.is_due(bytes));
        if due && self.go_on().is_ok() {
            // Where there can be no other file, this one is written on.
            self.failed = self.writer.flush().err();
        }
    }

    /// Goes on in the next file; what waits goes there.
    fn go_on(&mut self) -> io::Result<()> {
        let Some(rotation) = &mut self.rotation else {
            return Ok(());
        };
        let next = rotation.files.next(self.writer.frames() + 1)?;
        self.writer.go_on_in(next, &header(&self.options))?;
        self.repeat_secrets();
        Ok(())
    }

    fn repeat_secrets(&mut self) {
        let key_log = self.rotation.as_ref().map(Rotation::key_log);
        if let Some(key_log) = key_log.filter(|text| !text.is_empty())
            && self.broken.is_none()
        {
            self.broken = self.writer.secrets(&key_log).err();
        }
    }

    /// What is wrong now.
    fn problem(&self) -> Option<io::Error> {
        let error = self.broken.as_ref().or(self.failed.as_ref())?;
        Some(io::Error::new(error.kind(), error.to_string()))
    }

    fn finish(&mut self) {
        for line in &mut self.pinned.lines {
            line.ended = true;
        }
        self.catch_up();
        self.flush();
        self.finished = true;
        // Whoever follows the files learns that there will be no other.
        self.rotation = None;
    }
}

fn header(options: &RecorderOptions) -> Header {
    Header {
        application: concat!("smtpspec ", env!("CARGO_PKG_VERSION")).to_owned(),
        comment: options.comment.clone(),
        interface: "tap0".to_owned(),
    }
}

impl Drop for State {
    /// A recorder that nobody finished still leaves everything it was told.
    fn drop(&mut self) {
        self.finish();
    }
}
