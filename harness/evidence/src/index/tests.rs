use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;

use claims::Verdict;
use rusqlite::types::Value;

use super::*;
use crate::journal::{self, Line};

fn mail(sender: &str) -> Message {
    Message {
        reverse_path: sender.to_owned(),
        recipients: vec![
            ("b@x".to_owned(), Some(true)),
            ("c@x".to_owned(), Some(false)),
        ],
        accepted: Some(true),
        message_id: Some("<1@x>".to_owned()),
        subject: None,
        wire_octets: Some(100),
        body: Some("readable"),
        under_tls: false,
        packet: Some(9),
    }
}

fn entry(number: u16, mails: Vec<Message>) -> Entry {
    let judged = |claim: &str, verdict, reason: &str| Judged {
        claim: claim.to_owned(),
        verdict,
        reason: reason.to_owned(),
        packets: vec![1, 2],
    };
    let session = Session {
        name: format!("S1/{number}"),
        client: format!("[2001:db8::1]:{number}"),
        server: "192.0.2.25:25".to_owned(),
        protocol: "smtp".to_owned(),
        began: "2026-11-26T10:00:00.5Z".to_owned(),
        ended: "2026-11-26T10:00:01Z".to_owned(),
        packets: Some((7, 30)),
        octets: [1, 2, 0],
        helo: Some("client".to_owned()),
        tls: None,
        messages: mails.len() as u64,
        accepted: mails.len() as u64,
        more_mails: 0,
        mails,
        logins: vec![Login {
            mechanism: "NTLM".to_owned(),
            user: Some("bob".to_owned()),
            domain: Some("CORP".to_owned()),
            workstation: Some("PC7".to_owned()),
            claimed_os: None,
            response: Some("NTLMv2".to_owned()),
            outcome: "accepted".to_owned(),
            exposure: "guessable",
            under_tls: false,
            packet: Some(8),
        }],
        exposures: vec![Exposed {
            kind: Kind::Response,
            what: "CORP\\bob".to_owned(),
            place: "NTLM".to_owned(),
            packet: Some(8),
        }],
        counts: BTreeMap::from([
            (Verdict::Pass, 1),
            (Verdict::Fail, 1),
            (Verdict::NotApplicable, 3),
        ]),
        verdicts: vec![
            judged("X-1", Verdict::Pass, "it holds"),
            judged("X-2", Verdict::Fail, "'; DROP TABLE sessions; --"),
        ],
    };
    Entry {
        packed: pack(session.name.as_bytes()),
        session,
    }
}

fn stored(number: u16, message: u32, sender: &str) -> Line {
    Line::Message(Box::new(journal::Entry {
        file: format!("messages/{number}.{message}.eml"),
        connection: number.into(),
        message,
        time: "2026-11-26T10:00:00.9Z".to_owned(),
        peer: format!("[2001:db8::1]:{number}"),
        helo: "client".to_owned(),
        from: format!("FROM:<{sender}> SIZE=90"),
        recipients: vec!["TO:<b@x>".to_owned()],
        tls: false,
        authenticated: true,
        size: 90 + u64::from(message),
        sha256: format!("{message:064}"),
        begun_in: "serve-000001.pcapng".to_owned(),
        capture: "serve-000001.pcapng".to_owned(),
    }))
}

fn append(folder: &Path, lines: &[Line]) {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join(journal::NAME))
        .expect("a file");
    for line in lines {
        let text = serde_json::to_string(line).expect("a line");
        writeln!(file, "{text}").expect("written");
    }
}

fn opened(folder: &Path) -> Index {
    let opened = Index::open(folder, "serve-000001.pcapng", "p");
    opened.expect("an index").0
}

/// All rows of what a query finds.
fn rows(folder: &Path, query: &str) -> Vec<Vec<Value>> {
    let connection = Connection::open(folder.join(NAME)).expect("an index");
    let mut statement = connection.prepare(query).expect("a query");
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect());
    rows.expect("rows")
        .collect::<Result<_, _>>()
        .expect("a row")
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn a_session_can_be_queried() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut index = opened(folder);
    let captures = [
        ("serve-000001.pcapng".to_owned(), 1),
        ("serve-000002.pcapng".to_owned(), 5),
    ];
    index
        .write(&[entry(1, vec![mail("a@x")])], &captures)
        .expect("written");
    let found = rows(
        folder,
        "SELECT v.claim, v.reason, v.packets, s.client, p.capture, p.packet FROM verdicts v \
         JOIN sessions s ON s.id = v.session JOIN places p ON p.session = s.id WHERE v.verdict = 'fail'",
    );
    let wanted = [
        text("X-2"),
        text("'; DROP TABLE sessions; --"),
        text("[1,2]"),
        text("2001:db8::1"),
        text("serve-000002.pcapng"),
        Value::Integer(3),
    ];
    assert_eq!(found, [wanted]);
    let found = rows(
        folder,
        "SELECT user, domain, workstation, response, exposure FROM identities",
    );
    assert_eq!(
        found[0],
        ["bob", "CORP", "PC7", "NTLMv2", "guessable"].map(text)
    );
    let found = rows(folder, "SELECT address, accepted FROM recipients");
    assert_eq!(found[1], [text("c@x"), Value::Integer(0)]);
    assert_eq!(rows(folder, "SELECT * FROM reasons").len(), 2);
    // It is written in one piece: the second of these has the name of the first.
    let error = index.write(&[entry(2, Vec::new()), entry(1, Vec::new())], &captures);
    assert!(error.is_err());
    assert_eq!(rows(folder, "SELECT * FROM sessions").len(), 1);
    let integrity = rows(folder, "PRAGMA integrity_check");
    assert_eq!(integrity, [[text("ok")]]);
}

#[test]
fn stored_messages_are_found_by_client_time_and_sender() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut index = opened(folder);
    append(
        folder,
        &[
            stored(1, 1, "a@x"),
            stored(2, 1, "other@x"),
            stored(1, 2, "b@x"),
        ],
    );
    // A message that was refused was not stored, one of another sender is another.
    let mut refused = mail("a@x");
    refused.accepted = Some(false);
    let mails = vec![refused, mail("a@x"), mail("c@x"), mail("b@x")];
    index.write(&[entry(1, mails)], &[]).expect("written");
    let files = || rows(folder, "SELECT file FROM messages ORDER BY id");
    let wanted = [
        Value::Null,
        text("messages/1.1.eml"),
        Value::Null,
        text("messages/1.2.eml"),
    ];
    assert_eq!(files().concat(), wanted);
    let pending = || rows(folder, "SELECT file FROM pending").concat();
    assert_eq!(pending(), [text("messages/2.1.eml")]);
    // A line that is not whole yet is read once it is.
    let line = serde_json::to_string(&stored(3, 1, "a@x")).expect("a line");
    let (first, second) = line.split_at(40);
    let path = folder.join(journal::NAME);
    let mut file = OpenOptions::new().append(true).open(path).expect("there");
    file.write_all(first.as_bytes()).expect("written");
    index.write(&[], &[]).expect("written");
    assert_eq!(pending().len(), 1);
    file.write_all(format!("{second}\n").as_bytes())
        .expect("written");
    let mut long = entry(3, Vec::new());
    long.session.more_mails = 1;
    index.write(&[long], &[]).expect("written");
    assert_eq!(
        files().concat()[4],
        text("messages/3.1.eml"),
        "by the journal alone"
    );
}

#[test]
fn it_has_one_writer_and_remembers_who_did_not_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let (mut index, lacks) = Index::open(folder, "serve-000001.pcapng", "p").expect("made");
    assert!(!lacks);
    let error = Index::open(folder, "serve-000002.pcapng", "p").expect_err("it is taken");
    assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
    index.write(&[entry(1, Vec::new())], &[]).expect("written");
    drop(index);
    let (mut index, lacks) = Index::open(folder, "serve-000002.pcapng", "p").expect("opened");
    assert!(lacks, "the first run was not completed");
    index
        .write(&[entry(1, Vec::new())], &[])
        .expect("another run has the same names");
    index.complete().expect("written");
    drop(index);
    let reader = Reader::open(folder).expect("an index");
    let all = reader.before(None, 10).expect("read");
    let runs: Vec<_> = all.iter().map(|one| (one.run, one.name.as_str())).collect();
    assert_eq!(runs, [(2, "S1/1"), (1, "S1/1")]);
    assert_eq!(all[0].account.as_deref(), Some("CORP\\bob"));
    assert_eq!(all[0], Brief::of(2, &entry(1, Vec::new()).session));
    let rest = reader.before(Some((2, "S1/1")), 10).expect("read");
    assert_eq!(rest, all[1..]);
    assert!(
        reader
            .before(Some((9, "S1/1")), 10)
            .expect("read")
            .is_empty()
    );
    assert_eq!(
        reader.details(1, "S1/1").expect("read").as_deref(),
        Some(&b"S1/1"[..])
    );
    assert_eq!(reader.details(1, "S1/2").expect("read"), None);
}

#[test]
fn made_anew_it_takes_the_place_of_the_old_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut index = opened(folder);
    index.write(&[entry(1, Vec::new())], &[]).expect("written");
    let error = Index::anew(folder).expect_err("a server writes it");
    assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
    drop(index);
    let mut anew = Index::anew(folder).expect("made");
    anew.index.begin("serve-000001.pcapng", "p").expect("begun");
    anew.index
        .write(&[entry(1, Vec::new()), entry(2, Vec::new())], &[])
        .expect("written");
    anew.index.complete().expect("written");
    anew.finish().expect("moved");
    assert_eq!(rows(folder, "SELECT * FROM sessions").len(), 2);
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("there").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["index.lock", "index.sqlite"]);
}

#[test]
fn what_another_version_made_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    drop(opened(folder));
    let connection = Connection::open(folder.join(NAME)).expect("an index");
    connection
        .pragma_update(None, "user_version", 2)
        .expect("written");
    drop(connection);
    let error = Index::open(folder, "serve-000002.pcapng", "p").expect_err("not ours");
    assert!(error.to_string().contains("version 2"), "{error}");
    fs::write(
        folder.join(NAME),
        "no database at all, and long enough to be looked at",
    )
    .expect("written");
    assert!(Index::open(folder, "serve-000002.pcapng", "p").is_err());
}

#[test]
fn packing_is_undone_and_has_a_bound() {
    let json = br#"{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#;
    assert_eq!(unpack(&pack(json)).expect("unpacked"), json);
    assert!(pack(json).len() < json.len());
    assert!(unpack(b"\xff\xff").is_err());
    let bomb = pack(&vec![0; usize::try_from(LONGEST).expect("64 bits") + 1]);
    assert!(unpack(&bomb).is_err());
}
