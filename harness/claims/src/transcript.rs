//! A conversation as text, fit to be shown to anyone.
//!
//! Redaction happens here, on typed events, before any renderer sees a line: SASL responses, NTLM and CRAM challenges,
//! message content and bytes that fit nothing are described and never quoted. What remains is scrubbed of the secrets
//! that are known, in case a sender put one where it does not belong.

use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
use smtp::timeline::{EventKind, Identity, Protocol, Reply, Timeline};
use wire::Direction;

use crate::Given;
use crate::result::Line;

/// The lines of a conversation.
pub fn lines(timeline: &Timeline, given: &Given) -> Vec<Line> {
    let secrets = known_secrets(given);
    timeline
        .events
        .iter()
        .enumerate()
        .map(|(index, event)| Line {
            packets: event.packets.clone(),
            direction: event.span.direction.as_str().to_owned(),
            text: scrub(&text(timeline, index), &secrets),
        })
        .collect()
}

/// The word for a protocol in the result.
pub const fn protocol_word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Smtp => "smtp",
        Protocol::ImplicitTls => "implicit-tls",
        Protocol::Silent => "silent",
        Protocol::Other => "other",
    }
}

fn text(timeline: &Timeline, index: usize) -> String {
    let event = &timeline.events[index];
    let octets = event.span.len();
    match &event.kind {
        EventKind::Command(command) if command.verb == "AUTH" => {
            let mut words = command.argument.split_ascii_whitespace();
            let mechanism = words.next().unwrap_or_default();
            match words.next() {
                Some(initial) => format!("AUTH {} <initial response, {} octets>", printable(mechanism), initial.len()),
                None => format!("AUTH {}", printable(mechanism)),
            }
        }
        EventKind::Command(command) => {
            let argument = hide_auth_parameter(&command.argument);
            let line = if argument.is_empty() { command.verb.clone() } else { format!("{} {argument}", command.verb) };
            printable(&line)
        }
        EventKind::Reply(reply) if reply.code == 334 => challenge(timeline, index, reply),
        EventKind::Reply(reply) => reply
            .lines
            .iter()
            .enumerate()
            .map(|(number, line)| {
                let separator = if number + 1 < reply.lines.len() { '-' } else { ' ' };
                printable(&format!("{:03}{separator}{line}", reply.code))
            })
            .collect::<Vec<_>>()
            .join("\n"),
        EventKind::SaslResponse(_) => format!("<SASL response, {octets} octets>"),
        EventKind::Content(transaction) => content(timeline, *transaction, octets),
        EventKind::Tls => format!("<TLS, {octets} octets>"),
        EventKind::Unparsed(bytes) => format!("<{} octets that fit nothing>", bytes.len()),
        EventKind::Gap => format!("<{octets} octets not in the capture>"),
        EventKind::Fin => "<FIN>".to_owned(),
        EventKind::Reset => "<RST>".to_owned(),
    }
}

/// A 334 of LOGIN is a prompt; one of NTLM or CRAM-MD5 is, with its response, open to guessing.
fn challenge(timeline: &Timeline, index: usize, reply: &Reply) -> String {
    let line = reply.lines.first().map_or("", String::as_str);
    let prompt = timeline
        .authentications
        .iter()
        .find(|a| a.challenges.contains(&index))
        .is_some_and(|a| matches!(a.identity, Identity::Login { .. } | Identity::Plain { .. }));
    let bare = line.trim().is_empty() || line.contains(' ');
    if prompt || bare { printable(&format!("334 {line}")) } else { format!("334 <challenge, {} octets>", line.len()) }
}

fn content(timeline: &Timeline, transaction: usize, octets: u64) -> String {
    let lines = timeline
        .transactions
        .get(transaction)
        .and_then(|t| t.data.as_ref())
        .map_or(0, |data| data.content.bytes().iter().filter(|byte| **byte == b'\n').count());
    format!("<message, {octets} octets, {lines} lines>")
}

/// The AUTH= parameter of MAIL names an identity (RFC 4954 section 5).
fn hide_auth_parameter(argument: &str) -> String {
    argument
        .split(' ')
        .map(|word| match word.get(..5) {
            Some(name) if name.eq_ignore_ascii_case("AUTH=") => "AUTH=<hidden>",
            _ => word,
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Control characters as escapes, so that a reply cannot drive the reader's terminal.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.trim_end().chars() {
        if character.is_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

fn known_secrets(given: &Given) -> Vec<String> {
    let passwords = given.password.iter().chain(given.account.iter().filter_map(|account| account.password.as_ref()));
    let mut secrets = Vec::new();
    for password in passwords.filter(|p| p.len() >= 4) {
        let bytes = password.expose();
        secrets.push(String::from_utf8_lossy(bytes).into_owned());
        let wide: Vec<u8> = bytes.iter().flat_map(|byte| [*byte, 0]).collect();
        secrets.push(BASE64.encode(bytes));
        secrets.push(BASE64.encode(&wide));
        secrets.push(hex::encode(bytes));
    }
    secrets
}

fn scrub(text: &str, secrets: &[String]) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| {
        let secret = secret.trim_end_matches('=');
        if secret.is_empty() { text } else { text.replace(secret, "<secret>") }
    })
}

/// An arrow for a direction, as transcripts show it.
pub const fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::Client => "C:",
        Direction::Server => "S:",
    }
}
