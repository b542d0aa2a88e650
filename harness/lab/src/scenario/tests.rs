//! The language as a whole: what a small and a full file mean, and how mistakes are shown.

mod diagnostics;
mod matrix;
mod servers;
mod transcript;

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

/// A file that uses nearly everything.
const FULL: &str = r#"
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
checks = { "body-sent-once" = "observed" }
outcome = "sent"
"#;

#[test]
fn a_full_file_is_read_whole() {
    let scenario = parse(FULL);
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
            drip: false,
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
}

#[test]
fn what_a_file_says_about_the_client_is_put_over_a_configuration() {
    let scenario = parse(FULL);
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
    crate::adapter::Config {
        account: crate::adapter::config::Account {
            domain: "D".into(),
            user: "U".into(),
            password: smtp::Secret::new(*b"p"),
            workstation: "HOST".into(),
        },
        from: "f@example.test".into(),
        to: vec!["t@example.test".into()],
        ..crate::adapter::Config::documented()
    }
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
        ("", "command = \"GREETING\"\nnth = \">1\""),
        ("", "command = \"DATA\"\nat = 10"),
        ("", "phase = \"content\"\nat = 10"),
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
        ("nth = \">1\"", "nth = 2"),
        ("connection = \">1\"", "connection = \">2\"\nnth = 1"),
        (
            "command = \"CONTENT\"\nat = 9",
            "command = \"CONTENT\"\nat = 9\nconnection = 1",
        ),
    ] {
        assert!(rules(first, second).is_err(), "{first} / {second}");
    }
    for (first, second) in [
        ("command = \"RCPT\"\nnth = 2", "command = \"RCPT\""),
        ("connection = 1", "connection = 2"),
        ("nth = \">2\"", "nth = 2"),
        ("nth = \">2\"", "nth = \">1\""),
        ("nth = 2", "nth = \">1\""),
        ("command = \"CONTENT\"", "command = \"CONTENT\"\nat = 9"),
        (
            "command = \"CONTENT\"\nat = 8",
            "command = \"CONTENT\"\nat = 9",
        ),
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
    fn no_text_makes_the_reader_panic(text in "(id|title|reply|nth|on|server|matrix|segment|=|\\[|\\]|\\{|\\}|\"|\n|\\.| |1|x|ö){0,60}") {
        if let Err(problems) = Scenario::parse("x.toml", &text) {
            proptest::prop_assert!(!problems.is_empty());
            proptest::prop_assert!(problems.to_string().starts_with("error["));
        }
    }
}

#[test]
fn every_form_of_chunk_is_read() {
    let scenario = parse(&format!(
        "{MINIMAL}[[on]]\nreply = [{{ send = \"{{default-code}} x\\n\" }}, {{ base64 = \"Benutzer:\" }}, \
         {{ generate = {{ hex = \"00 ff\", count = 2 }} }}]\ndrip = true\n"
    ));
    let Action::Reply { reply, drip, .. } = &scenario.rules[0].action else {
        panic!("{:?}", scenario.rules[0].action);
    };
    assert!(drip);
    assert_eq!(
        reply.chunks,
        [
            Chunk::Template("{default-code} x\n".into()),
            Chunk::Send(b"QmVudXR6ZXI6".to_vec()),
            Chunk::Generate {
                unit: vec![0, 0xff],
                count: 2
            },
        ]
    );
    assert_eq!(
        reply.resolve("250 ok").chunks[0],
        Chunk::Send(b"250 x\n".to_vec())
    );
}

#[test]
fn a_text_with_a_place_is_a_template_of_lines() {
    let scenario = parse(&format!(
        "{MINIMAL}[[on]]\nreply = \"\"\"{{default-code}}-\n{{default-code}} {{default-text}}\"\"\"\n"
    ));
    let Action::Reply { reply, .. } = &scenario.rules[0].action else {
        panic!("{:?}", scenario.rules[0].action);
    };
    assert_eq!(reply.code(), None, "it follows from the default");
    assert_eq!(reply.resolve("354 go").code(), Some(354));
}
