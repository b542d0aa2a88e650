//! How mistakes are shown.

use super::problems;

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

    error[never-matches]: `RCTP` is no command of SMTP: the rule never matches
      --> scenarios/envelope/x.toml:14:11
       |
    14 | command = "RCTP"
       |           ^^^^^^
       |
       = help: did you mean `RCPT`?

    error[never-matches]: occurrences are counted from 1: the rule never matches
      --> scenarios/envelope/x.toml:19:7
       |
    19 | nth = 0
       |       ^

    error[conflict]: `close` contradicts `reply`: a rule does one thing
      --> scenarios/envelope/x.toml:21:1
       |
    20 | reply = "250 ok"
       | ----- the first
    21 | close = true
       | ^^^^^
       |
       = help: to end the connection after a reply, write `then = "close"` or `then = "reset"`

    error[never-matches]: `RCPT` never comes in the phase `mail`
      --> scenarios/envelope/x.toml:24:9
       |
    24 | phase = "mail"
       |         ^^^^^^

    error[conflict]: a chunk is exactly one of `send`, `hex`, `base64`, `wait`, `flush`, `generate`
      --> scenarios/envelope/x.toml:27:10
       |
    27 | reply = [{ send = "2", wait = "1s" }]
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: write one chunk for each, in the order in which they happen

    error[bad-value]: `passed` is not one of `pass`, `fail`, `inconclusive`, `recorded`, `not-applicable`
      --> scenarios/envelope/x.toml:30:21
       |
    30 | claims = { ADP-01 = "passed" }
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
fn a_certificate_needs_tls_and_a_window_some_bytes() {
    let text =
        "id = \"TLS-01\"\ntitle = \"t\"\n\n[server]\ncertificate = \"expired\"\nwindow = 0\n";
    insta::assert_snapshot!(problems(text), @r#"
    error[conflict]: a server without TLS shows no certificate
     --> scenarios/envelope/x.toml:5:15
      |
    5 | certificate = "expired"
      |               ^^^^^^^^^
      |
      = help: offer `STARTTLS` among the extensions, or write `tls = "implicit"`

    error[bad-value]: a window of 0 bytes takes nothing at all
     --> scenarios/envelope/x.toml:6:10
      |
    6 | window = 0
      |          ^
      |
      = help: to stop reading for a while, write a rule with `stop_reading = "5s"`
    "#);
}

#[test]
fn misspelt_choices_of_the_server_are_shown_with_the_nearest() {
    let server = |key: &str, value: &str| {
        problems(&format!(
            "id = \"TLS-01\"\ntitle = \"t\"\n[server]\ntls = \"implicit\"\n{key} = \"{value}\"\n"
        ))
    };
    for (key, value, near) in [
        ("certificate", "self_signed", "self-signed"),
        ("certificate", "good ", "good"),
        ("ntlm_challenge", "trunkated", "truncated"),
        ("ntlm_challenge", "no-target-inf", "no-target-info"),
    ] {
        let shown = server(key, value);
        assert!(
            shown.starts_with("error[bad-value]: ")
                && shown.contains(":5:")
                && shown.contains(&format!("did you mean `{near}`?")),
            "{shown}"
        );
    }
}

#[test]
fn mistakes_in_rules_are_shown_with_what_was_meant() {
    let rule = |keys: &str| {
        problems(&format!(
            "id = \"NET-01\"\ntitle = \"t\"\n[[on]]\ncommand = \"CONTENT\"\n{keys}\n"
        ))
    };
    for (keys, shown) in [
        (
            "reply = \"{default-cod} x\"",
            "did you mean `{default-code}`?",
        ),
        (
            "reply = [{ send = \"{default text}\" }]",
            "did you mean `{default-text}`?",
        ),
        ("reply = \"{default\"", "there is no placeholder `{default`"),
        (
            "reset = true\nat = -1",
            "the number -1 is out of range here",
        ),
        ("reset = true\nnth = \"2\"", "`2` does not say which one"),
        (
            "reset = true\nconnection = \">x\"",
            "`>x` does not say which one",
        ),
        ("reset = true\ndrip = true", "`drip` goes with a `reply`"),
        (
            "half_close = true\nthen = \"close\"",
            "`then` goes with a `reply`",
        ),
        ("half_close = true\nreset = true", "contradicts `reset`"),
        ("stop_reading = 5", "expected a string, found an integer"),
        ("stop_readin = \"5s\"", "did you mean `stop_reading`?"),
        ("reply = [{ bas64 = \"x\" }]", "did you mean `base64`?"),
        (
            "reply = \"250 x\"\nthen = \"half_close\"",
            "did you mean `half-close`?",
        ),
    ] {
        let all = rule(keys);
        assert!(all.contains(shown), "{keys}\n{all}");
    }
}
