//! Where conversations go as soon as they are judged.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use claims::result::{ConversationOutcome, Outcome};
use report::html::Pack;

use super::Detail;

/// Takes conversations one by one.
pub trait Sink {
    /// Takes the next one.
    fn conversation(&mut self, conversation: &ConversationOutcome);

    /// Whether a sample is to be kept for the end.
    fn wants_sample(&self) -> bool;
}

/// How a stream of conversations is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// An object a line, the summary last.
    Lines,
    /// One document.
    Document,
    /// A page, which is written at the end; what it shows of conversations is packed as they come.
    Page,
}

impl Layout {
    /// That of a report format, where it can be written piece by piece.
    pub fn of(format: &str) -> Option<Self> {
        match format {
            "json" => Some(Self::Document),
            "jsonl" => Some(Self::Lines),
            "html" => Some(Self::Page),
            _ => None,
        }
    }

    /// How much of each conversation it takes.
    pub fn detail(self) -> Detail {
        match self {
            Self::Lines | Self::Document => Detail::All,
            Self::Page => Detail::EachInBrief,
        }
    }
}

/// Writes each conversation as it comes, so that what was written stands whatever happens afterwards.
pub struct Stream<W: Write> {
    out: W,
    layout: Layout,
    first: bool,
    pack: Pack,
    stop: Arc<AtomicBool>,
    problem: Option<io::Error>,
}

impl<W: Write> Stream<W> {
    /// Nothing written yet. `stop` is set where writing fails: nobody will read the rest.
    pub fn new(out: W, layout: Layout, stop: Arc<AtomicBool>) -> Self {
        Self {
            out,
            layout,
            first: true,
            pack: Pack::default(),
            stop,
            problem: None,
        }
    }

    /// How it is written.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    fn write(&mut self, text: &str) {
        if self.problem.is_some() {
            return;
        }
        let written = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
        if let Err(error) = written {
            self.stop.store(true, Ordering::Relaxed);
            self.problem = Some(error);
        }
    }

    /// Writes what stands around the conversations; `outcome` holds those of the sample, which a page shows as well. A reader that went away is no failure.
    ///
    /// # Errors
    ///
    /// What kept it, or a conversation before it, from being written.
    pub fn finish(mut self, outcome: &Outcome) -> io::Result<()> {
        match self.layout {
            Layout::Page => {
                let page = report::html::with_pack(outcome, std::mem::take(&mut self.pack));
                self.write(&page);
            }
            Layout::Lines => self.write(&report::jsonl::summary(outcome)),
            Layout::Document => {
                if self.first {
                    self.write(&report::json::open());
                }
                self.write(&report::json::close(outcome));
            }
        }
        match self.problem {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

impl<W: Write> Sink for Stream<W> {
    fn conversation(&mut self, conversation: &ConversationOutcome) {
        match self.layout {
            Layout::Page => self.pack.add(conversation, &[]),
            Layout::Lines => self.write(&report::jsonl::conversation(conversation)),
            Layout::Document => {
                if self.first {
                    self.write(&report::json::open());
                }
                self.write(&report::json::conversation(self.first, conversation));
            }
        }
        self.first = false;
    }

    fn wants_sample(&self) -> bool {
        self.layout == Layout::Page
    }
}
