//! The dialogue on standard output, line by line as it goes, without secrets.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use claims::transcript::Scrubber;
use lab::adapter::{Told, Watcher};
use lab::tap::Recorder;
use smtp::Secret;

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing of it is sent, or the server has refused it.
    Before,
    /// Some of it is sent.
    Content,
    /// All of it is sent, and there is no answer yet.
    Unanswered,
    /// The server has taken it.
    Accepted,
}

/// Shows a dialogue, and remembers how far the message is.
#[derive(Clone)]
pub(super) struct Transcript {
    scrubber: Arc<Scrubber>,
    progress: Arc<AtomicU8>,
    recorder: Option<Recorder>,
}

impl Transcript {
    /// One in which this password is not shown, whatever writing it comes in. The recorder writes what it holds after
    /// each reply.
    pub(super) fn new(password: Option<&Secret>, recorder: Option<Recorder>) -> Self {
        Self {
            scrubber: Arc::new(Scrubber::of(password)),
            progress: Arc::new(AtomicU8::new(0)),
            recorder,
        }
    }

    /// What the adapter tells.
    pub(super) fn watcher(&self) -> Watcher {
        let this = self.clone();
        Watcher::new(move |told| this.told(told))
    }

    /// How far the message is.
    pub(super) fn progress(&self) -> Progress {
        match self.progress.load(Ordering::Relaxed) {
            0 => Progress::Before,
            1 => Progress::Content,
            2 => Progress::Unanswered,
            _ => Progress::Accepted,
        }
    }

    fn told(&self, told: &Told<'_>) {
        self.note(told);
        let text = self.text(told);
        if text.is_empty() {
            return;
        }
        let mut out = io::stdout().lock();
        // A reader that went away does not stop the message.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    fn note(&self, told: &Told<'_>) {
        let next = match (told, self.progress()) {
            (Told::Content(_), _) => 1,
            (Told::ContentWritten, _) => 2,
            (Told::Heard(code, _), Progress::Unanswered) if code / 100 == 2 => 3,
            (Told::Heard(..), Progress::Unanswered) => 0,
            _ => return self.flush(told),
        };
        self.progress.store(next, Ordering::Relaxed);
        self.flush(told);
    }

    /// A program that is killed leaves a capture with everything up to the last reply.
    fn flush(&self, told: &Told<'_>) {
        if let (Some(recorder), Told::Heard(..)) = (&self.recorder, told) {
            recorder.flush();
        }
    }

    fn text(&self, told: &Told<'_>) -> String {
        match told {
            Told::Connecting(address) => format!("* connecting to {address}\n"),
            Told::Connected(_) => "* connected\n".to_owned(),
            Told::Secured => "* under TLS from here on\n".to_owned(),
            Told::PasswordInClear(mechanism) => {
                format!("* the password goes over the wire in clear now (AUTH {mechanism})\n")
            }
            Told::Said(line) => format!("C: {}\n", self.clean(line)),
            Told::Content(octets) => format!("C: <message, {octets} octets>\n"),
            Told::ContentWritten => String::new(),
            Told::Heard(334, _) => "S: 334 …\n".to_owned(),
            Told::Heard(code, lines) => self.reply(*code, lines),
            Told::Failed(reason) => format!("* {reason}\n"),
        }
    }

    fn reply(&self, code: u16, lines: &[String]) -> String {
        let mut text = String::new();
        for (at, line) in lines.iter().enumerate() {
            let between = if at + 1 == lines.len() { ' ' } else { '-' };
            let line = format!("S: {code:03}{between}{}", self.clean(line));
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn clean(&self, text: &str) -> String {
        claims::printable(self.scrubber.scrub(text).trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(told: &Told<'_>) -> String {
        Transcript::new(Some(&Secret::new("wonder land 7")), None).text(told)
    }

    #[test]
    fn replies_are_shown_without_the_password_and_without_what_drives_a_terminal() {
        let lines = [
            "you said wonder land 7".to_owned(),
            "or d29uZGVyIGxhbmQgNw==, or \u{1b}[2J".to_owned(),
        ];
        let text = shown(&Told::Heard(535, &lines));
        assert_eq!(
            text,
            "S: 535-you said <secret>\nS: 535 or <secret>w==, or \\u{1b}[2J\n"
        );
    }

    #[test]
    fn challenges_are_not_shown() {
        assert_eq!(shown(&Told::Heard(334, &[])), "S: 334 …\n");
    }

    #[test]
    fn progress_follows_the_message() {
        let transcript = Transcript::new(None, None);
        let after = |told: Told<'_>| {
            transcript.note(&told);
            transcript.progress()
        };
        assert_eq!(after(Told::Said("DATA")), Progress::Before);
        assert_eq!(after(Told::Heard(354, &[])), Progress::Before);
        assert_eq!(after(Told::Content(7)), Progress::Content);
        assert_eq!(after(Told::ContentWritten), Progress::Unanswered);
        assert_eq!(after(Told::Heard(451, &[])), Progress::Before);
        after(Told::ContentWritten);
        assert_eq!(after(Told::Heard(250, &[])), Progress::Accepted);
        assert_eq!(after(Told::Said("QUIT")), Progress::Accepted);
        assert_eq!(after(Told::Heard(221, &[])), Progress::Accepted);
    }
}
