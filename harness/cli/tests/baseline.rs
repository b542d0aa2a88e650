//! `--baseline`: what failed already does not fail a run or an audit, and what is new does.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use rstest::rstest;
use serde_json::Value;
use support::{folder, smtpspec, text};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../captures/{name}.pcapng"))
}

fn audit(folder: &Path, capture: &str, more: &[&str]) -> Output {
    smtpspec()
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .arg("audit")
        .arg(golden(capture))
        .args(["--profile", "rfc-strict,submission-8314"])
        .args(more)
        .output()
        .expect("the binary starts")
}

/// An audit's result, as a file.
fn before(folder: &Path, capture: &str) -> String {
    let output = audit(folder, capture, &["--format", "json"]);
    let path = folder.join("before.json");
    fs::write(&path, output.stdout).expect("written");
    path.display().to_string()
}

/// `new`, `fixed` and so on of a result.
fn names(result: &Value, list: &str) -> Vec<String> {
    let list = result["baseline"][list].as_array().expect("a list");
    list.iter()
        .map(|one| one["what"].as_str().expect("text").to_owned())
        .collect()
}

#[test]
fn what_failed_before_fails_no_more_and_what_is_new_does() {
    let folder = folder();
    // Without a login; with a password in clear.
    let (good, bad) = ("NON-01", "BAS-01");
    assert_eq!(audit(folder.path(), bad, &[]).status.code(), Some(1));
    let baseline = before(folder.path(), bad);
    let same = audit(
        folder.path(),
        bad,
        &["--baseline", &baseline, "--format", "json"],
    );
    assert_eq!(same.status.code(), Some(0), "{}", text(&same.stderr));
    let result: Value = serde_json::from_slice(&same.stdout).expect("a result");
    assert!(!names(&result, "unchanged").is_empty());
    assert!(names(&result, "new").is_empty());

    let baseline = before(folder.path(), good);
    let worse = audit(
        folder.path(),
        bad,
        &["--baseline", &baseline, "--format", "json"],
    );
    assert_eq!(worse.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&worse.stdout).expect("a result");
    let new = names(&result, "new");
    assert!(new.contains(&"RFC4954-4".to_owned()), "{new:?}");

    // The other way round: nothing is fixed by a capture in which nobody logs in.
    let baseline = before(folder.path(), bad);
    let other = audit(
        folder.path(),
        good,
        &["--baseline", &baseline, "--format", "json"],
    );
    assert_eq!(other.status.code(), Some(0));
    let result: Value = serde_json::from_slice(&other.stdout).expect("a result");
    assert!(names(&result, "not-seen").contains(&"RFC4954-4".to_owned()));
    assert!(!names(&result, "fixed").contains(&"RFC4954-4".to_owned()));
}

#[rstest]
#[case("text", "against the baseline: 0 new, ")]
#[case("md", "**Against the baseline: 0 new, ")]
#[case("sarif", "\"baselineState\": \"unchanged\"")]
#[case("junit", "as in the baseline: fail")]
fn reports_tell_what_is_not_new(#[case] format: &str, #[case] wanted: &str) {
    let folder = folder();
    let baseline = before(folder.path(), "BAS-01");
    let more = ["--baseline", &baseline, "--format", format];
    let output = audit(folder.path(), "BAS-01", &more);
    let said = text(&output.stdout);
    assert!(said.contains(wanted), "{said}");
    assert!(!said.contains("<failure"), "{said}");
    assert!(!said.contains("\"baselineState\": \"new\""), "{said}");
}

#[test]
fn a_run_against_a_baseline() {
    let folder = folder();
    let run = |more: &[&str]| {
        smtpspec()
            .current_dir(folder.path())
            .args(["run", "BAS-01", "NON-01", "--pinned"])
            .args(more)
            .output()
            .expect("the binary starts")
    };
    let bad = "hides-password";
    assert_eq!(run(&["--twin", bad]).status.code(), Some(1));
    let result = "smtpspec-out/result.json";
    fs::rename(folder.path().join(result), folder.path().join("bad.json")).expect("a result");
    let again = run(&["--twin", bad, "--baseline", "bad.json"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    let mended = run(&["--baseline", "bad.json"]);
    assert_eq!(mended.status.code(), Some(0));
    let said = text(&mended.stderr);
    assert!(said.contains("against bad.json: 0 new, "), "{said}");
    assert!(!said.contains(" 0 fixed"), "{said}");
    fs::rename(folder.path().join(result), folder.path().join("good.json")).expect("a result");
    let worse = run(&["--twin", bad, "--baseline", "good.json"]);
    assert_eq!(worse.status.code(), Some(1), "{}", text(&worse.stderr));
}

#[rstest]
#[case::absent("nothing.json", None, "cannot read nothing.json")]
#[case::no_result("x.json", Some("{}"), "not a result of smtpspec")]
#[case::no_json("x.json", Some("\u{0}\u{1}"), "not a result of smtpspec")]
fn what_is_no_baseline_is_bad_input(
    #[case] name: &str,
    #[case] content: Option<&str>,
    #[case] wanted: &str,
) {
    let folder = folder();
    if let Some(content) = content {
        fs::write(folder.path().join(name), content).expect("written");
    }
    let output = audit(folder.path(), "NON-01", &["--baseline", name]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains(wanted), "{said}");
}

#[test]
fn the_result_of_another_command_is_no_baseline() {
    let folder = folder();
    let baseline = before(folder.path(), "NON-01");
    let output = smtpspec()
        .current_dir(folder.path())
        .args(["run", "NON-01", "--baseline", &baseline])
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("the result of `audit`"), "{said}");
}
