//! Do the headers of an encrypted message stay in clear?

use smtp::cms;
use smtp::message::Message;

use super::each;
use crate::subject::{Blob, Sent};
use crate::{Check, Evidence, Finding, Given, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "headers-readable-when-encrypted",
    observed_when: "the message is encrypted, and the known texts in its header fields and envelope are read in clear",
    trigger: "the message is encrypted, and texts that stand in its header are known",
    method: "Known texts of Subject, From, To and Cc are looked for in the outer header, and the addresses of From and \
             the recipients in MAIL and RCPT. A Subject that is merely a message id had nothing to hide, so it is not \
             counted, and neither is the control message of a case about a withheld one. Header protection (RFC 9788) \
             would replace the outer fields and repeat them inside, which is looked for with the recipient's key.",
    references: &["RFC 8551 3.1", "RFC 9788", "RFC 5321 2.3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::NotObserved, |sent| {
        if each::is_control(subject, sent) {
            return Finding::undetermined("the control message: its Subject is not the configured one");
        }
        judge(subject.given(), sent)
    })
}

fn judge(given: &Given, sent: &Sent<'_>) -> Finding {
    let Some(blob) = sent.encrypted() else {
        return match sent.incomplete().or_else(|| sent.unlisted()) {
            Some(reason) => Finding::undetermined(reason),
            None => Finding::not_applicable("about an encrypted message; this one is not encrypted"),
        };
    };
    if let Some(finding) = sent.hidden_by_tls() {
        return finding;
    }
    if !given.headers.iter().any(|(name, _)| name == "Subject") {
        return Finding::undetermined("the Subject holds no known text: nothing sensitive was at stake");
    }
    let mut evidence = Vec::new();
    let mut fields = Vec::new();
    for (name, text) in &given.headers {
        let shows = |field: &&smtp::message::Field| field.value.contains(text) || field.decoded.contains(text);
        let Some(field) = sent.message.headers(name).find(shows) else {
            return hidden(given, sent, &blob, name, text);
        };
        evidence.push(sent.evidence(field.range.clone(), format!("{name} field in clear")));
        if !fields.contains(&name.as_str()) {
            fields.push(name);
        }
    }
    let mail = &sent.transaction.reverse_path;
    if !mail.value.is_empty() {
        evidence.push(Evidence::bytes(sent.timeline, mail.span, "reverse-path in clear"));
    }
    for recipient in &sent.transaction.recipients {
        let span = recipient.address.span;
        evidence.push(Evidence::bytes(sent.timeline, span, "forward-path in clear"));
    }
    let all = fields.join(", ");
    Finding::observed(
        format!("beside the encrypted body, {all} and the envelope are readable"),
        evidence,
    )
}

/// The finding where the field `name` does not show `text`, with word of whether the encrypted part has it.
fn hidden(given: &Given, sent: &Sent<'_>, blob: &Blob<'_>, name: &str, text: &str) -> Finding {
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let der = blob.part.cms_bytes().unwrap_or_default();
    let inside = cms::open(&der, &given.keys)
        .is_ok_and(|plain| !Message::read(&plain).find(text.as_bytes()).is_empty());
    let place = if inside { "; it stands inside the encryption" } else { "" };
    let mut seen: Vec<_> = sent
        .message
        .headers(name)
        .map(|field| sent.evidence(field.range.clone(), format!("{name} field")))
        .collect();
    if seen.is_empty() {
        seen.push(sent.all("the message"));
    }
    Finding::not_observed(format!("{name} does not show what was configured{place}"), seen)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{BODY, FROM, Seen, TO, Talk, find, plain, recipient_key, smime};
    use super::*;
    use crate::given::Withheld;

    fn given() -> Given {
        let known = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        Given {
            headers: vec![known("Subject", "Canary-Subject"), known("From", FROM), known("To", TO)],
            ..Given::default()
        }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given())
    }

    fn encrypted(subject: &str) -> String {
        smime(&format!("Subject: {subject}\n"), "enveloped-aes128.der")
    }

    fn sent(subject: &str) -> Talk {
        Talk::ehlo(&[]).message(&encrypted(subject))
    }

    #[test]
    fn header_and_envelope_beside_the_blob() {
        let quotes = [
            "Subject: an order Canary-Subject\r\n",
            "From: sender@contoso.example\r\n",
            "To: orders@fabrikam.example\r\n",
            FROM,
            TO,
        ];
        let talk = sent("an order Canary-Subject");
        seen(talk.clone()).observed("Subject, From, To and the envelope", &quotes);
        seen(talk.gap()).observed("are readable", &quotes);
        let word = "=?utf-8?B?Q2FuYXJ5LVN1YmplY3Q=?=";
        seen(sent(word)).observed("are readable", &[&format!("Subject: {word}\r\n")]);
    }

    #[test]
    fn a_field_that_does_not_show_what_was_configured() {
        seen(sent("[...]")).not_observed("Subject does not show", &["Subject: [...]\r\n"]);
        let without = Talk::ehlo(&[]).message(&smime("", "enveloped-aes128.der"));
        seen(without).not_observed("Subject does not show", &["From: …"]);
        let second = sent("Canary-Subject").message(&encrypted("..."));
        seen(second).not_observed("Subject does not show", &["Subject: ...\r\n"]);
    }

    #[test]
    fn whether_the_text_stands_inside_is_told() {
        let inside = Given {
            headers: vec![("Subject".to_owned(), BODY.to_owned())],
            keys: vec![recipient_key()],
            ..Given::default()
        };
        let found = find(&CHECK, sent("[...]").quit(), inside);
        found.not_observed("it stands inside the encryption", &["Subject: [...]\r\n"]);
    }

    #[test]
    fn the_control_message_is_left_out() {
        let withheld = || Given {
            withheld: Some(Withheld { control: "ctrl-77".to_owned() }),
            ..given()
        };
        find(&CHECK, sent("ctrl-77").quit(), withheld()).undetermined("the control message");
        let both = sent("ctrl-77").message(&encrypted("Canary-Subject")).quit();
        find(&CHECK, both, withheld()).observed("are readable", &["Subject: Canary-Subject\r\n"]);
        let hidden = sent("ctrl-77").message(&encrypted("..")).quit();
        find(&CHECK, hidden, withheld()).not_observed("Subject", &["Subject: ..\r\n"]);
    }

    #[test]
    fn without_a_known_subject_nothing_was_at_stake() {
        let only_from = Given { headers: given().headers.split_off(1), ..Given::default() };
        find(&CHECK, sent("7d3f").quit(), only_from).undetermined("nothing sensitive");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
    }

    #[test]
    fn a_header_with_a_hole_in_it() {
        let text = encrypted("Canary-Subject");
        seen(Talk::ehlo(&[]).torn(&text, "nary-Sub")).undetermined("the whole message");
        let middle = &text[text.len() / 2..text.len() / 2 + 10];
        seen(Talk::ehlo(&[]).torn(&text, middle)).undetermined("the whole message");
    }

    #[test]
    fn a_message_that_is_not_encrypted() {
        let talk = Talk::ehlo(&[]).message(&plain("Subject: Canary-Subject\n", "x"));
        seen(talk).not_applicable("not encrypted");
    }
}
