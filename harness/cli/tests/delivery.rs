//! `smtpspec send` delivers through mail transport agents of other hands, with and without a login, and what arrives is
//! what was sent, byte for byte, but for the trace fields that an agent puts on top.
//!
//! What was seen is a snapshot, `reports/delivery.md`. An agent that is not unpacked here is left out loudly, and its rows
//! stay as they are.

#![cfg(unix)]

mod support;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use memchr::memmem;
use support::mta::{AGENTS, AUTH, Agent, DOTS, EIGHT_BIT, OPEN, PASSWORD, Running, TRACE, USER};
use support::{folder, have, smtpspec, text, write};

/// Size of the attachment: 25 MiB.
const ATTACHMENT: usize = 25 << 20;

/// The files that are sent.
struct Files {
    folder: PathBuf,
    dots: PathBuf,
    eight_bit: PathBuf,
    attachment: PathBuf,
    password: PathBuf,
}

impl Files {
    fn new(folder: &Path) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let password = write(folder, "password", format!("{PASSWORD}\n").as_bytes());
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).expect("our own file");
        Self {
            folder: folder.to_owned(),
            dots: write(folder, "dots.eml", DOTS),
            eight_bit: write(folder, "eight-bit.eml", EIGHT_BIT.as_bytes()),
            attachment: write(folder, "large.bin", &noise(ATTACHMENT)),
            password,
        }
    }
}

/// Bytes without a pattern, the same in every run: a linear congruential generator.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// How the client logs in.
#[derive(Clone, Copy)]
enum Login {
    None,
    Basic,
}

/// One agent, and how to write to it.
struct Route<'a> {
    agent: &'a Agent,
    running: &'a Running,
    files: &'a Files,
    login: Login,
}

impl Route<'_> {
    fn recipient(&self) -> String {
        let domain = match self.login {
            Login::None => OPEN,
            Login::Basic => AUTH,
        };
        format!("keeper@{domain}")
    }

    fn under_tls(&self) -> bool {
        matches!(self.login, Login::Basic) && self.agent.login_under_tls
    }

    fn command(&self) -> Command {
        let mut command = smtpspec();
        command
            .args([
                "send",
                "--from",
                "a@client.example",
                "--ehlo",
                "client.example",
            ])
            .args(["--to", &self.recipient(), "--timeout", "60s"])
            .args(["--server", &format!("localhost:{}", self.running.port)]);
        if let Login::Basic = self.login {
            command.args([
                "--auth",
                "basic",
                "--mechanism",
                "plain",
                "--user",
                USER,
                "--yes",
            ]);
            command.arg("--password-file").arg(&self.files.password);
        }
        if self.under_tls() {
            command.args(["--tls", "required", "--tls-ca"]);
            command.arg(self.running.folder().join("ca.pem"));
        }
        command
    }

    /// Sends, and demands that it was accepted and no secret shown.
    fn send(&self, what: &str, arguments: &[&Path]) -> Output {
        let output = self
            .command()
            .args(arguments)
            .output()
            .expect("the binary starts");
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        let title = self.agent.title;
        assert!(output.status.success(), "{title}, {what}: {out}{err}");
        for shown in [&out, &err] {
            assert!(
                !shown.contains(PASSWORD),
                "{title}, {what}: the password is shown"
            );
        }
        output
    }

    /// A message as it is: what arrived, and which fields came on top of it.
    fn whole(&self, path: &Path) -> Arrived {
        let sent = fs::read(path).expect("our own file");
        self.send(&path.display().to_string(), &["--message".as_ref(), path]);
        let lines = memchr::memchr_iter(b'\n', &sent).count();
        let least = sent.len() - lines;
        let whole = |bytes: &[u8]| bytes.len() >= least && Arrived::of(bytes, &sent).is_whole;
        let arrived = self.running.arrived(whole);
        Arrived::of(&arrived, &sent)
    }

    /// An attachment that the adapter composes a message around, decoded from what arrived.
    fn attached(&self) {
        let path = &self.files.attachment;
        let sent = fs::read(path).expect("our own file");
        self.send("attachment", &["--attach".as_ref(), path]);
        let least = sent.len() / 3 * 4;
        self.running
            .arrived(|bytes| bytes.len() > least && last_part(bytes).as_deref() == Some(&sent[..]));
    }
}

/// The last part of a multipart message, decoded from base64.
fn last_part(message: &[u8]) -> Option<Vec<u8>> {
    let text = without(b'\r', message);
    let body = text.strip_suffix(b"--\n")?;
    let body = &body[..memchr::memrchr(b'\n', body)?];
    let start = memmem::rfind(body, b"\n\n")? + 2;
    BASE64_STANDARD.decode(without(b'\n', &body[start..])).ok()
}

/// The bytes without this one. Test code is not optimised, and messages are large: it goes from one to the next.
fn without(byte: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in memchr::memchr_iter(byte, bytes) {
        out.extend_from_slice(&bytes[from..at]);
        from = at + 1;
    }
    out.extend_from_slice(&bytes[from..]);
    out
}

/// What an agent made of a message.
struct Arrived {
    is_whole: bool,
    /// Names of the fields on top.
    added: BTreeSet<String>,
    /// Whether it is kept with LF line ends.
    with_lf: bool,
}

impl Arrived {
    fn of(arrived: &[u8], sent: &[u8]) -> Self {
        let with_lf = !arrived.contains(&b'\r');
        let expected = if with_lf {
            Cow::Owned(without(b'\r', sent))
        } else {
            Cow::Borrowed(sent)
        };
        let mut rest = arrived;
        let mut added = BTreeSet::new();
        while let Some(name) = trace_field(rest) {
            added.insert(name.to_owned());
            rest = behind_field(rest);
        }
        Self {
            is_whole: rest == &expected[..],
            added,
            with_lf,
        }
    }
}

/// The name of the trace field that begins here.
fn trace_field(message: &[u8]) -> Option<&'static str> {
    TRACE.into_iter().find(|name| {
        let (field, rest) = message.split_at_checked(name.len()).unwrap_or_default();
        field.eq_ignore_ascii_case(name.as_bytes()) && rest.starts_with(b":")
    })
}

/// What comes behind the field that begins here, with the lines that continue it.
fn behind_field(message: &[u8]) -> &[u8] {
    let mut rest = message;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\n') {
        rest = &rest[at + 1..];
        if !rest.starts_with(b" ") && !rest.starts_with(b"\t") {
            break;
        }
    }
    rest
}

/// The composed message with the attachment, as `--dry-run` prints it, in a file.
fn composed(files: &Files) -> PathBuf {
    let output = smtpspec()
        .args([
            "send",
            "--dry-run",
            "--server",
            "localhost",
            "--from",
            "a@client.example",
        ])
        .args([
            "--to",
            "keeper@open.example",
            "--ehlo",
            "client.example",
            "--attach",
        ])
        .arg(&files.attachment)
        .output()
        .expect("the binary starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let envelope = b"MAIL FROM:<a@client.example>\nRCPT TO:<keeper@open.example>\n\n";
    let message = output.stdout.strip_prefix(envelope.as_slice());
    write(
        &files.folder,
        "large.eml",
        message.expect("the envelope comes first"),
    )
}

/// The rows of an agent.
fn rows(agent: &Agent, files: &Files, large: &Path) -> String {
    let running = agent.start();
    let mut rows = String::new();
    for (login, word) in [(Login::None, "None"), (Login::Basic, "Basic")] {
        let route = Route {
            agent,
            running: &running,
            files,
            login,
        };
        let mut cells = Vec::new();
        let (mut added, mut with_lf) = (BTreeSet::new(), false);
        for path in [&files.dots, &files.eight_bit, large] {
            let arrived = route.whole(path);
            added.extend(arrived.added);
            with_lf |= arrived.with_lf;
            cells.push("byte for byte");
        }
        // Composed on the way instead of before; once is enough.
        if agent.name == "exim" {
            route.attached();
        }
        let added: Vec<_> = added.into_iter().collect();
        let added = if added.is_empty() {
            "nothing".to_owned()
        } else {
            added.join(", ")
        };
        let ends = if with_lf { "LF" } else { "CR LF" };
        let cells = cells.join(" | ");
        let _ = writeln!(
            rows,
            "| {} | {word}{} | {cells} | {ends} | {added} |",
            agent.title,
            if route.under_tls() { ", under TLS" } else { "" }
        );
    }
    rows
}

#[test]
fn messages_arrive_byte_for_byte() {
    if !have(&["kill", "python3", "setpriv", "openssl"]) {
        return;
    }
    let folder = folder();
    let files = Files::new(folder.path());
    let large = composed(&files);
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports");
    let before = fs::read_to_string(reports.join("delivery.md.snap")).unwrap_or_default();
    let mut table = "\
# What `smtpspec send` delivers through\n\n\
Each message was sent to the agent named, kept by it as a file, and compared with what was sent, without the trace fields on\n\
top and with the line ends that the agent keeps.\n\n\
| agent | login | lines of dots | eight bits | 25 MiB attached | kept with | put on top |\n\
| --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for agent in &AGENTS {
        if agent.is_here() {
            table.push_str(&rows(agent, &files, &large));
            continue;
        }
        let begins = format!("| {} |", agent.title);
        for row in before.lines().filter(|row| row.starts_with(&begins)) {
            table.extend([row, "\n"]);
        }
    }
    table.push_str(
        "\nOpenSMTPD offers logins under TLS only. Version 6.8.0 does TLS with OpenSSL 3 once it is given its private key where TLS\n\
is done (its issue 1171; `harness/cli/tests/support/mta/opensmtpd_key.c`); the rest of it is as Debian ships it.\n",
    );
    support::reports("").bind(|| insta::assert_snapshot!("delivery.md", table));
}
