//! `smtpspec redact` on every capture there is: no secret is left in any form, and the capture is judged as before.

#[path = "support/told.rs"]
#[allow(dead_code, reason = "only what the clients knew is of interest here")]
mod told;

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use claims::{Case, Given, Profile, Verdict, judge};
use lab::runner::canary::Canaries;
use lab::runner::{self, PINNED_SEED};
use smtpspec::redact::{self, Redaction};
use smtpspec::road::{self, Scope};
use support::{folder, pinned};
use told::Told;

fn captures(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found: Vec<_> = fs::read_dir(&folder)
        .expect("the folder of captures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|end| end == "pcap" || end == "pcapng")
        })
        .collect();
    found.sort();
    found
}

/// Users and passwords that a capture may hold.
type Accounts = BTreeSet<(String, String)>;

/// What the client of a capture knew, as the file beside the capture has it.
fn accounts(capture: &Path) -> Accounts {
    let content = fs::read_to_string(capture.with_extension("toml")).expect("what it was told");
    let told: Told = toml::from_str(&content).expect("valid");
    let logins = told.session.into_iter().flat_map(|session| session.auth);
    logins.map(|auth| (auth.user, auth.password)).collect()
}

fn canaries() -> Accounts {
    let canaries = Canaries::new(PINNED_SEED);
    [
        &canaries.password,
        &canaries.account_password,
        &canaries.wrong,
    ]
    .map(|password| {
        let text = String::from_utf8(password.expose().to_vec()).expect("letters");
        (canaries.username.clone(), text)
    })
    .into()
}

/// How a password shows: in clear, in UTF-16, in hexadecimal, in base64 by itself and beside anything, and as PLAIN.
fn forms((user, password): &(String, String)) -> BTreeSet<Vec<u8>> {
    let clear = password.as_bytes().to_vec();
    let wide: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut forms = BTreeSet::new();
    for bytes in [&clear, &wide] {
        forms.insert(bytes.clone());
        forms.insert(hex::encode(bytes).into_bytes());
        forms.insert(hex::encode_upper(bytes).into_bytes());
        forms.insert(BASE64_STANDARD.encode(bytes).into_bytes());
        for lead in 0..3 {
            let text = BASE64_STANDARD.encode([&vec![0; lead][..], bytes].concat());
            let start = if lead == 0 { 0 } else { 4 };
            // The last group hangs on what follows. Fewer than eight characters are anything's.
            if text.len() >= start + 12 {
                forms.insert(text.as_bytes()[start..text.len() - 4].to_vec());
            }
        }
    }
    for identity in ["", user] {
        let plain = [identity, user, password].join("\0");
        forms.insert(BASE64_STANDARD.encode(plain).into_bytes());
    }
    forms
}

fn holds(bytes: &[u8], forms: &BTreeSet<Vec<u8>>) -> bool {
    let mut forms = forms.iter();
    forms.any(|form| memchr::memmem::find(bytes, form).is_some())
}

/// The proofs in one response.
fn proof(decoded: &[u8]) -> Vec<Vec<u8>> {
    if decoded.starts_with(b"NTLMSSP\0\x03") {
        return [12, 20]
            .iter()
            .filter_map(|field| {
                let number = |at: usize| Some(usize::from(*decoded.get(at)?));
                let (length, start) = (number(*field)?, number(field + 4)?);
                let length = length + number(field + 1)? * 256;
                let start = start + number(field + 5)? * 256;
                Some(decoded.get(start..start + length)?.to_vec())
            })
            .collect();
    }
    let digest = decoded.len().saturating_sub(32);
    let after_name = digest > 0 && decoded[digest - 1] == b' ';
    let hexadecimal = decoded[digest..].iter().all(u8::is_ascii_hexdigit);
    Vec::from_iter((after_name && hexadecimal).then(|| decoded[digest..].to_vec()))
}

/// What the client answered to prove a password without showing it: digests of CRAM-MD5, the two responses of NTLM.
/// They stand in lines of base64, and are read here without the reader of the harness.
fn proofs(capture: &[u8]) -> BTreeSet<Vec<u8>> {
    let text_of_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let mut proofs = BTreeSet::new();
    // The end of a packet's header may look like base64, too.
    for run in capture.split(|byte| !text_of_base64(byte)) {
        for start in 0..run.len().min(16) {
            if let Ok(decoded) = BASE64_STANDARD.decode(&run[start..]) {
                proofs.extend(proof(&decoded));
            }
        }
    }
    // Where there is no response of LAN Manager, NTLM sends none, or zeros.
    proofs.retain(|proof| proof.iter().any(|byte| *byte != 0));
    proofs
}

/// The verdict of every shipped profile on each conversation.
fn verdicts(path: &Path) -> BTreeMap<(String, usize, String), Verdict> {
    let evidence = road::read(path, Scope::Field).expect("it can be read");
    assert_eq!(evidence.truncated, None);
    let case = Case::new(evidence.timelines, Given::default());
    let mut all = BTreeMap::new();
    for profile in Profile::all() {
        for (number, judgements) in judge(&case, profile).into_iter().enumerate() {
            for one in judgements {
                let key = (profile.id.clone(), number, one.claim.id.clone());
                all.insert(key, one.verdict);
            }
        }
    }
    all
}

/// What came of one capture.
struct Redacted {
    before: Vec<u8>,
    after: Vec<u8>,
    problems: Vec<String>,
}

fn redacted(capture: &Path, accounts: &Accounts, what: Redaction) -> Redacted {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("out");
    let mut problems = Vec::new();
    if let Err(failure) = redact::file(capture, &output, &what) {
        problems.push(failure.to_string());
        return Redacted {
            before: Vec::new(),
            after: Vec::new(),
            problems,
        };
    }
    let before = fs::read(capture).expect("the capture");
    let after = fs::read(&output).expect("what came of it");
    for account in accounts {
        if holds(&after, &forms(account)) {
            problems.push(format!("{} is still in it", account.1));
        }
    }
    let left = proofs(&after);
    if proofs(&before).intersection(&left).next().is_some() {
        problems.push("a proof of a password is still in it".to_owned());
    }
    let (old, new) = (verdicts(capture), verdicts(&output));
    let keys = |bytes: &[u8]| memchr::memmem::find(bytes, b"TRAFFIC_SECRET").is_some();
    let keyed = keys(&before);
    if keys(&after) {
        problems.push("keys of TLS are still in it".to_owned());
    }
    if !what.bodies && !what.addresses {
        for (key, verdict) in &old {
            let now = new.get(key);
            // With the keys of TLS goes what is read with them; nothing else may be judged in another way.
            let sealed = keyed && now == Some(&Verdict::Inconclusive);
            if now != Some(verdict) && !sealed {
                problems.push(format!("{key:?} was {verdict} and is {now:?}"));
            }
        }
    }
    if old.is_empty() || old.len() != new.len() {
        problems.push(format!("{} verdicts, then {}", old.len(), new.len()));
    }
    Redacted {
        before,
        after,
        problems,
    }
}

/// Redacts all of them; counts those in which a password, and those in which a proof, was to be seen before.
fn all(
    captures: &[PathBuf],
    accounts: impl Fn(&Path) -> Accounts,
    what: Redaction,
) -> (usize, usize) {
    let mut problems = Vec::new();
    let (mut passwords, mut proven) = (0, 0);
    for capture in captures {
        let accounts = accounts(capture);
        let done = redacted(capture, &accounts, what);
        let name = capture.file_name().expect("a file").to_string_lossy();
        problems.extend(done.problems.iter().map(|one| format!("{name}: {one}")));
        let seen = accounts.iter().any(|one| holds(&done.before, &forms(one)));
        passwords += usize::from(seen);
        proven += usize::from(!proofs(&done.before).is_empty());
        if seen && done.before == done.after {
            problems.push(format!("{name}: nothing was changed"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    (passwords, proven)
}

#[test]
fn no_capture_of_a_real_client_keeps_a_secret_and_each_is_judged_as_before() {
    let captures = captures("../../captures/clients");
    let (passwords, proofs) = all(&captures, accounts, Redaction::default());
    // LOGIN and PLAIN of curl, swaks, msmtp, Python, Jakarta Mail and nodemailer; NTLM and CRAM-MD5 of each that can.
    assert!(passwords >= 11, "{passwords} show a password before");
    assert!(proofs >= 9, "{proofs} show a proof before");
}

#[test]
fn no_golden_capture_keeps_a_secret_and_each_is_judged_as_before() {
    let captures = captures("../../captures");
    let (passwords, proofs) = all(&captures, |_| canaries(), Redaction::default());
    assert!(passwords >= 2, "{passwords} show a password before");
    assert!(proofs >= 2, "{proofs} show a proof before");
}

#[test]
fn no_capture_of_the_catalogue_keeps_a_secret_and_each_is_judged_as_before() {
    let folder = folder();
    pinned(
        runner::catalogue().expect("the catalogue is valid"),
        folder.path(),
    );
    let mut captures = captures(&folder.path().to_string_lossy());
    // A case may be one of a client that stays away, or that says nothing which is mail.
    captures.retain(|path| {
        let evidence = road::read(path, Scope::Field).expect("it can be read");
        !evidence.timelines.is_empty()
    });
    assert!(captures.len() > 100, "{} captures", captures.len());
    let (passwords, proofs) = all(&captures, |_| canaries(), Redaction::default());
    assert!(passwords > 10, "{passwords} show a password before");
    assert!(proofs > 10, "{proofs} show a proof before");
}

#[test]
fn bodies_and_addresses_go_where_that_is_asked_for() {
    let what = Redaction {
        bodies: true,
        addresses: true,
        keep_other: false,
    };
    let mut captures = captures("../../captures/clients");
    all(&captures, accounts, what);
    // Under TLS there is nothing to take out.
    captures.retain(|path| !path.with_extension("keys").exists());
    let mut seen = 0;
    for capture in &captures {
        let done = redacted(capture, &Accounts::new(), what);
        let content = fs::read_to_string(capture.with_extension("toml")).expect("what it was told");
        let told: Told = toml::from_str(&content).expect("valid");
        for session in &told.session {
            let texts = session.message.iter().filter_map(|mail| mail.body.as_ref());
            for text in session.recipients.iter().chain(texts) {
                let found = |bytes: &[u8]| memchr::memmem::find(bytes, text.as_bytes()).is_some();
                if !text.is_empty() && found(&done.before) {
                    seen += 1;
                    assert!(!found(&done.after), "{}: {text}", capture.display());
                }
            }
        }
    }
    assert!(seen > 40, "{seen} addresses and texts were there before");
}

#[test]
fn what_was_redacted_stays_as_it_is_when_it_is_redacted_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for capture in captures("../../captures/clients") {
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        redact::file(&capture, &one, &Redaction::default()).expect("it is redacted");
        redact::file(&one, &two, &Redaction::default()).expect("it is redacted again");
        let same = fs::read(&one).expect("one") == fs::read(&two).expect("two");
        assert!(same, "{}", capture.display());
    }
}
