//! What a server's reply to a step of the delivery says to the client, and who ended the session.

use smtp::Timeline;
use smtp::timeline::{Event, EventKind, Reply, Transaction};
use wire::Direction;

use crate::{Evidence, Subject};

/// What a reply says, by its code alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Go on: 2yz, or 3yz where more was asked for.
    Go,
    /// 4yz or 5yz.
    Refused,
    /// Neither: a code out of range, lines that disagree, or no end.
    Odd,
}

/// What a reply to `verb` says; the greeting and the end of content have the verb "".
pub(super) fn answer(reply: &Reply, verb: &str) -> Answer {
    let wanted = if verb == "DATA" { 3 } else { 2 };
    match reply.code / 100 {
        _ if !reply.complete || !reply.agrees => Answer::Odd,
        class if class == wanted => Answer::Go,
        4 | 5 => Answer::Refused,
        _ => Answer::Odd,
    }
}

/// The code of a reply as reasons name it.
pub(super) fn code(reply: &Reply) -> String {
    match reply.code {
        0 => "with no code of three digits".to_owned(),
        code if !reply.complete => format!("{code:03} without an end"),
        code if !reply.agrees => format!("with different codes, {code:03} first"),
        code => format!("{code:03}"),
    }
}

/// The greeting, with its event.
pub(super) fn greeting(timeline: &Timeline) -> Option<(&Event, &Reply)> {
    timeline.events.iter().find_map(|event| match &event.kind {
        EventKind::Reply(reply) => Some((event, reply)),
        _ => None,
    })
}

/// What the client asked for, with the server's replies: the greeting (as ""), every command but those that no delivery
/// depends on, and the end of content (as "").
pub(super) fn answered(timeline: &Timeline) -> impl Iterator<Item = (&str, &Event, &Reply)> {
    let greeting = greeting(timeline).map(|(event, reply)| ("", event, reply));
    let asked = timeline
        .exchanges
        .iter()
        .enumerate()
        .filter_map(|(number, _)| {
            let verb = timeline
                .command(number)
                .map_or("", |command| command.verb.as_str());
            let (event, reply) = timeline.reply(number)?;
            (!matches!(verb, "QUIT" | "RSET" | "NOOP" | "HELP" | "VRFY" | "EXPN"))
                .then_some((verb, event, reply))
        });
    greeting.into_iter().chain(asked)
}

/// The final reply to the content of a transaction.
pub(super) fn final_reply<'a>(
    timeline: &'a Timeline,
    transaction: &Transaction,
) -> Option<(&'a Event, &'a Reply)> {
    timeline.reply(transaction.data.as_ref()?.exchange)
}

/// The reply that took a message of this conversation over: a clean 2yz to the end of its content.
pub(super) fn accepted<'a>(subject: &Subject<'a>) -> Option<&'a Event> {
    let timeline = subject.timeline();
    let mut replies = timeline
        .transactions
        .iter()
        .filter_map(|one| final_reply(timeline, one));
    replies
        .find(|(_, reply)| answer(reply, "") == Answer::Go)
        .map(|(event, _)| event)
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum End<'a> {
    /// The client, with this FIN or RST.
    Client(&'a Event),
    /// The server, with this FIN or RST or with a 421 before it.
    Server(&'a Event),
}

/// Who ended the session first; `None` where the capture shows no end.
pub(super) fn end(timeline: &Timeline) -> Option<End<'_>> {
    timeline.events.iter().find_map(|event| match &event.kind {
        EventKind::Reply(reply) if reply.code == 421 => Some(End::Server(event)),
        EventKind::Fin | EventKind::Reset if event.span.direction == Direction::Client => {
            Some(End::Client(event))
        }
        EventKind::Fin | EventKind::Reset => Some(End::Server(event)),
        _ => None,
    })
}

/// Evidence for how the client left: its QUIT, or else its FIN or RST.
pub(super) fn leaving(timeline: &Timeline) -> Option<Evidence> {
    let quit = timeline
        .commands()
        .find(|(_, _, command)| command.verb == "QUIT");
    if let Some((_, event, _)) = quit {
        return Some(Evidence::event(event, "QUIT"));
    }
    match end(timeline)? {
        End::Client(event) => Some(Evidence::event(event, "the client's end of the connection")),
        End::Server(event) => Some(Evidence::event(event, "the server's end of the session")),
    }
}

/// Whether a word from the wire may stand in a reason: a plain verb or keyword.
pub(super) fn shown(word: &str) -> &str {
    let plain = !word.is_empty()
        && word.len() <= 12
        && word
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-');
    if plain { word } else { "a command" }
}
