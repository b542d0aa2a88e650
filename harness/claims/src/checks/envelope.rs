//! Mail transactions as the client asked for them, with the replies that it got, refused or not.

use smtp::Timeline;
use smtp::timeline::{Data, Event, EventKind, Reply};
use wire::Direction;

/// The verbs of SMTP and its extensions. A line that begins with another word is no command of a client that is in step.
const VERBS: [&str; 19] = [
    "EHLO", "HELO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "QUIT", "NOOP", "VRFY", "EXPN",
    "HELP", "AUTH", "STARTTLS", "ETRN", "TURN", "ATRN", "BURL",
];

/// Whether a word, in upper case, is a command: one that is known, or a private one.
pub(super) fn is_verb(word: &str) -> bool {
    let private = word
        .strip_prefix('X')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric()));
    VERBS.contains(&word) || private
}

/// One MAIL, with what the client said up to the end of the transaction. Numbers are those of exchanges.
#[derive(Clone, Debug, Default)]
pub(super) struct Envelope<'a> {
    /// MAIL.
    pub(super) mail: usize,
    /// Each RCPT.
    pub(super) recipients: Vec<usize>,
    /// DATA.
    pub(super) data: Option<usize>,
    /// The content, or its last chunk, with the message.
    pub(super) content: Option<(usize, &'a Data)>,
}

/// The transactions that a capture shows from their MAIL on.
pub(super) fn envelopes(timeline: &Timeline) -> Vec<Envelope<'_>> {
    let mut all: Vec<Envelope<'_>> = Vec::new();
    let mut open = false;
    for (number, exchange) in timeline.exchanges.iter().enumerate() {
        let Some(event) = timeline.events.get(exchange.request) else {
            continue;
        };
        match (&event.kind, all.last_mut().filter(|_| open)) {
            (EventKind::Command(command), envelope) => match (command.verb.as_str(), envelope) {
                ("MAIL", _) => {
                    all.push(Envelope {
                        mail: number,
                        ..Envelope::default()
                    });
                    open = true;
                }
                ("RCPT", Some(envelope)) => envelope.recipients.push(number),
                ("DATA", Some(envelope)) => envelope.data = Some(number),
                ("RSET" | "EHLO" | "HELO" | "LHLO", _) => open = false,
                _ => {}
            },
            (EventKind::Content(transaction), Some(envelope)) => {
                let data = timeline
                    .transactions
                    .get(*transaction)
                    .and_then(|one| one.data.as_ref());
                envelope.content = data.map(|data| (number, data));
                // Chunks follow each other; what DATA began is over with its content.
                open = envelope.data.is_none();
            }
            _ => {}
        }
    }
    all
}

impl Envelope<'_> {
    /// The refusals that leave nobody to deliver to: that of MAIL, or those of every RCPT. `None` where somebody was
    /// accepted, or a reply is not known.
    pub(super) fn refusals<'t>(
        &self,
        timeline: &'t Timeline,
    ) -> Option<Vec<(&'t Event, &'t Reply)>> {
        if let Some(refusal) = timeline
            .reply(self.mail)
            .filter(|(_, reply)| reply.is_negative())
        {
            return Some(vec![refusal]);
        }
        let refusals: Vec<_> = self
            .recipients
            .iter()
            .filter_map(|rcpt| {
                timeline
                    .reply(*rcpt)
                    .filter(|(_, reply)| reply.is_negative())
            })
            .collect();
        (!refusals.is_empty() && refusals.len() == self.recipients.len()).then_some(refusals)
    }
}

/// Whether an event of the client began before the server had finished saying `reply`.
pub(super) fn is_ahead_of(event: &Event, reply: &Event) -> bool {
    match (event.packets.first(), reply.packets.last()) {
        (Some(said), Some(answered)) => said < answered,
        _ => false,
    }
}

/// What the client said next after the request of an exchange: a command, content, or bytes that fit nothing.
pub(super) fn next_words(timeline: &Timeline, exchange: usize) -> Option<&Event> {
    let request = timeline.exchanges.get(exchange)?.request;
    let later = timeline.events.get(request + 1..)?;
    later.iter().find(|next| {
        next.span.direction == Direction::Client
            && matches!(
                next.kind,
                EventKind::Command(_) | EventKind::Content(_) | EventKind::Unparsed(_)
            )
    })
}

/// Whether an event is a line of the client that is no command of SMTP.
pub(super) fn is_no_command(event: &Event) -> bool {
    match &event.kind {
        EventKind::Command(command) => !is_verb(&command.verb),
        EventKind::Unparsed(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, TO, Talk, case};
    use super::*;
    use crate::Given;

    #[test]
    fn transactions_as_they_were_asked_for() {
        let refused = Talk::ehlo(&[])
            .cs(&format!("MAIL FROM:<{FROM}>"), "250 ok")
            .cs(&format!("RCPT TO:<{TO}>"), "550 no")
            .cs("RSET", "250 ok")
            .cs(&format!("RCPT TO:<{TO}>"), "503 no")
            .message("Subject: x\n\nx\n")
            .quit();
        let tested = case(vec![refused], Given::default());
        let timeline = tested.subject(0).timeline();
        let all = envelopes(timeline);
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[0].recipients.len(), all[0].content.is_some()),
            (1, false)
        );
        assert_eq!(
            all[0].refusals(timeline).map(|refusals| refusals.len()),
            Some(1)
        );
        assert!(
            all[1].content.is_some()
                && all[1].data.is_some()
                && all[1].refusals(timeline).is_none()
        );
    }
}
