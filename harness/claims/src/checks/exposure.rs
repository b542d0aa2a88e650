//! Where a known text can be read in what the client sent, without any key.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};
use smtp::identity::Credential;
use smtp::message::{Message, Sighting};
use smtp::sasl::proof::KnownAccount;
use smtp::timeline::{Event, EventKind, Timeline, Transaction};

use super::under;
use crate::leaks::is_under_tls;
use crate::leaks::login::known_name;
use crate::subject::Sent;
use crate::{Evidence, Subject};

/// A text shorter than this turns up by chance, so that finding it shows nothing.
pub(super) const SHORTEST: usize = 4;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Every place of one message where `needle` can be read, at every depth that opens without a key: first those where it
/// stands as plain text.
pub(super) fn in_message(sent: &Sent<'_>, needle: &[u8], what: &str) -> Vec<Evidence> {
    sightings(sent, needle, what, |_| true)
}

fn sightings(
    sent: &Sent<'_>,
    needle: &[u8],
    what: &str,
    counts: impl Fn(&Sighting) -> bool,
) -> Vec<Evidence> {
    let mut found = sent.message.find(needle);
    found.retain(counts);
    // A depth that only guessing at base64 reaches says less than one that the message declares.
    found.sort_by_key(|sighting| {
        let plain = sighting.encoding == "UTF-8";
        (!plain, sighting.layer.contains("not declared"))
    });
    found
        .into_iter()
        .map(|sighting| {
            let seen = if sent.under_tls() {
                "stands, under TLS,"
            } else {
                "is readable"
            };
            let how = format!(
                "{what} {seen} in {} ({})",
                sighting.layer, sighting.encoding
            );
            sent.evidence(sighting.range, how)
        })
        .collect()
}

/// Known passwords that are looked for in one conversation.
pub(super) const MOST_KNOWN: usize = 16;

/// Every place where one of the passwords that an auditor knows can be read.
pub(crate) fn of_known_passwords(subject: &Subject<'_>) -> Vec<Evidence> {
    let known = subject.given().accounts.iter().take(MOST_KNOWN);
    let look = |account: &KnownAccount| {
        let what = format!("the known password of {}", known_name(account));
        of_secret(subject, account.password.expose(), &what)
    };
    known.flat_map(look).collect()
}

/// Every place of the conversation where a secret can be read: SASL exchanges, commands, bytes that fit nothing,
/// messages; raw, in base64, in UTF-16 or in hex. Nothing is looked for that is shorter than [`SHORTEST`].
pub(super) fn of_secret(subject: &Subject<'_>, secret: &[u8], what: &str) -> Vec<Evidence> {
    if secret.len() < SHORTEST {
        return Vec::new();
    }
    let timeline = subject.timeline();
    let mut found = Vec::new();
    for authentication in &timeline.authentications {
        let readable = authentication.identity.readable();
        if let Some((kind, sent)) = readable.filter(|(_, sent)| sent.value.expose() == secret) {
            let kind = match kind {
                Credential::Password => "password",
                Credential::Token => "token",
            };
            let how = format!(
                "{what} as {kind} of AUTH {}{}",
                authentication.mechanism.value,
                under(timeline, sent.span)
            );
            found.push(Evidence::bytes(timeline, sent.span, how));
        }
    }
    for event in &timeline.events {
        let told = found
            .iter()
            .filter_map(|evidence| evidence.bytes)
            .any(|span| {
                span.direction == event.span.direction
                    && span.start < event.span.end
                    && event.span.start < span.end
            });
        if let Some(encoding) = said(event, secret).filter(|_| !told) {
            found.push(Evidence::event(
                event,
                format!(
                    "{what} in a line of the client ({encoding}){}",
                    under(timeline, event.span)
                ),
            ));
        }
    }
    for sent in subject.sent() {
        found.extend(in_message(&sent, secret, what));
    }
    found
}

/// How `needle` is written in a line of the client, if it is.
fn said(event: &Event, needle: &[u8]) -> Option<&'static str> {
    let found = |bytes: &[u8]| {
        Message::read(bytes)
            .find(needle)
            .first()
            .map(|s| s.encoding)
    };
    let behind = |bytes: &[u8]| {
        LENIENT
            .decode(bytes.trim_ascii())
            .ok()
            .and_then(|b| found(&b))
    };
    match &event.kind {
        EventKind::Command(command) if command.verb == "AUTH" => {
            let initial = command
                .argument
                .split_ascii_whitespace()
                .nth(1)
                .unwrap_or_default();
            behind(initial.as_bytes()).or_else(|| found(&command.raw))
        }
        EventKind::Command(command) => found(&command.raw),
        EventKind::SaslResponse(response) => {
            behind(response.expose()).or_else(|| found(response.expose()))
        }
        EventKind::Unparsed(bytes) if event.span.direction == wire::Direction::Client => {
            found(bytes)
        }
        _ => None,
    }
}

/// Every place of the conversation where a user name stands as a word: the names in SASL exchanges, commands, messages.
///
/// A name that is also the address of the sender or of a recipient has every right to be in commands and in the message;
/// there it is not looked for.
pub(super) fn of_name(subject: &Subject<'_>, name: &str, what: &str) -> Vec<Evidence> {
    let timeline = subject.timeline();
    let mut found = authenticated_as(timeline, name, what);
    let mut paths = timeline.transactions.iter().flat_map(Transaction::paths);
    if name.len() < SHORTEST || paths.any(|path| path.value.eq_ignore_ascii_case(name)) {
        return found;
    }
    for event in &timeline.events {
        if let EventKind::Command(command) = &event.kind
            && stands_as_word(&command.raw, name.as_bytes())
        {
            let how = if is_under_tls(timeline, event.span) {
                format!("{what} under TLS")
            } else {
                format!("{what} in clear")
            };
            found.push(Evidence::event(event, how));
        }
    }
    for sent in subject.sent() {
        let whole = |sighting: &Sighting| {
            let content = sent.message.content();
            let verbatim = sent.message.bytes(sighting.range.clone()) == name.as_bytes();
            !verbatim || is_word(content, sighting.range.start, sighting.range.end)
        };
        found.extend(sightings(&sent, name.as_bytes(), what, whole));
    }
    found
}

/// Exchanges in which `name` is one of the names that the client gave.
fn authenticated_as(timeline: &Timeline, name: &str, what: &str) -> Vec<Evidence> {
    let mut found = Vec::new();
    for authentication in &timeline.authentications {
        let mechanism = &authentication.mechanism.value;
        for given in authentication.identity.names() {
            let bare = given
                .name
                .rsplit_once('\\')
                .map_or(given.name, |(_, user)| user);
            if given.name.eq_ignore_ascii_case(name) || bare.eq_ignore_ascii_case(name) {
                let how = format!(
                    "{what} as {} of AUTH {mechanism}{}",
                    given.slot.word(),
                    under(timeline, given.span)
                );
                found.push(Evidence::bytes(timeline, given.span, how));
            }
        }
    }
    found
}

fn stands_as_word(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len().max(1))
        .enumerate()
        .any(|(at, window)| window == word && is_word(text, at, at + word.len()))
}

/// Whether nothing that could be part of a name or an address touches these bytes.
fn is_word(text: &[u8], start: usize, end: usize) -> bool {
    let joins =
        |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b"._-@".contains(b));
    let before = start.checked_sub(1).and_then(|at| text.get(at));
    !joins(before) && !joins(text.get(end))
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD as BASE64;

    use super::super::testing::{Talk, case, plain};
    use super::*;
    use crate::Given;

    fn whats(talk: Talk, look: impl Fn(&Subject<'_>) -> Vec<Evidence>) -> Vec<String> {
        let tested = case(vec![talk], Given::default());
        look(&tested.subject(0))
            .into_iter()
            .map(|evidence| evidence.what.into_owned())
            .collect()
    }

    fn secret(talk: Talk) -> Vec<String> {
        whats(talk, |subject| of_secret(subject, b"S3cret-pw", "it"))
    }

    fn name(talk: Talk, name: &str) -> Vec<String> {
        whats(talk, |subject| of_name(subject, name, "it"))
    }

    #[test]
    fn plain_writings_come_first() {
        let body = BASE64.encode("well, S3cret-pw it is");
        let text = plain("Content-Transfer-Encoding: base64\n", &body);
        let seen = secret(Talk::ehlo(&[]).message(&text));
        assert_eq!(seen[0], "it is readable in part 1, base64 (UTF-8)");
        assert!(
            seen[1..]
                .iter()
                .any(|what| what == "it is readable in raw (base64)"),
            "{seen:?}"
        );
    }

    #[test]
    fn a_secret_is_found_however_a_line_holds_it() {
        let wide: Vec<u8> = "S3cret-pw".bytes().flat_map(|byte| [byte, 0]).collect();
        let token = BASE64.encode(b"user=a\x01auth=Bearer S3cret-pw\x01\x01");
        for line in [
            "NOOP S3cret-pw".to_owned(),
            format!("NOOP {}", BASE64.encode("S3cret-pw")),
            format!("NOOP {}", hex::encode("S3cret-pw")),
            format!("AUTH XOAUTH2 {token}"),
            format!("AUTH XODD {}", BASE64.encode(&wide)),
        ] {
            let seen = secret(Talk::ehlo(&["AUTH XOAUTH2"]).cs(&line, "535 no"));
            assert_eq!(seen.len(), 1, "{line}: {seen:?}");
            assert!(!seen[0].contains("S3cret"));
        }
        let asked = Talk::ehlo(&["AUTH XOAUTH2"]).cs("AUTH XOAUTH2", "334 ");
        assert_eq!(secret(asked.cs(&token, "535 no")).len(), 1);
    }

    #[test]
    fn a_password_is_told_once() {
        let plain = BASE64.encode(b"\0svc\0S3cret-pw");
        let talk = Talk::ehlo(&["AUTH PLAIN"]).cs(&format!("AUTH PLAIN {plain}"), "235 ok");
        assert_eq!(secret(talk), ["it as password of AUTH PLAIN"]);
    }

    #[test]
    fn a_token_is_told_as_one() {
        let token = BASE64.encode(b"user=svc1\x01auth=Bearer S3cret-pw\x01\x01");
        let talk = Talk::ehlo(&["AUTH XOAUTH2"]).cs(&format!("AUTH XOAUTH2 {token}"), "235 ok");
        assert_eq!(secret(talk.clone()), ["it as token of AUTH XOAUTH2"]);
        assert_eq!(name(talk, "svc1"), ["it as user of AUTH XOAUTH2"]);
    }

    #[test]
    fn every_name_of_plain_and_of_scram_is_looked_into() {
        let plain = BASE64.encode(b"boss\0svc1\0pw");
        let talk = Talk::ehlo(&["AUTH PLAIN"]).cs(&format!("AUTH PLAIN {plain}"), "235 ok");
        assert_eq!(
            name(talk.clone(), "boss"),
            ["it as authorization identity of AUTH PLAIN"]
        );
        assert_eq!(name(talk, "svc1"), ["it as user of AUTH PLAIN"]);
        let first = BASE64.encode("n,,n=svc1,r=abc");
        let talk = Talk::ehlo(&["AUTH SCRAM-SHA-256"])
            .cs(&format!("AUTH SCRAM-SHA-256 {first}"), "535 no");
        assert_eq!(name(talk, "svc1"), ["it as user of AUTH SCRAM-SHA-256"]);
    }

    #[test]
    fn a_short_secret_is_not_looked_for() {
        let talk = Talk::ehlo(&[]).cs("NOOP abc", "250 ok");
        assert!(whats(talk, |subject| of_secret(subject, b"abc", "it")).is_empty());
    }

    #[test]
    fn a_name_must_stand_by_itself() {
        let talk = |line: &str| Talk::ehlo(&[]).cs(line, "250 ok");
        assert_eq!(name(talk("NOOP svc1"), "svc1"), ["it in clear"]);
        for line in ["NOOP svc12", "NOOP svc1@x", "NOOP a.svc1", "NOOP other"] {
            assert!(name(talk(line), "svc1").is_empty(), "{line}");
        }
        let written = Talk::ehlo(&[]).message(&plain("", "for svc1 and svc12"));
        assert_eq!(
            name(written.clone(), "svc1").len(),
            1,
            "{:?}",
            name(written, "svc1")
        );
    }

    #[test]
    fn an_address_of_the_envelope_is_no_sighting_of_a_name() {
        let talk = Talk::ehlo(&[]).message(&plain("", "x"));
        assert!(name(talk, super::super::testing::FROM).is_empty());
    }

    #[test]
    fn every_slot_of_ntlm_is_looked_into() {
        let as_user = Talk::ehlo(&["AUTH NTLM"]).ntlm("CORP", "svc1", "pw", "235 ok");
        assert_eq!(name(as_user.clone(), "SVC1"), ["it as user of AUTH NTLM"]);
        assert_eq!(name(as_user.clone(), "corp"), ["it as domain of AUTH NTLM"]);
        assert_eq!(name(as_user, "HOST01"), ["it as workstation of AUTH NTLM"]);
    }

    #[test]
    fn a_name_behind_a_domain_is_the_name() {
        let user = BASE64.encode("CORP\\svc1");
        let talk = Talk::ehlo(&["AUTH LOGIN"]).cs(&format!("AUTH LOGIN {user}"), "535 no");
        assert_eq!(name(talk, "svc1"), ["it as user of AUTH LOGIN"]);
    }
}
