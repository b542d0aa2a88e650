//! Could a lenient server see the end of a message where a strict one sees none?

use wire::Span;

use super::each;
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

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
    let data = sent.data;
    let mut places = data.form.lax_ends.iter().map(|&dot| {
        // One byte of the line end on each side says which it is not.
        let (start, end) = (dot.saturating_sub(1).max(data.span.start), (dot + 2).min(data.span.end));
        let span = Span::new(data.span.direction, start, end);
        Evidence::bytes(sent.timeline, span, "a dot between line ends that are not both CR LF")
    });
    if let Some(first) = places.next() {
        let evidence: Vec<_> = std::iter::once(first).chain(places).collect();
        let times = match evidence.len() {
            1 => "a place".to_owned(),
            many => format!("{many} places"),
        };
        return Finding::observed(format!("content has {times} that some servers take for the end of data"), evidence);
    }
    match sent.incomplete() {
        Some(reason) => Finding::undetermined(reason),
        None => Finding::not_observed(
            "no lenient reading ends the data before its end",
            vec![sent.all("content of the message")],
        ),
    }
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
        for (body, quote) in [
            ("\n.\n", "\n.\n"),
            ("\n.\r\n", "\n.\r"),
            ("\r.\r", "\r.\r"),
            ("\r.\r\n", "\r.\r"),
            ("\r.\n", "\r.\n"),
            ("\n.\r", "\n.\r"),
            ("\r\n.\n", "\n.\n"),
            ("\r\n.\r", "\n.\r"),
        ] {
            seen(sent(body)).observed("content has a place", &[quote]);
        }
        seen(sent("\n.\nx\n.\n")).observed("content has 2 places", &["\n.\n", "\n.\n"]);
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
