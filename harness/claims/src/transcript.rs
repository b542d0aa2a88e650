//! A conversation as text, fit to be shown to anyone.
//!
//! Redaction happens here, on typed events, before any renderer sees a line: SASL responses, NTLM and CRAM challenges,
//! message content, bytes that fit nothing and commands that no one knows are described and never quoted. What remains
//! is scrubbed of the secrets that are known, and of those that the conversation itself gave away, in case either side
//! put one where it does not belong.

mod scrub;

pub use scrub::Scrubber;
use smtp::timeline::{Command, EventKind, Identity, Protocol, Reply, Timeline};

use crate::Given;
use crate::leaks::is_under_tls;
use crate::printable::printable;
use crate::result::Line;

/// The lines of a conversation.
pub fn lines(timeline: &Timeline, given: &Given) -> Vec<Line> {
    lines_up_to(timeline, given, usize::MAX)
}

/// The lines of so many events of a conversation at the most. One more line tells where that was too few.
pub fn lines_up_to(timeline: &Timeline, given: &Given, most: usize) -> Vec<Line> {
    let scrubber = Scrubber::new(timeline, given);
    let left_out = timeline.events.get(most).map(|event| Line {
        packets: event.packets.clone(),
        direction: event.span.direction.as_str().to_owned(),
        under_tls: false,
        text: format!(
            "<{} more events, not listed>",
            timeline.events.len().saturating_sub(most)
        ),
    });
    timeline
        .events
        .iter()
        .take(most)
        .enumerate()
        .map(|(index, event)| Line {
            packets: event.packets.clone(),
            direction: event.span.direction.as_str().to_owned(),
            under_tls: event.kind != EventKind::Tls && is_under_tls(timeline, event.span),
            text: text(timeline, index)
                .iter()
                .map(|line| printable(scrubber.scrub(line).trim_end()))
                .collect::<Vec<_>>()
                .join("\n"),
        })
        .chain(left_out)
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

/// Commands that may be shown. Anything else could be a SASL line that was sent before the server asked for it.
const KNOWN: [&str; 20] = [
    "HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "VRFY", "EXPN",
    "HELP", "STARTTLS", "ETRN", "TURN", "ATRN", "SEND", "SOML", "SAML",
];

/// Longest name of a SASL mechanism (RFC 4422 section 3.1).
const MAX_MECHANISM: usize = 20;

/// The lines of one event, as they were said.
fn text(timeline: &Timeline, index: usize) -> Vec<String> {
    let event = &timeline.events[index];
    let octets = event.span.len();
    let one = match &event.kind {
        EventKind::Command(said) => command(said),
        EventKind::Reply(reply) if reply.code == 334 => challenge(timeline, index, reply),
        EventKind::Reply(reply) => return reply_lines(reply),
        EventKind::SaslResponse(_) => format!("<SASL response, {octets} octets>"),
        EventKind::Content(transaction) => content(timeline, *transaction, octets),
        EventKind::Tls => format!("<TLS, {octets} octets>"),
        EventKind::Unparsed(bytes) => format!("<{} octets that fit nothing>", bytes.len()),
        EventKind::Gap => format!("<{octets} octets not in the capture>"),
        EventKind::Fin => "<FIN>".to_owned(),
        EventKind::Reset => "<RST>".to_owned(),
    };
    vec![one]
}

fn command(command: &Command) -> String {
    let Command {
        verb,
        argument,
        raw,
        ..
    } = command;
    if verb == "AUTH" {
        let mut words = argument.split_ascii_whitespace();
        let mechanism = words.next().unwrap_or_default();
        let name = if is_mechanism(mechanism) {
            mechanism.to_owned()
        } else {
            format!("<{} octets that name no mechanism>", mechanism.len())
        };
        return match words.next() {
            Some(initial) => format!("AUTH {name} <initial response, {} octets>", initial.len()),
            None => format!("AUTH {name}"),
        };
    }
    if !KNOWN.contains(&verb.as_str()) {
        return format!("<unknown command, {} octets>", raw.len());
    }
    format!("{verb} {}", hide_auth_parameter(argument))
}

/// Whether this looks like the name of a SASL mechanism, in either case; in both at once it looks like base64.
pub(crate) fn is_mechanism(word: &str) -> bool {
    let upper = word.bytes().any(|byte| byte.is_ascii_uppercase());
    let lower = word.bytes().any(|byte| byte.is_ascii_lowercase());
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    word.len() <= MAX_MECHANISM && !(upper && lower) && word.bytes().all(known)
}

/// Most lines of a reply that are shown, and most octets of a line: more is for the capture to show.
const SHOWN_LINES: usize = 64;
const SHOWN_OCTETS: usize = 1024;

fn reply_lines(reply: &Reply) -> Vec<String> {
    let last = reply.lines.len().saturating_sub(1);
    let lines = reply.lines.iter().enumerate().take(SHOWN_LINES);
    let mut shown: Vec<String> = lines
        .map(|(number, line)| {
            let line = shortened(line);
            // It has its own code, or none.
            let odd =
                number > 0 && !reply.agrees && line.bytes().take(3).all(|b| b.is_ascii_digit());
            if reply.code == 0 || odd {
                return line;
            }
            let separator = if number < last { '-' } else { ' ' };
            format!("{:03}{separator}{line}", reply.code)
        })
        .collect();
    if let more @ 1.. = reply.lines.len().saturating_sub(SHOWN_LINES) {
        shown.push(format!("<{more} more lines>"));
    }
    shown
}

/// The beginning of a line that is too long to be shown.
fn shortened(line: &str) -> String {
    if line.len() <= SHOWN_OCTETS {
        return line.to_owned();
    }
    let cut = line.floor_char_boundary(SHOWN_OCTETS);
    format!("{}<{} more octets>", &line[..cut], line.len() - cut)
}

/// How many octets of a command line may be shown, from its first on: of AUTH no more than the mechanism, of MAIL with an
/// identity nothing after the verb, of a line that is no known command nothing.
pub(crate) fn visible_octets(command: &Command) -> usize {
    if command.verb == "AUTH" {
        let mechanism = command.argument.split_ascii_whitespace().next();
        let shown = mechanism.filter(|word| is_mechanism(word));
        let prefix = shown.and_then(|word| {
            memchr::memmem::find(&command.raw, word.as_bytes()).map(|at| at + word.len())
        });
        return prefix.unwrap_or("AUTH".len());
    }
    if !KNOWN.contains(&command.verb.as_str()) {
        return 0;
    }
    if hide_auth_parameter(&command.argument) == command.argument {
        command.raw.len()
    } else {
        command.verb.len()
    }
}

/// Whether the text of a 334 may not be shown.
pub(crate) fn hides_challenge(timeline: &Timeline, index: usize, reply: &Reply) -> bool {
    challenge(timeline, index, reply).starts_with("334 <")
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
    if prompt || bare {
        format!("334 {line}")
    } else {
        format!("334 <challenge, {} octets>", line.len())
    }
}

fn content(timeline: &Timeline, transaction: usize, octets: u64) -> String {
    let data = timeline.transactions.get(transaction);
    let content = data.and_then(|t| t.data.as_ref()).map(|data| &data.content);
    if content.is_some_and(|content| content.elided() > 0) {
        return format!("<message, {octets} octets>");
    }
    let lines = content.map_or(0, |content| {
        memchr::memchr_iter(b'\n', content.bytes()).count()
    });
    format!("<message, {octets} octets, {lines} lines>")
}

/// The AUTH= parameter of MAIL names an identity (RFC 4954 section 5).
fn hide_auth_parameter(argument: &str) -> String {
    argument
        .split(|character: char| character.is_ascii_whitespace())
        .map(|word| match word.get(..5) {
            Some(name) if name.eq_ignore_ascii_case("AUTH=") => "AUTH=<hidden>",
            _ => word,
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests;
