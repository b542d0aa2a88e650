//! The language as a whole: what a small and a full file mean, and how mistakes are shown.

use std::fs;
use std::time::Duration;

use super::*;
use crate::adapter::config::{AuthMode, FileSource};

const MINIMAL: &str = "id = \"ENV-01\"\ntitle = \"t\"\n";

fn parse(text: &str) -> Scenario {
    Scenario::parse("scenarios/envelope/x.toml", text)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems(text: &str) -> String {
    match Scenario::parse("scenarios/envelope/x.toml", text) {
        Ok(scenario) => panic!("accepted: {scenario:?}"),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn a_minimal_file_has_the_defaults() {
    let scenario = parse(MINIMAL);
    assert_eq!(scenario.family, "envelope");
    assert_eq!(scenario.server, ServerTable::default());
    assert_eq!(scenario.server.port, 25);
    assert!(scenario.rules.is_empty() && scenario.client.auth.is_none());
}

#[test]
fn a_full_file_is_read_whole() {
    let scenario = parse(
        r#"
id = "ENV-03"
title = "Recipients accepted, deferred and refused in one transaction"
reference = ["RFC 5321 3.3", "RFC 5321 4.2.1"]
description = "More."

[server]
extensions = ["PIPELINING", "AUTH LOGIN PLAIN", "AUTH=LOGIN", "STARTTLS"]
require_auth = true
name = "mx.example.test"
accept_auth = "any"
ntlm_timestamp = false
message_limit = 1000

[client]
auth = "basic"
username = "svc"
password = "pw"
account = { domain = "CORP", user = "host" }
to = ["a@example.test", "b@example.test"]
subject = "{subject-canary} %MessageID%"
attachments = [{ name = "a.txt", text = "{attachment-canary}" }, { path = "/b" }]
body_file = "/c"
timeout = "150ms"
twins = ["starttls"]
control = true

[client.encoder]
encrypt = true
certificate = "not-found"

[client.retry]
count = 2
interval = "20ms"

[client.payload]
body = "<a/>"

[[on]]
command = "rcpt"
nth = 2
reply = "450 4.2.0 later"

[[on]]
command = "EHLO"
must_fire = false
reply = [{ send = "250-a\r\n25" }, { wait = "40ms" }, { hex = "30 ff" }, { flush = true },
         { generate = { byte = "x", count = 3 } }]
then = "reset"

[[on]]
command = "QUIT"
close = true

[expect]
claims = { ADP-70 = "pass", ADP-16 = "not-applicable" }
checks = ["body-sent-once"]
outcome = "sent"
"#,
    );
    assert_eq!(
        scenario.server.tls,
        TlsMode::StartTls,
        "because STARTTLS is offered"
    );
    assert_eq!(scenario.server.mechanisms(), ["LOGIN", "PLAIN", "LOGIN"]);
    assert!(scenario.server.offers("AUTH") && !scenario.server.offers("CHUNKING"));
    assert_eq!(
        scenario.rules[0].selector.command.as_ref().map(|c| c.value),
        Some(Command::Rcpt)
    );
    assert!(scenario.rules[0].must_fire && !scenario.rules[1].must_fire);
    assert_eq!(
        scenario.rules[1].action,
        Action::Reply {
            reply: Reply {
                chunks: vec![
                    Chunk::Send(b"250-a\r\n25".to_vec()),
                    Chunk::Wait(Duration::from_millis(40)),
                    Chunk::Send(b"0\xff".to_vec()),
                    Chunk::Flush,
                    Chunk::Generate {
                        unit: b"x".to_vec(),
                        count: 3
                    },
                ],
            },
            then: Some(Ending::Reset),
        }
    );
    assert_eq!(scenario.rules[2].action, Action::End(Ending::Close));
    let claims: Vec<_> = scenario
        .expect
        .claims
        .iter()
        .map(|(id, v)| (id.value.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        claims,
        [("ADP-70", "pass"), ("ADP-16", "not-applicable")],
        "in the order of the file"
    );
    assert_eq!(scenario.expect.outcome, Some(AdapterOutcome::Sent));

    let mut config = config();
    scenario.client.apply(&mut config);
    assert_eq!(config.auth, AuthMode::Basic);
    assert_eq!(config.account.domain, "CORP");
    assert_eq!(config.account.workstation, "HOST", "what is absent stays");
    assert_eq!(
        config.subject.as_deref(),
        Some("{subject-canary} %MessageID%"),
        "placeholders stay"
    );
    assert_eq!(config.retry.interval, Duration::from_millis(20));
    assert!(config.encoder.is_some_and(|encoder| encoder.encrypt));
    assert!(matches!(
        &config.attachments[..],
        [FileSource::Inline { .. }, FileSource::Path(_)]
    ));
}

fn config() -> crate::adapter::Config {
    use crate::adapter::config::{Account, BasicMechanism, Retry};
    crate::adapter::Config {
        auth: AuthMode::Ntlm,
        mechanism: BasicMechanism::Login,
        initial_response: false,
        username: None,
        password: None,
        account: Account {
            domain: "D".into(),
            user: "U".into(),
            password: smtp::Secret::new(*b"p"),
            workstation: "HOST".into(),
        },
        ehlo: "host".into(),
        from: "f@example.test".into(),
        to: vec!["t@example.test".into()],
        cc: Vec::new(),
        subject: None,
        read_receipt: false,
        delivery_receipt: false,
        body_text: None,
        body_file: None,
        attachments: Vec::new(),
        message_parts_attachments: 0,
        reply_by: None,
        encoder: None,
        retry: Retry {
            count: 3,
            interval: Duration::from_mins(5),
        },
        timeout: Duration::from_secs(1),
    }
}

#[test]
fn an_unknown_key_is_shown_with_the_nearest_one() {
    insta::assert_snapshot!(problems("id = \"ENV-01\"\ntitle = \"t\"\n\n[server]\nextention = [\"PIPELINING\"]\n"), @r#"
    error[unknown-key]: unknown key `extention` in `[server]`
     --> scenarios/envelope/x.toml:5:1
      |
    5 | extention = ["PIPELINING"]
      | ^^^^^^^^^
      |
      = help: did you mean `extensions`?
    "#);
}

#[test]
fn a_value_of_the_wrong_type_is_shown() {
    insta::assert_snapshot!(problems("id = \"ENV-01\"\ntitle = \"t\"\n\n[client]\nto = \"a@example.test\"\n"), @r#"
    error[wrong-type]: expected a list, found a string
     --> scenarios/envelope/x.toml:5:6
      |
    5 | to = "a@example.test"
      |      ^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_rule_behind_a_wider_one_never_matches() {
    let text = "id = \"ENV-01\"\ntitle = \"t\"\n\n[[on]]\ncommand = \"RCPT\"\nreply = \"550 no\"\n\n\
                [[on]]\ncommand = \"RCPT\"\nnth = 2\nreply = \"450 later\"\n";
    insta::assert_snapshot!(problems(text), @r#"
    error[never-matches]: an earlier rule matches whenever this one would
     --> scenarios/envelope/x.toml:8:1
      |
    4 | [[on]]
      | ------ the earlier rule
    ...
    8 | [[on]]
      | ^^^^^^
      |
      = help: the first match wins: put the narrower rule first
    "#);
}

/// A file with a mistake in nearly every line.
const BROKEN: &str = r#"id = "env-1"

[server]
tls = "startls"
port = 99999

[client]
auth = "basik"
timeout = "1 minute"
subject = "{subjct-canary}"
twins = ["startls"]
message_parts_attachments = 3

[[on]]
command = "RCTP"
reply = "250 ok"

[[on]]
command = "MAIL"
nth = 0
reply = "250 ok"
close = true

[[on]]
phase = "mail"
command = "RCPT"
tls = true
reply = [{ send = "2", wait = "1s" }]

[expect]
claims = { ADP-01 = "passed" }
"#;

#[test]
fn all_problems_are_reported_at_once() {
    insta::assert_snapshot!(problems(BROKEN), @r#"
    error[missing-key]: the scenario needs the key `title`
     --> scenarios/envelope/x.toml:1:1
      |
    1 | id = "env-1"
      | ^

    error[bad-value]: `env-1` is not the id of a scenario
     --> scenarios/envelope/x.toml:1:6
      |
    1 | id = "env-1"
      |      ^^^^^^^
      |
      = help: an id is three capital letters, a hyphen and two digits: `ENV-03`

    error[bad-value]: `startls` is not one of `none`, `starttls`, `implicit`
     --> scenarios/envelope/x.toml:4:7
      |
    4 | tls = "startls"
      |       ^^^^^^^^^
      |
      = help: did you mean `starttls`?

    error[bad-value]: the number 99999 is out of range here
     --> scenarios/envelope/x.toml:5:8
      |
    5 | port = 99999
      |        ^^^^^

    error[bad-value]: `basik` is not one of `none`, `basic`, `ntlm`
     --> scenarios/envelope/x.toml:8:8
      |
    8 | auth = "basik"
      |        ^^^^^^^
      |
      = help: did you mean `basic`?

    error[bad-value]: `1 minute` is not a duration
     --> scenarios/envelope/x.toml:9:11
      |
    9 | timeout = "1 minute"
      |           ^^^^^^^^^^
      |
      = help: write a whole number and its unit, `ms` or `s`: "150ms", "2s"

    error[bad-value]: there is no placeholder `{subjct-canary}`
      --> scenarios/envelope/x.toml:10:11
       |
    10 | subject = "{subjct-canary}"
       |           ^^^^^^^^^^^^^^^^^
       |
       = help: did you mean `{subject-canary}`?

    error[bad-value]: there is no bad twin `startls`
      --> scenarios/envelope/x.toml:11:10
       |
    11 | twins = ["startls"]
       |          ^^^^^^^^^
       |
       = help: did you mean `starttls`?

    error[bad-value]: 3 is not a value of `MessagePartsAttachments`
      --> scenarios/envelope/x.toml:12:29
       |
    12 | message_parts_attachments = 3
       |                             ^
       |
       = help: 0 attaches nothing, 1 the body part, 2 all parts

    error[never-matches]: `RCTP` is no command of SMTP: the rule never matches
      --> scenarios/envelope/x.toml:15:11
       |
    15 | command = "RCTP"
       |           ^^^^^^
       |
       = help: did you mean `RCPT`?

    error[never-matches]: occurrences are counted from 1: the rule never matches
      --> scenarios/envelope/x.toml:20:7
       |
    20 | nth = 0
       |       ^

    error[conflict]: `close` contradicts `reply`: a rule does one thing
      --> scenarios/envelope/x.toml:22:1
       |
    21 | reply = "250 ok"
       | ----- the first
    22 | close = true
       | ^^^^^
       |
       = help: to end the connection after a reply, write `then = "close"` or `then = "reset"`

    error[never-matches]: `RCPT` never comes in the phase `mail`
      --> scenarios/envelope/x.toml:25:9
       |
    25 | phase = "mail"
       |         ^^^^^^

    error[conflict]: a chunk is exactly one of `send`, `hex`, `wait`, `flush`, `generate`
      --> scenarios/envelope/x.toml:28:10
       |
    28 | reply = [{ send = "2", wait = "1s" }]
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: write one chunk for each, in the order in which they happen

    error[bad-value]: `passed` is not one of `pass`, `fail`, `inconclusive`, `not-applicable`
      --> scenarios/envelope/x.toml:31:21
       |
    31 | claims = { ADP-01 = "passed" }
       |                     ^^^^^^^^
       |
       = help: did you mean `pass`?
    "#);
}

#[test]
fn text_that_is_not_toml_is_shown_in_its_place() {
    insta::assert_snapshot!(problems("id = \"ENV-01\ntitle = \"t\"\n"), @r#"
    error[toml]: invalid basic string, expected `"`
     --> scenarios/envelope/x.toml:1:13
      |
    1 | id = "ENV-01
      |             ^
    "#);
}

#[test]
fn rules_that_no_session_can_make_fire_are_mistakes() {
    let with = |server: &str, rule: &str| {
        problems(&format!(
            "{MINIMAL}{server}\n[[on]]\n{rule}\nreply = \"250 ok\"\n"
        ))
    };
    let implicit = "[server]\ntls = \"implicit\"\n";
    let starttls = "[server]\nextensions = [\"STARTTLS\"]\n";
    for (server, rule) in [
        ("", "connection = 0"),
        ("", "command = \"MAIL\"\nnth = 0"),
        ("", "command = \"CONTNET\""),
        ("", "phase = \"mail\"\ncommand = \"RCPT\""),
        ("", "phase = \"greeting\"\ncommand = \"NOOP\""),
        ("", "command = \"GREETING\"\nnth = 2"),
        ("", "command = \"CONTENT\"\nargument = \"x\""),
        ("", "tls = true"),
        (implicit, "tls = false"),
        (starttls, "tls = true\ncommand = \"GREETING\""),
    ] {
        let shown = with(server, rule);
        assert!(
            shown.starts_with("error[never-matches]: "),
            "{rule}\n{shown}"
        );
    }
}

#[test]
fn only_a_wider_earlier_rule_shadows() {
    let rules = |first: &str, second: &str| {
        let text =
            format!("{MINIMAL}[[on]]\n{first}\nclose = true\n[[on]]\n{second}\nclose = true\n");
        Scenario::parse("x.toml", &text).map(|_| ())
    };
    for (first, second) in [
        ("", "command = \"MAIL\""),
        ("phase = \"auth\"", "command = \"AUTH-RESPONSE\"\nnth = 2"),
        (
            "argument = \"B@\"",
            "command = \"RCPT\"\nargument = \"ab@example\"",
        ),
        ("connection = 1", "connection = 1\ntls = false"),
    ] {
        assert!(rules(first, second).is_err(), "{first} / {second}");
    }
    for (first, second) in [
        ("command = \"RCPT\"\nnth = 2", "command = \"RCPT\""),
        ("connection = 1", "connection = 2"),
        (
            "command = \"RCPT\"\nargument = \"ab@\"",
            "command = \"RCPT\"\nargument = \"b@\"",
        ),
        ("phase = \"auth\"", "command = \"NOOP\""),
    ] {
        assert!(rules(first, second).is_ok(), "{first} / {second}");
    }
}

#[test]
fn a_rule_with_a_mistake_in_its_selector_shadows_nothing() {
    let shown = problems(&format!(
        "{MINIMAL}[[on]]\ncommand = \"RCTP\"\nclose = true\n[[on]]\ncommand = \"MAIL\"\nclose = true\n"
    ));
    assert_eq!(shown.matches("error[").count(), 1, "{shown}");
}

#[test]
fn a_tree_is_loaded_in_order_and_duplicate_ids_name_both_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs::write(path, text).expect("written");
    };
    write("session/b.toml", "id = \"SES-01\"\ntitle = \"t\"\n");
    write("envelope/a.toml", MINIMAL);
    write("envelope/readme.md", "not a scenario");
    let scenarios = load_tree(folder.path()).expect("both are valid");
    let names: Vec<_> = scenarios
        .iter()
        .map(|s| (s.family.as_str(), s.id.value.as_str()))
        .collect();
    assert_eq!(names, [("envelope", "ENV-01"), ("session", "SES-01")]);

    write("session/c.toml", MINIMAL);
    write("session/d.toml", "id = 1\n");
    let errors = load_tree(folder.path())
        .expect_err("an id is used twice")
        .to_string();
    assert!(
        errors.contains("error[duplicate-id]: the id `ENV-01` is that of ")
            && errors.contains("a.toml"),
        "{errors}"
    );
    assert!(errors.contains("c.toml:1:6"), "{errors}");
    assert!(errors.contains("error[wrong-type]"), "{errors}");
}

#[test]
fn a_missing_file_is_named() {
    let error = load_tree(std::path::Path::new("no/such/file.toml")).expect_err("it is not there");
    assert!(
        error
            .to_string()
            .starts_with("error: no/such/file.toml: No such file"),
        "{error}"
    );
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(id|title|reply|nth|on|server|=|\\[|\\]|\\{|\\}|\"|\n|\\.| |1|x|ö){0,60}") {
        if let Err(problems) = Scenario::parse("x.toml", &text) {
            proptest::prop_assert!(!problems.is_empty());
            proptest::prop_assert!(problems.to_string().starts_with("error["));
        }
    }
}
