//! Results fit their published schema, and come out the same for the same captures and profiles.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jsonschema::Validator;
use serde_json::{Value, json};

/// What several standards of compliance ask, over what is expected of the adapter.
const PROFILES: &str =
    "biztalk-smtp-adapter,rfc-strict,nist-sp-800-53r5,pci-dss-4.0.1,hipaa-security-rule";

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures")
}

/// Standard output of the program, whatever its verdict.
fn smtpspec(arguments: &[&str], clock: Option<&str>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtpspec"));
    command.args(arguments).current_dir(captures());
    match clock {
        Some(time) => command.env("SOURCE_DATE_EPOCH", time),
        None => command.env_remove("SOURCE_DATE_EPOCH"),
    };
    let output = command.output().expect("it runs");
    let code = output.status.code();
    assert!(
        matches!(code, Some(0 | 1)),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

fn validator(of: &str) -> Validator {
    let schema: Value = serde_json::from_str(&smtpspec(&["schema", of], None)).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

fn fits(validator: &Validator, value: &Value, what: &str) {
    let problems: Vec<_> = validator
        .iter_errors(value)
        .map(|problem| format!("{}: {problem}", problem.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{what}: {problems:#?}");
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn audited() -> String {
    let arguments = [
        "audit",
        "BAS-09.pcapng",
        "NLM-01.pcapng",
        "SMI-07.pcapng",
        "clients",
        "--profile",
        PROFILES,
        "--coverage",
        "All mail of one day.",
        "--format",
        "json",
    ];
    smtpspec(&arguments, Some("1767323045"))
}

#[test]
fn results_of_audits_and_runs_fit_the_schema() {
    let validator = validator("result");
    let audit = parsed(&audited());
    fits(&validator, &audit, "audit");
    assert_eq!(audit["made"], "2026-01-02T03:04:05Z");
    assert_eq!(audit["coverage"], "All mail of one day.");
    assert_eq!(audit["controls"].as_array().map(Vec::len), Some(3));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().to_str().expect("UTF-8");
    let run = [
        "run",
        "basic",
        "ntlm",
        "smime",
        "--pinned",
        "--twin",
        "sends-twice",
        "--format",
        "json",
        "--profile",
        PROFILES,
        "--out",
        out,
    ];
    fits(&validator, &parsed(&smtpspec(&run, None)), "run");
}

/// What makes no result of one, and how that is done.
type Spoilt = (&'static str, fn(&mut Value));

#[test]
fn what_is_no_result_does_not_fit() {
    let validator = validator("result");
    let whole = parsed(&audited());
    let spoilt: [Spoilt; 6] = [
        ("another schema", |it| {
            it["schema"] = json!("smtpspec.result/2");
        }),
        ("no claims", |it| {
            it.as_object_mut().expect("an object").remove("claims");
        }),
        ("a verdict that there is not", |it| {
            it["conversations"][0]["verdicts"][0]["verdict"] = json!("compliant");
        }),
        ("a control that is met", |it| {
            it["controls"][0]["controls"][0]["verdict"] = json!("compliant");
        }),
        ("packets that are text", |it| {
            it["cases"][0]["capture"]["packets"] = json!("many");
        }),
        ("a count below nothing", |it| {
            it["answer"]["conversations"] = json!(-1);
        }),
    ];
    for (what, spoil) in spoilt {
        let mut one = whole.clone();
        spoil(&mut one);
        assert_ne!(one, whole, "{what}");
        assert!(!validator.is_valid(&one), "{what}");
    }
    // Readers leave alone what they do not know, so that fields can be added.
    let mut more = whole;
    more["of-tomorrow"] = json!({ "any": 1 });
    assert!(validator.is_valid(&more));
}

#[test]
fn lines_of_results_fit_theirs() {
    let validator = validator("result-line");
    let arguments = ["audit", "BAS-09.pcapng", "clients", "--profile", PROFILES];
    let text = smtpspec(&[&arguments[..], &["--format", "jsonl"]].concat(), None);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines() {
        let value = parsed(line);
        fits(&validator, &value, "line");
        let kind = value["type"].as_str().expect("each line says what it is");
        *kinds.entry(kind.to_owned()).or_default() += 1;
    }
    assert_eq!(kinds["summary"], 1);
    assert!(kinds["conversation"] > 10, "{kinds:?}");
    assert!(!validator.is_valid(&json!({ "type": "conversation" })));
    assert!(!validator.is_valid(&json!({ "type": "verdict" })));
}

/// Each format, made by the program itself, twice from the captures and once from the result.
#[test]
fn every_format_is_the_same_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let formats = smtpspec(&["list", "formats"], None);
    let formats: Vec<&str> = formats
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        formats.contains(&"oscal") && formats.len() > 8,
        "{formats:?}"
    );
    let all = formats.join(",");
    let make = |name: &str, threads: &str| {
        let out = folder.path().join(name);
        let path = out.to_str().expect("UTF-8");
        let arguments = ["audit", "BAS-09.pcapng", "SMI-07.pcapng", "clients"];
        let more = ["--profile", PROFILES, "--format", &all, "--out", path];
        let threads = ["--threads", threads, "--quiet"];
        smtpspec(&[&arguments[..], &more, &threads].concat(), None);
        files(&out)
    };
    let one = make("one", "1");
    assert_eq!(one.len(), formats.len(), "{:?}", one.keys());
    let other = make("other", "4");
    for (name, bytes) in &one {
        assert!(!bytes.is_empty(), "{name}");
        assert!(other.get(name) == Some(bytes), "{name} differs");
    }
    let result = folder.path().join("one/report.json");
    let again = folder.path().join("again");
    let (result, path) = (
        result.to_str().expect("UTF-8"),
        again.to_str().expect("UTF-8"),
    );
    let arguments = ["report", result, "--format", &all, "--out", path, "--quiet"];
    smtpspec(&arguments, None);
    for (name, bytes) in files(&again) {
        let (one, bytes) = (
            String::from_utf8_lossy(&one[&name]),
            String::from_utf8_lossy(&bytes),
        );
        match name.as_str() {
            // Written while it was judged, with line breaks in other places; and lines that the result does not hold.
            "report.json" => assert!(parsed(&one) == parsed(&bytes), "{name} says something else"),
            "report.jsonl" => {}
            _ => assert!(one == bytes, "{name} differs when made from the result"),
        }
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = fs::read_dir(folder).expect("the folder is made");
    all.map(|entry| {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        (name, fs::read(entry.path()).expect("a file"))
    })
    .collect()
}

#[test]
fn a_statement_of_coverage_is_asked_for_in_words() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtpspec"));
    command.args(["audit", "BAS-09.pcapng", "--coverage", " "]);
    let output = command.current_dir(captures()).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--coverage says nothing"));
}

#[test]
fn oscal_calls_satisfied_only_what_is_covered() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let result = folder.path().join("result.json");
    // Everything of this client went under TLS; its profile is one that a control is satisfied by.
    let profile = "nist-sp-800-53r5,bsi-tr-03108,nist-sp-800-177r1";
    let capture = "clients/python-starttls.pcap";
    let arguments = ["audit", capture, "--profile", profile, "--format", "json"];
    fs::write(&result, smtpspec(&arguments, None)).expect("the folder is ours");
    let result = result.to_str().expect("UTF-8");
    let oscal = ["report", result, "--format", "oscal"];
    let without = smtpspec(&oscal, None);
    assert!(!without.contains("\"state\": \"satisfied\""));
    let with = smtpspec(
        &[&oscal[..], &["--coverage", "Its only client."]].concat(),
        None,
    );
    assert!(with.contains("\"state\": \"satisfied\""), "{with}");
    assert!(with.contains("Coverage, as stated: Its only client."));
}
