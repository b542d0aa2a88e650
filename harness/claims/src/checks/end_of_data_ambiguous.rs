//! Could a lenient server see the end of a message where a strict one sees none?

use std::ops::Range;

use smtp::timeline::Content;

use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "end-of-data-ambiguous",
    observed_when: "content holds a dot between two line ends of which one is not CR LF",
    trigger: "a whole message was sent",
    method: "Only CR LF, a dot, and CR LF end the data. Servers that take a bare LF or CR for a line end see another end: \
             what follows it is content to one and commands to the other, and so a second message, with any sender, is \
             smuggled past the first server's checks. Every such place of the content is reported; a lone dot that was \
             stuffed as it must be is none.",
    references: &["RFC 5321 4.1.1.4", "RFC 5321 2.3.8", "CVE-2023-51764"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, judge)
}

fn judge(sent: &Sent<'_>) -> Finding {
    if let Some((range, what)) = ambiguous(&sent.data.content) {
        return Finding::observed(
            format!("content holds {what}, which some servers take for the end of data"),
            vec![sent.evidence(range, what)],
        );
    }
    match sent.incomplete() {
        Some(reason) => Finding::undetermined(reason),
        None => Finding::not_observed(
            "no lenient reading ends the data before its end",
            vec![sent.all("content of the message")],
        ),
    }
}

/// The first place that a lenient server could take for the end.
fn ambiguous(content: &Content) -> Option<(Range<usize>, &'static str)> {
    let bytes = content.bytes();
    let kept = memchr::memchr_iter(b'.', bytes).find_map(|dot| kept_dot(bytes, dot));
    let removed = || {
        memchr::memmem::find_iter(bytes, b"\r\n").find_map(|end| removed_dot(content, bytes, end + 2))
    };
    kept.or_else(removed)
}

/// A dot that the strict reading left in its place, since no CR LF stands before it.
fn kept_dot(bytes: &[u8], dot: usize) -> Option<(Range<usize>, &'static str)> {
    let before = bytes.get(..dot)?;
    if before.ends_with(b"\r\n") {
        return None;
    }
    let (lead, first) = match before.last()? {
        b'\n' => (1, "LF"),
        b'\r' => (1, "CR"),
        _ => return None,
    };
    let after = bytes.get(dot + 1..)?;
    let (tail, what) = match (first, after) {
        ("LF", [b'\r', b'\n', ..]) => (2, "LF . CR LF"),
        ("LF", [b'\n', ..]) => (1, "LF . LF"),
        ("LF", [b'\r', ..]) => (1, "LF . CR"),
        ("CR", [b'\r', b'\n', ..]) => (2, "CR . CR LF"),
        ("CR", [b'\n', ..]) => (1, "CR . LF"),
        ("CR", [b'\r', ..]) => (1, "CR . CR"),
        _ => return None,
    };
    Some((dot - lead..dot + 1 + tail, what))
}

/// A dot that was taken for stuffing, since CR LF stands before it, although a bare line end follows.
fn removed_dot(content: &Content, bytes: &[u8], at: usize) -> Option<(Range<usize>, &'static str)> {
    let what = match bytes.get(at..)? {
        [b'\n', ..] => "CR LF . LF",
        [b'\r', next, ..] if *next != b'\n' => "CR LF . CR",
        _ => return None,
    };
    // Two bytes of the content that stood three apart on the wire.
    (content.span(at - 1..at + 1).len() == 3).then_some((at - 2..at + 1, what))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    /// A message with this body, byte for byte.
    fn sent(body: &str) -> Talk {
        Talk::ehlo(&[])
            .envelope(&format!("<{FROM}>"), &[&format!("<{TO}>")])
            .turn("C", format!("Subject: x\r\n\r\nabc{body}def\r\n.\r\n"))
            .s("250 taken")
    }

    #[test]
    fn dots_between_bare_line_ends() {
        for (body, what) in [
            ("\n.\n", "LF . LF"),
            ("\n.\r\n", "LF . CR LF"),
            ("\r.\r", "CR . CR"),
            ("\r.\r\n", "CR . CR LF"),
            ("\r.\n", "CR . LF"),
            ("\n.\r", "LF . CR"),
            ("\r\n.\n", "CR LF . LF"),
            ("\r\n.\r", "CR LF . CR"),
        ] {
            seen(sent(body)).observed(what, &[body]);
        }
    }

    #[test]
    fn what_ends_nothing() {
        for body in ["", "\r\n..\r\n", ".\n", "\n.x\n", "\r\n..\n", "a.\r\n", "\r\n\n", "\r\n\r\n"] {
            seen(sent(body)).not_observed("no lenient reading", &["Subject: x\r\n…"]);
        }
    }

    #[test]
    fn no_message_or_one_that_is_not_whole() {
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        seen(Talk::ehlo(&[]).torn(&plain("", "abcdef"), "cde")).undetermined("the whole message");
    }
}
