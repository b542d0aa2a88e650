//! pyspnego and openssl, NTLM and its one-way functions of other hands, against both halves of ours.

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Receiver;

use lab::adapter::Outcome;
use lab::runner::canary::Canaries;
use lab::runner::{PINNED_SEED, RunOptions, run};
use smtp::Secret;
use smtp::ntlm::{self, Challenge, ClientIdentity, FileTime, Version};
use smtp::timeline::{Identity, NtlmExchange, Outcome as AuthOutcome, Timeline};
use support::serve::{BOB, BOB_PASSWORD, Serve, lines, wait_for};
use support::{feed, folder, good, have, have_pyspnego, named, openssl, text, timeline, write};

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/support")
        .join(name)
}

/// pyspnego as a server. It is killed, by its own handle, where a test leaves it running.
struct Acceptor {
    child: Child,
    stdin: ChildStdin,
    stdout: Receiver<String>,
}

impl Acceptor {
    fn start(accounts: &Path) -> Self {
        let mut child = Command::new("python3")
            .arg(script("acceptor.py"))
            .env("NTLM_USER_FILE", accounts)
            .env("PYTHONUTF8", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let stdin = child.stdin.take().expect("a pipe");
        let stdout = lines(child.stdout.take().expect("a pipe"));
        Self {
            child,
            stdin,
            stdout,
        }
    }

    fn ask(&mut self, token: &[u8]) -> String {
        writeln!(self.stdin, "{}", hex::encode(token)).expect("the acceptor listens");
        wait_for(&self.stdout, "")
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        // Nothing to end where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const WINDOWS: Version = Version {
    major: 10,
    minor: 0,
    build: 20348,
    revision: 15,
};

/// What pyspnego says to our client. `spoil` changes type 3 on its way.
fn accepted(
    account: [&str; 2],
    password: &str,
    version: Option<Version>,
    spoil: impl Fn(&mut Vec<u8>),
) -> String {
    let folder = folder();
    let accounts = "CORP:svc-biztalk:Sesame 42\nCORP:jürgen:Schlüssel-4711\n";
    let accounts = write(folder.path(), "accounts", accounts.as_bytes());
    let mut acceptor = Acceptor::start(&accounts);
    let negotiate = ntlm::negotiate(version);
    let challenge = hex::decode(acceptor.ask(&negotiate)).expect("a token in hexadecimal");
    let challenge = Challenge::parse(&challenge).expect("type 2");
    let [domain, user] = account;
    let identity = ClientIdentity {
        domain,
        user,
        password: &Secret::new(password),
        workstation: "BTS-HOST01",
    };
    let mut authenticate = ntlm::respond(
        &negotiate,
        &challenge,
        &identity,
        [7; 8],
        FileTime::default(),
    )
    .expect("type 3");
    spoil(&mut authenticate);
    acceptor.ask(&authenticate)
}

#[test]
fn pyspnego_accepts_the_proof_of_our_client() {
    if !have_pyspnego() {
        return;
    }
    for version in [None, Some(WINDOWS)] {
        let answer = accepted(["CORP", "svc-biztalk"], "Sesame 42", version, |_| ());
        assert_eq!(answer, "accepted CORP\\svc-biztalk");
    }
    let answer = accepted(["CORP", "jürgen"], "Schlüssel-4711", None, |_| ());
    assert_eq!(answer, "accepted CORP\\jürgen");
}

#[test]
fn pyspnego_refuses_our_client_where_it_should() {
    if !have_pyspnego() {
        return;
    }
    let account = ["CORP", "svc-biztalk"];
    assert_eq!(accepted(account, "Sesame 43", None, |_| ()), "refused");
    let nobody = ["OTHER", "svc-biztalk"];
    assert_eq!(accepted(nobody, "Sesame 42", None, |_| ()), "refused");
    // The MIC stands at offset 72 (MS-NLMP section 2.2.1.3); a spoiled one shows that pyspnego verified the good one.
    let spoiled = accepted(account, "Sesame 42", None, |message| message[72] ^= 1);
    assert_eq!(spoiled, "refused");
}

/// A session of pyspnego with our server: the codes it got, and the capture.
fn initiator(opening: &str, mic: &str, password: &str) -> (Vec<String>, Timeline) {
    let folder = folder();
    let serve = Serve::start(folder.path());
    let port = serve.port.to_string();
    let mut command = Command::new("python3");
    command
        .arg(script("initiator.py"))
        .args([&port, opening, mic, BOB])
        .env("NETBIOS_COMPUTER_NAME", "CLIENT");
    let output = feed(&mut command, format!("{password}\n").as_bytes());
    let served = serve.end();
    let codes = text(&good(&output, "initiator.py"));
    (
        codes.lines().map(str::to_owned).collect(),
        timeline(&served.capture),
    )
}

/// The only AUTH exchange, which is NTLM.
fn exchange(timeline: &Timeline) -> (AuthOutcome, &NtlmExchange) {
    let [authentication] = &timeline.authentications[..] else {
        panic!("one AUTH command");
    };
    let Identity::Ntlm(exchange) = &authentication.identity else {
        panic!("not NTLM");
    };
    assert_eq!(exchange.problems, Vec::<String>::new());
    (authentication.outcome, exchange)
}

#[test]
fn our_server_accepts_pyspnego_in_both_openings() {
    if !have_pyspnego() {
        return;
    }
    for opening in ["bare", "initial"] {
        let (codes, timeline) = initiator(opening, "intact", BOB_PASSWORD);
        assert_eq!(codes, ["235", "250"], "{opening}");
        let (outcome, ntlm) = exchange(&timeline);
        assert_eq!(outcome, AuthOutcome::Accepted);
        assert_eq!(ntlm.initial_response, opening == "initial");
        let proof = &ntlm.authenticate.as_ref().expect("type 3").value;
        let names = [&proof.domain, &proof.user, &proof.workstation];
        assert_eq!(names, ["CORP", "bob", "CLIENT"]);
        assert!(
            proof.mic.is_some_and(|mic| mic != [0; 16]),
            "it sends a MIC"
        );
        assert_eq!(timeline.messages().count(), 1);
    }
}

#[test]
fn our_server_refuses_pyspnego_where_it_should() {
    if !have_pyspnego() {
        return;
    }
    let cases = [
        ("bare", "intact", "not this"),
        ("initial", "intact", "not this"),
        ("bare", "spoiled", BOB_PASSWORD),
    ];
    for (opening, mic, password) in cases {
        let (codes, timeline) = initiator(opening, mic, password);
        assert_eq!(codes, ["535"], "{opening} {mic}");
        assert_eq!(exchange(&timeline).0, AuthOutcome::Refused(535));
        assert_eq!(timeline.messages().count(), 0);
    }
}

/// Replays one pinned scenario: what the adapter made of it, and what was captured.
fn replayed(id: &str) -> (Outcome, Timeline) {
    let folder = folder();
    let options = RunOptions {
        out: folder.path().to_owned(),
        twins: Vec::new(),
        pinned: true,
    };
    let scenario = named(&[id]).remove(0);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let case = runtime
        .block_on(run(&scenario, &options))
        .expect("the harness does its part");
    (case.outcome, timeline(&case.capture))
}

#[test]
fn the_reference_adapter_and_our_server_agree() {
    let (outcome, timeline) = replayed("NLM-01");
    assert!(matches!(outcome, Outcome::Sent), "{outcome:?}");
    assert_eq!(exchange(&timeline).0, AuthOutcome::Accepted);
    let (outcome, timeline) = replayed("REF-03");
    assert!(matches!(outcome, Outcome::Suspended(_)), "{outcome:?}");
    assert_eq!(exchange(&timeline).0, AuthOutcome::Refused(535));
}

/// HMAC-MD5, computed by openssl.
fn hmac_md5(key: &[u8], data: &[u8]) -> Vec<u8> {
    let key = format!("hexkey:{}", hex::encode(key));
    let arguments = ["dgst", "-md5", "-mac", "HMAC", "-macopt", &key, "-binary"];
    good(&openssl(&arguments, data), "openssl dgst -mac HMAC")
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn the_proof_in_a_capture_is_the_one_that_openssl_computes() {
    if !have(&["openssl"]) {
        return;
    }
    let (_, timeline) = replayed("NLM-01");
    let (_, ntlm) = exchange(&timeline);
    let challenge = &ntlm.challenge.as_ref().expect("type 2").value;
    let authenticate = &ntlm.authenticate.as_ref().expect("type 3").value;
    let (proof, blob) = authenticate.nt_response.expose().split_at(16);
    let password = Canaries::new(PINNED_SEED).account_password;
    let password = text(password.expose());

    // MS-NLMP section 3.3.2, step by step.
    let md4 = [
        "dgst",
        "-provider",
        "legacy",
        "-provider",
        "default",
        "-md4",
        "-binary",
    ];
    let hash = good(&openssl(&md4, &wide(&password)), "openssl dgst -md4");
    let name = authenticate.user.to_uppercase() + &authenticate.domain;
    let key = hmac_md5(&hash, &wide(&name));
    let expected = hmac_md5(&key, &[&challenge.server_challenge, blob].concat());
    assert_eq!(hex::encode(proof), hex::encode(expected));
    assert_eq!(authenticate.user, "svc-biztalk");

    // And the MIC over the three messages, by the key that follows from the proof (section 3.1.5.1.2).
    let mic = authenticate.mic.expect("the challenge has a timestamp");
    let negotiate = &ntlm.negotiate.as_ref().expect("type 1").value.raw;
    let mut message = authenticate.raw.expose().to_vec();
    message[72..88].fill(0);
    let session_key = hmac_md5(&key, proof);
    let all = [&negotiate[..], &challenge.raw, &message].concat();
    assert_eq!(hex::encode(mic), hex::encode(hmac_md5(&session_key, &all)));
}
