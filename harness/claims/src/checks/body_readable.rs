//! Is the body of an unprotected message readable?

use smtp::message::Part;

use super::{each, exposure};
use crate::given::Protection;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "body-readable",
    observed_when: "the body of a message that nothing was to protect is read from the capture",
    trigger: "a whole message was sent, and a text of its body is known or a text part is there to be read",
    method: "The known text is searched at every depth that opens without a key: raw, after quoted-printable and \
             base64, inside signed blobs. A raw search alone would prove nothing, since base64 hides a text from it. \
             Where no text is known, a text part that decodes and is neither CMS nor OpenPGP counts as readable. A \
             known text that is nowhere shows nothing: it may never have been in this message. Under TLS nobody reads it \
             off the wire without the session's keys.",
    references: &["RFC 2045 6", "RFC 5321 4.5.2"],
    run,
};

/// How a text part begins that is encrypted with `OpenPGP` (RFC 9580 section 6.2).
const ARMOUR: &[u8] = b"-----BEGIN PGP MESSAGE-----";

fn run(subject: &Subject<'_>) -> Finding {
    match subject.given().protection {
        Some(Protection::None) | None => {}
        Some(_) => return Finding::not_applicable("about a message that nothing was to protect"),
    }
    each::message(subject, Observation::NotObserved, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    if let Some(blob) = sent.encrypted() {
        return match subject.given().protection {
            None => Finding::not_applicable("the message is encrypted with S/MIME"),
            Some(_) => Finding::not_observed(
                "the message was encrypted although nothing was to protect it",
                vec![sent.evidence(blob.range.clone(), "CMS blob in the place of the body")],
            ),
        };
    }
    if let Some(finding) = sent.hidden_by_tls() {
        return finding;
    }
    if let Some(body) = &subject.given().body {
        let seen = exposure::in_message(sent, body.expose(), "the body's text");
        return match seen.first() {
            Some(first) => Finding::observed(first.what.clone(), seen),
            None => Finding::undetermined(sent.unsearched().unwrap_or_else(|| {
                "the body's text is not in the message at any depth, and no encryption is seen".to_owned()
            })),
        };
    }
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let text = sent.message.parts().find(|part| {
        part.children.is_empty()
            && part.content_type.starts_with("text/")
            && !part.decoded.trim_ascii().is_empty()
            && !part.decoded.trim_ascii_start().starts_with(ARMOUR)
    });
    match text {
        Some(part) => {
            let what = &part.content_type;
            let reason = sent.reason(|| {
                let encoding = part.transfer_encoding.name();
                format!("{what} of {} bytes is readable ({encoding})", length(sent, part))
            });
            let shown = sent.reason(|| format!("{what} part"));
            Finding::observed(reason, vec![sent.evidence(part.body.clone(), shown)])
        }
        None => Finding::undetermined("the message has no text part, and no text of its body is known"),
    }
}

/// How long a part is: decoded, or, where not all of it was kept, as it was sent.
fn length(sent: &Sent<'_>, part: &Part) -> u64 {
    let whole = sent.data.content.length(part.body.clone());
    if whole > part.body.len() as u64 {
        whole
    } else {
        part.decoded.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
    use smtp::Secret;

    use super::super::testing::{Seen, Talk, find, plain, smime};
    use super::*;
    use crate::Given;

    fn given(protection: Option<Protection>) -> Given {
        Given { protection, body: Some(Secret::new(*b"Canary-Text")), ..Given::default() }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given(Some(Protection::None)))
    }

    fn talk() -> Talk {
        Talk::ehlo(&[])
    }

    #[test]
    fn the_known_text_behind_any_transfer_encoding() {
        let clear = talk().message(&plain("", "a Canary-Text b"));
        seen(clear.clone()).observed("in part 1 (UTF-8)", &["Canary-Text"]);
        seen(clear.gap()).observed("in part 1", &["Canary-Text"]);
        let encoded = BASE64.encode("a Canary-Text b");
        let text = plain("Content-Transfer-Encoding: base64\n", &encoded);
        let quote = format!("{encoded}\r\n");
        seen(talk().message(&text)).observed("the body's text is readable in part 1, base64 (UTF-8)", &[&quote]);
        let text = plain("Content-Transfer-Encoding: quoted-printable\n", "Canary=2DText");
        seen(talk().message(&text)).observed("quoted-printable", &["Canary=2DText\r\n"]);
    }

    #[test]
    fn any_text_where_none_is_known() {
        let find = |text: &str| find(&CHECK, talk().message(text).quit(), Given::default());
        find(&plain("", "anything")).observed("text/plain of 10 bytes", &["anything\r\n"]);
        find(&plain("Content-Type: image/png\n", "x")).undetermined("no text part");
        find(&plain("", "-----BEGIN PGP MESSAGE-----")).undetermined("no text part");
    }

    #[test]
    fn encrypted_although_nothing_was_to_protect_it() {
        let blob = smime("", "enveloped-aes128.der");
        let first = talk().message(&blob);
        seen(first.clone()).not_observed("encrypted although", &["MII…"]);
        let second = talk().message(&plain("", "Canary-Text")).message(&blob);
        seen(second).not_observed("encrypted although", &["MII…"]);
        find(&CHECK, first.quit(), given(None)).not_applicable("encrypted with S/MIME");
    }

    #[test]
    fn a_text_that_is_nowhere_shows_nothing() {
        seen(talk().message(&plain("", "another text"))).undetermined("not in the message");
        seen(talk()).undetermined("no message was sent");
    }

    #[test]
    fn a_text_with_a_hole_in_it() {
        let torn = talk().torn(&plain("", "Canary-Text"), "nary");
        seen(torn.clone()).undetermined("the whole message");
        seen(talk().message(&plain("", "Canary-Text")).torn(&plain("", "abc"), "b"))
            .undetermined("the whole message");
        find(&CHECK, torn.quit(), Given::default()).undetermined("the whole message");
    }

    #[test]
    fn a_message_that_was_to_be_protected() {
        let talk = talk().message(&plain("", "Canary-Text")).quit();
        find(&CHECK, talk, given(Some(Protection::Encrypted))).not_applicable("nothing was to protect");
    }
}
