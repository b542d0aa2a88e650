//! `smtpspec send` as a user meets it: what it reads, what it says, what it leaves behind, and what it refuses.

#![cfg(unix)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use claims::verdict::Verdict;
use rstest::rstest;
use support::serve::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, Serve, lines, wait_for};
use support::{audit, audit_with, folder, have, judged, only, smtpspec, text, write};

/// A message that goes as it is.
const MESSAGE: &[u8] =
    b"From: a@client.example\r\nSubject: Order 4711\r\n\r\n.hidden\r\nEnd of order.\r\n";

/// A sample of the documentation.
fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../samples")
        .join(name)
}

/// `smtpspec send` in a folder, with nothing of the environment that it would read.
fn send(folder: &Path) -> Command {
    let mut command = smtpspec();
    command
        .arg("send")
        .current_dir(folder)
        .env_remove("SMTPSPEC_PASSWORD")
        .stdin(Stdio::null());
    command
}

/// The same to a server of ours, with a message that is ready.
fn send_to(folder: &Path, port: u16) -> Command {
    write(folder, "message.eml", MESSAGE);
    let server = format!("127.0.0.1:{port}");
    let mut command = send(folder);
    command.args(["--server", &server, "--message", "message.eml"]);
    command.args(["--from", "a@client.example", "--to", "b@server.example"]);
    command
}

/// A file with a password that only its owner can read.
fn password(folder: &Path, password: &str) -> PathBuf {
    let path = write(folder, "password", format!("{password}\r\n").as_bytes());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("our own file");
    path
}

/// Everything that it wrote, with the exit status in front.
fn said(output: &Output) -> String {
    let code = output.status.code().unwrap_or(-1);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(!err.contains("panicked"), "{err}");
    for secret in [ALICE_PASSWORD, BOB_PASSWORD] {
        assert!(!out.contains(secret) && !err.contains(secret), "{out}{err}");
    }
    format!("exit {code}\n{err}{out}")
}

fn run(command: &mut Command) -> String {
    said(&command.output().expect("the binary starts"))
}

#[rstest]
#[case(&["--auth", "basic", "--mechanism", "plain", "--user", ALICE, "--yes"], ALICE_PASSWORD, "ADP-16")]
#[case(&["--auth", "basic", "--user", ALICE, "--yes"], ALICE_PASSWORD, "ADP-16")]
#[case(&["--auth", "ntlm", "--user", BOB], BOB_PASSWORD, "ADP-23")]
fn what_it_captures_is_judged(#[case] login: &[&str], #[case] secret: &str, #[case] claim: &str) {
    let folder = folder();
    let serve = Serve::start(folder.path());
    let file = password(folder.path(), secret);
    let mut command = send_to(folder.path(), serve.port);
    command.args(login).args(["--capture", "sent.pcapng"]);
    let shown = run(command.arg("--password-file").arg(file));
    assert!(
        shown.starts_with("exit 0\n") && shown.contains("\naccepted by 127.0.0.1:"),
        "{shown}"
    );
    let in_clear = shown.contains("* the password goes over the wire in clear now");
    assert_eq!(in_clear, claim == "ADP-16", "{shown}");

    let capture = folder.path().join("sent.pcapng");
    let mode = fs::metadata(&capture)
        .expect("a capture")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let accounts = folder.path().join("accounts");
    let known = ["--accounts", accounts.to_str().expect("a path in UTF-8")];
    let outcome = audit_with(&capture, &known);
    assert_eq!(judged(only(&outcome), claim).verdict, Verdict::Pass);
    // The server's own capture has the same dialogue.
    let served = serve.end();
    let lines = |outcome: &claims::result::Outcome| -> Vec<String> {
        let transcript = &only(outcome).transcript;
        let texts = transcript.iter().map(|line| line.text.clone());
        // The client is gone before the server's end of the connection comes.
        texts.filter(|text| text != "<FIN>").collect()
    };
    assert_eq!(lines(&outcome), lines(&served.outcome));
}

#[test]
fn a_refusal_has_status_1() {
    let folder = folder();
    let serve = Serve::start(folder.path());
    let file = password(folder.path(), "wrong");
    let mut command = send_to(folder.path(), serve.port);
    command.args(["--auth", "ntlm", "--user", BOB]);
    let shown = run(command.arg("--password-file").arg(file));
    assert!(
        shown.starts_with("exit 1\n")
            && shown.ends_with(
                "not sent, given up after the first attempt: the server answered 535 to AUTH\n"
            ),
        "{shown}"
    );
}

#[test]
fn nobody_there_is_status_1_after_the_retries() {
    let folder = folder();
    // Bound, and given back: nobody listens.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    let mut command = send_to(folder.path(), port);
    let shown = run(command.args(["--retry", "1", "--retry-interval", "10ms"]));
    assert!(
        shown.starts_with("exit 1\n") && shown.contains("given up after attempt 2"),
        "{shown}"
    );
    assert_eq!(shown.matches("* connecting to ").count(), 2, "{shown}");
}

#[rstest]
#[case("--config", "send.toml")]
#[case("--binding", "binding.xml")]
fn the_samples_send(#[case] option: &str, #[case] name: &str) {
    let folder = folder();
    let serve = Serve::start(folder.path());
    let body = write(folder.path(), "order.xml", b"<order/>\n");
    let server = format!("127.0.0.1:{}", serve.port);
    let mut command = send(folder.path());
    command
        .arg(option)
        .arg(sample(name))
        .arg("--body")
        .arg(body);
    command.args(["--server", &server, "--yes"]);
    let shown = run(command.env("SMTPSPEC_PASSWORD", ALICE_PASSWORD));
    assert!(shown.starts_with("exit 0\n"), "{shown}");
    assert!(
        shown.contains("C: MAIL FROM:<biztalk@corp.example>")
            && shown.contains("C: RCPT TO:<orders@partner.example>")
            && shown.contains("C: RCPT TO:<copy@partner.example>"),
        "{shown}"
    );
}

#[test]
fn a_dry_run_shows_what_a_file_comes_to_and_asks_nobody() {
    let folder = folder();
    let body = write(folder.path(), "order.xml", b"<order/>\n");
    let mut command = send(folder.path());
    command.arg("--config").arg(sample("send.toml"));
    command.arg("--body").arg(&body).arg("--dry-run");
    let shown = run(&mut command);
    let envelope = "exit 0\nMAIL FROM:<biztalk@corp.example>\nRCPT TO:<orders@partner.example>\nRCPT TO:<copy@partner.example>\n\n";
    assert!(shown.starts_with(envelope), "{shown}");
    for part in [
        "\r\nTo: orders@partner.example\r\n",
        "\r\nDisposition-Notification-To: biztalk@corp.example\r\n",
        "\r\nThe order is attached.\r\n",
        "\r\nPG9yZGVyLz4K\r\n",
    ] {
        assert!(shown.contains(part), "{part:?} in {shown}");
    }
    // The command line goes before the file, and the backup is a transport of its own.
    let mut command = send(folder.path());
    command.arg("--config").arg(sample("send.toml")).args([
        "--backup",
        "--dry-run",
        "--from",
        "other@corp.example",
    ]);
    let shown = run(command.arg("--body").arg(&body));
    let envelope = "exit 0\nMAIL FROM:<other@corp.example>\nRCPT TO:<orders@partner.example>\n\n";
    assert!(shown.starts_with(envelope), "{shown}");
}

#[test]
fn a_message_is_taken_from_standard_input() {
    let folder = folder();
    let mut command = send(folder.path());
    command.args([
        "--server",
        "x",
        "--from",
        "a@b.example",
        "--to",
        "c@d.example",
    ]);
    command.args(["--dry-run", "--message", "-", "--crlf"]);
    let output = support::feed(&mut command, b"Subject: x\n\n.\nend");
    let shown = said(&output);
    assert!(
        shown.ends_with("\n\nSubject: x\r\n\r\n.\r\nend"),
        "{shown:?}"
    );
}

#[test]
fn passwords_that_others_can_see_are_warned_of() {
    let folder = folder();
    let serve = Serve::start_with(folder.path(), &["--connections", "2"]);
    let login = ["--auth", "basic", "--user", ALICE, "--yes"];
    let mut command = send_to(folder.path(), serve.port);
    let shown = run(command.args(login).args(["--password", ALICE_PASSWORD]));
    assert!(
        shown.contains("warning: other users of this machine can see what --password says"),
        "{shown}"
    );
    let open = write(folder.path(), "open", ALICE_PASSWORD.as_bytes());
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).expect("our own file");
    let mut command = send_to(folder.path(), serve.port);
    let shown = run(command.args(login).args(["--password-file", "open"]));
    assert!(
        shown.contains("warning: other users can read open (mode 0644)"),
        "{shown}"
    );
}

/// A server that takes the envelope and asks for the content, and then says nothing more.
fn silent() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
        let mut line = String::new();
        for reply in ["220 x", "250 x", "250 x", "250 x", "354 x"] {
            stream.write_all(format!("{reply}\r\n").as_bytes()).ok();
            reader.read_line(&mut line).ok();
        }
        // Open until the client goes.
        while reader.read_line(&mut line).is_ok_and(|read| read > 0) {}
    });
    port
}

#[test]
fn ctrl_c_ends_it_with_what_is_known_and_a_whole_capture() {
    if !have(&["kill"]) {
        return;
    }
    let folder = folder();
    let mut command = send_to(folder.path(), silent());
    command.args(["--capture", "cut.pcapng"]);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let shown = lines(child.stdout.take().expect("a pipe"));
    wait_for(&shown, "C: <message, ");
    let pid = child.id().to_string();
    let told = Command::new("kill").args(["-INT", &pid]).status();
    assert!(told.expect("kill starts").success());
    let last = wait_for(&shown, "interrupted");
    assert!(
        last.contains("before the server answered") || last.contains("in the middle"),
        "{last}"
    );
    let status = child.wait().expect("a process of ours");
    assert_eq!(status.code(), Some(130));
    let outcome = audit(&folder.path().join("cut.pcapng"));
    let transcript = &only(&outcome).transcript;
    assert!(transcript.iter().any(|line| line.text == "DATA"));
}

/// What a wrong use is told. Nothing is sent: there is no server.
fn complaint(arguments: &[&str], files: &[(&str, &str)]) -> String {
    let folder = folder();
    for (name, content) in files {
        write(folder.path(), name, content.as_bytes());
    }
    let shown = run(send(folder.path()).args(arguments));
    assert!(shown.starts_with("exit 2\n"), "{shown}");
    shown["exit 2\n".len()..].trim_end().to_owned()
}

/// Enough to send, but for what a case takes away or puts behind it.
const ENOUGH: [&str; 6] = [
    "--server",
    "127.0.0.1:9",
    "--from",
    "a@b.example",
    "--to",
    "c@d.example",
];

#[rstest]
#[case(&[], "--server HOST[:PORT] is missing")]
#[case(&["--server", "x"], "--from ADDRESS is missing")]
#[case(&["--server", "x", "--from", "a@b.example"], "--to ADDRESS is missing")]
#[case(&["--server", "x:99999"], "--server x:99999: the port is a number from 1 to 65535")]
#[case(&["--server", "smtp://x"], "--server smtp://x: ")]
#[case(&["--backup"], "--backup means a transport of --config or --binding")]
#[case(&["--port", "x"], "--binding <FILE>")]
#[case(&["--crlf"], "--message <FILE>")]
#[case(&["--config", "a", "--binding", "b"], "cannot be used with")]
#[case(&["--message", "a", "--body", "b"], "cannot be used with")]
#[case(&["--password", "a", "--password-file", "b"], "cannot be used with")]
#[case(&["--tls-ca", "a", "--tls-any-certificate"], "cannot be used with")]
#[case(&["--config", "none.toml"], "cannot read none.toml: ")]
#[case(&["--binding", "none.xml"], "cannot read none.xml: ")]
fn what_is_missing_or_contradicts_is_named(#[case] arguments: &[&str], #[case] why: &str) {
    let shown = complaint(arguments, &[]);
    assert!(shown.contains(why), "{shown}");
}

#[rstest]
#[case(&["--auth", "basic"], "--user USER is missing")]
#[case(&["--auth", "ntlm"], r"--user DOMAIN\user, the account that NTLM authenticates as, is missing")]
#[case(&["--user", "x"], "a user or a password is for --auth basic or --auth ntlm")]
#[case(&["--auth", "basic", "--user", "x"], "give --yes, or protect it with --tls required")]
#[case(&["--auth", "basic", "--user", "x", "--tls", "opportunistic"], "unless that server offers STARTTLS")]
#[case(&["--auth", "basic", "--user", "x", "--yes", "--password-file", "none"], "cannot read none: ")]
#[case(&["--auth", "basic", "--user", "x", "--yes", "--password-file", "empty"], "the first line of empty is empty")]
#[case(&["--auth", "basic", "--user", "x", "--yes", "--password-env", "NO_SUCH_VARIABLE_HERE"], "NO_SUCH_VARIABLE_HERE is not set")]
#[case(&["--message", "none.eml"], "cannot read none.eml: ")]
#[case(&["--message", "lf.eml"], "lf.eml:2: this line does not end with CR LF")]
#[case(&["--attach", "none.bin"], "none.bin")]
#[case(&["--tls", "required", "--tls-ca", "empty"], "empty has no certificate in PEM")]
#[case(&["--capture", "no/such/folder/x.pcapng"], "cannot write no/such/folder/x.pcapng: ")]
fn what_cannot_be_sent_is_refused_before_anything_is(#[case] more: &[&str], #[case] why: &str) {
    let arguments = [&ENOUGH, more].concat();
    let files = [("empty", ""), ("lf.eml", "Subject: x\r\n\nbody\r\n")];
    let shown = complaint(&arguments, &files);
    assert!(shown.contains(why), "{shown}");
    assert!(!shown.contains("connecting"), "{shown}");
}

#[test]
fn a_mistake_in_a_file_is_shown_where_it_is() {
    let toml = "[port]\nto = [\"a@b.example\"]\nsubjet = \"x\"\n";
    let shown = complaint(&["--config", "x.toml"], &[("x.toml", toml)]);
    assert!(
        shown.contains("x.toml:3:1") && shown.contains("did you mean `subject`?"),
        "{shown}"
    );
    let two = "<BindingInfo><SendPort Name=\"a\" IsStatic=\"false\"/></BindingInfo>";
    let shown = complaint(&["--binding", "x.xml", "--port", "b"], &[("x.xml", two)]);
    assert!(
        shown.contains("x.xml:1:1: there is no send port \"b\""),
        "{shown}"
    );
    let binding = sample("binding.xml");
    let binding = binding.to_str().expect("a path in UTF-8");
    let shown = complaint(&["--binding", binding, "--port", "Notices"], &[]);
    assert!(shown.ends_with("the port is dynamic, and --to has to say where the message goes"));
    let shown = complaint(&["--binding", binding, "--backup"], &[]);
    assert!(
        shown.ends_with("has no backup transport of type SMTP"),
        "{shown}"
    );
}
