//! The challenges of an AUTH exchange, each with what the client did about it (RFC 4954 section 4).

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use smtp::timeline::{Authentication, Event, EventKind, Timeline};
use wire::Direction;

/// One 334, and what came after it.
pub(super) struct Turn<'a> {
    /// The reply.
    pub(super) event: &'a Event,
    /// Its text, after the code.
    pub(super) text: &'a str,
    /// Whether the mechanism lets this text be free, for people to read: the first 334 of NTLM where NEGOTIATE was not in
    /// the AUTH line (MS-SMTPNTLM section 2.2.1.2).
    pub(super) is_free_text: bool,
    /// The client's next move.
    pub(super) answer: Answer<'a>,
}

/// What a client does about a challenge.
#[derive(Clone, Copy)]
pub(super) enum Answer<'a> {
    /// It sends a response.
    Response(&'a Event),
    /// It sends the asterisk that gives the exchange up.
    Cancelled(&'a Event),
    /// It says something else: a command in the place of a response, or anything that is not base64.
    Other(&'a Event),
    /// It leaves.
    Left(&'a Event),
    /// The capture shows nothing more of the client.
    Unseen,
}

impl Turn<'_> {
    /// The message of the challenge; `None` where its text is not base64.
    pub(super) fn decoded(&self) -> Option<Vec<u8>> {
        BASE64.decode(self.text).ok()
    }
}

/// The challenges of an exchange, in order.
pub(super) fn turns<'a>(
    timeline: &'a Timeline,
    authentication: &'a Authentication,
) -> impl Iterator<Item = Turn<'a>> {
    let first = authentication.challenges.first().copied();
    let negotiated = authentication
        .identity
        .ntlm()
        .is_some_and(|exchange| exchange.initial_response);
    let is_ntlm = authentication.mechanism.value == "NTLM";
    authentication.challenges.iter().filter_map(move |&number| {
        let event = timeline.events.get(number)?;
        let EventKind::Reply(reply) = &event.kind else {
            return None;
        };
        Some(Turn {
            event,
            text: reply
                .lines
                .first()
                .map_or("", |line| line.trim_end_matches(' ')),
            is_free_text: is_ntlm && !negotiated && Some(number) == first,
            answer: answer(timeline, number),
        })
    })
}

fn answer(timeline: &Timeline, challenge: usize) -> Answer<'_> {
    let mut later = timeline.events.iter().skip(challenge.saturating_add(1));
    let next = later.find(|event| event.span.direction == Direction::Client);
    match next.map(|event| (event, &event.kind)) {
        Some((event, EventKind::SaslResponse(line))) if line.expose().trim_ascii() == b"*" => {
            Answer::Cancelled(event)
        }
        Some((event, EventKind::SaslResponse(line)))
            if BASE64.decode(line.expose().trim_ascii_end()).is_ok() =>
        {
            Answer::Response(event)
        }
        Some((event, EventKind::Fin | EventKind::Reset)) => Answer::Left(event),
        None | Some((_, EventKind::Gap | EventKind::Tls)) => Answer::Unseen,
        Some((event, _)) => Answer::Other(event),
    }
}
