//! Taking messages into the queue, and finding them again.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use lab::server::{Custody, Envelope, Refusal};
use rstest::rstest;
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use wire::Timestamp;

use super::*;

pub(crate) type Said = Arc<Mutex<Vec<String>>>;

/// Opens the queue of a folder. What it says is kept.
pub(crate) fn open(
    folder: &Path,
    durability: Durability,
) -> (Queue, UnboundedReceiver<String>, Said) {
    let said = Said::default();
    let heard = Arc::clone(&said);
    let (queue, names) = Queue::open(Parts {
        folder: folder.to_owned(),
        durability,
        store: None,
        told: Box::new(move |line| heard.lock().expect("no panic").push(line.to_owned())),
    })
    .expect("nobody else works on it");
    (queue, names, said)
}

/// An envelope, each with a number of its own.
pub(crate) fn envelope(from: &str, to: &[&str]) -> Envelope {
    use std::sync::atomic::AtomicU32;
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    Envelope {
        connection: 1,
        message: NUMBER.fetch_add(1, Ordering::Relaxed),
        since: Timestamp::default(),
        peer: SocketAddr::from(([192, 0, 2, 1], 4711)),
        helo: b"client.example".to_vec(),
        from: format!("FROM:{from}").into_bytes(),
        recipients: to
            .iter()
            .map(|to| format!("TO:{to}").into_bytes())
            .collect(),
        tls: false,
        authenticated: false,
    }
}

pub(crate) async fn take(queue: &Queue, envelope: Envelope, content: &[u8]) -> Result<(), Refusal> {
    let mut custodian = queue.begin(envelope);
    for piece in content.chunks(7000) {
        custodian.write(piece);
    }
    custodian.keep().await
}

/// Names of the files in a folder.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[rstest]
#[case(Durability::Os)]
#[case(Durability::Disk)]
#[tokio::test]
async fn what_was_accepted_is_there_after_a_restart(#[case] durability: Durability) {
    let folder = folder();
    let content = [b"S: x\r\n\r\n".to_vec(), b"1234567\r\n".repeat(20_000)].concat();
    let (queue, mut names, _) = open(folder.path(), durability);
    let envelope = envelope(
        "<a@x.example> ENVID=q SIZE=10 BODY=8BITMIME",
        &["<b@x.example> NOTIFY=NEVER", "<c@x.example>"],
    );
    take(&queue, envelope, &content).await.expect("room");
    let name = names.try_recv().expect("told");
    // One that never became whole is forgotten.
    let mut half = queue.begin(self::envelope("<>", &["<b@x.example>"]));
    half.write(&content);
    drop(half);
    drop((queue, names));

    let (queue, mut names, said) = open(folder.path(), durability);
    assert_eq!(names.try_recv().ok().as_deref(), Some(name.as_str()));
    assert!(names.try_recv().is_err() && said.lock().expect("no panic").is_empty());
    assert_eq!(queue.counts().waiting, 1);
    let item = queue.0.load(&name).expect("readable");
    assert_eq!(
        (item.from.as_str(), item.parameters),
        ("a@x.example", vec!["ENVID=q".to_owned()])
    );
    assert_eq!(item.recipients[0].parameters, ["NOTIFY=NEVER"]);
    assert_eq!(item.size, content.len() as u64);
    assert_eq!(fs::read(queue.0.content(&name)).expect("there"), content);
    queue.0.done(&name).expect("removed");
    assert_eq!(
        files(folder.path(), "eml").len() + files(folder.path(), "json").len(),
        0
    );
    assert_eq!(files(&folder.path().join("tmp"), "eml").len(), 0);
}

#[tokio::test]
async fn a_crash_leaves_nothing_half() {
    let folder = folder();
    let (queue, mut names, _) = open(folder.path(), Durability::Os);
    for _ in 0..2 {
        let taken = take(&queue, envelope("<>", &["<b@x.example>"]), b"x\r\n").await;
        taken.expect("room");
    }
    let (first, second) = (
        names.try_recv().expect("one"),
        names.try_recv().expect("two"),
    );
    // Killed while the reply to the content was awaited, and while a state that was written was to take its place.
    queue.0.sending(&first).expect("renamed");
    fs::copy(
        queue.0.path(&second, "json"),
        queue.0.path(&second, "sending"),
    )
    .expect("copied");
    // Killed before the state was there, or after it was gone.
    fs::write(queue.0.content("1.M1P1C1N1.smtpspec"), b"y").expect("written");
    fs::write(queue.0.tmp("half", "json"), b"{").expect("written");
    drop((queue, names));
    let (_queue, mut names, said) = open(folder.path(), Durability::Os);
    let mut found = [
        names.try_recv().expect("one"),
        names.try_recv().expect("two"),
    ];
    found.sort();
    let mut wanted = [first.clone(), second];
    wanted.sort();
    assert_eq!(found, wanted);
    let said = said.lock().expect("no panic").clone();
    assert!(
        said.len() == 1 && said[0].starts_with(&first) && said[0].contains("twice"),
        "{said:?}"
    );
    assert_eq!(files(folder.path(), "eml"), wanted);
    assert!(files(folder.path(), "sending").is_empty());
}

#[tokio::test]
async fn two_do_not_work_on_one_queue() {
    let folder = folder();
    let (_queue, _names, _) = open(folder.path(), Durability::Os);
    let second = Queue::open(Parts {
        folder: folder.path().to_owned(),
        durability: Durability::Os,
        store: None,
        told: Box::new(|_| {}),
    });
    assert!(second.is_err());
}

#[rstest]
#[case("<a@x>", "a\nb\r\n", "554 5.6.0")]
#[case("<a@x>", "a\rb\r\n", "554 5.6.0")]
#[case("<a@x>", "a\r\n\r", "554 5.6.0")]
#[case("<a@x>", "a\r\n.\n.\r\nMAIL FROM:<evil@x>\r\n", "554 5.6.0")]
#[case("<a@x> BODY=BINARYMIME", "a\r\n", "554 5.6.3")]
#[case("<a@x> REQUIRETLS", "a\r\n", "554 5.7.30")]
#[tokio::test]
async fn what_cannot_be_passed_on_is_refused(
    #[case] from: &str,
    #[case] content: &str,
    #[case] reply: &str,
) {
    let folder = folder();
    let (queue, _names, _) = open(folder.path(), Durability::Os);
    let refused = take(&queue, envelope(from, &["<b@x>"]), content.as_bytes()).await;
    let Refusal(text) = refused.expect_err("refused");
    assert!(text.starts_with(reply), "{text}");
    assert_eq!(
        (queue.counts().waiting, files(folder.path(), "json").len()),
        (0, 0)
    );
}

#[tokio::test]
async fn a_message_that_goes_in_circles_is_refused() {
    let folder = folder();
    let (queue, _names, _) = open(folder.path(), Durability::Os);
    let hops = |count: usize| {
        format!(
            "{}\r\nReceived: in the body\r\n",
            "received: x\r\n".repeat(count)
        )
    };
    let taken = take(&queue, envelope("<>", &["<b@x>"]), hops(100).as_bytes()).await;
    taken.expect("few enough");
    let refused = take(&queue, envelope("<>", &["<b@x>"]), hops(101).as_bytes()).await;
    assert!(refused.expect_err("too many").0.starts_with("554 5.4.6"));
}

#[tokio::test]
async fn an_envelope_that_may_lack_recipients_is_refused() {
    let folder = folder();
    let (queue, _names, _) = open(folder.path(), Durability::Os);
    let many = vec!["<b@x>"; lab::server::MOST_RECIPIENTS];
    let refused = take(&queue, envelope("<>", &many), b"x\r\n").await;
    assert!(refused.expect_err("too many").0.starts_with("452 4.5.3"));
}

#[tokio::test]
async fn a_folder_that_is_gone_refuses_and_says_so() {
    let folder = folder();
    let (queue, _names, said) = open(folder.path(), Durability::Os);
    fs::remove_dir_all(folder.path()).expect("removed");
    let refused = take(&queue, envelope("<>", &["<b@x>"]), b"x\r\n").await;
    assert!(refused.expect_err("no folder").0.starts_with("452 4.3.1"));
    assert_eq!(said.lock().expect("no panic").len(), 1);
}
