//! Bad input: a message that says where and why, exit status 2, and no file that looks whole.

use std::path::Path;
use std::process::{Command, Output};

use rstest::rstest;

fn smtpspec(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_smtpspec"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("the binary starts")
}

/// What a user sees: exit status, then standard error.
fn complaint(arguments: &[&str], files: &[(&str, &[u8])]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).expect("the file is written");
    }
    let output = smtpspec(folder.path(), arguments);
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(
        !folder.path().join("smtpspec-out/result.json").exists(),
        "a result was left behind"
    );
    format!(
        "exit {}\n{}",
        output.status.code().unwrap_or(-1),
        stderr.trim_end()
    )
}

fn golden() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures/BAS-01.pcapng"))
        .expect("a golden capture")
}

#[test]
fn an_unknown_key_is_shown_with_the_nearest_one() {
    let text = b"id = \"BAS-90\"\ntitle = \"x\"\n\n[server]\nextension = [\"DSN\"]\n";
    insta::assert_snapshot!(complaint(&["run", "x.toml"], &[("x.toml", text)]), @r#"
    exit 2
    error[unknown-key]: unknown key `extension` in `[server]`
     --> x.toml:5:1
      |
    5 | extension = ["DSN"]
      | ^^^^^^^^^
      |
      = help: did you mean `extensions`?
    "#);
}

#[test]
fn a_wrong_type_is_shown_in_its_place() {
    let text = b"id = \"BAS-90\"\ntitle = \"x\"\n\n[client]\ninitial_response = \"yes\"\n";
    insta::assert_snapshot!(complaint(&["run", "x.toml"], &[("x.toml", text)]), @r#"
    exit 2
    error[wrong-type]: expected a boolean, found a string
     --> x.toml:5:20
      |
    5 | initial_response = "yes"
      |                    ^^^^^
    "#);
}

#[test]
fn a_rule_that_can_never_match_is_an_error() {
    let text = b"id = \"BAS-90\"\ntitle = \"x\"\n\n[[on]]\ncommand = \"RCPT\"\nreply = \"550 no\"\n\n[[on]]\ncommand = \"RCPT\"\nnth = 2\nreply = \"450 later\"\n";
    insta::assert_snapshot!(complaint(&["run", "x.toml"], &[("x.toml", text)]), @"
    exit 2
    error[never-matches]: an earlier rule matches whenever this one would
     --> x.toml:8:1
      |
    4 | [[on]]
      | ------ the earlier rule
    ...
    8 | [[on]]
      | ^^^^^^
      |
      = help: the first match wins: put the narrower rule first
    ");
}

#[test]
fn all_problems_of_a_file_are_shown_together() {
    let text = b"id = \"bas-1\"\ntitel = \"x\"\n\n[client]\nauth = \"kerberos\"\ntimeout = 5\n\n[expect]\nclaims = { ADP-01 = \"passes\" }\n";
    insta::assert_snapshot!(complaint(&["run", "x.toml"], &[("x.toml", text)]), @r#"
    exit 2
    error[missing-key]: the scenario needs the key `title`
     --> x.toml:1:1
      |
    1 | id = "bas-1"
      | ^

    error[bad-value]: `bas-1` is not the id of a scenario
     --> x.toml:1:6
      |
    1 | id = "bas-1"
      |      ^^^^^^^
      |
      = help: an id is three capital letters, a hyphen and two digits: `ENV-03`

    error[unknown-key]: unknown key `titel`
     --> x.toml:2:1
      |
    2 | titel = "x"
      | ^^^^^
      |
      = help: did you mean `title`?

    error[bad-value]: `kerberos` is not one of `none`, `basic`, `ntlm`
     --> x.toml:5:8
      |
    5 | auth = "kerberos"
      |        ^^^^^^^^^^

    error[wrong-type]: expected a string, found an integer
     --> x.toml:6:11
      |
    6 | timeout = 5
      |           ^

    error[bad-value]: `passes` is not one of `pass`, `fail`, `inconclusive`, `recorded`, `not-applicable`
     --> x.toml:9:21
      |
    9 | claims = { ADP-01 = "passes" }
      |                     ^^^^^^^^
      |
      = help: did you mean `pass`?
    "#);
}

#[test]
fn an_expectation_of_an_unknown_claim_is_an_error() {
    let text = b"id = \"BAS-90\"\ntitle = \"x\"\n\n[expect]\nclaims = { ADP-99 = \"pass\" }\n";
    insta::assert_snapshot!(complaint(&["run", "x.toml"], &[("x.toml", text)]), @r#"
    exit 2
    error[bad-value]: `ADP-99` is no claim of the profile biztalk-smtp-adapter
     --> x.toml:5:12
      |
    5 | claims = { ADP-99 = "pass" }
      |            ^^^^^^
    "#);
}

#[test]
fn a_missing_scenario_file_is_named() {
    insta::assert_snapshot!(complaint(&["run", "missing.toml"], &[]), @"
    exit 2
    error: missing.toml: No such file or directory (os error 2)
    ");
}

#[test]
fn an_unknown_scenario_is_answered_with_where_to_look() {
    insta::assert_snapshot!(complaint(&["run", "BAS-99"], &[]), @"
    exit 2
    error: `BAS-99` is no scenario, family, file or folder; `smtpspec list scenarios` shows the catalogue
    ");
}

#[test]
fn a_missing_capture_is_named() {
    insta::assert_snapshot!(complaint(&["audit", "missing.pcap"], &[]), @"
    exit 2
    error: missing.pcap: cannot read the capture: No such file or directory (os error 2); check that the file exists and may be read
    ");
}

#[test]
fn an_empty_file_is_no_capture() {
    insta::assert_snapshot!(complaint(&["audit", "empty.pcap"], &[("empty.pcap", b"")]), @"
    exit 2
    error: empty.pcap: the file is empty at offset 0, before packet 1; expected a pcap or pcapng file: check that the recording was started and allowed to finish
    ");
}

#[test]
fn a_text_is_no_capture() {
    insta::assert_snapshot!(complaint(&["audit", "notes.txt"], &[("notes.txt", b"From: me\r\nTo: you\r\n")]), @"
    exit 2
    error: notes.txt: not a capture: found the bytes 46 72 6f 6d 3a 20 6d 65 at offset 0, before packet 1; expected a pcap or pcapng file: convert or unpack it first
    ");
}

#[test]
fn a_capture_that_breaks_off_is_judged_as_far_as_it_goes_and_exits_with_2() {
    let whole = golden();
    let cut = &whole[..whole.len() - 100];
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("cut.pcapng"), cut).expect("the file is written");
    let output = smtpspec(folder.path(), &["audit", "cut.pcapng"]);
    assert_eq!(output.status.code(), Some(2));
    let report = String::from_utf8(output.stdout).expect("text");
    assert!(report.contains("ADP-16  pass"), "{report}");
    insta::assert_snapshot!(String::from_utf8(output.stderr).expect("text").trim_end(), @"error: cut.pcapng: packet 25, byte offset 3272: the file ends inside a block; what came before was read");
}

#[test]
fn no_cut_of_a_capture_panics_or_passes_what_it_does_not_hold() {
    let whole = golden();
    let folder = tempfile::tempdir().expect("a temporary folder");
    // One cut in each block is enough for the binary; the reader's own tests cut at every byte.
    for length in (0..whole.len()).step_by(397) {
        std::fs::write(folder.path().join("cut.pcapng"), &whole[..length])
            .expect("the file is written");
        let output = smtpspec(folder.path(), &["audit", "cut.pcapng"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{length}: {stderr}");
        assert!(
            matches!(output.status.code(), Some(0 | 2)),
            "{length}: {:?} {stderr}",
            output.status
        );
    }
}

#[test]
fn an_unknown_format_profile_or_twin_is_answered_with_what_there_is() {
    insta::assert_snapshot!(complaint(&["run", "--format", "pdf"], &[]), @"
    exit 2
    error: there is no format `pdf`; there is text, json, jsonl, md, comment, html, junit, sarif, csv, controls, oscal
    ");
    insta::assert_snapshot!(complaint(&["run", "--profile", "strict"], &[]), @"
    exit 2
    error: there is no profile `strict`; there is biztalk-smtp-adapter, submission-8314, rfc-strict, pci-dss-4.0.1, nist-sp-800-53r5, nist-sp-800-177r1, hipaa-security-rule, iso-27001-2022, cis-controls-v8, bsi-tr-03108; or give a file NAME.toml
    ");
    insta::assert_snapshot!(complaint(&["run", "--twin", "evil"], &[]), @"
    exit 2
    error: there is no bad twin `evil`; `smtpspec list twins` shows what there is
    ");
}

#[test]
fn a_profile_of_ones_own_is_checked_with_line_and_column() {
    let told = |text: &str| {
        let run = ["audit", "x.pcap", "--profile", "rfc-strict,mine.toml"];
        complaint(&run, &[("mine.toml", text.as_bytes())])
    };
    insta::assert_snapshot!(told("id = \"mine\"\ntitle = \"Mine\"\nextends = \"pci\"\n"), @"
    exit 2
    error: mine.toml:3:11: there is no profile `pci` to extend; `smtpspec list profiles` shows what there is
    ");
    insta::assert_snapshot!(told("id = \"mine\"\ntitle = \"Mine\"\n[claims]\nADP-16 = \"sure\"\n"), @"
    exit 2
    error: mine.toml:4:10: unknown variant `sure`, expected one of `holds`, `does-not-hold`, `recorded`, `ignored`
    ");
    insta::assert_snapshot!(told("id = \"mine\"\ntitle = \"Mine\"\n[claims]\n\"RFC5321-3.1\" = \"does-not-hold\"\n"), @"
    exit 2
    error: the profiles do not go together: rfc-strict says that RFC5321-3.1 holds, and mine says does-not-hold
    ");
    insta::assert_snapshot!(complaint(&["run", "--profile", "none.toml"], &[]), @"
    exit 2
    error: cannot read none.toml: No such file or directory (os error 2)
    ");
}

#[test]
fn something_else_is_not_a_result() {
    insta::assert_snapshot!(complaint(&["report", "x.json"], &[("x.json", b"{\n  \"schema\": 1\n}\n")]), @"
    exit 2
    error: x.json:2:13: not a result of smtpspec: invalid type: integer `1`, expected a string at line 2 column 13; give the file that `--format json` wrote
    ");
}

/// Results, definitions and names of files may come from somebody else.
#[rstest]
#[case::value(&["report", "x.json"], br#"{"schema": "s", "claims": [], "cases": [], "summary": {"\u001b]0;\u202e": 1}}"#, "x.json:1:")]
#[case::scenario(&["run", "x.toml"], b"id = \"TRY-01\"\n\"\\u001b[2J\\u202e\" = 1\n", "x.toml:2:1")]
#[case::source(&["run", "x.toml"], "id = \"TRY-01\"\nodd = \"\u{202e}\"\n".as_bytes(), "x.toml:2:1")]
#[case::client(&["run", "--client", "./x.toml"], b"\"\\u001b[2J\\u202e\" = 1\n", "x.toml:1:1")]
#[case::profile(&["audit", "--profile", "./x.toml", "c.pcap"], b"\"\\u001b[2J\\u202e\" = 1\n", "x.toml:1:1")]
#[case::name(&["audit", "\u{1b}[2J\u{202e}.pcap"], b"", "2J")]
fn what_is_said_of_bad_input_does_not_drive_the_terminal(
    #[case] arguments: &[&str],
    #[case] content: &[u8],
    #[case] wanted: &str,
) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let name = if arguments.concat().contains("json") {
        "x.json"
    } else {
        "x.toml"
    };
    std::fs::write(folder.path().join(name), content).expect("the file is written");
    let output = Command::new(env!("CARGO_BIN_EXE_smtpspec"))
        .args(arguments)
        .current_dir(folder.path())
        // As on a terminal: elsewhere escape sequences are taken out on the way.
        .env("CLICOLOR_FORCE", "1")
        .arg("--color=never")
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8(output.stderr).expect("text");
    let drives = text.contains("\u{1b}[2J") || text.contains("\u{1b}]");
    assert!(!drives && !text.contains(claims::steers), "{text:?}");
    assert!(text.contains(wanted), "{text:?}");
}

#[test]
fn an_accounts_file_is_checked_without_quoting_it() {
    let text = complaint(
        &["serve", "--listen", "127.0.0.1:0", "--accounts", "accounts"],
        &[("accounts", b"# ours\nhunter2\n")],
    );
    assert!(!text.contains("hunter2"));
    insta::assert_snapshot!(text, @r"
    exit 2
    error: accounts:2:1: expected `user:password` or `DOMAIN\user:password`
    ");
}

#[cfg(not(feature = "live"))]
#[test]
fn a_build_without_live_capture_says_how_to_get_it() {
    insta::assert_snapshot!(complaint(&["audit", "--interface", "eth0"], &[]), @"
    exit 2
    error: this build has no live capture: install with `cargo install --path harness/cli --features live` (needs libpcap), or run `tcpdump -i eth0 -U -w - | smtpspec audit -`, which does the same
    ");
}
