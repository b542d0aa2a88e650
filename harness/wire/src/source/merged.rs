//! Several captures as one, in the order of time.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::chunk::{Chunk, Pool};
use super::open::{Origin, Supply};
use super::single::{FrameAt, Head, Single};
use crate::read::Ending;
use crate::{Error, Frame, Timestamp};

/// A capture with the time of its first packet, before it is opened.
struct Waiting {
    number: usize,
    origin: Origin,
    first: Timestamp,
}

/// A capture that is open, with the frame that comes next.
struct Open {
    number: usize,
    single: Single,
    head: FrameAt,
}

/// What became of one capture.
#[derive(Debug)]
pub struct FileEnding {
    /// What it is called.
    pub name: PathBuf,
    /// Number of packets, remarks, and where it breaks off.
    pub ending: Ending,
    /// The numbers of its first and its last packet among all packets, where it has any.
    pub numbers: Option<(u64, u64)>,
    /// Why it could not be read at all, where it could not.
    pub error: Option<Error>,
}

/// Captures that are read as one, in the order of time.
///
/// Packets are numbered through all of them, as in the file that `mergecap` makes of them; a single capture keeps the
/// numbers that Wireshark shows for it. Captures that follow each other in time are open one at a time.
pub struct Sources {
    waiting: VecDeque<Waiting>,
    open: Vec<Open>,
    current: Option<usize>,
    endings: Vec<Option<FileEnding>>,
    names: Vec<PathBuf>,
    numbers: Vec<Option<(u64, u64)>>,
    pool: Arc<Pool>,
    count: Arc<AtomicU64>,
    /// Packets so far, where they are numbered through.
    through: Option<u64>,
    secrets: Vec<String>,
    problems: Vec<String>,
}

impl Sources {
    /// Looks at the beginning of each capture, where there are several, to learn their order.
    pub fn new(origins: Vec<Origin>) -> Self {
        let names: Vec<_> = origins
            .iter()
            .map(|origin| origin.name().to_owned())
            .collect();
        let mut sources = Self {
            waiting: VecDeque::new(),
            open: Vec::new(),
            current: None,
            endings: origins.iter().map(|_| None).collect(),
            numbers: vec![None; names.len()],
            names,
            pool: Arc::new(Pool::default()),
            count: Arc::new(AtomicU64::new(0)),
            through: (origins.len() > 1).then_some(0),
            secrets: Vec::new(),
            problems: Vec::new(),
        };
        let several = origins.len() > 1;
        let mut waiting = Vec::new();
        for (number, origin) in origins.into_iter().enumerate() {
            let at_rest = origin.is_at_rest();
            match origin {
                Origin::File(path) if several && at_rest => {
                    if let Some(first) = sources.first_time(number, &path) {
                        let origin = Origin::File(path);
                        waiting.push(Waiting {
                            number,
                            origin,
                            first,
                        });
                    }
                }
                // What can be read only once is opened at once.
                origin => waiting.push(Waiting {
                    number,
                    origin,
                    first: Timestamp::default(),
                }),
            }
        }
        waiting.sort_by_key(|one| (one.first, one.number));
        sources.waiting = waiting.into();
        sources
    }

    /// The number of bytes read so far, before unpacking.
    pub fn count(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.count)
    }

    fn first_time(&mut self, number: usize, path: &std::path::Path) -> Option<Timestamp> {
        let uncounted = Arc::new(AtomicU64::new(0));
        let opened = Origin::File(path.to_owned()).open(&uncounted);
        let mut single = match opened {
            Ok(reader) => Single::new(path.to_owned(), reader, Supply::AtRest, &self.pool),
            Err(error) => {
                self.fail(number, error);
                return None;
            }
        };
        loop {
            match single.next() {
                Ok(Head::Frame(frame)) => return Some(frame.time),
                Ok(Head::Empty) => {
                    single.refill();
                }
                Ok(Head::End) => {
                    self.end(number, single);
                    return None;
                }
                Err(error) => {
                    self.fail(number, error);
                    return None;
                }
            }
        }
    }

    fn fail(&mut self, number: usize, error: Error) {
        self.endings[number] = Some(FileEnding {
            name: self.names[number].clone(),
            ending: Ending::default(),
            numbers: None,
            error: Some(error),
        });
    }

    fn end(&mut self, number: usize, single: Single) {
        self.endings[number] = Some(FileEnding {
            name: self.names[number].clone(),
            ending: single.finish(),
            numbers: self.numbers[number],
            error: None,
        });
    }

    /// Goes on to the next frame, and reads from the disk only where `may_read` allows it.
    pub(crate) fn next(&mut self, may_read: bool) -> Next {
        if let Some(current) = self.current.take() {
            match self.open[current].single.next() {
                Ok(Head::Frame(frame)) => self.open[current].head = frame,
                Ok(Head::Empty) if !may_read => {
                    self.current = Some(current);
                    return Next::Read;
                }
                other => {
                    let Open { number, single, .. } = self.open.swap_remove(current);
                    match other {
                        Err(error) => self.fail(number, error),
                        Ok(Head::End) => self.end(number, single),
                        _ => self.settle(number, single),
                    }
                }
            }
        }
        self.open_due();
        let soonest = self
            .open
            .iter()
            .enumerate()
            .min_by_key(|(_, open)| (open.head.time, open.number));
        let Some((index, _)) = soonest else {
            return Next::End;
        };
        self.current = Some(index);
        let packet = self.number(index);
        Next::Frame(packet)
    }

    fn number(&mut self, index: usize) -> u64 {
        let open = &mut self.open[index];
        if let Some(through) = &mut self.through {
            *through += 1;
            open.head.packet = *through;
        }
        let packet = open.head.packet;
        self.numbers[open.number].get_or_insert((packet, packet)).1 = packet;
        packet
    }

    /// Opens the captures whose first packet may be the next one.
    fn open_due(&mut self) {
        while let Some(next) = self.waiting.front() {
            let due = self.open.iter().all(|open| next.first <= open.head.time);
            if !due {
                return;
            }
            let Some(Waiting { number, origin, .. }) = self.waiting.pop_front() else {
                return;
            };
            let name = origin.name().to_owned();
            let supply = origin.supply();
            match origin.open(&self.count) {
                Ok(reader) => {
                    let single = Single::new(name, reader, supply, &self.pool);
                    self.settle(number, single);
                }
                Err(error) => self.fail(number, error),
            }
        }
    }

    /// Reads until the next frame of a capture is there, and opens it with that.
    fn settle(&mut self, number: usize, mut single: Single) {
        loop {
            match single.next() {
                Ok(Head::Frame(head)) => {
                    self.secrets.extend(single.secrets());
                    self.open.push(Open {
                        number,
                        single,
                        head,
                    });
                    return;
                }
                Ok(Head::Empty) => self.problems.extend(single.refill()),
                Ok(Head::End) => {
                    self.secrets.extend(single.secrets());
                    self.end(number, single);
                    return;
                }
                Err(error) => {
                    self.fail(number, error);
                    return;
                }
            }
        }
    }

    /// The frame that [`Sources::next`] went on to, and the chunk that holds it.
    pub(crate) fn frame(&self) -> Option<(Frame<'_>, &Arc<Chunk>)> {
        let open = self.open.get(self.current?)?;
        Some((open.single.frame(&open.head), open.single.chunk()))
    }

    /// Whether the capture that is being read is a file, so that reading more takes no time worth speaking of.
    pub(crate) fn is_file(&self) -> bool {
        self.single().is_some_and(Single::is_file)
    }

    /// Whether more of the capture that is being read can be had without waiting for it.
    pub(crate) fn is_ready(&self) -> bool {
        self.single().is_some_and(Single::is_ready)
    }

    /// How many bytes of it are read at a time.
    pub(crate) fn portion(&self) -> usize {
        self.single().map_or(0, Single::portion)
    }

    /// The capture that is being read.
    fn single(&self) -> Option<&Single> {
        Some(&self.open.get(self.current?)?.single)
    }

    /// TLS secrets that were met since the last call.
    pub(crate) fn take_secrets(&mut self) -> Vec<String> {
        if let Some(open) = self.current.and_then(|current| self.open.get_mut(current)) {
            self.secrets.extend(open.single.secrets());
        }
        std::mem::take(&mut self.secrets)
    }

    /// What became of each capture, in the order in which they were named, and problems of reading.
    pub(crate) fn finish(mut self) -> (Vec<FileEnding>, Vec<String>) {
        for Open { number, single, .. } in std::mem::take(&mut self.open) {
            self.end(number, single);
        }
        let names = self.names;
        let endings = self.endings.into_iter().zip(names).map(|(ending, name)| {
            ending.unwrap_or_else(|| FileEnding {
                name,
                ending: Ending::default(),
                numbers: None,
                error: None,
            })
        });
        (endings.collect(), self.problems)
    }
}

/// What came of going on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A frame, with its number.
    Frame(u64),
    /// The chunk is used up, and reading was not allowed.
    Read,
    /// All captures are at their end.
    End,
}
