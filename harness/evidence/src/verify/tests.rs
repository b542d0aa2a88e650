use std::fs;
use std::path::Path;

use rstest::rstest;

use super::*;
use crate::journal::{Journal, Line};
use crate::testing::{Served, Stopped, Wish};

/// A folder with three messages of one connection.
async fn stored() -> Stopped {
    let served = Served::start(Wish::default());
    let mut client = served.client().await;
    for word in ["one", "two", "three"] {
        let text = format!("Subject: {word}\r\n\r\n..{word}\r\n");
        assert!(client.deliver(&text).await.starts_with("250 "));
    }
    assert!(client.say("QUIT").await.starts_with("221 "));
    drop(client);
    served.stop().await
}

fn entries(folder: &Path) -> Vec<Line> {
    let mut lines = Vec::new();
    journal::read(folder, |line| lines.push(line)).expect("a journal");
    lines
}

fn file(folder: &Path, number: usize) -> PathBuf {
    match &entries(folder)[number] {
        Line::Message(entry) => folder.join(&entry.file),
        Line::Removed { .. } => panic!("no message"),
    }
}

/// Writes the journal again, with its lines changed.
fn enter(folder: &Path, change: impl FnOnce(&mut Vec<Line>)) {
    let mut lines = entries(folder);
    change(&mut lines);
    fs::remove_file(folder.join(journal::NAME)).expect("there");
    let journal = Journal::open(folder).expect("made");
    journal.append(&lines).expect("written");
}

fn second(lines: &mut [Line]) -> &mut crate::journal::Entry {
    match &mut lines[1] {
        Line::Message(entry) => entry,
        Line::Removed { .. } => panic!("no message"),
    }
}

fn one_byte_is_another(folder: &Path) {
    let path = file(folder, 1);
    let text = fs::read_to_string(&path).expect("stored");
    fs::write(path, text.replace("two\r\n\r\n", "twO\r\n\r\n")).expect("written");
}

fn a_line_end_is_missing(folder: &Path) {
    let path = file(folder, 1);
    let bytes = fs::read(&path).expect("stored");
    fs::write(path, &bytes[..bytes.len() - 2]).expect("written");
}

fn a_file_is_missing(folder: &Path) {
    fs::remove_file(file(folder, 1)).expect("there");
}

fn a_message_is_forgotten(folder: &Path) {
    fs::remove_file(file(folder, 1)).expect("there");
    enter(folder, |lines| {
        lines.remove(1);
    });
}

fn an_entry_is_missing(folder: &Path) {
    enter(folder, |lines| {
        lines.remove(1);
    });
}

fn an_entry_stands_twice(folder: &Path) {
    enter(folder, |lines| lines.push(lines[1].clone()));
}

fn a_message_is_stored_twice(folder: &Path) {
    let from = file(folder, 1);
    let to = from.with_file_name("again");
    fs::copy(from, to).expect("copied");
    enter(folder, |lines| {
        lines.push(lines[1].clone());
        if let Some(Line::Message(entry)) = lines.last_mut() {
            entry.file = "messages/new/again".to_owned();
        }
    });
}

fn a_file_comes_from_elsewhere(folder: &Path) {
    fs::write(folder.join("messages/new/other"), "x").expect("written");
}

fn the_hash_is_another(folder: &Path) {
    enter(folder, |lines| second(lines).sha256 = "00".repeat(32));
}

fn the_size_is_another(folder: &Path) {
    enter(folder, |lines| second(lines).size += 1);
}

fn a_recipient_is_added(folder: &Path) {
    enter(folder, |lines| {
        second(lines).recipients.push("TO:<c@x>".to_owned());
    });
}

fn the_sender_is_another(folder: &Path) {
    enter(folder, |lines| second(lines).from = "FROM:<c@x>".to_owned());
}

fn it_is_said_to_be_under_tls(folder: &Path) {
    enter(folder, |lines| second(lines).tls = true);
}

fn the_wire_is_another(folder: &Path) {
    let path = folder.join("serve-000001.pcapng");
    let mut bytes = fs::read(&path).expect("a capture");
    let at = bytes
        .windows(12)
        .position(|window| window == b"Subject: two")
        .expect("it crossed");
    bytes[at + 9] = b'T';
    fs::write(path, bytes).expect("written");
}

#[rstest]
#[case(one_byte_is_another, "byte 11 is the first that differs")]
#[case(a_line_end_is_missing, "byte 20 is the first that differs")]
#[case(a_file_is_missing, "cannot be read")]
#[case(a_message_is_forgotten, "acknowledged and is not stored")]
#[case(an_entry_is_missing, "has no entry, and was acknowledged")]
#[case(an_entry_stands_twice, "entered twice")]
#[case(a_message_is_stored_twice, "stored and not on the wire")]
#[case(a_file_comes_from_elsewhere, "has no entry, and is not on the wire")]
#[case(the_hash_is_another, "another SHA-256")]
#[case(the_size_is_another, "another size")]
#[case(a_recipient_is_added, "other recipients")]
#[case(the_sender_is_another, "another sender")]
#[case(it_is_said_to_be_under_tls, "under TLS")]
#[case(the_wire_is_another, "byte 9 is the first that differs")]
#[tokio::test]
async fn planted_damage_is_found(#[case] damage: fn(&Path), #[case] found: &str) {
    let stopped = stored().await;
    let folder = &stopped.folder;
    let report = verify(folder).expect("readable");
    assert!(report.agrees() && report.agree == 3, "{report}");
    damage(folder);
    let report = verify(folder).expect("readable");
    let [difference] = report.differences.as_slice() else {
        panic!("{report}");
    };
    assert!(difference.what.contains(found), "{report}");
    let on_the_wire = !["entered twice", "not on the wire"]
        .iter()
        .any(|what| found.contains(what));
    assert_eq!(!difference.packets.is_empty(), on_the_wire, "{report}");
    assert_eq!(
        difference.shown.contains("serve-000001.pcapng, packet"),
        on_the_wire,
        "{report}"
    );
}

#[tokio::test]
async fn a_reader_of_the_maildir_may_move_messages() {
    let stopped = stored().await;
    let from = file(&stopped.folder, 1);
    let name = from
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let to = stopped.folder.join(format!("messages/cur/{name}:2,S"));
    fs::rename(from, to).expect("moved");
    let report = verify(&stopped.folder).expect("readable");
    assert!(report.agrees() && report.agree == 3, "{report}");
}

#[test]
fn a_folder_without_messages_is_no_evidence_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = verify(folder.path()).expect_err("nothing there");
    assert!(
        error.to_string().contains("there is no journal.jsonl"),
        "{error}"
    );
}
