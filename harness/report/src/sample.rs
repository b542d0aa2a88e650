//! An audit that was made up, for the tests of the renderers.

use claims::controls::Witnesses;
use claims::result::{CaptureFile, CaseOutcome, ConversationOutcome, Outcome, Tool};
use claims::{Brief, Case, Given, Profile, Tally, Verdict, judge};
use smtp::session::testing::dialogue;

/// A login and a message in clear; then one of an odd sender.
const TURNS: [&[(&str, &[u8])]; 2] = [
    &[
        ("S", b"220 mx.example ESMTP Postfix\r\n"),
        ("C", b"EHLO pc7.contoso.example\r\n"),
        ("S", b"250-mx.example\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"),
        ("C", b"AUTH PLAIN AHVzZXIAc2VjcmV0\r\n"),
        ("S", b"235 ok\r\n"),
        ("C", b"MAIL FROM:<ann@contoso.example>\r\n"),
        ("S", b"250 ok\r\n"),
        ("C", b"RCPT TO:<orders@fabrikam.example>\r\n"),
        ("S", b"250 ok\r\n"),
        ("C", b"DATA\r\n"),
        ("S", b"354 go\r\n"),
        (
            "C",
            b"Received: from x ([10.0.0.7]) by y\r\nFrom: ann@contoso.example\r\nTo: orders@fabrikam.example\r\n\
              Subject: order | <b>\r\nMessage-ID: <1@pc7.contoso.example>\r\n\r\nhello\r\n.\r\n",
        ),
        ("S", b"250 taken\r\n"),
        ("C", b"QUIT\r\n"),
        ("S", b"221 bye\r\n"),
    ],
    &[
        ("S", b"220 mx.example ESMTP\r\n"),
        ("C", b"EHLO \x1b]0;x\x07\xe2\x80\xae\r\n"),
        ("S", b"250 mx.example\r\n"),
        ("C", b"QUIT\r\n"),
    ],
];

/// Two conversations are listed of 300 that were counted.
pub(crate) fn audit() -> Outcome {
    audit_by(Profile::find("submission-8314").expect("it is shipped"))
}

/// The same, held against two standards of compliance.
pub(crate) fn controls() -> Outcome {
    let named = ["submission-8314", "nist-sp-800-53r5", "pci-dss-4.0.1"];
    let all = named.map(|id| Profile::find(id).expect("it is shipped").clone());
    audit_by(&Profile::together(&all).expect("they go together"))
}

fn audit_by(profile: &Profile) -> Outcome {
    let timelines = TURNS
        .iter()
        .map(|turns| smtp::session::read(&dialogue(turns)));
    let case = Case::new(timelines.collect(), Given::default());
    let tool = Tool {
        name: "smtpspec".to_owned(),
        version: "0.0.0".to_owned(),
    };
    let mut outcome = Outcome::begun(tool, "audit", profile);
    let mut tally = Tally::default();
    let mut witnesses = Witnesses::default();
    let judged = judge(&case, profile);
    let mut ids = Vec::new();
    for (number, (subject, verdicts)) in case.subjects().zip(judged).enumerate() {
        let id = format!("C1/{}", number + 1);
        let brief = Brief::of(&subject).named(&id);
        for _ in 0..150 {
            tally.add(&brief);
        }
        ids.push(id.clone());
        let conversation = ConversationOutcome::judged(id, &subject, verdicts).with_leaks(&subject);
        witnesses.add(profile, &conversation);
        outcome.add(conversation);
    }
    let answer = tally.answer();
    outcome.controls = witnesses.judge(profile, Some(&answer));
    outcome.answer = Some(answer);
    let words = profile.expectations().map(|(claim, _)| {
        let all = outcome.conversations.iter().flat_map(|one| &one.verdicts);
        let all = all
            .filter(|judged| judged.claim == claim.id)
            .map(|judged| judged.verdict);
        (claim.id.clone(), Verdict::over(all).expect("it was judged"))
    });
    outcome.cases.push(CaseOutcome {
        id: "C1".to_owned(),
        title: "field.pcapng".to_owned(),
        capture: CaptureFile {
            path: "field.pcapng".to_owned(),
            sha256: "0".repeat(64),
            packets: 4711,
            numbers: Some((1, 4711)),
            notes: vec!["packet 12: captured with 96 of 1514 bytes".to_owned()],
        },
        more_captures: vec![CaptureFile {
            path: "field_00002.pcapng".to_owned(),
            sha256: String::new(),
            packets: 90,
            numbers: Some((4712, 4801)),
            notes: Vec::new(),
        }],
        conversations: ids,
        met: false,
        problems: vec![
            "RFC8314-3 got fail; the profile submission-8314 expects it to hold".to_owned(),
        ],
        verdicts: words.collect(),
        ..CaseOutcome::default()
    });
    outcome
}
