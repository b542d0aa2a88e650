//! `smtpspec serve` under load, killed, out of room, without its folder, and among clients that misbehave: what was
//! acknowledged is stored and on the wire. The driver counts from outside; `just bench-faults` runs its long form.

#![cfg(unix)]

mod support;

use support::{drive, have};

#[test]
fn nothing_that_was_acknowledged_is_lost() {
    if !have(&["python3"]) {
        return;
    }
    let (content, said) = drive("faults.py", &["--short", "--seed", "7"]);
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
    let (content, said) = drive("faults.py", &["--weak", "--seed", "7"]);
    assert!(!content, "{said}");
    assert!(said.contains("stored and not on the wire"), "{said}");
}
