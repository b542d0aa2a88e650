//! Several reports at once: a file each, the same as when each is made alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use claims::result::{ConversationOutcome, Outcome};

fn smtpspec(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_smtpspec"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("the binary starts")
}

fn golden(folder: &Path) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures/BAS-01.pcapng");
    let to = folder.join("in.pcapng");
    fs::copy(from, &to).expect("a golden capture");
    to
}

fn all() -> String {
    let names: Vec<_> = report::FORMATS.iter().map(|format| format.name).collect();
    names.join(",")
}

fn files(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("the folder");
    entries
        .map(|one| {
            one.expect("an entry")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect()
}

#[test]
fn an_audit_in_all_formats_leaves_what_each_makes_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    golden(folder.path());
    let output = smtpspec(
        folder.path(),
        &["audit", "in.pcapng", "--format", &all(), "--out", "out"],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let out = folder.path().join("out");
    let wanted: BTreeSet<_> = report::FORMATS
        .iter()
        .map(|format| format!("report.{}", format.extension))
        .collect();
    assert_eq!(files(&out), wanted);
    for format in report::FORMATS {
        let alone = smtpspec(
            folder.path(),
            &["audit", "in.pcapng", "--format", format.name],
        );
        let file = fs::read(out.join(format!("report.{}", format.extension))).expect("a report");
        assert_eq!(
            String::from_utf8_lossy(&file),
            String::from_utf8_lossy(&alone.stdout),
            "{}",
            format.name
        );
    }
    // The text is shown, too.
    let shown = fs::read(out.join("report.txt")).expect("the text");
    assert_eq!(output.stdout, shown);
}

#[test]
fn json_lines_are_whole_and_name_what_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    golden(folder.path());
    let output = smtpspec(folder.path(), &["audit", "in.pcapng", "--format", "jsonl"]);
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    assert_eq!(
        lines.last().map(|last| &last["type"]),
        Some(&"summary".into())
    );
    let first: ConversationOutcome = serde_json::from_value(lines[0].clone()).expect("one");
    assert_eq!(first.id, "C1/1");
}

#[test]
fn a_run_leaves_its_reports_beside_its_captures() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = smtpspec(
        folder.path(),
        &[
            "run", "BAS-01", "--format", "sarif", "--format", "md", "--quiet",
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    let names = files(&folder.path().join("smtpspec-out"));
    let wanted = ["BAS-01.pcapng", "report.md", "report.sarif", "result.json"];
    assert_eq!(names, wanted.map(str::to_owned).into());

    let again = smtpspec(
        folder.path(),
        &[
            "report",
            "smtpspec-out/result.json",
            "--format",
            "json,csv",
            "--out",
            "later",
        ],
    );
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    let json = fs::read_to_string(folder.path().join("later/report.json")).expect("a report");
    serde_json::from_str::<Outcome>(&json).expect("a result");
    let names = files(&folder.path().join("later"));
    assert_eq!(
        names,
        ["report.csv", "report.json"].map(str::to_owned).into()
    );
}

#[test]
fn what_an_audit_streams_makes_the_other_reports_later() {
    let folder = tempfile::tempdir().expect("a folder");
    golden(folder.path());
    let audit = [
        "audit",
        "in.pcapng",
        "--profile",
        "submission-8314",
        "--format",
    ];
    let with = |format| smtpspec(folder.path(), &[&audit[..], &[format]].concat());
    fs::write(folder.path().join("r.json"), with("json").stdout).expect("written");
    for format in ["sarif", "junit", "md"] {
        let later = smtpspec(folder.path(), &["report", "r.json", "--format", format]);
        assert_eq!(later.status.code(), Some(1), "{later:?}");
        let (later, now) = (later.stdout, with(format).stdout);
        assert_eq!(
            String::from_utf8_lossy(&later),
            String::from_utf8_lossy(&now),
            "{format}"
        );
    }
}

#[test]
fn several_formats_need_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    golden(folder.path());
    let output = smtpspec(
        folder.path(),
        &["audit", "in.pcapng", "--format", "json,md"],
    );
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(
        text.contains("name a folder for them with --out DIR"),
        "{text}"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn nothing_half_done_is_left_where_nothing_was_judged() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("in.pcap"), b"no capture at all").expect("written");
    let output = smtpspec(
        folder.path(),
        &[
            "audit",
            "in.pcap",
            "--format",
            "json,jsonl,md",
            "--out",
            "out",
        ],
    );
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(files(&folder.path().join("out")), BTreeSet::new());
}
