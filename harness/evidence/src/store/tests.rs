use std::fs;
use std::path::Path;

use rstest::rstest;

use super::*;
use crate::captures::Rotate;
use crate::testing::{Served, Wish};
use crate::verify::verify;

fn entries(folder: &Path) -> Vec<Entry> {
    let mut entries = Vec::new();
    crate::journal::read(folder, |line| match line {
        Line::Message(entry) => entries.push(*entry),
        Line::Removed { .. } => {}
    })
    .expect("a journal");
    entries
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).expect("a folder").count()
}

#[rstest]
#[case(Form::Maildir, Durability::Os)]
#[case(Form::Eml, Durability::Os)]
#[case(Form::Maildir, Durability::None)]
#[case(Form::Eml, Durability::Disk)]
#[tokio::test]
async fn a_message_is_stored_as_it_came(#[case] form: Form, #[case] durability: Durability) {
    let wish = Wish {
        form,
        durability,
        ..Wish::default()
    };
    let served = Served::start(wish);
    let mut client = served.client().await;
    let reply = client.deliver("Subject: x\r\n\r\n..a\r\nb\n\r\n").await;
    assert!(reply.starts_with("250 "), "{reply}");
    let folder = served.folder();
    let entries = entries(folder);
    let [entry] = entries.as_slice() else {
        panic!("{entries:?}");
    };
    let path = folder.join(&entry.file);
    let message = b"Subject: x\r\n\r\n.a\r\nb\n\r\n";
    assert_eq!(fs::read(&path).expect("stored"), message);
    assert_eq!(entry.size, message.len() as u64);
    assert_eq!(entry.sha256, hex::encode(Sha256::digest(message)));
    assert_eq!(entry.from, "FROM:<a@client.example>");
    assert_eq!(entry.recipients, ["TO:<b@server.example>"]);
    assert_eq!(
        (
            entry.connection,
            entry.message,
            entry.tls,
            entry.authenticated
        ),
        (1, 1, false, false)
    );
    assert_eq!(entry.capture, "serve-000001.pcapng");
    assert_eq!(count(&folder.join("messages/tmp")), 0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&folder.join("messages")), 0o700);
        assert_eq!(mode(&folder.join("journal.jsonl")), 0o600);
    }
}

#[tokio::test]
async fn what_is_acknowledged_is_in_the_capture_already() {
    let served = Served::start(Wish::default());
    let mut client = served.client().await;
    for number in 0..3 {
        let reply = client
            .deliver(&format!("Subject: {number}\r\n\r\nx\r\n"))
            .await;
        assert!(reply.starts_with("250 "));
        // The server goes on; whoever reads the folder now sees what was acknowledged.
        let report = verify(served.folder()).expect("readable");
        assert!(report.agrees(), "{report}");
        assert_eq!(report.agree + report.in_doubt, number + 1, "{report}");
    }
}

#[tokio::test]
async fn a_long_message_goes_to_its_file_and_an_aborted_one_leaves_nothing() {
    let served = Served::start(Wish::default());
    let line = format!("{}\r\n", "x".repeat(70));
    let long = line.repeat(20_000);
    let mut client = served.client().await;
    client.begin().await;
    client.send(&long).await;
    let tmp = served.folder().join("messages/tmp");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while count(&tmp) == 0 {
        assert!(std::time::Instant::now() < until, "nothing is written yet");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    drop(client);
    while count(&tmp) > 0 {
        assert!(std::time::Instant::now() < until, "it stays");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let mut client = served.client().await;
    assert!(client.deliver(&long).await.starts_with("250 "));
    let stopped = served.stop().await;
    let report = verify(&stopped.folder).expect("readable");
    assert!(report.agrees(), "{report}");
    assert_eq!((report.stored, report.agree), (1, 1));
}

#[tokio::test]
async fn a_folder_that_is_gone_refuses_and_one_that_is_back_takes() {
    let served = Served::start(Wish::default());
    let folder = served.folder().to_owned();
    let mut client = served.client().await;
    assert!(client.deliver("a\r\n").await.starts_with("250 "));
    fs::remove_dir_all(&folder).expect("removed");
    for _ in 0..2 {
        let reply = client.deliver("b\r\n").await;
        assert!(reply.starts_with("452 4.3.1 "), "{reply}");
    }
    assert!(served.health.problem(Part::Messages).is_some());
    served.store.tend(0);
    assert!(served.health.problem(Part::Capture).is_some());
    fs::create_dir(&folder).expect("made");
    let mut again = served.client().await;
    let reply = again.deliver("c\r\n").await;
    assert!(reply.starts_with("250 "), "{reply}");
    assert!(served.health.problems().is_empty());
    drop((client, again));
    let stopped = served.stop().await;
    let report = verify(&stopped.folder).expect("readable");
    assert!(report.agrees(), "{report}");
    assert_eq!((report.stored, report.agree), (1, 1), "{report}");
}

#[tokio::test]
async fn many_share_their_way_to_the_disk() {
    let wish = Wish {
        durability: Durability::Disk,
        ..Wish::default()
    };
    let served = Arc::new(Served::start(wish));
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..10 {
        let served = Arc::clone(&served);
        clients.spawn(async move {
            let mut client = served.client().await;
            for message in 0..5 {
                let text = format!("Subject: {number}/{message}\r\n\r\nx\r\n");
                assert!(client.deliver(&text).await.starts_with("250 "));
            }
        });
    }
    while let Some(joined) = clients.join_next().await {
        joined.expect("no panic");
    }
    let served = Arc::into_inner(served).expect("the clients are gone");
    let stopped = served.stop().await;
    let report = verify(&stopped.folder).expect("readable");
    assert!(report.agrees(), "{report}");
    assert_eq!((report.stored, report.agree), (50, 50));
}

#[tokio::test]
async fn sessions_run_on_through_captures_of_which_only_some_are_kept() {
    let wish = Wish {
        rotate: Rotate {
            size: 64 << 10,
            keep: 2,
            ..Rotate::default()
        },
        ..Wish::default()
    };
    let served = Served::start(wish);
    let captures = || {
        let entries = fs::read_dir(served.folder()).expect("a folder");
        let names = entries.map(|entry| entry.expect("there").file_name());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        let mut names: Vec<_> = names.filter(|name| name.contains("pcapng")).collect();
        names.sort();
        names
    };
    let body = format!("{}\r\n", "x".repeat(998)).repeat(30);
    let mut client = served.client().await;
    for _ in 0..10 {
        assert!(client.deliver(&body).await.starts_with("250 "));
    }
    served.store.tend(u64::MAX);
    let all = captures();
    assert!(all.len() > 4, "its connection is open: {all:?}");
    let report = verify(served.folder()).expect("readable");
    assert!(report.agrees(), "{report}");
    assert_eq!(report.stored, 10);
    assert!(client.say("QUIT").await.starts_with("221 "));
    drop(client);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    served.store.tend(0);
    assert_eq!(captures(), all, "nothing is judged yet");
    while captures().len() > 2 {
        assert!(std::time::Instant::now() < until, "{:?}", captures());
        served.store.tend(u64::MAX);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(captures(), all[all.len() - 2..]);
    let report = verify(served.folder()).expect("readable");
    assert!(report.agrees(), "{report}");
    assert!(report.beyond > 5, "{report}");
}
