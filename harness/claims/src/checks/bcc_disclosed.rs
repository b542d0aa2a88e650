//! Do the recipients of a message learn of its blind copies?

use std::ops::Range;

use super::each;
use super::same_mailbox;
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "bcc-disclosed",
    observed_when: "the header of a message names a recipient that is a blind copy, in a Bcc field or in any other",
    trigger: "a whole message was sent to a recipient that is a blind copy: told to be one, or named by no To or Cc field",
    method: "The header is searched for an address in a Bcc field, and for the address of every blind recipient of the \
             envelope. An empty Bcc field tells nobody's address.",
    references: &["RFC 5321 7.2", "RFC 5322 3.6.3"],
    run,
};

/// How many blind recipients of a message are looked for.
const MOST: usize = 256;

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    if let Some((_, range)) = sent.message.addresses("Bcc").into_iter().next() {
        let evidence = vec![sent.evidence(range, "an address in a Bcc field")];
        return Finding::observed("the header has a Bcc field with an address in it", evidence);
    }
    // Whoever is named as an author too is no secret, and a message that was sent on names new recipients.
    let of = |fields: &[&str]| fields.iter().flat_map(|field| sent.message.addresses(field)).collect::<Vec<_>>();
    let authors = of(&["From", "Sender", "Reply-To"]);
    let named = of(&["To", "Cc", "Resent-To", "Resent-Cc"]);
    let told = &subject.given().blind;
    let header = sent.message.root.header.clone();
    let text = sent.message.bytes(header.clone()).to_ascii_lowercase();
    let mut hidden = Vec::new();
    for recipient in &sent.transaction.recipients {
        let address = &recipient.address.value;
        let stands_in = |list: &[(String, Range<usize>)]| list.iter().any(|(name, _)| same_mailbox(name, address));
        let blind = told.iter().any(|blind| same_mailbox(blind, address)) || !stands_in(&named);
        if address.is_empty() || !blind || stands_in(&authors) {
            continue;
        }
        if hidden.len() >= MOST {
            return Finding::undetermined(format!("more than {MOST} recipients are blind copies"));
        }
        let rcpt = Evidence::bytes(sent.timeline, recipient.address.span, "RCPT of a blind copy");
        if let Some(at) = find(&text, address.to_ascii_lowercase().as_bytes()) {
            let place = header.start + at..header.start + at + address.len();
            let evidence = vec![sent.evidence(place, "the address in the header"), rcpt];
            return Finding::observed("the header names a recipient that is a blind copy", evidence);
        }
        hidden.push(rcpt);
    }
    if hidden.is_empty() {
        return Finding::undetermined("no recipient of the message is a blind copy");
    }
    Finding::not_observed(format!("{} blind recipient(s) stand nowhere in the header", hidden.len()), hidden)
}

/// Where an address stands by itself, and not at the end of a longer one.
fn find(text: &[u8], address: &[u8]) -> Option<usize> {
    let part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_+".contains(byte));
    memchr::memmem::find_iter(text, address).find(|at| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        !part(before) && before != Some(&b'.') && !part(text.get(at + address.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    const BLIND: &str = "audit@fabrikam.example";

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given { blind: vec![BLIND.to_owned()], ..Given::default() })
    }

    fn with(header: &str) -> Talk {
        Talk::ehlo(&[]).to(&[TO, BLIND], &plain(header, "x"))
    }

    #[test]
    fn a_header_that_tells() {
        seen(with("Bcc: Audit@fabrikam.example\n")).observed("a Bcc field", &["Audit@fabrikam.example"]);
        seen(with("X-Recipients: a@b, audit@FABRIKAM.example\n")).observed("names a", &["audit@FABRIKAM.example", BLIND]);
        seen(with(&format!("Cc: {BLIND}\n"))).observed("names a recipient", &[BLIND]);
        let unknown = find(&CHECK, with(&format!("X-To: {BLIND}\n")).quit(), Given::default());
        unknown.observed("names a recipient", &[BLIND]);
    }

    #[test]
    fn a_header_that_does_not() {
        let longer = with("X-To: external.audit@fabrikam.example, audit@fabrikam.example2\n");
        seen(longer).not_observed("1 blind", &[BLIND]);
        seen(with("")).not_observed("1 blind", &[BLIND]);
        seen(with("Bcc:\n")).not_observed("1 blind", &[BLIND]);
        find(&CHECK, with("").quit(), Given::default()).not_observed("1 blind", &[BLIND]);
    }

    #[test]
    fn no_blind_copies_no_message() {
        let to_oneself = Talk::ehlo(&[]).to(&[TO, super::super::testing::FROM], &plain("", "x"));
        seen(to_oneself).undetermined("is a blind copy");
        seen(Talk::ehlo(&[]).message(&plain("", "x"))).undetermined("is a blind copy");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        seen(Talk::ehlo(&[]).torn(&plain("X-A: abc\n", "x"), "abc")).undetermined("the whole message");
    }
}
