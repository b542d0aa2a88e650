//! Clients that are not ours: installed ones in a handful of cases, and small programs that do what real ones sometimes do.

#[path = "clients/attended.rs"]
mod attended;
mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use claims::Verdict;
use claims::result::{CaseOutcome, Outcome};
use rstest::rstest;
use support::{folder, have, smtpspec, text, write};
use tempfile::TempDir;

/// A case that a message has to come through.
const DELIVERED: &str = r#"
id = "TRY-01"
title = "Delivered"
requirement = "A message is delivered."
level = "must"

[server]
extensions = ["8BITMIME", "AUTH PLAIN LOGIN"]
require_auth = true

[client]
auth = "basic"
to = ["b@server.example"]

[expect]
outcome = "sent"
checks = { message-accepted = "observed" }
"#;

/// A case that no message must come through.
const REFUSED: &str = r#"
id = "TRY-02"
title = "Refused"
requirement = "A refused message is not called sent."
level = "should"

[[on]]
command = "MAIL"
reply = "550 5.7.1 no"

[expect]
outcome = "suspended"
checks = { message-accepted = "not-observed" }
"#;

/// A client of a few lines, so that the tests do not hang on what is installed: it does as it is told, and then what
/// `THEN` says.
const PYTHON: &str = r#"
import os, smtplib, sys, time
host, port, sender, message, then = sys.argv[1:6]
if then == "never":
    print("no idea where to go", file=sys.stderr)
    sys.exit(1)
if then == "cannot":
    print("too old for this", file=sys.stderr)
    sys.exit(89)
if then == "hang":
    time.sleep(60)
with smtplib.SMTP(host, int(port), local_hostname="client.example", timeout=10) as server:
    with open(message, "rb") as file:
        try:
            server.sendmail(sender, sys.argv[6:], file.read())
        except smtplib.SMTPException:
            if then != "lie":
                raise
"#;

/// A definition that runs [`PYTHON`]. In the control cases it always does as it is told.
fn definition(then: &str) -> String {
    format!(
        r#"
id = "small"
title = "A few lines of Python"
command = ["sh", "-c", '''
case "$1" in BEN-*) then=send ;; *) then={then} ;; esac
shift
exec python3 small.py "$1" "$2" "$3" "$4" $then "${{@:5}}"
''', "small", "{{case}}", "{{host}}", "{{port}}", "{{sender}}", "{{message}}", "{{recipients...}}"]

[files]
"small.py" = '''{PYTHON}'''

[mode.none]
[mode.basic]
[tls.never]
"#
    )
    .replace("\"sh\", \"-c\"", "\"bash\", \"-c\"")
}

/// A folder with cases to run.
fn prepared(cases: &[&str]) -> TempDir {
    let folder = folder();
    let place = folder.path().join("cases");
    fs::create_dir(&place).expect("a folder");
    for (number, case) in cases.iter().enumerate() {
        write(&place, &format!("{number}.toml"), case.as_bytes());
    }
    folder
}

struct Run {
    folder: TempDir,
    output: Output,
}

impl Run {
    /// Runs the cases against clients; `more` are arguments.
    fn of(cases: &[&str], more: &[&str]) -> Self {
        let folder = prepared(cases);
        Self::with(folder, more)
    }

    fn with(folder: TempDir, more: &[&str]) -> Self {
        let output = smtpspec()
            .args(["run", "cases", "--out", "out"])
            .args(more)
            .current_dir(folder.path())
            .output()
            .expect("the binary starts");
        Self { folder, output }
    }

    /// The cases against [`PYTHON`].
    fn small(cases: &[&str], then: &str, more: &[&str]) -> Self {
        let folder = prepared(cases);
        write(folder.path(), "small.toml", definition(then).as_bytes());
        let mut arguments = vec!["--client", "./small.toml"];
        arguments.extend(more);
        Self::with(folder, &arguments)
    }

    fn result(&self, client: &str) -> Outcome {
        let path = self
            .folder
            .path()
            .join("out")
            .join(client)
            .join("result.json");
        let text = fs::read(&path)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", path.display(), self.said()));
        serde_json::from_slice(&text).expect("a result in JSON")
    }

    fn case(&self, client: &str, id: &str) -> CaseOutcome {
        let mut cases = self.result(client).cases.into_iter();
        cases
            .find(|case| case.id == id)
            .unwrap_or_else(|| panic!("{id}: {}", self.said()))
    }

    fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    fn said(&self) -> String {
        text(&self.output.stdout) + &text(&self.output.stderr)
    }
}

fn verdicts(outcome: &Outcome) -> Vec<(&str, Option<Verdict>)> {
    outcome
        .cases
        .iter()
        .map(|case| (case.id.as_str(), case.verdict))
        .collect()
}

#[test]
fn installed_clients_pass_what_they_pass_and_leave_their_evidence() {
    if !have(&["curl", "python3"]) {
        return;
    }
    let run = Run::of(
        &[DELIVERED, REFUSED],
        &["--client", "curl", "--client", "smtplib", "--jobs", "2"],
    );
    assert_eq!(run.code(), Some(0), "{}", run.said());
    for client in ["curl", "smtplib"] {
        let outcome = run.result(client);
        let wanted = ["BEN-01", "TRY-01", "TRY-02", "BEN-02"].map(|id| (id, Some(Verdict::Pass)));
        assert_eq!(verdicts(&outcome), wanted, "{}", run.said());
        let told = outcome.client.as_ref().expect("the client is named");
        assert_eq!(told.id, client);
        assert!(
            told.version
                .as_deref()
                .is_some_and(|version| version.contains('.'))
        );
        for case in &outcome.cases {
            let log = run
                .folder
                .path()
                .join(case.client_log.as_deref().expect("a log"));
            let log = fs::read_to_string(&log).expect("the log is there");
            assert!(log.contains("ended: exit status"), "{log}");
            assert!(run.folder.path().join(&case.capture.path).is_file());
            assert!(!log.contains("Pw-"), "no password in a log: {log}");
        }
        assert!(!outcome.conversations.is_empty());
    }
}

#[test]
fn a_client_that_never_connects_costs_its_own_case_only() {
    if !have(&["bash", "python3"]) {
        return;
    }
    let run = Run::small(&[DELIVERED.replace("basic", "none").as_str()], "never", &[]);
    let case = run.case("small", "TRY-01");
    assert_eq!(case.verdict, Some(Verdict::Inconclusive));
    assert_eq!(
        case.problems[0],
        "the client never connected: no idea where to go"
    );
    assert_eq!(run.case("small", "BEN-02").verdict, Some(Verdict::Pass));
    assert_eq!(
        run.code(),
        Some(0),
        "nothing was shown against it: {}",
        run.said()
    );
}

#[test]
fn a_client_that_hangs_is_killed_and_the_run_goes_on() {
    if !have(&["bash", "python3"]) {
        return;
    }
    let started = Instant::now();
    let run = Run::small(&[REFUSED], "hang", &["--limit", "3s"]);
    assert!(
        started.elapsed() < Duration::from_secs(40),
        "{:?}",
        started.elapsed()
    );
    let case = run.case("small", "TRY-02");
    assert_eq!(case.verdict, Some(Verdict::Inconclusive));
    assert!(
        case.problems
            .iter()
            .any(|problem| problem.contains("was killed")),
        "{:?}",
        case.problems
    );
    assert_eq!(run.case("small", "BEN-02").verdict, Some(Verdict::Pass));
}

#[test]
fn an_exit_status_says_that_a_client_cannot_do_a_case() {
    if !have(&["bash", "python3"]) {
        return;
    }
    let run = Run::small(&[DELIVERED, REFUSED], "cannot", &[]);
    for id in ["TRY-01", "TRY-02"] {
        let case = run.case("small", id);
        assert_eq!(case.verdict, Some(Verdict::NotApplicable));
        assert_eq!(case.problems, ["small cannot do this: too old for this"]);
    }
    assert_eq!(run.code(), Some(0));
}

#[test]
fn a_client_that_calls_a_refused_message_sent_fails() {
    if !have(&["bash", "python3"]) {
        return;
    }
    let refused = REFUSED
        .replace("MAIL", "RCPT")
        .replace("message-accepted", "missed-recipient-reported-as-sent");
    let run = Run::small(&[&refused], "lie", &[]);
    let case = run.case("small", "TRY-02");
    assert_eq!(case.verdict, Some(Verdict::Fail), "{:?}", case.problems);
    assert!(
        case.problems[0].starts_with("missed-recipient-reported-as-sent"),
        "{:?}",
        case.problems
    );
    assert_eq!(run.code(), Some(1), "{}", run.said());
}

#[test]
fn a_failure_that_is_known_does_not_fail_the_run_and_one_that_is_over_does() {
    if !have(&["bash", "python3"]) {
        return;
    }
    let cases = [
        DELIVERED.replace("basic", "none"),
        REFUSED.replace(
            "message-accepted = \"not-observed\"",
            "message-accepted = \"observed\"",
        ),
    ];
    let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
    let run = |known: &str| {
        let folder = prepared(&cases);
        write(folder.path(), "small.toml", definition("send").as_bytes());
        write(folder.path(), "known.toml", known.as_bytes());
        Run::with(
            folder,
            &[
                "--client",
                "./small.toml",
                "--expected-failures",
                "known.toml",
            ],
        )
    };
    let entry = |case: &str, finding: &str| {
        format!(
            "[[failure]]\nclient = \"small\"\ncase = \"{case}\"\nreason = \"by design\"\nfinding = \"{finding}\"\n"
        )
    };
    // It is not authenticated, so TRY-01 fails; TRY-02 is refused, which that case takes for a failure.
    let both =
        entry("TRY-01", "no message was accepted") + &entry("TRY-02", "no message was accepted");
    let good = run(&both);
    assert_eq!(good.code(), Some(0), "{}", good.said());
    assert_eq!(
        good.case("small", "TRY-01").expected_failure.as_deref(),
        Some("by design")
    );
    assert_eq!(good.case("small", "TRY-01").verdict, Some(Verdict::Fail));

    let otherwise = run(&both.replace("no message was accepted", "spoke too early"));
    assert_eq!(otherwise.code(), Some(1), "{}", otherwise.said());
    let over = run(&(both.clone() + &entry("BEN-02", "anything")));
    assert_eq!(over.code(), Some(1), "{}", over.said());
    assert!(over.said().contains("take it off the list"));
    let wrong = run(&(both + &entry("TRY-77", "anything")));
    assert_eq!(wrong.code(), Some(2));
    assert!(
        wrong.said().contains("there is no case `TRY-77`"),
        "{}",
        wrong.said()
    );
}

#[test]
fn a_client_that_fails_the_control_case_is_not_put_to_the_others() {
    let run = Run::of(&[DELIVERED], &["--client-cmd", "true"]);
    assert_eq!(run.code(), Some(2), "{}", run.said());
    assert!(
        run.said().contains("the control case BEN-01 failed"),
        "{}",
        run.said()
    );
    let outcome = run.result("command");
    assert_eq!(outcome.cases.len(), 1);
    assert!(!outcome.met());
}

#[test]
fn a_command_gets_its_placeholders_and_goes_by_its_status() {
    if !have(&["curl"]) {
        return;
    }
    let command = "sh -c '[ \"$1\" = none ] || exit 89; shift; \
                   from=$1 url=$2 file=$3; shift 3; \
                   for to; do set -- \"$@\" --mail-rcpt \"$to\"; shift; done; \
                   exec curl -q -sS --noproxy \"*\" \"$url\" --mail-from \"$from\" \"$@\" -T \"$file\"' \
                   x {mode} {sender} smtp://{host}:{port}/{ehlo} {message} {recipients...}";
    let run = Run::of(&[DELIVERED, REFUSED], &["--client-cmd", command]);
    assert_eq!(run.code(), Some(0), "{}", run.said());
    assert_eq!(
        run.case("command", "TRY-01").verdict,
        Some(Verdict::NotApplicable)
    );
    assert_eq!(run.case("command", "TRY-02").verdict, Some(Verdict::Pass));
}

#[test]
fn a_trigger_is_called_and_its_connection_waited_for() {
    if !have(&["bash", "python3"]) {
        return;
    }
    let folder = prepared(&[REFUSED]);
    write(folder.path(), "small.py", PYTHON.as_bytes());
    // The trigger ends at once; the service sends a while later, from outside its process group.
    let program = folder.path().join("small.py");
    let command = format!(
        "bash -c '(sleep 0.3; exec setsid python3 {0} \"$1\" \"$2\" \"$3\" \"$4\" send \
         \"${{@:5}}\") >/dev/null 2>&1 </dev/null & disown' x {{host}} {{port}} {{sender}} {{message}} {{recipients...}}",
        program.display()
    );
    let run = Run::with(folder, &["--trigger", &command, "--wait", "20s"]);
    let outcome = run.result("trigger");
    let wanted = ["BEN-01", "TRY-02", "BEN-02"].map(|id| (id, Some(Verdict::Pass)));
    assert_eq!(verdicts(&outcome), wanted, "{}", run.said());
}

#[rstest]
#[case(&["--client", "crul"], "there is no client `crul`")]
#[case(&["--client", "./no-such.toml"], "no-such.toml")]
#[case(&["--client-cmd", "send 'open"], "error")]
#[case(&["--client-cmd", "send {hots}"], "there is no placeholder `{hots}`")]
#[case(&["--client", "curl", "--twin", "starttls"], "for the reference adapter alone")]
#[case(&["--client", "curl", "--limit", "2 minutes"], "whole number and its unit")]
#[case(&["--client", "curl", "--client", "swaks", "--format", "json"], "is for one client")]
#[case(&["--filter", "no such case"], "no case is left")]
#[case(&["--level", "shall"], "there is no level `shall`")]
#[case(&["--attended"], "--port")]
fn mistakes_on_the_command_line(#[case] arguments: &[&str], #[case] said: &str) {
    let run = Run::of(&[DELIVERED], arguments);
    assert_eq!(run.code(), Some(2), "{}", run.said());
    assert!(run.said().contains(said), "{}", run.said());
}

#[test]
fn a_wrong_definition_is_shown_with_its_place() {
    let folder = prepared(&[DELIVERED]);
    let wrong = definition("send").replace("title =", "titel =");
    write(folder.path(), "small.toml", wrong.as_bytes());
    let run = Run::with(folder, &["--client", "./small.toml"]);
    assert_eq!(run.code(), Some(2));
    assert!(run.said().contains("small.toml:3:1"), "{}", run.said());
    assert!(
        run.said().contains("did you mean `title`?"),
        "{}",
        run.said()
    );
}

#[test]
fn fail_fast_stops_at_the_first_failure() {
    if !have(&["bash", "python3"]) {
        return;
    }
    let later = DELIVERED
        .replace("TRY-01", "TRY-03")
        .replace("basic", "none");
    let first = DELIVERED.replace("basic", "none");
    let run = Run::small(&[&first, &later], "send", &["--fail-fast", "--jobs", "1"]);
    assert_eq!(run.code(), Some(1), "{}", run.said());
    assert_eq!(
        verdicts(&run.result("small")),
        [
            ("BEN-01", Some(Verdict::Pass)),
            ("TRY-01", Some(Verdict::Fail))
        ]
    );
}

#[test]
fn what_is_installed_is_run_and_what_is_not_is_left_out() {
    if !have(&["curl"]) {
        return;
    }
    let folder = prepared(&[DELIVERED]);
    // A machine on which there is nothing but curl.
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).expect("a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let curl = std::env::split_paths(&path)
        .map(|place| place.join("curl"))
        .find(|program| program.is_file())
        .expect("it was found before");
    std::os::unix::fs::symlink(curl, bin.join("curl")).expect("a link");
    let output = smtpspec()
        .args(["run", "cases", "--client", "installed", "--out", "out"])
        .env("PATH", &bin)
        .env("SMTPSPEC_CLIENTS", folder.path())
        .current_dir(folder.path())
        .output()
        .expect("the binary starts");
    let run = Run { folder, output };
    assert_eq!(run.code(), Some(0), "{}", run.said());
    assert_eq!(run.case("curl", "TRY-01").verdict, Some(Verdict::Pass));
    assert!(
        run.said()
            .contains("swaks: left out: swaks is not installed"),
        "{}",
        run.said()
    );
    assert!(!run.folder.path().join("out/swaks").exists());

    let output = smtpspec()
        .args(["run", "--client", "installed", "--out", "none"])
        .env("PATH", run.folder.path())
        .env("SMTPSPEC_CLIENTS", run.folder.path().join("nowhere"))
        .current_dir(run.folder.path())
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(2), "nothing was tested");
}

#[test]
fn clients_are_listed_with_what_is_found() {
    if !have(&["curl"]) {
        return;
    }
    let output = smtpspec()
        .args(["list", "clients"])
        .output()
        .expect("the binary starts");
    let listed = text(&output.stdout);
    assert!(output.status.success(), "{listed}");
    let curl = listed
        .lines()
        .find(|line| line.starts_with("curl "))
        .expect("a line");
    assert!(
        curl.contains(" found ") && curl.contains("none, basic, ntlm; curl "),
        "{curl}"
    );
    assert_eq!(listed.lines().count(), lab::client::names().count());
}

/// Folders of clients are private while they last; none is left behind.
#[test]
fn captures_and_logs_are_readable_by_their_owner_only() {
    if !have(&["curl"]) {
        return;
    }
    let run = Run::of(&[DELIVERED], &["--client", "curl"]);
    for case in run.result("curl").cases {
        for path in [&case.capture.path, case.client_log.as_ref().expect("a log")] {
            assert_eq!(mode(&run.folder.path().join(path)), 0o600, "{path}");
        }
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).expect("the file").permissions().mode() & 0o777
}
