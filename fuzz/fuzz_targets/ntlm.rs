//! NTLMSSP messages and SASL exchanges around them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smtp::ntlm::{Authenticate, Challenge, Negotiate};

fuzz_target!(|bytes: &[u8]| {
    let _ = Negotiate::parse(bytes);
    let _ = Challenge::parse(bytes);
    let _ = Authenticate::parse(bytes);
    let _ = Authenticate::parse_with(bytes, Some(0x0000_0201));
    // The same bytes as an exchange on the wire, under each mechanism.
    const MECHANISMS: [&str; 10] = [
        "NTLM", "PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "XOAUTH2", "OAUTHBEARER", "SCRAM-SHA-256", "EXTERNAL", "GSSAPI",
    ];
    let Some((&head, rest)) = bytes.split_first() else { return };
    let mechanism = MECHANISMS[usize::from(head) % MECHANISMS.len()];
    let line = |bytes: &[u8]| {
        use base64::prelude::{BASE64_STANDARD, Engine as _};
        BASE64_STANDARD.encode(bytes)
    };
    let third = rest.len() / 3;
    let (one, two) = rest.split_at(third);
    let (two, three) = two.split_at(third);
    let auth = if head & 128 == 0 {
        format!("AUTH {mechanism}\r\n")
    } else {
        format!("AUTH {mechanism} {}\r\n", line(one))
    };
    let turns: Vec<(&str, Vec<u8>)> = vec![
        ("S", b"220 mx\r\n".to_vec()),
        ("C", b"EHLO a\r\n".to_vec()),
        ("S", b"250 AUTH NTLM\r\n".to_vec()),
        ("C", auth.into_bytes()),
        ("S", format!("334 {}\r\n", line(two)).into_bytes()),
        ("C", format!("{}\r\n", line(three)).into_bytes()),
        ("S", format!("334 {}\r\n", line(one)).into_bytes()),
        ("C", format!("{}\r\n", line(two)).into_bytes()),
        ("S", b"235 ok\r\n".to_vec()),
    ];
    let turns: Vec<_> = turns.iter().map(|(who, bytes)| (*who, bytes.as_slice())).collect();
    let timeline = smtp::session::read(&smtp::session::testing::dialogue(&turns));
    assert_eq!(timeline.authentications.len(), 1);
});
