//! Live capture: what crosses loopback is judged when Ctrl-C comes, finished or not.

mod support;

use std::thread;
use std::time::Duration;

use claims::result::{ConversationOutcome, Outcome};
use support::live::{Audit, half_a_mail};
use support::serve::{Serve, curl};
use support::{folder, good, have, skipped};

/// An audit that listens on loopback; nothing where it may not.
fn listening() -> Option<Audit> {
    let audit = Audit::start(&["--interface", "lo"]);
    match audit.stderr.recv_timeout(Duration::from_secs(30)) {
        Ok(line) if line.starts_with("listening on lo") => Some(audit),
        Ok(line) => {
            assert!(line.contains("it needs root or CAP_NET_RAW"), "{line}");
            skipped(&line);
            None
        }
        Err(error) => panic!("the audit says nothing: {error}"),
    }
}

/// The conversation with the server on a port. Others may talk on loopback, too.
fn with(outcome: &Outcome, port: u16) -> &ConversationOutcome {
    let server = format!("127.0.0.1:{port}");
    let all: Vec<_> = outcome
        .conversations
        .iter()
        .filter(|one| one.server == server)
        .collect();
    assert_eq!(all.len(), 1, "{server}: {} conversations", all.len());
    all[0]
}

fn said(conversation: &ConversationOutcome, what: &str) -> bool {
    let mut lines = conversation.transcript.iter();
    lines.any(|line| line.text.starts_with(what))
}

#[test]
fn ctrl_c_ends_in_a_report_of_what_was_finished_and_what_was_not() {
    if !have(&["curl", "kill"]) {
        return;
    }
    let Some(audit) = listening() else { return };
    let (whole_folder, half_folder) = (folder(), folder());
    let whole = Serve::start(whole_folder.path());
    let half = Serve::start(half_folder.path());
    let (whole_port, half_port) = (whole.port, half.port);
    good(&curl(whole_folder.path(), whole_port, &[]), "curl");
    let served = whole.end();
    let under_way = half_a_mail(half_port);
    audit.signal("-INT");
    let audited = audit.end();
    drop(under_way);

    let outcome = audited.outcome();
    assert!(
        matches!(audited.code, Some(0 | 1)),
        "{:?} {:?}",
        audited.code,
        audited.said
    );
    assert_eq!(audited.code == Some(0), outcome.met());
    let capture = &outcome.cases[0].capture;
    assert_eq!(
        (capture.path.as_str(), capture.sha256.as_str()),
        ("interface lo", "")
    );
    let notes = &capture.notes;
    assert!(
        notes
            .iter()
            .any(|note| note.contains("stopped by a signal")),
        "{notes:?}"
    );

    let finished = with(outcome, whole_port);
    assert!(said(finished, "QUIT"));
    // The tap of the server saw the same session.
    let words = |one: &ConversationOutcome| -> Vec<_> {
        let verdicts = one.verdicts.iter();
        verdicts
            .map(|one| (one.claim.clone(), one.verdict))
            .collect()
    };
    assert_eq!(
        words(finished),
        words(support::only(&served.outcome)),
        "verdicts"
    );
    let unfinished = with(outcome, half_port);
    assert!(said(unfinished, "DATA") && !said(unfinished, "QUIT"));
    let torn = "the capture does not hold the whole message";
    let mut judged = unfinished.verdicts.iter();
    assert!(
        judged.any(|one| one.reason.contains(torn)),
        "{unfinished:#?}"
    );
}

#[test]
fn silence_on_the_line_does_not_keep_it() {
    if !have(&["kill"]) {
        return;
    }
    let Some(audit) = listening() else { return };
    thread::sleep(Duration::from_millis(300));
    audit.signal("-TERM");
    let audited = audit.end();
    // Where no mail crossed, nothing was judged, and that is said. Other programs may talk on loopback, too.
    if audited.code == Some(2) {
        let last = audited.said.last().cloned().unwrap_or_default();
        assert!(last.contains("lo: no SMTP conversation"), "{last}");
        assert!(audited.outcome.is_err());
    } else {
        assert!(!audited.outcome().conversations.is_empty());
    }
}
