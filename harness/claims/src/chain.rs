//! Attempts at one message, one session after another: what each came to, and how far apart they were.
//!
//! The checks make a chain of the conversations of a case, [`crate::Ledger`] of the briefs that it remembers.

use std::time::Duration;

use smtp::Timeline;
use smtp::timeline::{Event, EventKind, Outcome, Transaction};
use wire::{Opening, Timestamp};

use crate::given::Retry;
use crate::leaks::login::names;
use crate::{Evidence, Subject};

/// How much later than it is due a session may begin: whoever has the message may look for what is due in turns.
const LAG: Duration = Duration::from_secs(5);

/// One session of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Try {
    /// When its first packet was captured.
    pub(crate) start: Timestamp,
    /// When its last packet was captured.
    pub(crate) end: Timestamp,
    /// Number of its first packet.
    pub(crate) packet: u64,
    /// What became of it.
    pub(crate) end_word: EndWord,
}

/// What became of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EndWord {
    /// A message was accepted in it.
    Accepted,
    /// The login was refused, with this mechanism and code, and no mail was offered after it.
    LoginRefused(String, u16),
    /// Refused or broken off for the moment; in words.
    Deferred(String),
    /// Refused for good; in words.
    Refused(String),
    /// Neither: the sender left without a message.
    Left,
}

impl EndWord {
    /// In words, for evidence.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Accepted => "the message was accepted".to_owned(),
            Self::LoginRefused(mechanism, code) => {
                format!("AUTH {mechanism} was answered {code}, and no mail followed")
            }
            Self::Deferred(why) | Self::Refused(why) => why.clone(),
            Self::Left => "the sender left without a message".to_owned(),
        }
    }
}

impl Try {
    /// What a conversation was as an attempt.
    pub(crate) fn of(timeline: &Timeline) -> Self {
        Self {
            start: timeline.start,
            end: timeline.end,
            packet: timeline.packet_range.0,
            end_word: end_word(timeline),
        }
    }

    /// Its first packet, as evidence.
    pub(crate) fn evidence(&self, name: &str) -> Evidence {
        let what = format!("{name} begins; {}", self.end_word.words());
        Evidence::packet(self.packet, what)
    }
}

/// The login that the server refused last, where no mail was offered after it: its mechanism and the code.
pub(crate) fn refused_login(timeline: &Timeline) -> Option<(String, u16)> {
    let last = timeline.authentications.last()?;
    let Outcome::Refused(code) = last.outcome else {
        return None;
    };
    let mailed = timeline
        .transactions
        .iter()
        .any(|transaction| transaction.mail > last.exchange);
    (!mailed).then(|| (last.mechanism.value.clone(), code))
}

fn end_word(timeline: &Timeline) -> EndWord {
    let accepted = |one: &Transaction| {
        one.data
            .as_ref()
            .is_some_and(|data| data.accepted == Some(true))
    };
    if timeline.transactions.iter().any(accepted) {
        return EndWord::Accepted;
    }
    if let Some((mechanism, code)) = refused_login(timeline) {
        return EndWord::LoginRefused(mechanism, code);
    }
    match setback(timeline) {
        Some(setback) if setback.is_transient() => EndWord::Deferred(setback.words()),
        Some(setback) => EndWord::Refused(setback.words()),
        None => EndWord::Left,
    }
}

/// How far apart the sessions of a chain are, held against the interval that they should keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Spacing {
    /// As wanted; the time from the beginning of each to that of the next.
    Kept(Vec<Duration>),
    /// The session with this place in the chain, counted from 0, began too soon or too late after the one before it.
    Off {
        /// Which.
        place: usize,
        /// The time between the two beginnings.
        apart: Duration,
    },
}

/// Compares a chain with an interval. It is counted from the end of a session or from its beginning, whichever fits: nobody says.
pub(crate) fn spacing(tries: &[Try], interval: Duration) -> Spacing {
    let mut all = Vec::new();
    for (place, pair) in tries.windows(2).enumerate() {
        let [before, after] = pair else { break };
        let apart = after.start.since(before.start);
        let waited = after.start.since(before.end);
        let early = apart < interval.mul_f64(0.9);
        let late = waited > interval.mul_f64(1.1) + LAG;
        if early || late {
            let place = place + 1;
            return Spacing::Off { place, apart };
        }
        all.push(apart);
    }
    Spacing::Kept(all)
}

/// The conversations of a case that are attempts at the same message, at the same server, as that of `subject`: it is
/// among them. In their order.
pub(crate) fn of<'a>(subject: &Subject<'a>) -> Vec<Subject<'a>> {
    let timeline = subject.timeline();
    subject
        .siblings()
        .filter(|sibling| {
            sibling.timeline().server == timeline.server && is_attempt(timeline, sibling.timeline())
        })
        .collect()
}

/// Whether two conversations can be attempts at one message: from the same host, by the same account, in the same
/// envelope, as far as they tell.
pub(crate) fn is_attempt(one: &Timeline, other: &Timeline) -> bool {
    let same_host = one.client.ip() == other.client.ip()
        && agree(hello(one), hello(other), str::eq_ignore_ascii_case);
    let same_login = agree(user(one), user(other), str::eq_ignore_ascii_case);
    let envelope = agree(
        one.transactions.last(),
        other.transactions.last(),
        is_either,
    );
    same_host && same_login && envelope
}

/// Whether two conversations, with whatever servers, can be about one message: from the same host, in the same envelope.
pub(crate) fn is_same_message(one: &Timeline, other: &Timeline) -> bool {
    one.client.ip() == other.client.ip()
        && agree(
            one.transactions.last(),
            other.transactions.last(),
            is_either,
        )
}

/// As [`is_same`], whichever of the two came first.
fn is_either(one: &Transaction, other: &Transaction) -> bool {
    is_same(one, other) || is_same(other, one)
}

/// Whether two things are the same, or one is not known.
fn agree<T>(one: Option<T>, other: Option<T>, same: impl Fn(T, T) -> bool) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => same(one, other),
        _ => true,
    }
}

/// The argument of the first EHLO or HELO.
pub(crate) fn hello(timeline: &Timeline) -> Option<&str> {
    timeline.commands().find_map(|(_, _, command)| {
        matches!(command.verb.as_str(), "EHLO" | "HELO").then(|| command.argument.trim())
    })
}

/// The user of the first login that names one.
pub(crate) fn user(timeline: &Timeline) -> Option<&str> {
    let mut logins = timeline.authentications.iter();
    logins.find_map(|one| names(&one.identity).user.filter(|user| !user.is_empty()))
}

/// Whether QUIT was answered.
pub(crate) fn said_goodbye(timeline: &Timeline) -> bool {
    timeline
        .commands()
        .any(|(number, _, command)| command.verb == "QUIT" && timeline.reply(number).is_some())
}

/// How the sender is to try again at the server of a conversation, where that is known.
pub(crate) fn told(subject: &Subject<'_>) -> Option<Retry> {
    let server = subject.given().server(subject.timeline().server)?;
    server.retry
}

/// Why it is not known when a session of a chain began.
pub(crate) fn unseen_start(chain: &[Subject<'_>]) -> Option<&'static str> {
    let late = |one: &Subject<'_>| one.timeline().opening == Opening::Midstream;
    chain
        .iter()
        .any(late)
        .then_some("the capture does not show when each session began")
}

/// A time in words: `300 s`, `40 ms`.
pub(crate) fn in_words(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{} s", time.as_secs())
    }
}

/// Several times in words, one behind the other.
pub(crate) fn listed(times: &[Duration]) -> String {
    let each: Vec<_> = times.iter().map(|time| in_words(*time)).collect();
    each.join(", ")
}

/// Why an attempt failed.
pub(crate) struct Setback<'a> {
    /// The reply or the end of the connection.
    pub(crate) event: &'a Event,
    /// The code of the reply; `None` where the connection ended without one.
    pub(crate) code: Option<u16>,
    /// What was refused: MAIL, RCPT, DATA, or "" for the greeting or the message.
    pub(crate) verb: &'a str,
}

impl Setback<'_> {
    /// Whether it was for the moment: 4yz, or a connection that broke.
    pub(crate) fn is_transient(&self) -> bool {
        self.code.is_none_or(|code| code / 100 == 4)
    }

    /// In words.
    pub(crate) fn words(&self) -> String {
        match (self.code, self.verb) {
            (None, _) => "the connection ended before the message was accepted".to_owned(),
            (Some(code), "") => format!("the server answered {code}"),
            (Some(code), verb) => format!("{verb} was answered {code}"),
        }
    }
}

/// The last thing that kept a conversation from delivering its message; `None` where a message was accepted in it, or
/// nothing stood in the way.
pub(crate) fn setback(timeline: &Timeline) -> Option<Setback<'_>> {
    let accepted = |one: &Transaction| {
        one.data
            .as_ref()
            .is_some_and(|data| data.accepted == Some(true))
    };
    if timeline.transactions.iter().any(accepted) {
        return None;
    }
    let greeting = timeline.events.iter().find_map(|event| match &event.kind {
        EventKind::Reply(reply) => Some((event, reply)),
        _ => None,
    });
    if let Some((event, reply)) = greeting.filter(|(_, reply)| reply.is_negative()) {
        return Some(Setback {
            event,
            code: Some(reply.code),
            verb: "",
        });
    }
    let refused = (0..timeline.exchanges.len()).rev().find_map(|number| {
        let verb = match timeline
            .command(number)
            .map(|command| command.verb.as_str())
        {
            None => "",
            Some("MAIL") => "MAIL",
            Some("RCPT") => "RCPT",
            Some("DATA") => "DATA",
            Some("BDAT") => "BDAT",
            Some(_) => return None,
        };
        let (event, reply) = timeline
            .reply(number)
            .filter(|(_, reply)| reply.is_negative())?;
        Some(Setback {
            event,
            code: Some(reply.code),
            verb,
        })
    });
    refused.or_else(|| {
        let open = timeline
            .exchanges
            .iter()
            .any(|exchange| exchange.reply.is_none());
        let unsent = timeline.transactions.last().is_some() || greeting.is_none();
        let end = timeline
            .events
            .iter()
            .find(|event| matches!(event.kind, EventKind::Fin | EventKind::Reset))?;
        (open || unsent).then_some(Setback {
            event: end,
            code: None,
            verb: "",
        })
    })
}

/// Whether a transaction asks for the same as an earlier one: the same sender, and a recipient of that one, if it got so far.
pub(crate) fn is_same(first: &Transaction, again: &Transaction) -> bool {
    let asked = |address: &str| {
        again
            .recipients
            .iter()
            .any(|one| one.address.value == address)
    };
    let any =
        first.recipients.is_empty() || first.recipients.iter().any(|one| asked(&one.address.value));
    first.reverse_path.value == again.reverse_path.value && any
}
