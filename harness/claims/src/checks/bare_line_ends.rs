//! Does the sender end lines with anything but CR LF?

use std::ops::Range;

use smtp::timeline::Terminator;

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "bare-line-ends",
    observed_when: "a command ends with a bare LF, or content holds a CR or LF that is not part of CR LF",
    trigger: "commands and whole messages of the sender were captured, in clear or with the keys of TLS",
    method: "Receivers differ in what they make of a bare CR or LF, and so in where a line, a header field, or the whole \
             message ends. Content is looked at as it stood on the wire, before any decoding; BDAT carries any bytes, and \
             still lines are to end with CR LF in it.",
    references: &["RFC 5321 2.3.8", "RFC 5321 4.1.1.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let mut commands = timeline.commands().map(|(_, event, command)| (event, command)).peekable();
    let first = commands.peek().map(|(event, _)| *event);
    if let Some((event, command)) = commands.find(|(_, command)| command.terminator == Terminator::Lf) {
        return Finding::observed(
            "a command ends with a bare LF",
            vec![Evidence::event(event, format!("{} and a bare LF", shown(&command.verb)))],
        );
    }
    for sent in subject.sent() {
        let what = match (sent.data.form.bare_lf, sent.data.form.bare_cr) {
            (0, 0) => continue,
            (_, 0) => "LF",
            (0, _) => "CR",
            (..) => "LF and CR",
        };
        // Where the reader did not keep all, the first place cannot be told.
        let place = bare(sent.data.content.bytes()).filter(|_| sent.data.content.elided() == 0);
        let evidence = match place {
            Some(range) => sent.evidence(range, format!("bare {what}")),
            None => sent.all(format!("content with bare {what}")),
        };
        return Finding::observed(format!("content holds bare {what}"), vec![evidence]);
    }
    let unread = subject.blind().or_else(|| subject.sent().find_map(|sent| sent.incomplete()));
    if let Some(reason) = unread {
        return Finding::undetermined(reason);
    }
    match first {
        Some(event) => {
            let mut evidence: Vec<_> = subject.sent().map(|sent| sent.all("content, with CR LF throughout")).collect();
            evidence.push(Evidence::event(event, "a command that ends with CR LF"));
            Finding::not_observed("every line ends with CR LF", evidence)
        }
        None => Finding::undetermined("the sender said no command"),
    }
}

/// A verb that may be shown: one that is not may be anything.
fn shown(verb: &str) -> &str {
    let plain = verb.len() <= 10 && verb.bytes().all(|byte| byte.is_ascii_uppercase());
    if plain { verb } else { "a command" }
}

/// The first CR or LF that stands alone.
fn bare(bytes: &[u8]) -> Option<Range<usize>> {
    let place = memchr::memchr2_iter(b'\r', b'\n', bytes).find(|&at| match bytes[at] {
        b'\r' => bytes.get(at + 1).is_some_and(|next| *next != b'\n'),
        _ => at.checked_sub(1).is_none_or(|before| bytes[before] != b'\r'),
    })?;
    Some(place..place + 1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    fn sent(body: &str) -> Talk {
        Talk::ehlo(&[])
            .envelope(&format!("<{FROM}>"), &[&format!("<{TO}>")])
            .turn("C", format!("Subject: x\r\n\r\n{body}\r\n.\r\n"))
            .s("250 taken")
    }

    #[test]
    fn in_commands_and_in_content() {
        seen(Talk::ehlo(&[]).turn("C", "NOOP\n").s("250 ok")).observed("command", &["NOOP\n"]);
        seen(sent("a\nb")).observed("bare LF", &["\n"]);
        seen(sent("a\rb")).observed("bare CR", &["\r"]);
    }

    #[test]
    fn none() {
        seen(sent("a\r\n..b")).not_observed("CR LF", &["Subject: x\r\n…"]);
        seen(Talk::ehlo(&[])).not_observed("CR LF", &["EHLO host.contoso.example\r\n"]);
    }

    #[test]
    fn what_cannot_be_seen() {
        seen(Talk::ehlo(&[]).torn(&plain("", "abcdef"), "cde")).undetermined("does not hold");
        seen(Talk::silent().s("220 mx")).not_observed("CR LF", &["QUIT\r\n"]);
        find(&CHECK, Talk::silent().s("220 mx").closed(), Given::default()).undetermined("said no command");
        find(&CHECK, Talk::silent().tls(), Given::default()).undetermined("under TLS");
    }
}
