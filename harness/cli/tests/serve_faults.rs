//! `smtpspec serve` under load, killed, out of room, without its folder, and among clients that misbehave: what was
//! acknowledged is stored and on the wire. The driver counts from outside; `just bench-faults` runs its long form.

#![cfg(unix)]

mod support;

use std::path::Path;
use std::process::Command;

use support::{have, text};

#[test]
fn nothing_that_was_acknowledged_is_lost() {
    if !have(&["python3"]) {
        return;
    }
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/faults.py");
    let run = Command::new("python3")
        .arg(driver)
        .arg(env!("CARGO_BIN_EXE_smtpspec"))
        .args(["--short", "--seed", "7"])
        .output()
        .expect("python3 starts");
    let said = text(&run.stdout) + &text(&run.stderr);
    assert!(run.status.success(), "{said}");
    assert!(said.contains("10 × kill -9"), "{said}");
}
