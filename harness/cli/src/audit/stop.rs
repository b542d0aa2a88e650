//! Ctrl-C: the first one ends the reading, and the report is made of what was read; the second ends the program.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::Failure;

/// How long after the signal packets that are already on their way are still taken.
const GRACE: Duration = Duration::from_millis(500);

/// How long a source must give nothing, once the signal came, to be taken for drained.
const SILENCE: Duration = Duration::from_millis(200);

/// Whether the user wants the reading to end.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    asked: Arc<OnceLock<Instant>>,
    now: Arc<AtomicBool>,
}

impl Stop {
    /// Listens for SIGINT and SIGTERM from here on. A second one ends the program at once, with status 130 or 143.
    ///
    /// # Errors
    ///
    /// The operating system gives no signal handler or no thread.
    pub fn on_signal(quiet: bool) -> Result<Self, Failure> {
        let stop = Self::default();
        let told = stop.clone();
        let listen = || -> io::Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let inside = runtime.enter();
            let signals = Signals::new()?;
            drop(inside);
            std::thread::Builder::new()
                .name("signals".to_owned())
                .spawn(move || runtime.block_on(told.listen(signals, quiet)))?;
            Ok(())
        };
        listen().map_err(|error| Failure::input(format!("cannot listen for Ctrl-C: {error}")))?;
        Ok(stop)
    }

    async fn listen(self, mut signals: Signals, quiet: bool) {
        signals.next().await;
        self.ask();
        if !quiet {
            anstream::eprintln!("stopped; judging what was read; Ctrl-C again ends at once");
        }
        tokio::select! {
            () = tokio::time::sleep(GRACE) => self.now.store(true, Ordering::Relaxed),
            status = signals.next() => std::process::exit(status),
        }
        std::process::exit(signals.next().await);
    }

    fn ask(&self) {
        self.asked.get_or_init(Instant::now);
    }

    /// Set half a second after the signal: nothing more is to be read.
    pub fn now(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.now)
    }

    /// Whether a source is to end that gave something at `last`, and has nothing now.
    pub(super) fn ends(&self, last: Instant) -> bool {
        let asked = self.asked.get();
        self.now.load(Ordering::Relaxed)
            || asked.is_some_and(|asked| (*asked).max(last).elapsed() >= SILENCE)
    }

    /// What the result says where the signal came.
    pub fn note(&self) -> Option<String> {
        self.asked.get().map(|_| {
            "reading was stopped by a signal; what was under way then is judged as far as it was read".to_owned()
        })
    }
}

/// Standard input, which ends when it is told to even while nothing comes.
///
/// # Errors
///
/// Standard input is closed.
pub fn stdin(stop: &Stop) -> Result<Box<dyn Read + Send>, Failure> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        let owned = io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .map_err(|error| Failure::input(format!("cannot read from standard input: {error}")))?;
        Ok(Box::new(Stoppable::new(owned.into(), stop.clone())))
    }
    #[cfg(not(unix))]
    {
        // There the flag is looked at between two reads.
        let _ = stop;
        Ok(Box::new(io::stdin()))
    }
}

/// A file, pipe or terminal that is read only when it has something.
#[cfg(unix)]
struct Stoppable {
    file: std::fs::File,
    stop: Stop,
    begun: bool,
}

#[cfg(unix)]
impl Stoppable {
    /// How long to wait for bytes before the flag is looked at again.
    const TURN: Duration = Duration::from_millis(50);

    fn new(file: std::fs::File, stop: Stop) -> Self {
        Self {
            file,
            stop,
            begun: false,
        }
    }

    /// Waits for bytes or the end of the file; `false` where there are none after [`Stoppable::TURN`].
    fn wait(&self) -> io::Result<bool> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let turn = Timespec::try_from(Self::TURN).map_err(io::Error::other)?;
        let mut one = [PollFd::new(&self.file, PollFlags::IN)];
        Ok(poll(&mut one, Some(&turn))? > 0)
    }
}

#[cfg(unix)]
impl Read for Stoppable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = Instant::now();
        while !self.wait()? {
            if self.stop.ends(start) {
                // Before the first byte there is no capture that could end in good order.
                return if self.begun {
                    Err(io::Error::other(wire::source::Stopped))
                } else {
                    Ok(0)
                };
            }
        }
        self.begun = true;
        self.file.read(buffer)
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one: the exit status of a program that it ends.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> i32 {
        self.0.recv().await;
        130
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write as _;
    use std::os::fd::OwnedFd;
    use std::path::PathBuf;

    use wire::source::{Origin, Stopped};

    use super::*;

    fn pipe(stop: &Stop) -> (Stoppable, io::PipeWriter) {
        let (reader, writer) = io::pipe().expect("a pipe");
        let file = OwnedFd::from(reader).into();
        (Stoppable::new(file, stop.clone()), writer)
    }

    #[test]
    fn what_waits_is_read_and_then_it_ends() {
        let stop = Stop::default();
        let (mut reader, mut writer) = pipe(&stop);
        writer.write_all(b"ab").expect("room in the pipe");
        stop.ask();
        let mut buffer = [0; 8];
        assert_eq!(reader.read(&mut buffer).expect("two bytes"), 2);
        let start = Instant::now();
        let error = reader.read(&mut buffer).expect_err("nothing comes");
        assert!(error.downcast::<Stopped>().is_ok());
        assert!(start.elapsed() >= SILENCE);
    }

    #[test]
    fn before_the_first_byte_it_is_empty_and_a_closed_pipe_ends_by_itself() {
        let stop = Stop::default();
        let (mut reader, writer) = pipe(&stop);
        stop.now.store(true, Ordering::Relaxed);
        let mut buffer = [0; 8];
        assert_eq!(reader.read(&mut buffer).expect("an end"), 0);
        drop(writer);
        let (mut reader, mut writer) = pipe(&Stop::default());
        writer.write_all(b"abc").expect("room in the pipe");
        drop(writer);
        let mut all = Vec::new();
        reader.read_to_end(&mut all).expect("an end");
        assert_eq!(all, b"abc");
    }

    /// A capture of one packet, and half of the next.
    fn one_and_a_half() -> Vec<u8> {
        let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
        for value in [0, 0, 65_535, 1_u32, 1, 0, 1, 1] {
            file.extend(value.to_le_bytes());
        }
        file.extend([7, 2, 0, 0, 0]);
        file
    }

    struct Nothing;

    impl wire::pipeline::Worker for Nothing {
        type Consumer = smtp::session::Reader;
        type Product = ();

        fn secrets(&mut self, _: &str) {}

        fn open(&mut self) -> Self::Consumer {
            smtp::session::Reader::new(smtp::session::Options::default())
        }

        fn close(&mut self, _: wire::Ended<Self::Consumer>) -> Option<()> {
            None
        }
    }

    #[test]
    fn half_a_packet_is_no_damage_where_reading_was_stopped() {
        for stopped in [true, false] {
            let stop = Stop::default();
            let (reader, mut writer) = pipe(&stop);
            writer.write_all(&one_and_a_half()).expect("room");
            if stopped {
                stop.ask();
            } else {
                drop(writer);
            }
            let origin = Origin::Stream {
                name: PathBuf::from("-"),
                reader: Box::new(reader),
            };
            let summary = wire::pipeline::run(
                wire::source::Sources::new(vec![origin]),
                &wire::pipeline::Settings::default(),
                || Nothing,
                |()| {},
            );
            assert_eq!(summary.packets, 1);
            assert_eq!(summary.problems, Vec::<String>::new());
            let file = &summary.files[0];
            assert!(file.error.is_none());
            assert_eq!(file.ending.truncated.is_none(), stopped);
        }
    }
}
