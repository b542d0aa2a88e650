//! tshark, a reader of other hands, has nothing against any capture that the harness writes.

mod support;

use std::path::PathBuf;
use std::thread;

use lab::runner;
use support::{blemishes, folder, frames, have, pinned, smtpspec, text, timeline};

/// Where tshark errs: it does not undo the base64 of a CMS object inside a multipart, and takes its text for BER.
const EXPLAINED: [&str; 1] = ["SMI-25"];

/// How many tshark processes run side by side.
const SIDE_BY_SIDE: usize = 3;

#[test]
fn tshark_finds_no_fault_with_any_capture_of_the_catalogue() {
    if !have(&["tshark"]) {
        return;
    }
    let folder = folder();
    let outcome = pinned(
        runner::catalogue().expect("the catalogue is valid"),
        folder.path(),
    );
    let captures: Vec<PathBuf> = outcome
        .cases
        .iter()
        .filter(|case| !EXPLAINED.contains(&case.id.as_str()))
        .map(|case| PathBuf::from(&case.capture.path))
        .collect();
    assert!(captures.len() >= 30, "{} captures", captures.len());
    let faults: Vec<_> = thread::scope(|scope| {
        let share = captures.len().div_ceil(SIDE_BY_SIDE);
        let look = |captures: &[PathBuf]| -> Vec<(PathBuf, Vec<String>)> {
            captures
                .iter()
                .map(|one| (one.clone(), blemishes(one, 25, "tcp.analysis.flags")))
                .collect()
        };
        let workers: Vec<_> = captures
            .chunks(share)
            .map(|some| scope.spawn(move || look(some)))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("tshark reads every capture"))
            .filter(|(_, lines)| !lines.is_empty())
            .collect()
    });
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn tshark_and_the_harness_count_the_same_packets() {
    if !have(&["tshark"]) {
        return;
    }
    let folder = folder();
    let outcome = pinned(support::named(&["NON-01", "NLM-01"]), folder.path());
    for case in &outcome.cases {
        let capture = PathBuf::from(&case.capture.path);
        let all = frames(&capture, 25, "frame");
        assert_eq!(Some(&case.capture.packets), all.last(), "{}", case.id);
        let timeline = timeline(&capture);
        let (_, mail, _) = timeline
            .commands()
            .find(|(_, _, command)| command.verb == "MAIL")
            .expect("a MAIL command");
        assert_eq!(
            mail.packets,
            frames(&capture, 25, "smtp.req.command == \"MAIL\"")
        );
    }
}

#[test]
fn tshark_decrypts_tls_with_the_secrets_in_the_file() {
    if !have(&["tshark"]) {
        return;
    }
    let folder = folder();
    let output = smtpspec()
        .args(["run", "NON-01", "--twin", "starttls", "--out"])
        .arg(folder.path())
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let capture = folder.path().join("NON-01.pcapng");
    let mail = frames(&capture, 25, "smtp.req.command == \"MAIL\"");
    assert_eq!(mail.len(), 1, "MAIL is readable inside TLS");
    assert_eq!(
        mail,
        frames(&capture, 25, "tls && smtp.req.command == \"MAIL\"")
    );
    // The command is not in the file as it is: without the secrets there is nothing to see.
    assert_eq!(
        frames(&capture, 25, "frame contains \"MAIL FROM\""),
        Vec::<u64>::new()
    );
    let timeline = timeline(&capture);
    assert!(timeline.tls.is_some_and(|tls| tls.established));
}
