//! Can a text that the client was given begin a line of its own?

use smtp::timeline::Command;

use crate::given::GivenSubject;
use crate::{Check, Evidence, Finding, Given, Subject};

pub(super) static CHECK: Check = Check {
    id: "line-break-injected",
    observed_when: "what stands behind a line break in an address, a subject or a file name that the client was given begins \
                    a command or a header field, or a command or such a field holds a CR or NUL",
    trigger: "the client was given such a text, and MAIL, RCPT or a message crossed",
    method: "Texts often come from other people. One that can end the line it stands in adds recipients, header fields or \
             whole messages. The text is split at its line breaks, and no command, and no line of a header, may begin with \
             what comes behind one; to leave the break out, to encode it, or to refuse the text are all safe.",
    references: &["RFC 5321 2.3.8", "RFC 5321 4.1.2", "RFC 5322 2.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let (pieces, nul) = broken(subject.given());
    let given = !pieces.is_empty() || nul;
    let mut crossed = Vec::new();
    for (_, event, command) in timeline.commands() {
        let begins = pieces.iter().any(|piece| command.raw.trim_ascii_start().starts_with(piece.as_bytes()));
        if begins || holds_control(command) {
            let what = if begins { "a command that the text began" } else { "a command with a control character" };
            let reason = "what was given as one text crosses as more than one line of the dialogue";
            return Finding::observed(reason, vec![Evidence::event(event, what)]);
        }
        if given && matches!(command.verb.as_str(), "MAIL" | "RCPT") {
            crossed.push(Evidence::event(event, "an address as it crosses"));
        }
    }
    if !given {
        return Finding::undetermined("the client was given no text with a line break or NUL in it");
    }
    for sent in subject.sent() {
        for part in sent.message.parts() {
            let mut start = part.header.start;
            for line in sent.message.bytes(part.header.clone()).split_inclusive(|byte| *byte == b'\n') {
                let range = start..start + line.len();
                start = range.end;
                let begins = pieces.iter().any(|piece| line.starts_with(piece.as_bytes()));
                if begins || (nul && line.contains(&0)) {
                    let what = if begins { "a line that the text began" } else { "a header line with NUL" };
                    let reason = "what was given as one text crosses as more than one line of a header";
                    return Finding::observed(reason, vec![sent.evidence(range, what)]);
                }
            }
        }
        crossed.push(sent.all("the message"));
    }
    if let Some(reason) = subject.unsearched() {
        return Finding::undetermined(reason);
    }
    if crossed.is_empty() {
        return Finding::undetermined("neither an address nor a message crossed");
    }
    Finding::not_observed("no line begins with what stands behind a line break", crossed)
}

/// What stands behind line breaks in the texts that were given, and whether one of them holds NUL.
fn broken(given: &Given) -> (Vec<&str>, bool) {
    let subject = match &given.subject {
        Some(GivenSubject::Text(text)) => Some(text),
        _ => None,
    };
    let texts = given.sender.iter().chain(&given.recipients).chain(&given.blind).chain(subject).chain(&given.file_names);
    let mut pieces = Vec::new();
    let mut nul = false;
    for text in texts {
        nul |= text.contains('\0');
        // Shorter pieces could stand at the beginning of any line.
        let behind = text.split(['\r', '\n', '\0']).skip(1).filter(|piece| piece.trim().len() > 3);
        pieces.extend(behind);
    }
    (pieces, nul)
}

fn holds_control(command: &Command) -> bool {
    matches!(command.verb.as_str(), "MAIL" | "RCPT") && command.raw.iter().any(|byte| matches!(byte, b'\r' | 0))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find};
    use super::*;

    fn seen(talk: Talk) -> Seen {
        let given = Given {
            recipients: vec!["a@b.example>\r\nRCPT TO:<evil@c.example".to_owned()],
            subject: Some(GivenSubject::Text("hello\r\nBcc: evil@c.example\0".to_owned())),
            file_names: vec!["a.txt\"\r\nX-Evil: yes".to_owned()],
            ..Given::default()
        };
        find(&CHECK, talk.quit(), given)
    }

    fn sent(header: &str) -> Talk {
        Talk::ehlo(&[]).message(&format!("{header}\n\nx\n"))
    }

    #[test]
    fn a_line_of_its_own() {
        let talk = Talk::ehlo(&[]).cs("MAIL FROM:<a@b>", "250 ok").turn("C", "RCPT TO:<a@b.example>\r\nRCPT TO:<evil@c.example>\r\n");
        seen(talk.s("250 ok").s("250 ok")).observed("line of the dialogue", &["RCPT TO:<evil@c.example>\r\n"]);
        seen(sent("Subject: hello\nBcc: evil@c.example")).observed("line of a header", &["Bcc: evil@c.example\r\n"]);
        let part = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; name=\"a.txt\"\nX-Evil: yes\"";
        seen(sent(part)).observed("line of a header", &["X-Evil: yes\"\r\n"]);
        seen(sent("Subject: hello\0")).observed("line of a header", &["Subject: hello\0\r\n"]);
        let bare = Talk::ehlo(&[]).cs("MAIL FROM:<a\rb>", "501 no");
        seen(bare).observed("line of the dialogue", &["MAIL FROM:<a\rb>\r\n"]);
    }

    #[test]
    fn encoded_or_left_out() {
        let talk = sent("Subject: hello\n Bcc: evil@c.example");
        seen(talk).not_observed("no line begins", &[&format!("MAIL FROM:<{FROM}>\r\n"), &format!("RCPT TO:<{TO}>\r\n")]);
    }

    #[test]
    fn nothing_given_or_sent() {
        find(&CHECK, sent("Subject: x").quit(), Given::default()).undetermined("was given no text");
        seen(Talk::ehlo(&[])).undetermined("neither an address");
        seen(Talk::ehlo(&[]).torn("Subject: abc\n\nx\n", "abc")).undetermined("does not hold");
    }
}
