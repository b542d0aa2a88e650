//! The evidence folder of `smtpspec serve`: captures that follow each other, messages, and their comparison.

#![cfg(unix)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use claims::result::Outcome;
use support::serve::{ALICE, ALICE_PASSWORD, MESSAGE, Serve, curl};
use support::talk::Talk;
use support::{folder, have, smtpspec, text};

/// A client that has said who it is.
fn connected(port: u16) -> Talk {
    let mut client = Talk::greeted(port);
    client.expect("HELO client.example", "250 ");
    client
}

/// A message that takes its place in a capture.
fn long(subject: &str) -> String {
    let body = "..text text text text text text\r\n".repeat(300);
    format!("Subject: {subject}\r\n\r\n{body}")
}

fn captures(out: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(out).expect("a folder");
    let paths = entries.map(|entry| entry.expect("there").path());
    let mut captures: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|one| one == "pcapng"))
        .collect();
    captures.sort();
    captures
}

/// The exit status of the comparison, and what it said.
fn compared(out: &Path) -> (Option<i32>, String) {
    let run = smtpspec().arg("verify").arg(out).output();
    let run = run.expect("the binary starts");
    (run.status.code(), text(&run.stdout) + &text(&run.stderr))
}

/// What the audit says of captures.
fn audited(captures: &Path) -> Outcome {
    let run = smtpspec()
        .args(["audit", "--format", "json"])
        .arg(captures)
        .output()
        .expect("the binary starts");
    serde_json::from_slice(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

#[test]
fn captures_follow_each_other_and_are_read_as_one() {
    let folder = folder();
    let out = folder.path().join("out");
    let serve = Serve::start_with(
        folder.path(),
        &[
            "--connections",
            "3",
            "--rotate-size",
            "64KiB",
            "--messages",
            "eml",
        ],
    );
    let mut clients: Vec<_> = (0..3).map(|_| connected(serve.port)).collect();
    for round in 0..8 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.deliver(&long(&format!("{round}/{number}")));
        }
    }
    for mut client in clients {
        client.expect("QUIT", "221 ");
    }
    let served = serve.end().outcome;
    let case = &served.cases[0];
    let all: Vec<_> = std::iter::once(&case.capture)
        .chain(&case.more_captures)
        .collect();
    let on_disk = captures(&out);
    assert!(all.len() > 3, "{all:?}");
    assert_eq!(all.len(), on_disk.len());
    let mut next = 1;
    for (one, path) in all.iter().zip(&on_disk) {
        assert_eq!(Path::new(&one.path), path);
        assert_eq!(one.sha256, smtpspec::road::sha256(path).expect("a file"));
        let (first, last) = one.numbers.expect("there are several");
        assert_eq!((first, last - first + 1), (next, one.packets));
        next = last + 1;
    }
    let audited = audited(&out);
    assert_eq!(audited.cases[0].verdicts, case.verdicts);
    let packets = |outcome: &Outcome| -> Vec<_> {
        let conversations = outcome.conversations.iter();
        let mut all: Vec<_> = conversations
            .flat_map(|one| &one.transcript)
            .map(|line| (line.packets.clone(), line.text.clone()))
            .collect();
        all.sort();
        all
    };
    assert_eq!(packets(&audited), packets(&served), "numbered alike");
    let (code, said) = compared(&out);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.starts_with("24 acknowledged on the wire, 24 stored; 24 agree byte for byte\n"),
        "{said}"
    );
}

#[test]
fn old_captures_are_removed_once_they_are_judged() {
    if !have(&["kill"]) {
        return;
    }
    let folder = folder();
    let out = folder.path().join("out");
    let serve = Serve::start_with(
        folder.path(),
        &[
            "--rotate-size",
            "64KiB",
            "--keep",
            "2",
            "--messages",
            "maildir",
        ],
    );
    for number in 0..12 {
        let mut client = connected(serve.port);
        client.deliver(&long(&format!("{number}/1")));
        client.deliver(&long(&format!("{number}/2")));
        client.expect("QUIT", "221 ");
    }
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while captures(&out).len() > 2 {
        assert!(std::time::Instant::now() < deadline, "they stay");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    serve.signal("-INT");
    let served = serve.end().outcome;
    let answer = served.answer.as_ref().expect("an answer");
    assert_eq!((answer.conversations, answer.messages.accepted), (12, 24));
    let case = &served.cases[0];
    assert!(case.more_captures.len() > 3);
    assert!(
        case.capture
            .notes
            .iter()
            .any(|note| note.contains("no longer in the folder"))
    );
    let (code, said) = compared(&out);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("stored whose captures were removed"),
        "{said}"
    );
}

#[test]
fn what_came_under_tls_is_compared_and_damage_is_named() {
    if !have(&["curl"]) {
        return;
    }
    let folder = folder();
    let out = folder.path().join("out");
    let arguments = [
        "--connections",
        "1",
        "--messages",
        "maildir",
        "--durability",
        "disk",
    ];
    let serve = Serve::start_with(folder.path(), &arguments);
    let login = format!("{ALICE}:{ALICE_PASSWORD}");
    let sent = curl(
        folder.path(),
        serve.port,
        &["--ssl-reqd", "--insecure", "--user", &login],
    );
    assert!(sent.status.success(), "{sent:?}");
    serve.end();
    // A second run writes nothing over, and goes on with the journal.
    let serve = Serve::start_with(folder.path(), &arguments);
    assert!(curl(folder.path(), serve.port, &[]).status.success());
    drop(serve);
    let names: Vec<_> = captures(&out)
        .iter()
        .map(|path| path.file_name().expect("a name").to_owned())
        .collect();
    assert_eq!(names, ["serve-000001.pcapng", "serve-000002.pcapng"]);
    let (code, said) = compared(&out);
    assert_eq!(code, Some(0), "{said}");
    let journal = fs::read_to_string(out.join("journal.jsonl")).expect("a journal");
    let entries: Vec<serde_json::Value> = journal
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(
        (&entries[0]["tls"], &entries[0]["authenticated"]),
        (&true.into(), &true.into())
    );
    assert_eq!(
        (&entries[1]["tls"], &entries[1]["authenticated"]),
        (&false.into(), &false.into())
    );
    let stored = out.join(entries[0]["file"].as_str().expect("a path"));
    let mut message = fs::read(&stored).expect("stored");
    assert_eq!(message, MESSAGE);
    message[0] ^= 1;
    fs::write(&stored, message).expect("written");
    let (code, said) = compared(&out);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("byte 0 is the first that differs (serve-000001.pcapng, packet"),
        "{said}"
    );
}

#[test]
fn a_folder_without_messages_cannot_be_compared() {
    let folder = folder();
    let (code, said) = compared(folder.path());
    assert_eq!(code, Some(2));
    assert!(said.contains("there is no journal.jsonl"), "{said}");
}
