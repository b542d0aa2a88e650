//! Are lines that begin with a dot sent as they must be?

use std::collections::HashSet;
use std::ops::Range;

use smtp::Secret;
use smtp::message::Part;

use super::each;
use super::envelope::{is_no_command, next_words};
use super::told::{self, Body};
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "dot-stuffing-wrong",
    observed_when: "a line of content begins with one dot that the receiver takes away, a lone dot ends the data too early, \
                    or a line arrives with more or fewer dots than the client was told to send",
    trigger: "a whole message was sent, and at least one of its lines begins with a dot",
    method: "The sender puts a dot before every line that begins with one, and the receiver takes one away. A line on the \
             wire that begins with a dot and then anything but a dot was not treated so. Where the text is known that was \
             to be sent, what arrives is compared with it. Chunks (BDAT) carry lines as they are: there a dot more is wrong.",
    references: &["RFC 5321 4.5.2", "RFC 5321 4.1.1.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    let told = subject.given().content.as_ref();
    if sent.timeline.command(sent.data.command).is_some_and(|command| command.verb == "BDAT") {
        return in_chunks(sent, told.map(Secret::expose));
    }
    let lines = match dots(sent) {
        Ok(lines) => lines,
        Err(bare) => {
            let evidence = vec![sent.evidence(bare, "a line whose only dot the receiver takes away")];
            return Finding::observed("a line begins with a dot that was not doubled", evidence);
        }
    };
    if let Some(finding) = ended_early(sent) {
        return finding;
    }
    if let Some(finding) = told.and_then(|told| compare(sent, told.expose(), &lines)) {
        return finding;
    }
    if let Some(reason) = sent.unsearched() {
        return Finding::undetermined(reason);
    }
    match lines.first() {
        Some(first) => Finding::not_observed(
            format!("{} line(s) begin with a dot, and each has one more on the wire", lines.len()),
            vec![sent.evidence(first.clone(), "the first of them")],
        ),
        None => Finding::undetermined("no line of the message begins with a dot"),
    }
}

/// The lines of the message that begin with a dot, each with another before it on the wire; or the first line that lost a
/// dot which was its own.
fn dots(sent: &Sent<'_>) -> Result<Vec<Range<usize>>, Range<usize>> {
    let content = &sent.data.content;
    let bytes = content.bytes();
    let gaps: HashSet<u64> = sent.timeline.gaps.iter().map(|gap| gap.start).collect();
    let mut lines = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let end = memchr::memmem::find(&bytes[start..], b"\r\n").map_or(bytes.len(), |at| start + at + 2);
        let place = content.span(start..start + 1).start;
        let before = match start.checked_sub(1) {
            Some(before) => content.span(before..start).end,
            None => sent.data.span.start,
        };
        // One byte was taken away here; a hole looks alike, and so does a byte that this reader did not keep.
        let hole = gaps.contains(&before)
            || content.elisions().binary_search_by_key(&before, |hole| hole.start).is_ok();
        if place == before + 1 && !hole {
            if bytes[start] != b'.' {
                return Err(start..end);
            }
            lines.push(start..end);
        }
        start = end;
    }
    Ok(lines)
}

/// What was to be content goes on behind the end of the data.
fn ended_early(sent: &Sent<'_>) -> Option<Finding> {
    let next = next_words(sent.timeline, sent.data.exchange)
        .filter(|next| sent.data.complete && is_no_command(next))?;
    // Only a client that takes itself for inside the message goes on without waiting for the reply.
    let waited = match sent.timeline.reply(sent.data.exchange) {
        Some((reply, _)) => next.packets.first() > reply.packets.last(),
        None => false,
    };
    if waited {
        return None;
    }
    let evidence = vec![sent.all("content, up to a line with a lone dot"), Evidence::event(next, "what follows it")];
    Some(Finding::observed("a lone dot ended the data, and the message went on behind it", evidence))
}

/// Holds the body against the one that was told. `None`: they agree about dots.
fn compare(sent: &Sent<'_>, told: &[u8], lines: &[Range<usize>]) -> Option<Finding> {
    if sent.unsearched().is_some() || !has_dots(told) {
        return None;
    }
    let (part, seen) = match told::find(sent, told)? {
        Body::Same(part) if told::is_verbatim(part) => return None,
        Body::Same(_) if !lines.is_empty() => return None,
        Body::Same(_) => {
            return Some(Finding::undetermined("a transfer encoding left no line that begins with a dot"));
        }
        Body::Other { part, seen } => (part, seen),
    };
    changed(sent, part, told, &seen)
}

/// A line that is as it was told but for the dots at its beginning.
fn changed(sent: &Sent<'_>, part: &Part, told: &[u8], seen: &[u8]) -> Option<Finding> {
    let (number, was, is) = told::first_difference(told::without_end(told), seen);
    let (was, is) = (first_line(was), first_line(is));
    let (dots, arriving) = (leading(was), leading(is));
    if dots == arriving || was[dots..] != is[arriving..] {
        return None;
    }
    let reason = format!("line {number} of the body arrives with {arriving} dot(s) at its beginning where {dots} were to be sent");
    Some(Finding::observed(reason, vec![sent.evidence(part.body.clone(), "the body")]))
}

/// A message in chunks is sent as it is, and the receiver takes no dot away (RFC 3030 section 2).
pub(super) fn in_chunks(sent: &Sent<'_>, told: Option<&[u8]>) -> Finding {
    if let Some(reason) = sent.unsearched() {
        return Finding::undetermined(reason);
    }
    let Some(told) = told.filter(|told| has_dots(told)) else {
        return Finding::not_applicable("BDAT carries lines as they are");
    };
    match told::find(sent, told) {
        Some(Body::Same(part)) if told::is_verbatim(part) => Finding::not_observed(
            "lines that begin with dots cross in chunks as they are",
            vec![sent.evidence(part.body.clone(), "the body")],
        ),
        Some(Body::Other { part, seen }) => changed(sent, part, told, &seen)
            .unwrap_or_else(|| Finding::undetermined("the body is not the one that was to be sent")),
        _ => Finding::undetermined("a transfer encoding left no line that begins with a dot"),
    }
}

fn has_dots(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"."))
}

fn first_line(text: &[u8]) -> &[u8] {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// How many dots a line begins with.
fn leading(line: &[u8]) -> usize {
    line.iter().take_while(|byte| **byte == b'.').count()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    /// A message with this body on the wire, which was told to be another.
    fn wire(told: Option<&str>, wire: &str) -> Seen {
        let content = told.map(|told| Secret::new(told.as_bytes()));
        let talk = Talk::ehlo(&[])
            .envelope(&format!("<{FROM}>"), &[&format!("<{TO}>")])
            .turn("C", format!("Subject: x\r\n\r\n{wire}"))
            .s("250 taken");
        find(&CHECK, talk.quit(), Given { content, ..Given::default() })
    }

    #[test]
    fn a_dot_that_was_not_doubled() {
        wire(None, "a\r\n.b\r\n.\r\n").observed("not doubled", &["b\r\n"]);
        wire(None, "..a\r\n.b\r\n.\r\n").observed("not doubled", &["b\r\n"]);
        wire(None, "a\r\n.\r\nb\r\n.\r\n").observed("went on behind it", &["Subject: x\r\n\r\na\r\n.\r\n", "b\r\n"]);
        let first = Talk::ehlo(&[]).envelope("<>", &[TO]).turn("C", ".x\r\n\r\n.\r\n").s("250 ok").quit();
        find(&CHECK, first, Given::default()).observed("not doubled", &["x\r\n"]);
    }

    #[test]
    fn more_dots_than_told() {
        wire(Some("a\r\n.b\r\n"), "a\r\n...b\r\n.\r\n").observed("line 2 of the body arrives with 2", &["a\r\n...b\r\n"]);
        wire(Some("a\r\n..b\r\n"), "a\r\n..b\r\n.\r\n").observed("with 1 dot(s)", &["a\r\n..b\r\n"]);
    }

    #[test]
    fn doubled_as_it_must_be() {
        wire(None, "a\r\n..b\r\n..\r\n.\r\n").not_observed("2 line(s)", &[".b\r\n"]);
        wire(Some("..\r\n.\r\n.a"), "...\r\n..\r\n..a\r\n.\r\n").not_observed("3 line(s)", &["..\r\n"]);
        // A difference that has nothing to do with dots is for another check.
        wire(Some("a\r\n.b\r\n"), "A\r\n..b\r\n.\r\n").not_observed("1 line(s)", &[".b\r\n"]);
    }

    #[test]
    fn no_dots_no_message() {
        wire(None, "a\r\n.\r\n").undetermined("no line of the message");
        let base64 = "Subject: x\nContent-Transfer-Encoding: base64\n\nLmENCg==\n";
        let given = Given { content: Some(Secret::new(".a\r\n")), ..Given::default() };
        find(&CHECK, Talk::ehlo(&[]).message(base64).quit(), given).undetermined("a transfer encoding left no line");
        find(&CHECK, Talk::ehlo(&[]).quit(), Given::default()).undetermined("no message was sent");
        let torn = Talk::ehlo(&[]).torn(&plain("", ".abcdef"), "cde");
        find(&CHECK, torn.quit(), Given::default()).undetermined("the whole message");
    }

    #[test]
    fn in_chunks_nothing_is_doubled() {
        let seen = |body: &str, told: Option<&str>| {
            let chunk = format!("A: b\r\n\r\n{body}");
            let talk = Talk::ehlo(&["CHUNKING"])
                .cs(&format!("MAIL FROM:<{FROM}>"), "250 ok")
                .cs(&format!("RCPT TO:<{TO}>"), "250 ok")
                .turn("C", format!("BDAT {} LAST\r\n{chunk}", chunk.len()))
                .s("250 ok");
            let content = told.map(|told| Secret::new(told.as_bytes()));
            find(&CHECK, talk.quit(), Given { content, ..Given::default() })
        };
        seen("..x\r\n", Some(".x\r\n")).observed("arrives with 2 dot(s)", &["..x\r\n"]);
        seen(".x\r\n", Some(".x\r\n")).not_observed("in chunks as they are", &[".x\r\n"]);
        seen(".y\r\n", Some(".x\r\n")).undetermined("not the one that was to be sent");
        seen(".x\r\n", None).not_applicable("BDAT");
    }
}
