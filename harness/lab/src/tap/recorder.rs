//! The recorder: events of many connections in, one capture file out.

use std::fmt;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wire::{CaptureWriter, Direction, Header, TappedConversation, create_private};

use super::queue::{Event, Queue};
use super::{Clock, Tap};

/// First client port that captures with a pinned clock show: the first ephemeral one (RFC 6335 section 6).
const FIRST_CLIENT_PORT: u16 = 49_152;

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
}

/// Writes what several connections do into one capture file. Clones write to the same file.
#[derive(Clone)]
pub struct Recorder(Arc<Mutex<State>>);

struct State {
    writer: CaptureWriter<Box<dyn Write + Send>>,
    options: RecorderOptions,
    lines: Vec<Line>,
    /// With the pinned clock: how many connections, from the first on, are in the file already.
    written: usize,
    /// With the pinned clock: how many events are in the file already.
    ticks: u64,
    /// The first thing that went wrong with the file; nothing is written after it.
    failed: Option<io::Error>,
}

/// One connection.
struct Line {
    conversation: TappedConversation,
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
        let header = Header {
            application: concat!("smtpspec ", env!("CARGO_PKG_VERSION")).to_owned(),
            comment: options.comment.clone(),
            interface: "tap0".to_owned(),
        };
        let writer = CaptureWriter::new(target, &header)?;
        let state = State {
            writer,
            options,
            lines: Vec::new(),
            written: 0,
            ticks: 0,
            failed: None,
        };
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    /// A connection was accepted. Its events come through the tap that this gives.
    pub fn open(&self, peer: SocketAddr, local: SocketAddr) -> Tap {
        let index = self.state().open(peer, local);
        Tap::new(self.clone(), index)
    }

    /// Writes what is still held back, connections that have not ended included, and says how many frames the file has.
    ///
    /// # Errors
    ///
    /// The first error that writing met, now or before.
    pub fn finish(&self) -> io::Result<u64> {
        let mut state = self.state();
        for line in &mut state.lines {
            line.ended = true;
        }
        state.catch_up();
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        state.writer.flush()?;
        Ok(state.writer.frames())
    }

    pub(super) fn record(&self, index: usize, event: Event) {
        self.state().record(index, event);
    }

    pub(super) fn cut(&self, index: usize) {
        if let Some(line) = self.state().lines.get_mut(index) {
            line.queue.cut();
        }
    }

    pub(super) fn end(&self, index: usize) {
        let mut state = self.state();
        if let Some(line) = state.lines.get_mut(index) {
            line.ended = true;
        }
        state.catch_up();
    }

    /// A panic of another connection's task does not make its events wrong, so a poisoned lock is used all the same.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

impl State {
    fn open(&mut self, peer: SocketAddr, local: SocketAddr) -> usize {
        let index = self.lines.len();
        let (client, server) = match self.options.clock {
            Clock::Real => {
                let port = self.options.nominal_port.unwrap_or(local.port());
                (peer, SocketAddr::new(local.ip(), port))
            }
            Clock::Pinned => {
                let offset = u16::try_from(index % usize::from(u16::MAX - FIRST_CLIENT_PORT))
                    .unwrap_or_default();
                let port = self.options.nominal_port.unwrap_or(25);
                let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                (at(FIRST_CLIENT_PORT + offset), at(port))
            }
        };
        let conversation = TappedConversation::new(client, server, index as u64);
        self.lines.push(Line {
            conversation,
            queue: Queue::default(),
            ended: false,
        });
        if self.options.clock == Clock::Real {
            self.write(index, None);
        }
        index
    }

    fn record(&mut self, index: usize, event: Event) {
        match self.options.clock {
            Clock::Real => self.write(index, Some(event)),
            Clock::Pinned => {
                // Past `written` nothing is held back any more: it can only come after `finish`.
                if let Some(line) = self.lines.get_mut(index).filter(|line| !line.ended) {
                    line.queue.push(event);
                }
            }
        }
    }

    /// Writes the connections that have ended and that no earlier open one holds back.
    fn catch_up(&mut self) {
        if self.options.clock == Clock::Real {
            return;
        }
        while let Some(line) = self.lines.get_mut(self.written).filter(|line| line.ended) {
            let events = line.queue.take();
            let index = self.written;
            self.written += 1;
            self.write(index, None);
            for event in events {
                self.write(index, Some(event));
            }
        }
    }

    /// Writes the frames of an event, or those of the opening.
    fn write(&mut self, index: usize, event: Option<Event>) {
        if self.failed.is_some() {
            return;
        }
        let time = match self.options.clock {
            Clock::Real => Clock::Real.now(),
            Clock::Pinned => Clock::tick(self.ticks),
        };
        let Some(line) = self.lines.get_mut(index) else {
            return;
        };
        let (conversation, writer) = (&mut line.conversation, &mut self.writer);
        let written = match event {
            None => conversation.open(time, writer),
            Some(Event::Data(direction, bytes)) => {
                conversation.data(direction, time, &bytes, writer)
            }
            Some(Event::Fin(direction)) => conversation.fin(direction, time, writer),
            Some(Event::Reset(direction)) => conversation.reset(direction, time, writer),
            // Secrets are no event on the wire: they take no time.
            Some(Event::Secrets(line)) => {
                self.failed = writer.secrets(&line).err();
                return;
            }
        };
        self.ticks += 1;
        self.failed = written.err();
    }
}

impl Drop for State {
    /// A recorder that nobody finished still leaves everything it was told.
    fn drop(&mut self) {
        for line in &mut self.lines {
            line.ended = true;
        }
        self.catch_up();
    }
}

/// What a connection may still record: nothing comes after a side's FIN, and nothing at all after a RST.
#[derive(Debug, Default)]
pub(super) struct Sides {
    client_over: bool,
    server_over: bool,
}

impl Sides {
    /// Whether the event can still happen; if so, what it ends is over.
    pub(super) fn admit(&mut self, event: &Event) -> bool {
        let over = |sides: &Self, direction| match direction {
            Direction::Client => sides.client_over,
            Direction::Server => sides.server_over,
        };
        match *event {
            Event::Secrets(_) => true,
            Event::Data(direction, ref bytes) => !bytes.is_empty() && !over(self, direction),
            Event::Fin(direction) => {
                let admitted = !over(self, direction);
                match direction {
                    Direction::Client => self.client_over = true,
                    Direction::Server => self.server_over = true,
                }
                admitted
            }
            Event::Reset(_) => {
                let admitted = !(self.client_over && self.server_over);
                (self.client_over, self.server_over) = (true, true);
                admitted
            }
        }
    }
}
