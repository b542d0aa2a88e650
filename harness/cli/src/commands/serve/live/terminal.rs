//! Sessions on a terminal: a line each as they end, and a line of counts below them.
//!
//! Everything from the wire is printed as text: control characters, and those that turn the direction of writing, are
//! spelled out. Lines have at most [`WIDTH`] columns.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use claims::Verdict;
use evidence::index::Session;

use super::board::Totals;

/// Columns of a line; the last of eighty stays free, since some terminals wrap when it is written.
const WIDTH: usize = 79;
/// Lines in a second: nobody reads more, and terminals are slow.
const MOST_LINES: u32 = 40;
/// How often the line of counts is drawn where nothing ends.
const REDRAW: Duration = Duration::from_millis(500);

/// How many connections are open.
pub(super) type Open = Box<dyn Fn() -> Option<u32> + Send>;

/// The view. It ends when it is dropped.
pub(super) struct Terminal {
    shared: Arc<Mutex<Screen>>,
    clock: Option<(std::sync::mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Terminal {
    /// Begins. With `status`, there is a line of counts.
    pub(super) fn start(out: Box<dyn Write + Send>, status: bool, open: Open) -> Self {
        let shared = Arc::new(Mutex::new(Screen::new(out, status, open)));
        let clock = status.then(|| {
            let (sender, receiver) = std::sync::mpsc::channel::<()>();
            let shared = Arc::clone(&shared);
            let thread = thread::spawn(move || {
                let timeout = std::sync::mpsc::RecvTimeoutError::Timeout;
                while receiver.recv_timeout(REDRAW) == Err(timeout) {
                    lock(&shared).tick(Instant::now());
                }
            });
            (sender, thread)
        });
        Self { shared, clock }
    }

    /// A session has ended and was judged.
    pub(super) fn session(&self, session: &Session) {
        lock(&self.shared).session(session, Instant::now());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.clock.take() {
            drop(sender);
            let _ = thread.join();
        }
        lock(&self.shared).end();
    }
}

fn lock(shared: &Mutex<Screen>) -> MutexGuard<'_, Screen> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Screen {
    out: Box<dyn Write + Send>,
    status: bool,
    open: Open,
    totals: Totals,
    /// Columns of the line of counts that stand there.
    drawn: usize,
    /// The second that lines are counted in, and how many it has had.
    second: Option<Instant>,
    lines: u32,
    /// Sessions since the last line that got none.
    skipped: u64,
}

impl Screen {
    fn new(out: Box<dyn Write + Send>, status: bool, open: Open) -> Self {
        Self {
            out,
            status,
            open,
            totals: Totals::default(),
            drawn: 0,
            second: None,
            lines: 0,
            skipped: 0,
        }
    }

    fn session(&mut self, session: &Session, now: Instant) {
        self.totals.add(session);
        self.turn(now);
        if self.lines >= MOST_LINES {
            self.skipped += 1;
            return;
        }
        self.lines += 1;
        let mut text = self.erased();
        self.tell_skipped(&mut text);
        text.push_str(&line(session));
        text.push('\n');
        self.print(&text, true);
    }

    /// Time has passed.
    fn tick(&mut self, now: Instant) {
        self.turn(now);
        let mut text = self.erased();
        if self.lines < MOST_LINES {
            self.tell_skipped(&mut text);
        }
        self.print(&text, true);
    }

    fn end(&mut self) {
        let mut text = self.erased();
        self.tell_skipped(&mut text);
        self.print(&text, false);
    }

    fn turn(&mut self, now: Instant) {
        let over = |begun: Instant| now.saturating_duration_since(begun) >= Duration::from_secs(1);
        if self.second.is_none_or(over) {
            self.second = Some(now);
            self.lines = 0;
        }
    }

    fn tell_skipped(&mut self, text: &mut String) {
        match std::mem::take(&mut self.skipped) {
            0 => {}
            1 => text.push_str("         1 more session\n"),
            more => {
                let _ = writeln!(text, "         {more} more sessions");
            }
        }
    }

    /// What takes the line of counts away: without control sequences, so that it works where colours do not.
    fn erased(&mut self) -> String {
        match std::mem::take(&mut self.drawn) {
            0 => String::new(),
            columns => format!("\r{:columns$}\r", ""),
        }
    }

    fn print(&mut self, text: &str, status: bool) {
        let mut text = text.to_owned();
        if status && self.status {
            let line = status_line(&self.totals, (self.open)());
            self.drawn = line.len();
            text.push_str(&line);
        }
        // A terminal that went away is no reason to stop.
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }
}

fn status_line(totals: &Totals, open: Option<u32>) -> String {
    let mut line = String::new();
    if let Some(open) = open {
        let _ = write!(line, "open: {open}  ");
    }
    let _ = write!(
        line,
        "sessions: {}  messages: {}  in clear: {}  passwords read: {}  failed: {}",
        totals.sessions, totals.messages, totals.in_clear, totals.passwords, totals.failed
    );
    line.truncate(WIDTH);
    line
}

/// Time, peer, account with mechanism, messages, verdicts, worst finding.
fn line(session: &Session) -> String {
    let time = session.began.get(11..19).unwrap_or("");
    let login = session.logins.last().map_or_else(
        || "-".to_owned(),
        |login| match login.account() {
            Some(account) => format!("{} {account}", login.mechanism),
            None => login.mechanism.clone(),
        },
    );
    let peer = fitting(&session.client, 21);
    let login = fitting(&login, 14);
    let mut line = format!(
        "{time:8} {:15} {:11} {} msg ",
        peer.trim_end(),
        login.trim_end(),
        session.messages.min(999)
    );
    let mut columns = line.chars().map(width).sum::<usize>();
    let letters = [
        (Verdict::Pass, 'P', AnsiColor::Green),
        (Verdict::Fail, 'F', AnsiColor::Red),
        (Verdict::Inconclusive, 'I', AnsiColor::Yellow),
        (Verdict::Error, 'E', AnsiColor::Red),
    ];
    for (verdict, letter, color) in letters {
        let count = session.count(verdict);
        if count > 0 {
            let style = Style::new().fg_color(Some(color.into()));
            let word = format!("{count}{letter}");
            columns += word.len() + 1;
            let _ = write!(line, "{style}{word}{style:#} ");
        }
    }
    if let Some(worst) = session.worst() {
        let text = format!("{} {}", worst.claim, worst.reason);
        line.push_str(fitting(&text, WIDTH.saturating_sub(columns)).trim_end());
    }
    line.trim_end().to_owned()
}

/// What is not ASCII may be two columns wide.
const fn width(character: char) -> usize {
    if character.is_ascii() { 1 } else { 2 }
}

/// Printable text in exactly so many columns.
fn fitting(text: &str, columns: usize) -> String {
    let text = claims::printable(text);
    let mut out = String::new();
    let mut used = 0;
    let all: usize = text.chars().map(width).sum();
    let room = if all > columns {
        columns.saturating_sub(2)
    } else {
        columns
    };
    for character in text.chars() {
        if used + width(character) > room {
            break;
        }
        used += width(character);
        out.push(character);
    }
    if all > columns && columns >= 2 {
        out.push_str("..");
        used += 2;
    }
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(used)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::serve::live::testing::session;

    /// What was written.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no panic").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Paper {
        fn text(&self) -> String {
            let bytes = self.0.lock().expect("no panic");
            anstream::adapter::strip_str(&String::from_utf8_lossy(&bytes)).to_string()
        }
    }

    fn screen(status: bool) -> (Screen, Paper) {
        let paper = Paper::default();
        let open: Open = Box::new(|| Some(2));
        (Screen::new(Box::new(paper.clone()), status, open), paper)
    }

    #[test]
    fn a_line_each_and_the_counts_below() {
        let (mut screen, paper) = screen(true);
        screen.session(&session(1), Instant::now());
        screen.end();
        let counts = "open: 2  sessions: 1  messages: 1  in clear: 0  passwords read: 1  failed: 1";
        let blank = " ".repeat(counts.len());
        assert_eq!(
            paper.text(),
            format!(
                "10:00:01 192.0.2.1:1001  PLAIN CORP\\u1 1 msg 1P 1F X-2 it was read\n{counts}\r{blank}\r"
            )
        );
    }

    #[test]
    fn what_comes_from_the_wire_neither_drives_the_terminal_nor_breaks_the_line() {
        let mut hostile = session(1);
        let text = "\x1b]0;x\x07\x1b[2J\r\n\u{202e}\u{9b}31m漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字";
        text.clone_into(&mut hostile.logins[0].mechanism);
        hostile.logins[0].user = Some(text.to_owned());
        for judged in &mut hostile.verdicts {
            text.clone_into(&mut judged.reason);
        }
        let (mut screen, paper) = screen(false);
        screen.session(&hostile, Instant::now());
        let text = paper.text();
        let line = text.strip_suffix('\n').expect("a line");
        assert!(
            line.chars().all(|c| !c.is_control() && c != '\u{202e}'),
            "{line:?}"
        );
        let columns: usize = line.chars().map(width).sum();
        assert!((60..=WIDTH).contains(&columns), "{columns}: {line}");
    }

    #[test]
    fn a_flood_is_counted() {
        let (mut screen, paper) = screen(false);
        let now = Instant::now();
        for number in 0..1000 {
            screen.session(&session(number), now);
        }
        screen.session(&session(7), now + Duration::from_secs(1));
        let text = paper.text();
        assert_eq!(text.lines().count(), 42);
        assert_eq!(text.lines().nth(40), Some("         960 more sessions"));
        assert_eq!(screen.totals.sessions, 1001);
    }
}
