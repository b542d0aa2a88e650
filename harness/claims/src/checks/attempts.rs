//! One attempt to deliver after another: how one ended, and whether another repeats it.

use smtp::Timeline;
use smtp::timeline::{Event, EventKind, Transaction};

use crate::{Evidence, Subject};

/// Why an attempt failed.
pub(super) struct Setback<'a> {
    /// The reply or the end of the connection.
    pub(super) event: &'a Event,
    /// The code of the reply; `None` where the connection ended without one.
    pub(super) code: Option<u16>,
    /// What was refused: MAIL, RCPT, DATA, or "" for the greeting or the message.
    pub(super) verb: &'a str,
}

impl Setback<'_> {
    /// Whether it was for the moment: 4yz, or a connection that broke.
    pub(super) fn is_transient(&self) -> bool {
        self.code.is_none_or(|code| code / 100 == 4)
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        match (self.code, self.verb) {
            (None, _) => "the connection ended before the message was accepted".to_owned(),
            (Some(code), "") => format!("the server answered {code}"),
            (Some(code), verb) => format!("{verb} was answered {code}"),
        }
    }
}

/// The last thing that kept a conversation from delivering its message; `None` where a message was accepted in it, or
/// nothing stood in the way.
pub(super) fn setback(timeline: &Timeline) -> Option<Setback<'_>> {
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

/// The transaction of a later attempt that asks for the same as this one did: see [`is_same`].
pub(super) fn repeats<'a>(earlier: &Subject<'_>, later: &'a Timeline) -> Option<&'a Transaction> {
    let Some(first) = earlier.timeline().transactions.last() else {
        return later.transactions.first();
    };
    later
        .transactions
        .iter()
        .find(|again| is_same(first, again))
}

/// Whether a transaction asks for the same as an earlier one: the same sender, and a recipient of that one, if it got so far.
pub(super) fn is_same(first: &Transaction, again: &Transaction) -> bool {
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

/// The MAIL of a transaction.
pub(super) fn mail(timeline: &Timeline, transaction: &Transaction, what: &str) -> Option<Evidence> {
    Some(Evidence::event(timeline.request(transaction.mail)?, what))
}
