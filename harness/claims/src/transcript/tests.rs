use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
use smtp::Secret;
use smtp::ntlm::{self, ClientIdentity, FileTime, Target};
use smtp::session::testing::dialogue;

use super::*;
use crate::given::Account;

const PASSWORD: &str = "S3cret-pässword";

fn read(turns: &[(&str, &str)]) -> Timeline {
    let turns: Vec<_> = turns
        .iter()
        .map(|(who, text)| (*who, text.as_bytes()))
        .collect();
    smtp::session::read(&dialogue(&turns))
}

/// The transcript of these turns after a greeting and an EHLO, where nothing is known beforehand.
fn shown(turns: &[(&str, &str)]) -> Vec<String> {
    shown_with(turns, &Given::default())
}

fn shown_with(turns: &[(&str, &str)], given: &Given) -> Vec<String> {
    let start = [
        ("S", "220 mx\r\n"),
        ("C", "EHLO a\r\n"),
        ("S", "250-mx\r\n250 AUTH PLAIN LOGIN\r\n"),
    ];
    let timeline = read(&[&start[..], turns].concat());
    lines(&timeline, given)
        .into_iter()
        .skip(3)
        .map(|line| line.text)
        .collect()
}

#[test]
fn a_long_transcript_can_be_cut() {
    let timeline = read(&[("S", "220 mx\r\n"), ("C", "NOOP\r\n"), ("S", "250 ok\r\n")]);
    let texts = |most| {
        let lines = lines_up_to(&timeline, &Given::default(), most);
        lines.into_iter().map(|line| line.text).collect::<Vec<_>>()
    };
    assert_eq!(texts(3), ["220 mx", "NOOP", "250 ok"]);
    assert_eq!(texts(1), ["220 mx", "<2 more events, not listed>"]);
}

/// The writings in which a reader could find the password: as it would be sent, and the part of that which does not
/// depend on what stands beside it.
fn forms(password: &str) -> Vec<(String, String)> {
    let little: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = password.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut forms = vec![password.to_owned()];
    for bytes in [password.as_bytes(), &little, &big] {
        forms.extend([hex::encode(bytes), hex::encode_upper(bytes)]);
        for before in ["", "x", "xy"] {
            forms.push(BASE64.encode([before.as_bytes(), bytes].concat()));
        }
    }
    let core = |form: &String| match form.len() {
        long @ 20.. => form[4..long - 4].to_owned(),
        _ => form.clone(),
    };
    forms
        .iter()
        .map(|form| (form.clone(), core(form)))
        .collect()
}

#[track_caller]
fn nothing_of(password: &str, lines: &[String]) {
    let all = lines.join("\n");
    for (_, core) in forms(password) {
        assert!(!all.contains(&core), "{core} in {lines:#?}");
    }
}

fn line(bytes: impl AsRef<[u8]>) -> String {
    format!("{}\r\n", BASE64.encode(bytes))
}

#[test]
fn plain_with_and_without_initial_response() {
    let token = line(format!("\0svc\0{PASSWORD}"));
    let with = shown(&[("C", &format!("AUTH PLAIN {token}")), ("S", "235 ok\r\n")]);
    nothing_of(PASSWORD, &with);
    assert_eq!(with, ["AUTH PLAIN <initial response, 28 octets>", "235 ok"]);
    let without = shown(&[
        ("C", "AUTH PLAIN\r\n"),
        ("S", "334 \r\n"),
        ("C", &token),
        ("S", "535 no\r\n"),
    ]);
    nothing_of(PASSWORD, &without);
    assert_eq!(
        without,
        ["AUTH PLAIN", "334", "<SASL response, 30 octets>", "535 no"]
    );
}

#[test]
fn odd_replies_are_shown_as_they_are_and_long_ones_cut() {
    let long = format!("250 {}\r\n", "é".repeat(700));
    let many = format!("{}250 end\r\n", "250-more\r\n".repeat(70));
    let lines = shown(&[
        ("S", "220 mx\r\n"),
        ("C", "EHLO a\r\n"),
        ("S", "250-ok\r\n550 no\r\n"),
        ("C", "NOOP\r\n"),
        ("S", "2500 ok\r\n"),
        ("C", "NOOP\r\n"),
        ("S", &long),
        ("C", "NOOP\r\n"),
        ("S", &many),
    ]);
    assert_eq!(lines[2], "250-ok\n550 no");
    assert_eq!(lines[4], "2500 ok");
    assert_eq!(
        lines[6],
        format!("250 {}<376 more octets>", "é".repeat(512))
    );
    assert_eq!(
        lines[8],
        format!("{}<7 more lines>", "250-more\n".repeat(64))
    );
}

#[test]
fn login_shows_its_prompts_and_no_answer() {
    let (user, password) = (line("svc"), line(PASSWORD));
    let lines = shown(&[
        ("C", "auth login\r\n"),
        ("S", "334 VXNlcm5hbWU6\r\n"),
        ("C", &user),
        ("S", "334 UGFzc3dvcmQ6\r\n"),
        ("C", &password),
        ("S", "235 ok\r\n"),
    ]);
    nothing_of(PASSWORD, &lines);
    assert_eq!(
        lines[..4],
        [
            "AUTH login",
            "334 VXNlcm5hbWU6",
            "<SASL response, 6 octets>",
            "334 UGFzc3dvcmQ6"
        ]
    );
}

#[test]
fn cram_md5_shows_neither_challenge_nor_digest() {
    let digest = "0123456789abcdef0123456789abcdef";
    let (challenge, response) = (line("<1.2@mx>"), line(format!("svc {digest}")));
    let lines = shown(&[
        ("C", "AUTH CRAM-MD5\r\n"),
        ("S", &format!("334 {challenge}")),
        ("C", &response),
        ("S", &format!("535 {digest} is wrong, and so is {response}")),
    ]);
    assert_eq!(
        lines,
        [
            "AUTH CRAM-MD5",
            "334 <challenge, 12 octets>",
            "<SASL response, 50 octets>",
            "535 <secret> is wrong, and so is <secret>"
        ]
    );
}

#[test]
fn ntlm_shows_the_free_text_and_no_message() {
    let password = Secret::new(PASSWORD.as_bytes());
    let target = Target {
        netbios_domain: "D".to_owned(),
        netbios_computer: "C".to_owned(),
        dns_domain: "d.example".to_owned(),
        dns_computer: "c.example".to_owned(),
    };
    let first = ntlm::negotiate(None);
    let second = ntlm::challenge(ntlm::CLIENT_FLAGS, &target, [7; 8], None).expect("short names");
    let challenge = ntlm::Challenge::parse(&second).expect("just made");
    let identity = ClientIdentity {
        domain: "D",
        user: "svc",
        password: &password,
        workstation: "W",
    };
    let third = ntlm::respond(&first, &challenge, &identity, [5; 8], FileTime(1)).expect("encodes");
    let (first, second, third) = (line(first), line(second), line(third));
    let lines = shown(&[
        ("C", "AUTH NTLM\r\n"),
        ("S", "334 ntlm supported\r\n"),
        ("C", &first),
        ("S", &format!("334 {second}")),
        ("C", &third),
        ("S", &format!("535 not accepted: {third}")),
    ]);
    let all = lines.join("\n");
    assert!(
        !all.contains("TlRMTVNTUAAD") && !all.contains("TlRMTVNTUAAC"),
        "{all}"
    );
    assert_eq!(lines[1], "334 ntlm supported");
    assert!(lines[3].starts_with("334 <challenge, "), "{all}");
    assert_eq!(lines[5], "535 not accepted: <secret>");
    let initial = shown(&[
        ("C", &format!("AUTH NTLM {first}")),
        ("S", &format!("334 {second}")),
    ]);
    let octets = first.trim().len();
    assert_eq!(
        initial[0],
        format!("AUTH NTLM <initial response, {octets} octets>")
    );
    assert!(initial[1].starts_with("334 <challenge, "));
}

#[test]
fn the_auth_parameter_names_nobody() {
    for mail in [
        "MAIL FROM:<a@b> SIZE=3 AUTH=svc@d\r\n",
        "mail FROM:<a@b>\tauth=svc@d\r\n",
    ] {
        let lines = shown(&[("C", mail), ("S", "250 ok\r\n")]);
        assert!(lines[0].starts_with("MAIL FROM:<a@b> "), "{lines:?}");
        assert!(lines[0].ends_with("AUTH=<hidden>"), "{lines:?}");
    }
}

#[test]
fn a_line_of_an_exchange_that_failed_is_no_command_to_be_shown() {
    let (user, password) = (line("svc"), line(PASSWORD));
    let lines = shown(&[
        ("C", &format!("AUTH LOGIN\r\n{user}{password}")),
        ("S", "504 no\r\n500 what\r\n500 what\r\n"),
        ("C", &format!("AUTH=PLAIN {password}")),
        ("C", &format!("AUTH {password}")),
        ("C", "AUTH UzNjcmV0\r\n"),
    ]);
    nothing_of(PASSWORD, &lines);
    let all = lines.join("\n");
    assert!(
        !all.contains(password.trim()) && !all.contains("c3Zj") && !all.contains("UzNj"),
        "{all}"
    );
    assert!(all.contains("<unknown command, "), "{all}");
}

#[test]
fn what_the_client_gave_away_is_not_repeated_by_the_server() {
    let token = line(format!("\0svc\0{PASSWORD}"));
    let echo = format!("535 {PASSWORD} or {} is wrong\r\n", token.trim());
    let lines = shown(&[("C", &format!("AUTH PLAIN {token}")), ("S", &echo)]);
    nothing_of(PASSWORD, &lines);
    assert_eq!(lines[1], "535 <secret> or <secret> is wrong");
}

#[test]
fn known_passwords_are_scrubbed_from_any_line() {
    let account = Account {
        domain: "D".to_owned(),
        user: "svc".to_owned(),
        password: Some(Secret::new(PASSWORD.as_bytes())),
    };
    let other = "other-passw0rd";
    let given = Given {
        password: Some(Secret::new(other.as_bytes())),
        account: Some(account),
        ..Given::default()
    };
    let mut turns = Vec::new();
    for (form, _) in [forms(PASSWORD), forms(other)].concat() {
        turns.push(("C", format!("NOOP {form}\r\n")));
        turns.push(("S", format!("250-you said {form}\r\n250 ok\r\n")));
    }
    let turns: Vec<_> = turns
        .iter()
        .map(|(who, text)| (*who, text.as_str()))
        .collect();
    let lines = shown_with(&turns, &given);
    assert_eq!(lines.len(), turns.len());
    nothing_of(PASSWORD, &lines);
    nothing_of(other, &lines);
    let wide: String = other.chars().flat_map(|c| [c, '\0']).collect();
    let wide = shown_with(&[("C", &format!("NOOP {wide}\r\n"))], &given);
    assert_eq!(wide, ["NOOP <secret>"]);
}

#[test]
fn nothing_of_the_content_is_shown() {
    let lines = shown(&[
        ("C", "MAIL FROM:<a>\r\n"),
        ("S", "250 ok\r\n"),
        ("C", "RCPT TO:<b>\r\n"),
        ("S", "250 ok\r\n"),
        ("C", "DATA\r\n"),
        ("S", "354 go\r\n"),
        ("C", "Subject: x\r\n\r\nhidden\r\n.\r\n"),
        ("S", "250 ok\r\n"),
        ("?C", "lost\r\n"),
        ("-C", ""),
        ("!S", ""),
    ]);
    assert_eq!(lines[6], "<message, 25 octets, 3 lines>");
    assert_eq!(
        lines[8..],
        ["<6 octets not in the capture>", "<FIN>", "<RST>"]
    );
}

#[test]
fn no_text_from_the_wire_drives_a_terminal() {
    let lines = shown(&[
        ("C", "NOOP \x1b]0;x\x07\r\n"),
        ("S", "250-a\x1b[2J\u{9b}\r\n250 b\u{202e}c\r\n"),
        ("C", "VRFY \x7f\x08\r\n"),
    ]);
    for line in &lines {
        let quiet = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
        assert!(line.chars().all(quiet), "{line:?}");
    }
    assert_eq!(lines[1], "250-a\\u{1b}[2J\\u{9b}\n250 b\\u{202e}c");
}

#[test]
fn replies_of_several_lines_stay_so() {
    let lines = shown(&[
        ("C", "HELP\r\n"),
        ("S", "214-one\r\n214-two\r\n214 three\r\n"),
    ]);
    assert_eq!(lines, ["HELP", "214-one\n214-two\n214 three"]);
}
