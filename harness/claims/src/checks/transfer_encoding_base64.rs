//! Is the content transfer encoding base64, and is anything else announced?

use smtp::message::{Part, TransferEncoding};
use wire::Span;

use super::wrappings::Wrappings;
use super::each;
use crate::given::Protection;
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "transfer-encoding-base64",
    observed_when: "the parts that the encoder made are in base64, and what is not in seven bits is announced in MAIL",
    trigger: "the message passed the S/MIME encoder, whose transfer encoding was left alone, or chosen to be 8bit or binary",
    method: "Content-Transfer-Encoding is read from each part that has no other parts in it, those inside an envelope that the \
             recipient's key opens included. Whatever was chosen, `8bit` with octets above 127 needs BODY=8BITMIME on MAIL, \
             and `binary` BODY=BINARYMIME.",
    references: &["RFC 2045 6.1", "RFC 6152 3", "RFC 3030 3"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if subject.given().protection == Some(Protection::None) {
        return Finding::not_applicable("about a message that passed the S/MIME encoder");
    }
    each::message(subject, Observation::NotObserved, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    let outside = leaves(&sent.message.root);
    if let Some(finding) = outside.iter().find_map(|part| unannounced(sent, part)) {
        return finding;
    }
    if let Some(reason) = sent.incomplete().or_else(|| sent.unlisted()) {
        return Finding::undetermined(reason);
    }
    let given = subject.given();
    if given.pipeline.transfer_encoding_chosen == Some(true) {
        return chosen(sent, &outside);
    }
    let wrappings = Wrappings::of(sent);
    let inside = match &wrappings.payload {
        Ok(payload) if wrappings.all.iter().any(super::wrappings::Wrapping::decodes) => leaves(payload),
        _ => Vec::new(),
    };
    let other = |part: &&&Part| part.transfer_encoding != TransferEncoding::Base64;
    let known = given.protection.is_some() && given.pipeline.transfer_encoding_chosen.is_some();
    let odd = outside.iter().find(other).map(|part| (*part, sent.evidence(part.header.clone(), "its header")));
    let shown = || sent.evidence(sent.message.root.header.clone(), "the header of the message");
    let odd = odd.or_else(|| {
        let wrapping = wrappings.all.last()?;
        inside.iter().find(other).map(|part| (*part, wrapping.evidence(sent)))
    });
    match odd {
        Some((part, evidence)) => {
            let name = part.transfer_encoding.name();
            if known {
                return Finding::not_observed(format!("a part is in {name}, which was not chosen"), vec![evidence]);
            }
            let reason =
                sent.reason(|| format!("a part is in {name}; whether the encoder made it, and was told so, is not known"));
            Finding::undetermined(reason).with(vec![evidence])
        }
        None if wrappings.all.is_empty() && given.protection.is_none() => {
            Finding::undetermined("whether an encoder is configured is not known")
        }
        None if wrappings.encryption().is_some() && wrappings.payload.is_err() => {
            Finding::observed("the blob is in base64; what is inside was not opened", vec![shown()])
        }
        None => Finding::observed("every part is in base64", vec![shown()]),
    }
}

/// The parts without parts in them. Messages in messages are never encoded themselves.
fn leaves(root: &Part) -> Vec<&Part> {
    let whole = |part: &&Part| part.children.is_empty() && !part.content_type.starts_with("message/");
    root.parts().filter(whole).collect()
}

/// The value of BODY that MAIL has to have for a part.
fn needed(part: &Part) -> Option<&'static str> {
    match &part.transfer_encoding {
        TransferEncoding::Identity(word) if word == "binary" => Some("BINARYMIME"),
        TransferEncoding::Identity(_) if !part.decoded.is_ascii() => Some("8BITMIME"),
        _ => None,
    }
}

/// The parameter BODY of MAIL.
fn announced<'a>(sent: &Sent<'a>) -> Option<(&'a str, Span)> {
    let mut parameters = sent.transaction.parameters.iter();
    let body = parameters.find(|one| one.value.name == "BODY")?;
    Some((body.value.value.as_deref()?, body.span))
}

/// The finding on a part whose octets MAIL should have announced, and did not.
fn unannounced(sent: &Sent<'_>, part: &Part) -> Option<Finding> {
    let needed = needed(part)?;
    // What may be binary may have eight bits.
    let covers = |word: &str| word.eq_ignore_ascii_case(needed) || word.eq_ignore_ascii_case("BINARYMIME");
    if announced(sent).is_some_and(|(word, _)| covers(word)) {
        return None;
    }
    // Where MAIL is not in the capture, what it announced is not known.
    sent.timeline.command(sent.transaction.mail).filter(|command| command.verb == "MAIL")?;
    let reason = format!("a part is in {}, and MAIL came without BODY={needed}", part.transfer_encoding.name());
    Some(Finding::not_observed(reason, vec![sent.evidence(part.range(), "the part")]))
}

/// The finding on a transfer encoding that was chosen.
fn chosen(sent: &Sent<'_>, parts: &[&Part]) -> Finding {
    let part = parts.iter().find(|part| needed(part).is_some());
    match (part, announced(sent)) {
        (Some(part), Some((word, span))) => {
            let name = part.transfer_encoding.name();
            let reason = format!("a part is in {name}, which was chosen, and announced as BODY={word}");
            Finding::observed(reason, vec![Evidence::bytes(sent.timeline, span, "the parameter of MAIL")])
        }
        (Some(_), None) => Finding::undetermined("the capture does not hold what MAIL announced"),
        (None, _) => {
            Finding::not_applicable("about a transfer encoding that was left alone; another one was chosen")
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};

    use super::super::testing::{FROM, Seen, TO, Talk, find, mail_fixture, plain, recipient_key, smime};
    use super::*;
    use crate::Given;
    use crate::given::Pipeline;

    fn given(protection: Option<Protection>, chosen: Option<bool>) -> Given {
        let pipeline = Pipeline { transfer_encoding_chosen: chosen, ..Pipeline::default() };
        Given { protection, pipeline, keys: vec![recipient_key()], ..Given::default() }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given(Some(Protection::EncoderOnly), Some(false)))
    }

    fn text(encoding: &str, body: &str) -> String {
        plain(&format!("Content-Transfer-Encoding: {encoding}\n"), body)
    }

    fn sent(text: &str) -> Talk {
        Talk::ehlo(&["8BITMIME", "BINARYMIME"]).message(text)
    }

    #[test]
    fn base64_by_default() {
        seen(sent(&text("base64", &BASE64.encode("text")))).observed("every part is in base64", &["From: …"]);
        seen(sent(&smime("", "enveloped-aes128.der"))).not_observed("quoted-printable, which was not", &["MI…"]);
        let closed = Given { keys: Vec::new(), ..given(Some(Protection::Encrypted), Some(false)) };
        let talk = sent(&smime("", "enveloped-aes128.der")).quit();
        find(&CHECK, talk, closed).observed("what is inside was not opened", &["From: …"]);
    }

    #[test]
    fn another_encoding_that_was_not_chosen() {
        seen(sent(&text("quoted-printable", "text"))).not_observed("in quoted-printable, which", &["From: …"]);
        seen(sent(&text("7bit", "text"))).not_observed("in 7bit, which was not chosen", &["From: …"]);
        let second = sent(&text("base64", "dGV4dA==")).message(&text("8bit", "text"));
        seen(second).not_observed("in 8bit, which was not chosen", &["From: …"]);
        // Clear-signed: the text beside the signature is what the encoder encoded.
        seen(sent(&mail_fixture("signed-clear.eml"))).not_observed("in quoted-printable", &["Content-Type: …"]);
    }

    #[test]
    fn octets_that_were_not_announced() {
        let chosen = || given(Some(Protection::EncoderOnly), Some(true));
        let eight = || text("8bit", "Größe");
        find(&CHECK, sent(&eight()).quit(), chosen()).not_observed("without BODY=8BITMIME", &["From: …"]);
        find(&CHECK, sent(&text("binary", "text")).quit(), chosen())
            .not_observed("without BODY=BINARYMIME", &["From: …"]);
        let announced = |word: &str, text: &str| {
            let mail = format!("<{FROM}> BODY={word}");
            Talk::ehlo(&["8BITMIME", "BINARYMIME"]).sent(&mail, &[&format!("<{TO}>")], text).quit()
        };
        find(&CHECK, announced("8BITMIME", &eight()), chosen()).observed("as BODY=8BITMIME", &["BODY=8BITMIME"]);
        find(&CHECK, announced("BINARYMIME", &eight()), chosen()).observed("BODY=BINARYMIME", &["BODY=…"]);
        find(&CHECK, announced("BINARYMIME", &text("binary", "x")), chosen()).observed("in binary", &["BODY=…"]);
        find(&CHECK, sent(&text("quoted-printable", "x")).quit(), chosen()).not_applicable("was chosen");
        find(&CHECK, announced("8BITMIME", &text("binary", "x")), chosen()).not_observed("BINARYMIME", &["From…"]);
    }

    #[test]
    fn what_is_not_known() {
        let base64 = || sent(&text("base64", "dGV4dA==")).quit();
        find(&CHECK, base64(), given(None, None)).undetermined("whether an encoder is configured");
        let signed = || sent(&smime("", "signed-opaque.der")).quit();
        find(&CHECK, signed(), given(None, None)).undetermined("whether the encoder made it");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        seen(Talk::ehlo(&[]).torn(&text("base64", "dGV4dA=="), "V4dA")).undetermined("the whole message");
    }

    #[test]
    fn a_message_that_no_encoder_saw() {
        find(&CHECK, sent(&plain("", "x")).quit(), given(Some(Protection::None), None)).not_applicable("encoder");
    }
}
