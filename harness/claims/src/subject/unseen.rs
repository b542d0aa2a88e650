//! What cannot be known of a conversation, and why.

use smtp::timeline::{EventKind, Protocol, Tls};
use smtp::tls::{Opened, Stop};
use wire::{Direction, Opening, Span};

use super::Subject;
use crate::Finding;

impl Subject<'_> {
    /// Why absence cannot be concluded from this conversation: bytes are missing or cannot be read, it was joined
    /// midstream, or not followed to its end. `None` where everything that both sides said can be, with a key or without.
    pub fn blind(&self) -> Option<String> {
        self.holes().or_else(|| self.joined_late())
    }

    /// The same for what the client did not say: a hole in the server's words hides no command.
    pub fn unheard(&self) -> Option<String> {
        self.unreadable(|gap| gap.direction == Direction::Client)
            .or_else(|| self.joined_late())
    }

    /// Why not everything in the capture can be read, wherever it begins.
    pub fn holes(&self) -> Option<String> {
        self.unreadable(|_| true)
    }

    /// Why not everything was searched that the client said: [`Subject::unheard`], or a message of which this reader did
    /// not keep all.
    pub fn unsearched(&self) -> Option<String> {
        self.unheard()
            .or_else(|| self.sent().find_map(|sent| sent.unkept()))
    }

    /// Why not all can be known that was said in clear. What is under TLS does not matter here.
    pub fn hidden_in_clear(&self) -> Option<String> {
        let timeline = self.timeline();
        let Some(tls) = &timeline.tls else {
            return self.blind();
        };
        let clear = |gap: &&Span| !tls.under_tls(**gap);
        let gap = timeline.gaps.iter().find(clear).map(missing);
        gap.or_else(|| self.joined_late())
    }

    fn unreadable(&self, counts: fn(&Span) -> bool) -> Option<String> {
        let timeline = self.timeline();
        if let Some(reason) = timeline.tls.as_ref().and_then(|tls| unopened(tls, counts)) {
            return Some(reason);
        }
        if let Some(gap) = timeline.gaps.iter().find(|gap| counts(gap)) {
            return Some(missing(gap));
        }
        let reason = timeline.given_up.as_ref()?;
        Some(format!(
            "the conversation was not followed to its end: {reason}"
        ))
    }

    /// A capture that begins inside the connection may have missed anything, unless it shows the greeting first.
    pub(super) fn joined_late(&self) -> Option<String> {
        let timeline = self.timeline();
        let mut said = timeline.events.iter();
        let first = said.find(|event| event.kind != EventKind::Tls);
        let greeting = first.is_some_and(
            |event| matches!(&event.kind, EventKind::Reply(reply) if reply.code / 10 == 22),
        );
        (timeline.opening == Opening::Midstream && !greeting)
            .then(|| "the capture starts inside the conversation".to_owned())
    }

    /// What an established connection without a byte of SMTP that can be read is called in reasons.
    pub fn nothing_said(&self) -> Option<Finding> {
        let reason = match self.timeline().protocol {
            Protocol::Silent => "the connection was opened and closed without a word".to_owned(),
            Protocol::ImplicitTls => self.unread_from_the_start()?,
            Protocol::Smtp | Protocol::Other => return None,
        };
        Some(Finding::undetermined(reason))
    }

    /// Why nothing can be read of a conversation under TLS from its first byte on; `None` where some of it can.
    fn unread_from_the_start(&self) -> Option<String> {
        let opened = self
            .timeline()
            .tls
            .as_ref()
            .and_then(|tls| tls.opened.as_ref());
        let Some(opened) = opened.filter(|opened| !is_keyless(opened)) else {
            return Some(
                "the conversation is under TLS from the first byte on, and no key is at hand"
                    .to_owned(),
            );
        };
        if opened.octets != [0, 0] {
            return None;
        }
        Some(
            self.holes()
                .unwrap_or_else(|| "nothing was said under TLS".to_owned()),
        )
    }
}

fn missing(gap: &Span) -> String {
    format!(
        "the capture does not hold {} bytes of the {} from offset {} on",
        gap.len(),
        gap.direction,
        gap.start
    )
}

/// Whether a key log was there, and had nothing on this connection: as good as none.
fn is_keyless(opened: &Opened) -> bool {
    let mut stops = opened.stopped.iter().flatten();
    opened.octets == [0, 0] && stops.any(|stop| stop.value == Stop::NoSecret)
}

/// Why not all can be read that went under TLS, in the directions that count.
fn unopened(tls: &Tls, counts: fn(&Span) -> bool) -> Option<String> {
    let Some(opened) = tls.opened.as_ref().filter(|opened| !is_keyless(opened)) else {
        return Some(format!(
            "the conversation is under TLS from client byte {} on, and no key is at hand",
            tls.client.start
        ));
    };
    if let Some(stop) = opened
        .stopped
        .iter()
        .flatten()
        .find(|stop| counts(&stop.span))
    {
        return Some(format!(
            "TLS was opened up to {} byte {} only: {}",
            stop.span.direction, stop.span.start, stop.value
        ));
    }
    let early = opened.early > 0 && counts(&tls.client);
    early.then(|| {
        "the data that the client sent before the TLS handshake ended was not opened".to_owned()
    })
}
