//! swaks, a client that tries the next mechanism after a refusal: the deviant that ADP-24 is about.

mod support;

use std::process::Command;

use claims::Verdict;
use support::serve::{ALICE, Serve};
use support::{folder, have, judged, only, timeline};

#[test]
fn swaks_falls_back_after_535_and_is_caught() {
    if !have(&["swaks"]) {
        return;
    }
    let folder = folder();
    let serve = Serve::start(folder.path());
    let status = Command::new("swaks")
        .args(["--server", "127.0.0.1", "--port", &serve.port.to_string()])
        .args(["--from", "a@client.example", "--to", "b@server.example"])
        .args(["--helo", "client.example", "--timeout", "20s"])
        .args([
            "--auth",
            "--auth-user",
            ALICE,
            "--auth-password",
            "not her password",
        ])
        .args(["--hide-all", "--suppress-data"])
        .status()
        .expect("swaks starts");
    assert!(!status.success(), "nobody with a wrong password gets in");
    let served = serve.end();
    assert_eq!(served.code, Some(1));
    let conversation = only(&served.outcome);
    assert_eq!(judged(conversation, "ADP-24").verdict, Verdict::Fail);
    let timeline = timeline(&served.capture);
    assert!(timeline.authentications.len() > 1);
    assert!(timeline.transactions.is_empty());
}
