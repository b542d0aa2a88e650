//! Each claim of a standard, with a sender that breaks it and one that keeps it. What the bad twins of the reference
//! adapter are to its documentation, these dialogues are to the RFCs: a claim without both is not in the catalogue.

mod rfcs;

use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
use wire::NoteKind;

use super::testing::{CERTIFIED, Talk, case, ntlm_messages, ntlm_v1_message, plain, smime};
use crate::claim::Kind;
use crate::{Claim, Given, Profile, Verdict, judge};

fn offered() -> Talk {
    Talk::ehlo(&["STARTTLS", "AUTH LOGIN PLAIN NTLM"])
}

fn upgraded() -> Talk {
    offered().cs("STARTTLS", "220 go").tls()
}

fn mail() -> Talk {
    Talk::ehlo(&[]).message(&plain("", "x")).quit()
}

fn sealed(header: &str, file: &str) -> Talk {
    Talk::ehlo(&[]).message(&smime(header, file)).quit()
}

fn ntlm(third: &[u8]) -> Talk {
    let [first, second, _] = ntlm_messages("D", "u", "pw");
    offered()
        .cs("AUTH NTLM", "334 ntlm supported")
        .cs(
            &BASE64.encode(first),
            &format!("334 {}", BASE64.encode(second)),
        )
        .cs(&BASE64.encode(third), "235 ok")
        .quit()
}

fn body(bytes: &str) -> Talk {
    Talk::ehlo(&[])
        .envelope("<a@b.example>", &["<c@d.example>"])
        .turn("C", format!("Subject: x\r\n\r\n{bytes}\r\n.\r\n"))
        .s("250 taken")
        .quit()
}

/// Claim, a sender that breaks it, a sender that keeps it.
fn table() -> Vec<(&'static str, Talk, Talk)> {
    let refused = || offered().cs("STARTTLS", "454 later");
    let label = "Content-Type: application/pkcs7-mime\n";
    let shorter = Talk::ehlo(&["AUTH LOGIN NTLM"])
        .again(&["AUTH LOGIN"])
        .quit();
    vec![
        ("RFC8314-3", mail(), upgraded()),
        (
            "RFC8314-4.1",
            Talk::silent().tls_as(0x0301, 0xc02f),
            Talk::silent().tls_as(0x0304, 0x1301),
        ),
        (
            "RFC8314-5.2",
            refused().message(&plain("", "x")).quit(),
            refused().quit(),
        ),
        (
            "RFC9325-4.1",
            Talk::silent().tls_as(0x0303, 0x0005),
            upgraded(),
        ),
        (
            "RFC8314-4.4",
            Talk::silent().tls_certified(),
            Talk::silent().tls_certified().at(CERTIFIED),
        ),
        ("RFC8446-4.1.3", Talk::silent().tls_downgraded(), upgraded()),
        (
            "RFC3207-4",
            offered().message(&plain("", "x")).quit(),
            upgraded(),
        ),
        (
            "RFC3207-4.2",
            offered()
                .c("STARTTLS")
                .turn("S", "220 go\r\n250 x\r\n")
                .tls(),
            upgraded(),
        ),
        ("RFC3207-6", Talk::ehlo(&["XXXXXXXA"]).quit(), upgraded()),
        (
            "RFC4954-4",
            offered().cs("AUTH PLAIN AGEAYg==", "235 ok").quit(),
            upgraded(),
        ),
        (
            "RFC4422-3.2",
            offered().cs("AUTH PLAIN AGEAYg==", "235 ok").quit(),
            offered().ntlm("D", "u", "pw", "235 ok").quit(),
        ),
        (
            "RFC4422-6.1.2",
            shorter,
            Talk::ehlo(&["AUTH LOGIN"]).again(&["AUTH LOGIN"]).quit(),
        ),
        (
            "MSNLMP-5.1",
            ntlm(&ntlm_v1_message(&[7; 24], &[9; 24])),
            ntlm(&ntlm_messages("D", "u", "pw")[2]),
        ),
        (
            "RFC9293-3.10",
            mail().note(NoteKind::ConflictingOverlap, 4),
            mail(),
        ),
        ("RFC5321-2.3.8", body("a\nb"), body("a\r\nb")),
        ("RFC5321-4.1.1.4", body("a\n.\nb"), body("a\r\n..\r\nb")),
        (
            "RFC8551-2.7",
            sealed("", "enveloped-3des.der"),
            sealed("", "enveloped-aes256.ber"),
        ),
        (
            "RFC8551-3.2",
            Talk::ehlo(&[]).message(&plain(label, "x")).quit(),
            sealed("", "enveloped-aes256.ber"),
        ),
        (
            "RFC8551-3.1",
            sealed("Subject: merger\n", "enveloped-aes256.ber"),
            sealed("Subject: [...]\n", "enveloped-aes256.ber"),
        ),
    ]
}

/// The verdict on one claim, and the reason for it.
fn verdict(claim: &str, talk: Talk) -> (Verdict, String) {
    let profile = Profile::all()
        .iter()
        .find(|one| one.expectations().any(|(known, _)| known.id == claim))
        .unwrap_or_else(|| panic!("no profile expects {claim}"));
    let tested = case(vec![talk], Given::default());
    let judged = judge(tested.case(), profile).remove(0);
    let one = judged.into_iter().find(|judged| judged.claim.id == claim);
    let one = one.expect("the profile expects it");
    assert!(
        one.verdict < Verdict::Pass || !one.evidence.is_empty(),
        "{claim}: no evidence"
    );
    (one.verdict, one.reason.into_owned())
}

#[test]
fn every_claim_of_a_standard_fails_for_a_bad_sender_and_passes_for_a_good_one() {
    let mut table = table();
    table.extend(rfcs::table());
    for claim in Claim::all()
        .iter()
        .filter(|claim| claim.kind == Kind::Standard)
    {
        assert!(
            table.iter().any(|(id, ..)| *id == claim.id),
            "nobody breaks {}",
            claim.id
        );
    }
    for (claim, bad, good) in table {
        let (word, reason) = verdict(claim, bad);
        assert_eq!(word, Verdict::Fail, "{claim}, the bad sender: {reason}");
        let (word, reason) = verdict(claim, good);
        assert_eq!(word, Verdict::Pass, "{claim}, the good sender: {reason}");
    }
}

#[test]
fn a_connection_without_a_word_passes_nothing() {
    let find = |id| Profile::find(id).expect("it is shipped");
    let profiles = [find("submission-8314"), find("rfc-strict")];
    let profile = Profile::together(&profiles.map(Clone::clone)).expect("they agree");
    for talk in [
        Talk::silent(),
        Talk::silent().closed(),
        Talk::silent().s("220 mx"),
    ] {
        let tested = case(vec![talk], Given::default());
        for judged in judge(tested.case(), &profile).remove(0) {
            let vacuous = judged.verdict >= Verdict::Pass && judged.claim.id != "RFC9293-3.10";
            assert!(!vacuous, "{}: {}", judged.claim.id, judged.reason);
        }
    }
}
