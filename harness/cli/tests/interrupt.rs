//! Ctrl-C while a capture comes through a pipe: the whole report is printed.

#![cfg(unix)]

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Duration;

use support::live::Audit;
use support::serve::wait_for;
use support::{have, only};

/// A capture with one conversation.
fn golden() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures/BAS-01.pcapng");
    fs::read(path).expect("a golden capture")
}

/// An audit that has read `bytes` from a pipe that stays open.
fn fed(bytes: &[u8]) -> Audit {
    let mut audit = Audit::start(&["-"]);
    let stdin = audit.stdin.as_mut().expect("a pipe");
    stdin.write_all(bytes).expect("the audit reads");
    // Long enough for the handler to stand; what waits in the pipe is read after the signal, too.
    thread::sleep(Duration::from_millis(500));
    audit
}

#[test]
fn an_open_pipe_ends_in_a_full_report() {
    if !have(&["kill"]) {
        return;
    }
    for (signal, cut) in [("-INT", 0), ("-TERM", 0), ("-INT", 5)] {
        let golden = golden();
        let audit = fed(&golden[..golden.len() - cut]);
        audit.signal(signal);
        let audited = audit.end();
        assert_eq!(audited.code, Some(0), "{:?}", audited.said);
        let outcome = audited.outcome();
        let conversation = only(outcome);
        assert!(
            conversation
                .transcript
                .iter()
                .any(|line| line.text == "QUIT")
        );
        let notes = &outcome.cases[0].capture.notes;
        assert!(
            notes
                .iter()
                .any(|note| note.contains("stopped by a signal")),
            "{notes:?}"
        );
        // Half a packet at the end is not held against the capture.
        assert!(
            audited.said.iter().all(|line| !line.starts_with("error")),
            "{:?}",
            audited.said
        );
    }
}

#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    if !have(&["kill"]) {
        return;
    }
    let audit = fed(&golden());
    audit.signal("-INT");
    wait_for(&audit.stderr, "Ctrl-C again ends at once");
    audit.signal("-INT");
    let audited = audit.end();
    assert_eq!(audited.code, Some(130));
    assert!(audited.outcome.is_err(), "half a report");
}

#[test]
fn before_anything_came_there_is_nothing_to_judge() {
    if !have(&["kill"]) {
        return;
    }
    let audit = fed(b"");
    audit.signal("-INT");
    let audited = audit.end();
    assert_eq!(audited.code, Some(2));
    let last = audited.said.last().cloned().unwrap_or_default();
    assert!(last.contains("the file is empty"), "{last}");
}
