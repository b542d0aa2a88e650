//! Does the body arrive as the client was told to send it?

use super::each;
use super::told::{self, Body};
use crate::given::Protection;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "body-changed",
    observed_when: "no part of the message holds exactly the text that the client was told to send",
    trigger: "the text is known, and a whole message was sent that is neither encrypted nor signed",
    method: "Dots are unstuffed and the transfer encoding is undone; then the text must be there, octet for octet, in one \
             part of the message. Only the line end at its very end is not compared, since DATA adds one to a text without \
             it; an empty line more is a difference.",
    references: &["RFC 5321 4.5.2", "RFC 5321 4.1.1.4", "RFC 5321 2.3.8"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given();
    let Some(told) = &given.content else {
        return Finding::undetermined("it is not known what the client was told to send");
    };
    if !matches!(given.protection, None | Some(Protection::None | Protection::EncoderOnly)) {
        return Finding::not_applicable("the message was to be encrypted or signed");
    }
    each::message(subject, Observation::Observed, |sent| judge(subject, sent, told.expose()))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>, told: &[u8]) -> Finding {
    if each::is_control(subject, sent) {
        return Finding::undetermined("this is the control message");
    }
    if let Some(reason) = sent.unsearched() {
        return Finding::undetermined(reason);
    }
    match told::find(sent, told) {
        Some(Body::Same(part)) => Finding::not_observed(
            format!("the body arrives as it was told, {} octets in {}", told.len(), part.transfer_encoding.name()),
            vec![sent.evidence(part.body.clone(), "the body")],
        ),
        Some(Body::Other { part, seen }) => Finding::observed(
            difference(told::without_end(told), &seen),
            vec![sent.evidence(part.body.clone(), "the body"), sent.all("the message")],
        ),
        None => Finding::observed("the message has no body", vec![sent.all("the message")]),
    }
}

/// What is different, in words: the text itself is not shown.
fn difference(told: &[u8], seen: &[u8]) -> String {
    let sizes = format!("{} octets were to be sent, {} arrive", told.len(), seen.len());
    match (seen.strip_prefix(told), told.strip_prefix(seen)) {
        (Some(b"\r\n"), _) => "an empty line was added at the end of the body".to_owned(),
        (Some(_), _) => format!("something was added at the end of the body: {sizes}"),
        (_, Some(_)) => format!("the end of the body is missing: {sizes}"),
        _ => {
            let (line, ..) = told::first_difference(told, seen);
            format!("the body is another from line {line} on: {sizes}")
        }
    }
}

#[cfg(test)]
mod tests {
    use smtp::Secret;

    use super::super::testing::{FROM, Seen, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(told: &str, body: &str) -> Seen {
        let talk = Talk::ehlo(&[])
            .envelope(&format!("<{FROM}>"), &[&format!("<{TO}>")])
            .turn("C", format!("Subject: x\r\n{body}"))
            .s("250 taken");
        let content = Some(Secret::new(told.as_bytes()));
        find(&CHECK, talk.quit(), Given { content, ..Given::default() })
    }

    #[test]
    fn another_body() {
        seen("a\r\nb", "\r\na\r\nb\r\n\r\n.\r\n").observed("an empty line was added", &["a\r\nb\r\n\r\n"]);
        seen("a\r\nb\r\n", "\r\na\r\nb\r\nsent by x\r\n.\r\n").observed("something was added", &["a\r\nb\r\nsent by x\r\n"]);
        seen("a\r\nb\r\n", "\r\na\r\n.\r\n").observed("the end of the body is missing", &["a\r\n"]);
        seen("a\r\nb\r\nc\r\n", "\r\na\r\nB\r\nc\r\n.\r\n").observed("from line 2 on", &["a\r\nB\r\nc\r\n"]);
        seen("a\r\nb\r\n", "\r\na\nb\r\n.\r\n").observed("is another from line 1", &["a\nb\r\n"]);
    }

    #[test]
    fn the_body_as_told() {
        seen("a\r\n.b", "\r\na\r\n..b\r\n.\r\n").not_observed("in 7bit", &["a\r\n..b\r\n"]);
        let quoted = "Content-Transfer-Encoding: quoted-printable\r\n\r\na=3D\r\n.\r\n";
        seen("a=\r\n", quoted).not_observed("in quoted-printable", &["a=3D\r\n"]);
        let base64 = "Content-Transfer-Encoding: base64\r\n\r\nYQpiCg==\r\n.\r\n";
        seen("a\r\nb\r\n", base64).not_observed("in base64", &["YQpiCg==\r\n"]);
        let mixed = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n\r\na\r\n\r\n--b--\r\n.\r\n";
        seen("a\r\n", mixed).not_observed("as it was told", &["a\r\n"]);
    }

    #[test]
    fn what_cannot_be_compared() {
        let message = Talk::ehlo(&[]).message(&plain("", "abcdef")).quit();
        find(&CHECK, message.clone(), Given::default()).undetermined("not known what");
        let content = Some(Secret::new("x"));
        let signed = Given { content: content.clone(), protection: Some(Protection::ClearSigned), ..Given::default() };
        find(&CHECK, message, signed).not_applicable("encrypted or signed");
        let given = Given { content, ..Given::default() };
        find(&CHECK, Talk::ehlo(&[]).quit(), given.clone()).undetermined("no message was sent");
        find(&CHECK, Talk::ehlo(&[]).torn(&plain("", "abcdef"), "cde").quit(), given).undetermined("the whole message");
    }
}
