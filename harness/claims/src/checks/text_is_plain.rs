//! Is the text of the mail plain text?

use smtp::message::Part;

use super::each;
use crate::configured::BodyFrom;
use crate::given::Protection;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "text-is-plain",
    observed_when: "the text of the mail, where no body file is configured, is of type text/plain",
    trigger: "a message with text was sent, without an S/MIME encoder before it",
    method: "The first part that is no attachment is looked at. HTML means something only if it is known that no file, which \
             can be HTML, is the body.",
    references: &["RFC 2045 5.2", "RFC 2046 4.1.3"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given();
    if let Some(BodyFrom::File | BodyFrom::Message) = given.configured.body_from {
        return Finding::not_applicable("about text that comes from no file, and is no mail itself");
    }
    if given.protection.is_some_and(|protection| protection != Protection::None) {
        return Finding::not_applicable("about mail that the adapter composes, and no encoder");
    }
    each::message(subject, Observation::NotObserved, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    let incomplete = sent.incomplete();
    let text = text_of(sent);
    let Some(part) = text else {
        return match incomplete {
            Some(reason) => Finding::undetermined(reason),
            None => Finding::not_applicable("about a mail with text in it"),
        };
    };
    let evidence = match part.field("Content-Type") {
        Some(field) => vec![sent.evidence(field.range.clone(), "Content-Type field")],
        // What says nothing of its type is plain text (RFC 2045 section 5.2).
        None => vec![sent.all("a message without a Content-Type field")],
    };
    if part.content_type == "text/plain" {
        return match incomplete {
            Some(reason) if part.field("Content-Type").is_none() => Finding::undetermined(reason),
            _ => Finding::observed("the text is of type text/plain", evidence),
        };
    }
    if subject.given().configured.body_from.is_none() {
        return Finding::undetermined("the text is not plain; whether a body file is configured is not known")
            .with(evidence);
    }
    Finding::not_observed(format!("the text is of type {}", part.content_type), evidence)
}

/// The first part that is text and no attachment.
fn text_of<'a>(sent: &Sent<'a>) -> Option<&'a Part> {
    sent.message.parts().find(|part| {
        part.children.is_empty() && part.content_type.starts_with("text/") && part.file_name().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn given(body: BodyFrom) -> Given {
        let mut given = Given::default();
        given.configured.body_from = Some(body);
        given
    }

    fn sent(content_type: &str) -> Talk {
        Talk::ehlo(&[]).message(&plain(&format!("MIME-Version: 1.0\nContent-Type: {content_type}\n"), "x"))
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given(BodyFrom::Part))
    }

    #[test]
    fn plain_and_not() {
        seen(sent("text/plain; charset=utf-8")).observed("text/plain", &["Content-Type: …"]);
        seen(Talk::ehlo(&[]).message(&plain("", "x"))).observed("text/plain", &["From: …"]);
        seen(sent("text/html")).not_observed("text/html", &["Content-Type: text/html\r\n"]);
        let mixed = "multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\nx\n--b\nContent-Type: text/plain\n\nx\n--b--";
        seen(sent(mixed)).not_observed("text/html", &["Content-Type: text/html\r\n"]);
        let attached = "multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; name=a.htm\n\nx\n--b\nContent-Type: text/plain\n\nx\n--b--";
        seen(sent(attached)).observed("text/plain", &["Content-Type: text/plain\r\n"]);
    }

    #[test]
    fn what_cannot_be_told() {
        find(&CHECK, sent("text/html").quit(), Given::default()).undetermined("is not known");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        let torn = plain("Content-Type: text/plain\n", "x");
        seen(Talk::ehlo(&[]).torn(&torn, "Content-Type: text/plain\n")).undetermined("the whole message");
    }

    #[test]
    fn what_it_is_not_about() {
        for body in [BodyFrom::File, BodyFrom::Message] {
            find(&CHECK, sent("text/html").quit(), given(body)).not_applicable("comes from no file");
        }
        let encoder = Given {
            protection: Some(Protection::EncoderOnly),
            ..given(BodyFrom::Part)
        };
        find(&CHECK, sent("text/xml").quit(), encoder).not_applicable("no encoder");
        seen(sent("application/pdf")).not_applicable("with text in it");
    }
}
