//! Do the headers of an encrypted message stay in clear?

use smtp::message::{Field, Opened};

use super::each;
use crate::given::GivenSubject;
use crate::subject::{Blob, Sent};
use crate::{Check, Evidence, Finding, Given, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "headers-readable-when-encrypted",
    observed_when: "the message is encrypted, and the known texts in its header fields and envelope are read in clear",
    trigger: "the message is encrypted, and texts that stand in its header are known, or the recipient's key shows whether a \
              Subject is inside",
    method: "Known texts of Subject, From, To and Cc are looked for in the outer header, and the addresses of From and \
             the recipients in MAIL and RCPT. A Subject that is merely a message id had nothing to hide, so it is not \
             counted, and neither is the control message of a case about a withheld one. Header protection (RFC 9788) \
             would replace the outer fields and repeat them inside, which is looked for with the recipient's key. Where no text is known beforehand and the key opens the body, \
             the Subject is the one inside, or, where none is inside, the one outside.",
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
        return with_key(given, sent, &blob);
    }
    let mut evidence = Vec::new();
    let mut fields = Vec::new();
    for (name, text) in &given.headers {
        let shows = |field: &&smtp::message::Field| field.value.contains(text) || field.decoded.contains(text);
        let Some(field) = sent.message.headers(name).find(shows) else {
            return hidden(sent, &blob, name, text);
        };
        evidence.push(sent.evidence(field.range.clone(), format!("{name} field in clear")));
        if !fields.contains(&name.as_str()) {
            fields.push(name);
        }
    }
    envelope(sent, &mut evidence);
    let all = fields.join(", ");
    Finding::observed(
        format!("beside the encrypted body, {all} and the envelope are readable"),
        evidence,
    )
}

fn envelope(sent: &Sent<'_>, evidence: &mut Vec<Evidence>) {
    let mail = &sent.transaction.reverse_path;
    if !mail.value.is_empty() {
        evidence.push(Evidence::bytes(sent.timeline, mail.span, "reverse-path in clear"));
    }
    for recipient in &sent.transaction.recipients {
        let span = recipient.address.span;
        evidence.push(Evidence::bytes(sent.timeline, span, "forward-path in clear"));
    }
}

/// The finding where nothing of the header is known beforehand: the key tells which Subject is the real one.
fn with_key(given: &Given, sent: &Sent<'_>, blob: &Blob<'_>) -> Finding {
    let nothing_known = "the Subject holds no known text: nothing sensitive was at stake";
    // A Subject that was left at its default is a message id.
    if given.keys.is_empty() || matches!(given.subject, Some(GivenSubject::Default { .. })) {
        return Finding::undetermined(nothing_known);
    }
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let opened = match sent.opened(blob.part) {
        Some(Ok(opened)) if opened.is_entity => opened,
        Some(Ok(_)) => {
            return Finding::undetermined(
                "no text of the header is known, and what the recipient's key makes of the blob is not a MIME entity",
            );
        }
        Some(Err(error)) => {
            return Finding::undetermined(format!(
                "no text of the header is known, and the recipient's key does not open the blob: {error}"
            ));
        }
        None => return Finding::undetermined("more parts are encrypted than are opened"),
    };
    let outside = || sent.message.headers("Subject");
    match subject_inside(opened) {
        Some(inside) if !at_stake(&inside) => Finding::undetermined(nothing_known),
        Some(inside) => match outside().find(|field| field.decoded.contains(&inside)) {
            Some(field) => readable(sent, field, "the Subject (the same that stands inside)"),
            None => Finding::not_observed(
                "the Subject stands inside the encryption, and not outside",
                fields_or_all(sent, "Subject"),
            ),
        },
        None => match outside().find(|field| at_stake(&field.decoded)) {
            Some(field) => readable(sent, field, "the Subject (the key shows none inside)"),
            None => Finding::undetermined(nothing_known),
        },
    }
}

/// The Subject under the protection of the body, where there is one.
fn subject_inside(opened: &Opened) -> Option<String> {
    let protection = opened.header_protection()?;
    Some(protection.subject()?.decoded.trim().to_owned())
}

/// Whether a Subject tells anything: it is no stand-in, and no mere id of 128 bits, as a message id is.
fn at_stake(subject: &str) -> bool {
    let is_id = subject.bytes().filter(u8::is_ascii_hexdigit).count() == 32
        && subject.trim().bytes().all(|byte| byte.is_ascii_hexdigit() || b"{}-".contains(&byte));
    each::says_something(subject) && !is_id
}

/// The finding on a Subject in clear, with what else of the header is.
fn readable(sent: &Sent<'_>, subject: &Field, what: &str) -> Finding {
    let mut evidence = vec![sent.evidence(subject.range.clone(), "Subject field in clear")];
    for name in ["From", "To", "Cc"] {
        let fields = sent.message.headers(name);
        evidence.extend(fields.map(|field| sent.evidence(field.range.clone(), format!("{name} field in clear"))));
    }
    envelope(sent, &mut evidence);
    let reason = format!("beside the encrypted body, {what} and the envelope are readable");
    Finding::observed(reason, evidence)
}

/// The finding where the field `name` does not show `text`, with word of whether the encrypted part has it.
fn hidden(sent: &Sent<'_>, blob: &Blob<'_>, name: &str, text: &str) -> Finding {
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let opened = sent.opened(blob.part).and_then(|result| result.as_ref().ok());
    let inside = opened.is_some_and(|opened| !opened.message.find(text.as_bytes()).is_empty());
    let place = if inside { "; it stands inside the encryption" } else { "" };
    Finding::not_observed(format!("{name} does not show what was configured{place}"), fields_or_all(sent, name))
}

/// The fields `name`, or, where there is none, the whole message.
fn fields_or_all(sent: &Sent<'_>, name: &str) -> Vec<Evidence> {
    let fields = sent.message.headers(name);
    let mut seen: Vec<_> = fields
        .map(|field| sent.evidence(field.range.clone(), format!("{name} field")))
        .collect();
    if seen.is_empty() {
        seen.push(sent.all("the message"));
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        BODY, FROM, Seen, TO, Talk, find, mail_fixture, other_key, plain, recipient_key, smime,
    };
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

    /// An auditor with a key, who knows nothing else.
    fn with_key(text: &str) -> Seen {
        let given = Given { keys: vec![recipient_key()], ..Given::default() };
        find(&CHECK, Talk::ehlo(&[]).message(text).quit(), given)
    }

    #[test]
    fn a_key_tells_which_subject_is_the_real_one() {
        let outside = "Subject: Canary-Subject-1190\r\n";
        for file in ["enveloped.eml", "sign-encrypt.eml", "sealed-twice.eml"] {
            with_key(&mail_fixture(file)).observed("the key shows none inside", &[outside, "From: …", "To: …", FROM, TO]);
        }
        for file in ["sealed-hp-clear.eml", "sealed-wrapped.eml"] {
            let both = with_key(&mail_fixture(file));
            both.observed("the same that stands inside", &["Subject: Canary-Inner-4402\r\n"]);
        }
        let hidden = mail_fixture("sealed-hp.eml");
        with_key(&hidden).not_observed("inside the encryption, and not outside", &["Subject: [...]\r\n"]);
        let none = hidden.replace("Subject: [...]\n", "");
        with_key(&none).not_observed("inside the encryption, and not outside", &["From: …"]);
    }

    #[test]
    fn a_key_that_shows_nothing_decides_nothing() {
        let text = encrypted("an order");
        let given = |keys| Given { keys, ..Given::default() };
        let talk = || Talk::ehlo(&[]).message(&text).quit();
        find(&CHECK, talk(), given(vec![other_key()])).undetermined("key does not open the blob");
        find(&CHECK, talk(), given(Vec::new())).undetermined("at stake");
        with_key(&mail_fixture("sealed-bare.eml")).undetermined("not a MIME entity");
        for empty in ["[...]", "", "{0F8FAD5B-D9CB-469F-A165-70867728950E}"] {
            with_key(&encrypted(empty)).undetermined("at stake");
        }
        let default = Given {
            subject: Some(GivenSubject::Default { message_id: "an order".to_owned() }),
            ..given(vec![recipient_key()])
        };
        find(&CHECK, talk(), default).undetermined("at stake");
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
