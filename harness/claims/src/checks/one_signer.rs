//! Do all messages come from one signer?

use std::collections::HashSet;

use super::wrappings::{Wrappings, signers, who};
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "one-signer",
    observed_when: "all signed messages of the case, or of the capture, name one and the same certificate as their signer",
    trigger: "at least two different signed messages were sent",
    method: "The signer is issuer and serial number, or key identifier, of the SignerInfo. Conversations of a case are \
             compared with each other; in a capture each is compared with those before it. The same message sent again shows \
             nothing.",
    references: &["RFC 5652 5.3", "RFC 5652 10.2.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let here: Vec<_> = subject.sent().flat_map(|sent| of(&sent)).collect();
    let Some((first, message, evidence)) = here.first() else {
        return none(subject);
    };
    let mut messages = HashSet::from([*message]);
    let all = subject.siblings().flat_map(|sibling| sibling.sent().flat_map(|sent| of(&sent)).collect::<Vec<_>>());
    for (signer, message, _) in all {
        messages.insert(message);
        if signer != *first {
            // Evidence is of this conversation; the other one tells its own.
            let own = here.iter().find(|(own, ..)| *own == signer).map(|(_, _, evidence)| evidence.clone());
            let evidence = std::iter::once(evidence.clone()).chain(own).collect();
            return Finding::not_observed(format!("signed with {first}, and another message with {signer}"), evidence);
        }
    }
    let evidence = vec![evidence.clone()];
    if messages.len() < 2 {
        let reason = format!("signed with {first}; there is no other signed message to compare it with");
        return Finding::undetermined(reason).with(evidence);
    }
    Finding::observed(format!("{} messages are signed with {first}", messages.len()), evidence)
}

/// Each signer of a message, with the place of the message and the signature.
pub(crate) fn of(sent: &Sent<'_>) -> Vec<(String, usize, Evidence)> {
    let wrappings = Wrappings::of(sent);
    let each = signers(&wrappings);
    each.into_iter().map(|(wrapping, _, signer)| (who(&signer.id), sent.number(), wrapping.evidence(sent))).collect()
}

/// The finding on a conversation in which no signer can be seen.
fn none(subject: &Subject<'_>) -> Finding {
    let unseen = |sent: &Sent<'_>| {
        let wrappings = Wrappings::of(sent);
        let cut = || wrappings.all.iter().any(|one| one.signed().is_some()).then(|| "the signature breaks off".to_owned());
        sent.incomplete().or_else(|| sent.unlisted()).or_else(|| wrappings.payload.as_ref().err().cloned()).or_else(cut)
    };
    match subject.sent().find_map(|sent| unseen(&sent)) {
        Some(reason) => Finding::undetermined(reason),
        None if subject.sent().next().is_none() => {
            Finding::undetermined(subject.blind().unwrap_or_else(|| "no message was sent".to_owned()))
        }
        None => Finding::not_applicable("about signed messages; this one is not signed"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, Tested, base64_body, case, find, mail_fixture, plain, recipient_key, smime};
    use super::*;
    use crate::Given;

    fn sent(id: &str, file: &str) -> Talk {
        Talk::ehlo(&[]).message(&smime(&format!("Message-ID: <{id}@x>\n"), file))
    }

    fn two(first: Talk, second: Talk) -> Tested {
        let given = Given { keys: vec![recipient_key()], ..Given::default() };
        case(vec![first.quit(), second.quit()], given)
    }

    #[test]
    fn one_signer_in_all_conversations() {
        let same = two(sent("1", "signed-opaque.der"), sent("2", "signed-sha1.der"));
        same.find(&CHECK, 0).observed("2 messages are signed with", &[&base64_body("signed-opaque.der")]);
        same.find(&CHECK, 1).observed("2 messages are signed with", &[&base64_body("signed-sha1.der")]);
        let inside = two(sent("1", "signed-opaque.der"), Talk::ehlo(&[]).message(&mail_fixture("sign-encrypt.eml")));
        inside.find(&CHECK, 1).observed("2 messages", &["MI…"]);
    }

    #[test]
    fn another_signer_wherever_it_is() {
        let other = two(sent("1", "signed-opaque.der"), sent("2", "signed-other.der"));
        other.find(&CHECK, 0).not_observed("and another message with", &[&base64_body("signed-opaque.der")]);
        other.find(&CHECK, 1).not_observed("and another message with", &[&base64_body("signed-other.der")]);
        let together = sent("1", "signed-opaque.der").message(&smime("Message-ID: <2@x>\n", "signed-other.der"));
        let quotes = ["signed-opaque.der", "signed-other.der"].map(base64_body);
        find(&CHECK, together.quit(), Given::default()).not_observed("another", &[&quotes[0], &quotes[1]]);
    }

    #[test]
    fn one_message_shows_nothing() {
        let alone = sent("1", "signed-opaque.der").quit();
        find(&CHECK, alone, Given::default()).undetermined("no other signed message");
        let again = two(sent("1", "signed-opaque.der"), sent("1", "signed-opaque.der"));
        again.find(&CHECK, 0).undetermined("no other signed message");
    }

    #[test]
    fn conversations_without_a_signature() {
        let unsigned = two(sent("1", "signed-opaque.der"), Talk::ehlo(&[]).message(&plain("", "x")));
        unsigned.find(&CHECK, 1).not_applicable("not signed");
        let sealed = Talk::ehlo(&[]).message(&mail_fixture("sign-encrypt.eml")).quit();
        find(&CHECK, sealed, Given::default()).undetermined("key is not at hand");
        find(&CHECK, Talk::ehlo(&[]).quit(), Given::default()).undetermined("no message was sent");
        let torn = Talk::ehlo(&[]).torn(&plain("", "some lost text"), "lost").quit();
        find(&CHECK, torn, Given::default()).undetermined("the whole message");
    }
}
