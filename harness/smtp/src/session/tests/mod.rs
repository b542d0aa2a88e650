//! Whole dialogues, read.

mod auth;
mod encryption;
mod holes;
mod mail;
mod opened;
mod sides;
mod whole;

use super::testing::dialogue;
use crate::Timeline;
use crate::timeline::EventKind;

/// Reads a dialogue of texts.
fn read(turns: &[(&str, &str)]) -> Timeline {
    let turns: Vec<_> = turns
        .iter()
        .map(|(who, text)| (*who, text.as_bytes()))
        .collect();
    super::read(&dialogue(&turns))
}

/// Requests with the codes that answered them: `MAIL=250`, `content=250`, `QUIT=-`.
fn pairs(timeline: &Timeline) -> Vec<String> {
    (0..timeline.exchanges.len())
        .map(|exchange| {
            let request = timeline
                .command(exchange)
                .map_or("content", |c| c.verb.as_str());
            let reply = timeline.reply(exchange);
            format!(
                "{request}={}",
                reply.map_or("-".to_owned(), |(_, r)| r.code.to_string())
            )
        })
        .collect()
}

/// The codes of replies that answer nothing.
fn unpaired(timeline: &Timeline) -> Vec<u16> {
    let events = timeline.events.iter().enumerate();
    events
        .filter_map(|(at, event)| match &event.kind {
            EventKind::Reply(reply) => {
                let paired = timeline.exchanges.iter().any(|e| e.reply == Some(at));
                let challenge = timeline
                    .authentications
                    .iter()
                    .any(|a| a.challenges.contains(&at));
                (!paired && !challenge).then_some(reply.code)
            }
            _ => None,
        })
        .collect()
}

/// The contents of all messages, each with whether it is complete and accepted.
fn messages(timeline: &Timeline) -> Vec<(String, bool, Option<bool>)> {
    timeline
        .messages()
        .map(|(_, data)| {
            let text = String::from_utf8_lossy(data.content.bytes()).into_owned();
            (text, data.complete, data.accepted)
        })
        .collect()
}

fn message(text: &str, complete: bool, accepted: Option<bool>) -> (String, bool, Option<bool>) {
    (text.to_owned(), complete, accepted)
}
