//! What is shown and indexed while the server runs: each session as soon as it is judged.
//!
//! It is a sink on the one road: what it gets was read from the capture.

pub(super) mod board;
pub(in crate::commands) mod keeper;
mod terminal;
#[cfg(test)]
pub(super) mod testing;

use std::io::IsTerminal;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use claims::Profile;
use claims::result::ConversationOutcome;
use evidence::health::Health;
use evidence::index::{Index, Session};
use evidence::queue::Queue;
use lab::server::Options;

use self::board::Board;
use self::keeper::{IndexHealth, Keeper};
use self::terminal::Terminal;
use super::evidence::Evidence;
use super::relay::Relay;
use super::web::{self, Watched};
use crate::Failure;
use crate::args::{Cli, Color, LiveName, ServeArgs, YesNo};
use crate::audit::follow::Files;
use crate::audit::{Detail, Sink};
use crate::commands::output;
use crate::commands::reports::{Reports, Streams};

/// How long watchers are waited for once the server has ended, so that they learn of it.
const FAREWELL: Duration = Duration::from_millis(500);

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wanted {
    /// Lines on standard error: with a line of counts or without.
    terminal: Option<bool>,
    web: bool,
    index: bool,
}

impl Wanted {
    /// By the options, and by where standard error goes.
    fn of(cli: &Cli, args: &ServeArgs, reports: &Reports) -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        let for_people = reports
            .on_standard_output()
            .is_some_and(|format| format.name == "text");
        let terminal = match args.live.live {
            LiveName::Always => true,
            LiveName::Never => false,
            LiveName::Auto => on_terminal && for_people && !cli.quiet,
        };
        let web = args.live.web.is_some();
        Self {
            terminal: terminal.then_some(on_terminal),
            web,
            index: args.live.index.map_or(web, |choice| choice == YesNo::Yes),
        }
    }

    /// How much of each session must be known.
    fn detail(self, reports: Detail) -> Detail {
        if self.terminal.is_some() || self.web || self.index {
            reports.max(Detail::EachInBrief)
        } else {
            reports
        }
    }
}

/// Shows and keeps sessions.
pub(super) struct Live {
    terminal: Option<Terminal>,
    keeper: Option<Keeper>,
    /// What the page shows.
    pub(super) board: Option<Arc<Board>>,
    /// How it is with the index.
    pub(super) index: IndexHealth,
}

/// Everything that can fail is done; the server may start.
pub(super) struct Show {
    wanted: Wanted,
    /// What the server tells of itself.
    pub(super) watched: Watched,
    page: Option<TcpListener>,
    index: Option<Index>,
    /// The index may lack sessions of a run that was killed.
    lacks: bool,
    health: Health,
    queue: Option<Queue>,
}

impl Show {
    /// Opens what is wanted.
    pub(super) fn prepare(
        (cli, args): (&Cli, &ServeArgs),
        reports: &Reports,
        evidence: &Evidence,
        (options, relay): (&mut Options, &Relay),
        profile: &Profile,
    ) -> Result<Self, Failure> {
        let wanted = Wanted::of(cli, args, reports);
        let watched = Watched::default();
        if wanted.web {
            let custody = options.custody.take();
            options.custody = custody.map(|custody| watched.timed(custody));
        }
        let index = wanted
            .index
            .then(|| index(args, &evidence.first, &profile.id));
        let (index, lacks) = index.transpose()?.unzip();
        let lacks = lacks.unwrap_or(false);
        Ok(Self {
            wanted,
            watched,
            page: web::bind(args)?,
            index,
            lacks,
            health: evidence.health.clone(),
            queue: relay.queue(),
        })
    }

    /// How much of each session must be known.
    pub(super) fn detail(&self, reports: Detail) -> Detail {
        self.wanted.detail(reports)
    }

    /// Begins to show.
    pub(super) fn start(
        self,
        (cli, args): (&Cli, &ServeArgs),
        files: &Files,
        profile: &Profile,
    ) -> Result<Live, Failure> {
        if self.lacks {
            output::say(&format!(
                "the index may lack the last sessions of a run that was killed; `smtpspec index {}` makes it anew",
                args.out.display()
            ));
        }
        let live = Live::start(
            self.wanted,
            self.index,
            files.clone(),
            &self.watched,
            cli.color,
        )?;
        let page = (self.page, self.watched);
        web::open(cli, args, page, &live, (self.health, self.queue), profile)?;
        Ok(live)
    }
}

/// Standard error, with colours where they are wanted.
fn stderr(color: Color) -> AutoStream<std::io::Stderr> {
    let choice = match color {
        Color::Auto => AutoStream::choice(&std::io::stderr()),
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    AutoStream::new(std::io::stderr(), choice)
}

/// Opens the index for a run whose first capture that is.
fn index(args: &ServeArgs, first_capture: &Path, profile: &str) -> Result<(Index, bool), Failure> {
    let name = first_capture.file_name().unwrap_or_default();
    let opened = Index::open(&args.out, &name.to_string_lossy(), profile);
    opened.map_err(|error| {
        let folder = args.out.display();
        Failure::input(format!("cannot keep an index in {folder}: {error}"))
    })
}

impl Live {
    /// Begins to show.
    fn start(
        wanted: Wanted,
        index: Option<Index>,
        files: Files,
        watched: &Watched,
        color: Color,
    ) -> Result<Self, Failure> {
        let board = wanted.web.then(|| Arc::new(Board::new()));
        let health = IndexHealth::default();
        let keeper = (wanted.web || index.is_some())
            .then(|| Keeper::start(board.clone(), index, files, health.clone()))
            .transpose();
        let keeper =
            keeper.map_err(|error| Failure::input(format!("cannot start a thread: {error}")))?;
        let watched = watched.clone();
        let terminal = wanted.terminal.map(|status| {
            let open = Box::new(move || watched.open());
            Terminal::start(Box::new(stderr(color)), status, open)
        });
        Ok(Self {
            terminal,
            keeper,
            board,
            index: health,
        })
    }

    fn take(&self, conversation: &ConversationOutcome) {
        if self.terminal.is_none() && self.keeper.is_none() {
            return;
        }
        let session = Session::of(conversation);
        if let Some(terminal) = &self.terminal {
            terminal.session(&session);
        }
        if let Some(keeper) = &self.keeper {
            let json = serde_json::to_vec(conversation).unwrap_or_default();
            keeper.take(session, json);
        }
    }

    /// Everything was judged: it is written, and whoever looks on is told.
    pub(super) fn end(self) {
        drop(self.terminal);
        drop(self.keeper);
        let Some(board) = self.board else { return };
        board.end();
        let until = std::time::Instant::now() + FAREWELL;
        while board.watchers() > 0 && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Reports and live views, of the same sessions.
pub(super) struct Both<'a>(pub(super) &'a mut Streams, pub(super) &'a Live);

impl Sink for Both<'_> {
    fn conversation(&mut self, conversation: &ConversationOutcome) {
        self.0.conversation(conversation);
        self.1.take(conversation);
    }

    fn wants_sample(&self) -> bool {
        self.0.wants_sample()
    }
}
