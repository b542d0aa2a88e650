//! `smtpspec serve` under load, killed, out of room, without its folder, and among clients that misbehave: what was
//! acknowledged is stored and on the wire. The driver counts from outside; `just bench-faults` runs its long form.

#![cfg(unix)]

mod support;

use std::path::Path;
use std::process::Command;

use support::{have, text};

/// Whether the driver was content, and what it said.
fn drive(arguments: &[&str]) -> (bool, String) {
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/faults.py");
    let run = Command::new("python3")
        .arg(driver)
        .arg(env!("CARGO_BIN_EXE_smtpspec"))
        .args(arguments)
        .output()
        .expect("python3 starts");
    (run.status.success(), text(&run.stdout) + &text(&run.stderr))
}

#[test]
fn nothing_that_was_acknowledged_is_lost() {
    if !have(&["python3"]) {
        return;
    }
    let (content, said) = drive(&["--short", "--seed", "7"]);
    assert!(content, "{said}");
    assert!(
        said.contains("10 × kill -9") && said.contains("60 × RST"),
        "{said}"
    );
}

#[test]
fn a_server_that_acknowledges_too_early_is_found_out() {
    if !have(&["python3"]) {
        return;
    }
    let (content, said) = drive(&["--weak", "--seed", "7"]);
    assert!(!content, "{said}");
    assert!(said.contains("stored and not on the wire"), "{said}");
}
