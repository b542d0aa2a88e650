//! The steps of the GitHub Action, run in a folder of their own with what GitHub sets.

#![cfg(unix)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rstest::rstest;
use support::{folder, text};
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A runner: the folder of the workflow, and what a step leaves behind.
struct Runner(TempDir);

impl Runner {
    fn new() -> Self {
        let runner = Self(folder());
        let capture = root().join("captures/BAS-01.pcapng");
        fs::copy(capture, runner.0.path().join("a capture.pcapng")).expect("a capture");
        runner
    }

    fn step(&self, step: &str, variables: &[(&str, &str)]) -> Output {
        let path = |name: &str| self.0.path().join(name);
        Command::new("bash")
            .arg(root().join(".ci/action.sh"))
            .arg(step)
            .current_dir(self.0.path())
            .env("GITHUB_ACTION_PATH", root())
            .env("GITHUB_OUTPUT", path("output"))
            .env("GITHUB_STEP_SUMMARY", path("summary"))
            .env("RUNNER_TEMP", path("temp"))
            .env("SMTPSPEC", env!("CARGO_BIN_EXE_smtpspec"))
            .envs(variables.iter().copied())
            .output()
            .expect("bash starts")
    }

    fn left(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap_or_default()
    }
}

#[test]
fn the_binary_that_is_named_is_taken() {
    let runner = Runner::new();
    let binary = env!("CARGO_BIN_EXE_smtpspec");
    let output = runner.step("install", &[("INPUT_BINARY", binary)]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(runner.left("output"), format!("binary={binary}\n"));
    let output = runner.step("install", &[("INPUT_BINARY", "/nowhere/smtpspec")]);
    assert_eq!(output.status.code(), Some(2));
}

#[rstest]
#[case::met("biztalk-smtp-adapter", "0", "**Every expectation was met**")]
#[case::not_met("rfc-strict,submission-8314", "1", "did not meet an expectation")]
fn an_audit_leaves_reports_summary_and_status(
    #[case] profile: &str,
    #[case] status: &str,
    #[case] said: &str,
) {
    let runner = Runner::new();
    // Indented, and with a blank in its name, as a workflow may have it.
    let targets = "\n  a capture.pcapng\r\n\n";
    let output = runner.step(
        "judge",
        &[("INPUT_TARGETS", targets), ("INPUT_PROFILE", profile)],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let left = runner.left("output");
    assert_eq!(
        left,
        format!("status={status}\nreports=smtpspec-out\nsarif=true\n")
    );
    assert!(runner.left("summary").contains(said));
    for report in ["txt", "md", "sarif", "xml", "json"] {
        assert!(
            !runner
                .left(&format!("smtpspec-out/report.{report}"))
                .is_empty(),
            "{report}"
        );
    }
    let code = status.parse().ok();
    let output = runner.step("conclude", &[("STATUS", status)]);
    assert_eq!(output.status.code(), code);
    let output = runner.step("conclude", &[("STATUS", status), ("INPUT_FAIL", "false")]);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_run_takes_scenarios_arguments_and_a_baseline() {
    let runner = Runner::new();
    let bad = [
        ("INPUT_COMMAND", "run"),
        ("INPUT_TARGETS", "BAS-01\nNON-01"),
        ("INPUT_ARGUMENTS", "--pinned\n--twin\nhides-password"),
        ("INPUT_OUT", "first"),
    ];
    runner.step("judge", &bad);
    assert!(
        runner
            .left("output")
            .starts_with("status=1\nreports=first\n")
    );
    let mut again = bad.to_vec();
    again[3] = ("INPUT_OUT", "second");
    again.push(("INPUT_BASELINE", "first/result.json"));
    runner.step("judge", &again);
    assert!(runner.left("output").contains("status=0\nreports=second\n"));
    assert!(
        runner
            .left("summary")
            .contains("**Against the baseline: 0 new, ")
    );
}

#[test]
fn what_cannot_be_judged_fails_whatever_was_asked() {
    let runner = Runner::new();
    // No option, no command, and nothing of an earlier step.
    fs::create_dir(runner.0.path().join("smtpspec-out")).expect("a folder");
    fs::write(runner.0.path().join("smtpspec-out/report.sarif"), "old").expect("a file");
    let output = runner.step(
        "judge",
        &[("INPUT_TARGETS", "--help\n$(touch hit)\n; touch hit")],
    );
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        runner.left("output"),
        "status=2\nreports=smtpspec-out\nsarif=false\n"
    );
    assert!(!runner.0.path().join("hit").exists());
    let output = runner.step("conclude", &[("STATUS", "2"), ("INPUT_FAIL", "false")]);
    assert_eq!(output.status.code(), Some(2));
    let output = runner.step("judge", &[]);
    assert_eq!(output.status.code(), Some(2), "no captures");
    let output = runner.step("judge", &[("INPUT_COMMAND", "serve")]);
    assert_eq!(output.status.code(), Some(2), "another command");
}

#[test]
fn every_input_is_declared_and_none_becomes_text_of_a_script() {
    let action = fs::read_to_string(root().join("action.yml")).expect("the action");
    let (inputs, steps) = action.split_once("\noutputs:").expect("outputs");
    let inputs = inputs.split_once("\ninputs:\n").expect("inputs").1;
    let declared: BTreeSet<&str> = inputs
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
        .filter(|name| !name.starts_with(' '))
        .collect();
    let used: BTreeSet<&str> = steps
        .split("inputs.")
        .skip(1)
        .map(|rest| rest.split([' ', '}']).next().unwrap_or_default())
        .collect();
    assert_eq!(declared, used);
    let script = fs::read_to_string(root().join(".ci/action.sh")).expect("its steps");
    for line in steps.lines().map(str::trim) {
        if let Some(command) = line.strip_prefix("run:") {
            assert!(!command.contains("${{"), "{line}");
        }
        let variable = line.split_once(": ${{ inputs.").map(|(name, _)| name);
        if let Some(name) = variable.filter(|name| name.starts_with("INPUT_")) {
            assert!(script.contains(&format!("${{{name}:-")), "{name}");
        }
    }
}
