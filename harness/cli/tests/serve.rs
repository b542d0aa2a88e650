//! `smtpspec serve` with many clients, with clients that have to be ended, and killed.

#![cfg(unix)]

mod support;

use std::thread;
use std::time::{Duration, Instant};

use support::serve::Serve;
use support::talk::Talk;
use support::{folder, have};

/// Sends a message and quits.
fn deliver(port: u16) {
    let mut client = Talk::greeted(port);
    client.expect("HELO client.example", "250 ");
    client.deliver("Subject: x\r\n\r\nhello\r\n");
    client.expect("QUIT", "221 ");
}

#[test]
fn every_session_is_captured_and_judged() {
    let folder = folder();
    let serve = Serve::start_with(folder.path(), &["--connections", "300", "--at-once", "7"]);
    let port = serve.port;
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(move || (0..30).for_each(|_| deliver(port)));
        }
    });
    let served = serve.end();
    assert_eq!(served.outcome.conversations.len(), 300);
    let answer = served.outcome.answer.as_ref().expect("an answer");
    assert_eq!((answer.conversations, answer.messages.accepted), (300, 300));
    let case = &served.outcome.cases[0];
    assert_eq!(case.id, "S1");
    assert_eq!(support::timelines(&served.capture).len(), 300);
    assert_eq!(
        case.capture.sha256,
        smtpspec::road::sha256(&served.capture).expect("a file")
    );
    assert!(case.capture.notes.is_empty(), "{:?}", case.capture.notes);
}

#[test]
fn a_client_that_a_limit_ended_is_named() {
    if !have(&["kill"]) {
        return;
    }
    let folder = folder();
    let serve = Serve::start_with(folder.path(), &["--idle", "1"]);
    let mut client = Talk::greeted(serve.port);
    let peer = client.local();
    let farewell = client.reply();
    assert!(farewell.starts_with("421 4.4.2 "), "{farewell}");
    drop(client);
    serve.signal("-TERM");
    let served = serve.end();
    let line = format!("connection 1 from {peer} was ended by a limit: it sent nothing for 1s");
    assert!(served.said.contains(&line), "{:?}", served.said);
    assert_eq!(served.outcome.cases[0].capture.notes, [line]);
    assert_eq!(served.outcome.conversations[0].client, peer.to_string());
}

#[test]
fn a_killed_server_leaves_a_readable_capture() {
    if !have(&["kill"]) {
        return;
    }
    let folder = folder();
    let serve = Serve::start_with(folder.path(), &[]);
    deliver(serve.port);
    // What waits in memory is written soon, whether or not more comes.
    let deadline = Instant::now() + Duration::from_secs(20);
    let whole = || {
        let timelines = support::timelines(&serve.capture());
        timelines.iter().any(|one| !one.transactions.is_empty())
    };
    while !whole() {
        assert!(Instant::now() < deadline, "nothing is written");
        thread::sleep(Duration::from_millis(20));
    }
    serve.signal("-KILL");
    assert_eq!(support::timelines(&serve.capture()).len(), 1);
}
