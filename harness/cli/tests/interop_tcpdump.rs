//! The one road: a session recorded by tcpdump in the kernel gets the same verdicts as the file that the tap made.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use claims::Verdict;
use claims::result::{Bytes, ConversationOutcome};
use smtpspec::road::{self, Scope};
use support::serve::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, Serve, Served, curl, ended, lines};
use support::{audit, audit_with, folder, frames, good, have, judged, only, skipped};
use wire::Closing;

/// tcpdump at work. It is killed, by its own handle, where a test leaves it running.
struct Tcpdump {
    child: Child,
    stderr: Receiver<String>,
}

impl Tcpdump {
    /// Starts it and waits until it listens; nothing where it may not.
    fn start(port: u16, file: &Path) -> Option<Self> {
        let mut child = Command::new("tcpdump")
            // `-Z root`: else it gives its rights away and cannot write into our folder. `-B`, in KiB: on loopback
            // every packet takes 64 KiB of the buffer, and the default holds too few for a busy machine.
            .args([
                "-i",
                "lo",
                "-U",
                "--immediate-mode",
                "-B",
                "32768",
                "-Z",
                "root",
                "-w",
            ])
            .arg(file)
            .args(["tcp", "and", "port", &port.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tcpdump starts");
        let stderr = lines(child.stderr.take().expect("a pipe"));
        let tcpdump = Self { child, stderr };
        let mut said = Vec::new();
        for line in &tcpdump.stderr {
            if line.contains("listening on") {
                return Some(tcpdump);
            }
            said.push(line);
        }
        let said = said.join("; ");
        assert!(
            said.contains("permi"),
            "tcpdump ends without listening: {said}"
        );
        skipped(&format!("tcpdump may not capture: {said}"));
        None
    }

    /// Waits until the connection is on file whole, and lets tcpdump close it.
    fn end(mut self, file: &Path) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while let Err(state) = closed(file) {
            assert!(
                Instant::now() < deadline,
                "the end of the connection is not in the file: {state}"
            );
            thread::sleep(Duration::from_millis(20));
        }
        let pid = self.child.id().to_string();
        let output = Command::new("kill")
            .args(["-INT", &pid])
            .output()
            .expect("kill starts");
        good(&output, "kill");
        let status = ended(&mut self.child, "tcpdump");
        let said: Vec<_> = self.stderr.iter().collect();
        assert!(status.success(), "{said:?}");
        assert!(
            said.iter()
                .any(|line| line.starts_with("0 packets dropped")),
            "{said:?}"
        );
    }
}

impl Drop for Tcpdump {
    fn drop(&mut self) {
        // Nothing to end where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a capture that is still growing holds the connection to its end; else what it holds.
fn closed(file: &Path) -> Result<(), String> {
    let evidence = road::read(file, Scope::Lab).map_err(|failure| failure.to_string())?;
    let endings: Vec<_> = evidence.timelines.iter().map(|one| one.closing).collect();
    match endings[..] {
        [Closing::Orderly | Closing::Reset(_)] => Ok(()),
        _ => Err(format!("{} packets, {endings:?}", evidence.file.packets)),
    }
}

/// A session of curl under the eyes of tcpdump: its port, and what the server left behind.
fn recorded(folder: &Path, file: &Path, arguments: &[&str]) -> Option<(u16, Served)> {
    let serve = Serve::start(folder);
    let port = serve.port;
    let tcpdump = Tcpdump::start(port, file)?;
    let output = curl(folder, port, arguments);
    let served = serve.end();
    good(&output, "curl");
    tcpdump.end(file);
    Some((port, served))
}

/// What is judged of a conversation, apart from packet numbers, which the two captures do not share.
type Verdicts = BTreeMap<String, (Verdict, String, Vec<(String, Option<Bytes>)>)>;

fn verdicts(conversation: &ConversationOutcome) -> Verdicts {
    conversation
        .verdicts
        .iter()
        .map(|one| {
            let evidence = one
                .evidence
                .iter()
                .map(|e| (e.what.clone(), e.bytes.clone()))
                .collect();
            (
                one.claim.clone(),
                (one.verdict, one.reason.clone(), evidence),
            )
        })
        .collect()
}

/// What was said in clear, in order, how many bytes each side sent in TLS.
///
/// Both sides close at once after QUIT. Whose last TLS record or FIN comes first, and whether the FIN of a side that has
/// nobody left to talk to is answered by a reset, depends on where one stands.
fn transcript(conversation: &ConversationOutcome) -> (Vec<(&str, &str)>, BTreeMap<&str, u64>) {
    let mut said = Vec::new();
    let mut encrypted = BTreeMap::new();
    for line in &conversation.transcript {
        let (direction, text) = (line.direction.as_str(), line.text.as_str());
        let octets = text
            .strip_prefix("<TLS, ")
            .and_then(|rest| rest.strip_suffix(" octets>"));
        match octets {
            Some(octets) => *encrypted.entry(direction).or_default() += number(octets),
            None if matches!(text, "<FIN>" | "<RST>") => {}
            None => said.push((direction, text)),
        }
    }
    (said, encrypted)
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number of octets")
}

fn assert_one_road(kernel: &ConversationOutcome, tap: &ConversationOutcome) {
    assert_eq!(kernel.protocol, "smtp");
    let (kernel_verdicts, tap_verdicts) = (verdicts(kernel), verdicts(tap));
    assert!(
        kernel_verdicts.len() > 20,
        "{} claims",
        kernel_verdicts.len()
    );
    for (claim, judged) in &kernel_verdicts {
        assert_eq!(Some(judged), tap_verdicts.get(claim), "{claim}");
    }
    assert_eq!(kernel_verdicts.len(), tap_verdicts.len());
    assert_eq!(transcript(kernel), transcript(tap));
    assert_eq!((&kernel.client, &kernel.server), (&tap.client, &tap.server));
}

#[test]
fn tcpdump_and_the_tap_give_the_same_verdicts_on_basic() {
    if !have(&["curl", "tshark", "tcpdump", "kill"]) {
        return;
    }
    let folder = folder();
    let file = folder.path().join("field.pcap");
    let user = format!("{ALICE}:{ALICE_PASSWORD}");
    let arguments = ["-u", &user, "--login-options", "AUTH=LOGIN"];
    let Some((port, served)) = recorded(folder.path(), &file, &arguments) else {
        return;
    };
    let (field, tap) = (audit(&file), audit(&served.capture));
    let kernel = only(&field);
    assert_one_road(kernel, only(&tap));
    assert_one_road(kernel, only(&served.outcome));

    // Packet numbers are Wireshark's.
    let password = judged(kernel, "ADP-16");
    assert_eq!(password.verdict, Verdict::Pass);
    for (evidence, secret) in password.evidence.iter().zip([ALICE, ALICE_PASSWORD]) {
        let text = BASE64_STANDARD.encode(secret);
        let seen = frames(&file, port, &format!("frame contains \"{text}\""));
        assert_eq!(evidence.packets, seen, "{}", evidence.what);
    }
    assert_eq!(password.evidence.len(), 2);

    let starttls = judged(kernel, "ADP-08");
    assert_eq!(starttls.verdict, Verdict::Pass);
    let offer = &starttls.evidence[0];
    assert_eq!(
        offer.packets,
        frames(&file, port, "frame contains \"STARTTLS\"")
    );
    let auth = frames(&file, port, "smtp.req.command == \"AUTH\"");
    assert_eq!(starttls.evidence[1].what, "AUTH in clear");
    assert_eq!(starttls.evidence[1].packets, auth);
    let line = kernel
        .transcript
        .iter()
        .find(|line| line.text == "AUTH LOGIN")
        .expect("an AUTH line");
    assert_eq!(line.packets, auth);
    for command in ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"] {
        let seen = frames(&file, port, &format!("smtp.req.command == \"{command}\""));
        let lines = kernel.transcript.iter();
        let ours = lines
            .filter(|line| line.direction == "client" && line.text.starts_with(command))
            .flat_map(|line| line.packets.clone());
        assert_eq!(ours.collect::<Vec<_>>(), seen, "{command}");
    }
}

#[test]
fn tcpdump_and_the_tap_give_the_same_verdicts_on_ntlm_and_tls() {
    if !have(&["curl", "tcpdump", "kill"]) {
        return;
    }
    let user = format!("{BOB}:{BOB_PASSWORD}");
    let sessions = [
        &["-u", &user, "--login-options", "AUTH=NTLM"][..],
        &["--ssl-reqd", "-k"],
    ];
    for arguments in sessions {
        let folder = folder();
        let file = folder.path().join("field.pcap");
        let Some((_, served)) = recorded(folder.path(), &file, arguments) else {
            return;
        };
        // The tap wrote the keys of the server's TLS into its capture; the kernel has to be told them.
        let keys = folder.path().join("keys.txt");
        std::fs::write(&keys, secrets_in(&served.capture)).expect("the key log is written");
        let keys = keys.to_str().expect("a path in UTF-8");
        let field = audit_with(&file, &["--tls-keylog", keys]);
        let tap = audit(&served.capture);
        assert_one_road(only(&field), only(&tap));
    }
}

/// The key log inside a capture.
fn secrets_in(capture: &Path) -> String {
    let bytes = std::fs::read(capture).expect("the capture");
    let mut parser = wire::Parser::new(capture);
    let mut rest = bytes.as_slice();
    let mut secrets = String::new();
    loop {
        let (used, progress) = parser.next(rest, true).expect("a capture");
        let more = matches!(progress, wire::Progress::Frame(_));
        rest = &rest[used..];
        secrets.extend(parser.take_secrets());
        if !more {
            return secrets;
        }
    }
}
