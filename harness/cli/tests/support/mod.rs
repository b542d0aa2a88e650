//! What the tests with third-party programs share: finding the programs, running them, and the server under test.

#![allow(
    dead_code,
    reason = "every test file is a crate of its own and uses its own part of this one"
)]

#[cfg(unix)]
pub(crate) mod browser;
pub(crate) mod live;
#[cfg(unix)]
pub(crate) mod mta;
pub(crate) mod serve;
pub(crate) mod talk;

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use claims::Profile;
use claims::result::{ClaimOutcome, ConversationOutcome, Outcome};
use lab::runner::{self, RunOptions};
use lab::scenario::Scenario;
use smtp::Timeline;
use smtpspec::commands::run::replay;
use smtpspec::road::{self, Scope};
use tempfile::TempDir;

/// Whether all programs are installed. Where one is not, the test is to be left, and this was said loudly.
pub(crate) fn have(programs: &[&str]) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let installed =
        |program: &str| env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let missing: Vec<_> = programs.iter().filter(|name| !installed(name)).collect();
    for program in &missing {
        skipped(&format!("{program} is not installed"));
    }
    missing.is_empty()
}

/// Whether Python with pyspnego, an NTLM of other hands, is installed.
pub(crate) fn have_pyspnego() -> bool {
    if !have(&["python3"]) {
        return false;
    }
    let output = Command::new("python3")
        .args(["-c", "import spnego"])
        .output()
        .expect("python3 starts");
    if !output.status.success() {
        skipped("pyspnego is not installed (pip install pyspnego==0.12.4)");
    }
    output.status.success()
}

/// Says that a test is skipped, and why. A continuous build has everything installed, so there it is an error.
pub(crate) fn skipped(why: &str) {
    let continuous = env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!continuous, "{why}, and a continuous build skips nothing");
    eprintln!("SKIPPED: {why}");
}

/// A folder that goes away with the test.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Runs a program to its end with something on its standard input.
pub(crate) fn feed(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // A program that ends early closes the pipe; its exit status tells.
    let writer = std::thread::spawn(move || stdin.write_all(&input).is_ok());
    let output = child
        .wait_with_output()
        .expect("the program runs to its end");
    let _ = writer.join();
    output
}

/// What a program wrote, as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Standard output of a program that must end well.
pub(crate) fn good(output: &Output, what: &str) -> Vec<u8> {
    let complaint = text(&output.stderr);
    assert!(
        output.status.success(),
        "{what}: {} {complaint}",
        output.status
    );
    output.stdout.clone()
}

/// What openssl answers.
pub(crate) fn openssl(arguments: &[&str], input: &[u8]) -> Output {
    feed(Command::new("openssl").args(arguments), input)
}

/// What tshark says about a capture, a line each.
pub(crate) fn tshark(capture: &Path, arguments: &[&str]) -> Vec<String> {
    let output = Command::new("tshark")
        .arg("-n")
        .arg("-r")
        .arg(capture)
        .args(arguments)
        .output()
        .expect("tshark starts");
    let said = good(&output, &format!("tshark on {}", capture.display()));
    text(&said).lines().map(str::to_owned).collect()
}

/// The numbers of the frames that a display filter selects. `port` is where SMTP is spoken.
pub(crate) fn frames(capture: &Path, port: u16, filter: &str) -> Vec<u64> {
    let decode = format!("tcp.port=={port},smtp");
    let arguments = [
        "-d",
        &decode,
        "-Y",
        filter,
        "-T",
        "fields",
        "-e",
        "frame.number",
    ];
    tshark(capture, &arguments)
        .iter()
        .map(|line| line.parse().expect("a frame number"))
        .collect()
}

/// The frames of a capture that tshark has something against, where the server listens on that port: malformed, a wrong
/// checksum, or a match of `more`.
///
/// tshark is told to undo base64 before it looks into a part; by default it takes the text of a signature for DER.
pub(crate) fn blemishes(capture: &Path, port: u16, more: &str) -> Vec<String> {
    // A free port may be one on which Wireshark expects something else than SMTP.
    let protocol = if port == 25 { "smtp" } else { "data" };
    let decode = format!("tcp.port=={port},{protocol}");
    let filter = format!(
        "_ws.malformed || tcp.checksum.status == \"Bad\" || ip.checksum.status == \"Bad\" || {more}"
    );
    let arguments = [
        "-d",
        &decode,
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "ip.check_checksum:TRUE",
        "-Y",
        &filter,
    ];
    tshark(capture, &arguments)
}

/// A capture as the harness reads it.
pub(crate) fn timelines(capture: &Path) -> Vec<Timeline> {
    let evidence = road::read(capture, Scope::Lab).expect("the capture is readable");
    assert_eq!(evidence.truncated, None);
    evidence.timelines
}

/// A capture with one conversation, as the harness reads it.
pub(crate) fn timeline(capture: &Path) -> Timeline {
    let mut all = timelines(capture);
    assert_eq!(all.len(), 1, "{}", capture.display());
    all.remove(0)
}

/// The binary under test.
pub(crate) fn smtpspec() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtpspec"));
    command.env("NO_COLOR", "1");
    command
}

/// `smtpspec audit --format json` of one capture.
pub(crate) fn audit(capture: &Path) -> Outcome {
    audit_with(capture, &[])
}

/// The same with what is known beforehand.
pub(crate) fn audit_with(capture: &Path, known: &[&str]) -> Outcome {
    let output = smtpspec()
        .arg("audit")
        .arg(capture)
        .args(["--format", "json"])
        .args(known)
        .output()
        .expect("the binary starts");
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        text(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("a result in JSON")
}

/// The only conversation of a result.
pub(crate) fn only(outcome: &Outcome) -> &ConversationOutcome {
    assert_eq!(outcome.conversations.len(), 1, "one conversation");
    &outcome.conversations[0]
}

/// The judgement of a claim.
pub(crate) fn judged<'a>(conversation: &'a ConversationOutcome, claim: &str) -> &'a ClaimOutcome {
    conversation
        .verdicts
        .iter()
        .find(|one| one.claim == claim)
        .inspect(|one| eprintln!("{claim}: {}: {}", one.verdict, one.reason))
        .expect("a claim of the profile")
}

/// Scenarios of the catalogue by their ids.
pub(crate) fn named(ids: &[&str]) -> Vec<Scenario> {
    let all = runner::catalogue().expect("the catalogue is valid");
    let chosen: Vec<_> = all
        .into_iter()
        .filter(|one| ids.contains(&one.id.value.as_str()))
        .collect();
    assert_eq!(chosen.len(), ids.len(), "{ids:?} are in the catalogue");
    chosen
}

/// Replays scenarios with pinned seeds. The captures lie in `out`, each under the id of its scenario.
pub(crate) fn pinned(scenarios: Vec<Scenario>, out: &Path) -> Outcome {
    let options = RunOptions {
        out: out.to_owned(),
        twins: Vec::new(),
        pinned: true,
    };
    let profile = Profile::find("biztalk-smtp-adapter").expect("the profile is shipped");
    replay(scenarios, options, 8, profile).expect("the harness does its part")
}

/// Writes a file into a folder.
pub(crate) fn write(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).expect("the file is written");
    path
}

/// Whether the bytes hold a text.
pub(crate) fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

/// Settings under which a snapshot lies in `reports/`, or in a folder of it, by its own name.
pub(crate) fn reports(folder: &str) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports");
    settings.set_snapshot_path(reports.join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

/// Runs a fault driver (`tests/faults/`) against our program: whether it was content, and what it said.
pub(crate) fn drive(driver: &str, arguments: &[&str]) -> (bool, String) {
    let driver = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/faults")
        .join(driver);
    let run = Command::new("python3")
        .arg("-B")
        .arg(driver)
        .arg(env!("CARGO_BIN_EXE_smtpspec"))
        .args(arguments)
        .output()
        .expect("python3 starts");
    (run.status.success(), text(&run.stdout) + &text(&run.stderr))
}
