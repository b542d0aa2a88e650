//! Captures of real clients (`captures/clients/`): what each client was told to send is what the audit finds.

#[path = "support/leaked.rs"]
mod leaked;
mod support;
#[path = "support/told.rs"]
mod told;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;
use serde_json::Value;
use smtp::cms::{Cms, Enveloped};
use smtp::message::{Message, Part};
use smtp::ntlm::{self, Proof};
use smtp::timeline::{
    Authentication, Data, Identity, NtlmExchange, Outcome, Protocol, TlsStart, Transaction,
};
use smtp::{Secret, Timeline};
use support::{smtpspec, text};
use told::{Auth, Differences, Mail, Session, Tls, Told};

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures/clients")
}

fn facts(path: &Path) -> Told {
    let content = fs::read_to_string(path).expect("what the client was told");
    toml::from_str(&content).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the audit prints of each conversation, as JSON: one object for each.
fn audited(capture: &Path, keys: &[&OsStr]) -> Vec<Value> {
    let output = smtpspec()
        .arg("audit")
        .arg(capture)
        .args(keys)
        .args(["--format", "jsonl", "--quiet"])
        .output()
        .expect("the binary starts");
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        text(&output.stderr)
    );
    let said = text(&output.stdout);
    let mut objects: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect();
    let summary = objects.pop().expect("a last line");
    assert_eq!(summary["type"], "summary");
    assert!(objects.iter().all(|one| one["type"] == "conversation"));
    objects
}

fn differences(told: &Told, capture: &Path) -> Vec<String> {
    let timelines = support::timelines(capture);
    let reports = audited(capture, &[]);
    let mut found = Differences::default();
    found.expect("sessions", told.session.len(), timelines.len());
    found.expect("sessions reported", told.session.len(), reports.len());
    for ((session, timeline), report) in told.session.iter().zip(&timelines).zip(&reports) {
        protection(&mut found, session.tls, timeline);
        said(&mut found, session, report);
        leaked::compare(&mut found, session, report, false);
        if session.tls == Tls::None {
            authentications(&mut found, session, timeline);
            transactions(&mut found, session, timeline);
        } else {
            found.expect("AUTH in clear", 0, timeline.authentications.len());
            found.expect("mail in clear", 0, timeline.transactions.len());
        }
    }
    found.0
}

fn protection(found: &mut Differences, told: Tls, timeline: &Timeline) {
    let protocol = if told == Tls::Implicit {
        Protocol::ImplicitTls
    } else {
        Protocol::Smtp
    };
    found.expect("protocol", protocol, timeline.protocol);
    let start = match timeline.tls.as_ref().map(|tls| tls.start) {
        None => Tls::None,
        Some(TlsStart::StartTls(_)) => Tls::Starttls,
        Some(TlsStart::Implicit) => Tls::Implicit,
    };
    found.expect("TLS", told, start);
    if let Some(tls) = &timeline.tls {
        found.expect("TLS established", true, tls.established);
        found.expect("ClientHello", true, tls.client_hello.is_some());
    }
}

/// The transcript in the report: envelope and mechanisms, as they were said.
fn said(found: &mut Differences, session: &Session, report: &Value) {
    if session.tls != Tls::None {
        return;
    }
    let lines = report["transcript"].as_array().expect("a transcript");
    let client: Vec<&str> = lines
        .iter()
        .filter(|line| line["direction"] == "client")
        .filter_map(|line| line["text"].as_str())
        .collect();
    let after = |prefix: &str| -> Vec<String> {
        let lines = client.iter().filter(|line| {
            line.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        });
        lines
            .map(|line| line[prefix.len()..].trim_start())
            .map(|rest| rest.split([' ', '>']).next().unwrap_or_default().to_owned())
            .collect()
    };
    let messages = session.message.len();
    let senders = vec![session.sender.clone(); messages];
    found.expect("MAIL in the transcript", senders, after("MAIL FROM:<"));
    let recipients = vec![session.recipients.clone(); messages].concat();
    found.expect("RCPT in the transcript", recipients, after("RCPT TO:<"));
    let mechanisms = session.auth.iter().map(|auth| auth.mechanism.clone());
    found.expect(
        "AUTH in the transcript",
        mechanisms.collect(),
        after("AUTH "),
    );
    for helo in session.message.iter().filter_map(|mail| mail.helo.clone()) {
        found.expect("EHLO in the transcript", vec![helo], after("EHLO "));
    }
    let all = report.to_string();
    for auth in &session.auth {
        found.expect("the password is shown", false, all.contains(&auth.password));
    }
}

fn authentications(found: &mut Differences, session: &Session, timeline: &Timeline) {
    let attempts = timeline.authentications.len();
    found.expect("attempts to authenticate", session.auth.len(), attempts);
    for (auth, seen) in session.auth.iter().zip(&timeline.authentications) {
        found.expect("mechanism", &auth.mechanism, &seen.mechanism.value);
        let outcome = match seen.outcome {
            Outcome::Accepted => "accepted",
            Outcome::Refused(_) => "refused",
            Outcome::Cancelled => "cancelled",
            Outcome::Unseen => "unseen",
        };
        found.expect("outcome of AUTH", auth.outcome.as_str(), outcome);
        let command = timeline.command(seen.exchange).expect("an AUTH command");
        let words = command.argument.split_ascii_whitespace().count();
        found.given("initial response", auth.initial, words > 1);
        identity(found, auth, seen);
    }
}

fn identity(found: &mut Differences, auth: &Auth, seen: &Authentication) {
    let password = auth.password.as_bytes();
    match &seen.identity {
        Identity::Plain {
            authcid,
            password: sent,
            ..
        } => {
            found.expect("user of PLAIN", &auth.user, &authcid.value);
            found.expect("password of PLAIN", true, sent.value.expose() == password);
        }
        Identity::Login {
            user: Some(user),
            password: Some(sent),
        } => {
            found.expect("user of LOGIN", &auth.user, &user.value);
            found.expect("password of LOGIN", true, sent.value.expose() == password);
        }
        Identity::CramMd5 {
            user: Some(user), ..
        } => found.expect("user of CRAM-MD5", &auth.user, &user.value),
        Identity::Ntlm(exchange) => of_ntlm(found, auth, exchange),
        other => found.0.push(format!("identity: found {other:?}")),
    }
}

fn of_ntlm(found: &mut Differences, auth: &Auth, exchange: &NtlmExchange) {
    let (Some(challenge), Some(authenticate)) = (&exchange.challenge, &exchange.authenticate)
    else {
        found.0.push("NTLM: messages 2 and 3 were not found".into());
        return;
    };
    let (challenge, authenticate) = (&challenge.value, &authenticate.value);
    found.expect("user of NTLM", &auth.user, &authenticate.user);
    found.given("domain", auth.domain.as_ref(), &authenticate.domain);
    // Some clients fill these slots with names of their own: nothing was told then.
    found.given(
        "workstation",
        auth.workstation.as_ref(),
        &authenticate.workstation,
    );
    let kind = authenticate.response_kind().name();
    if let Some(version) = &auth.version {
        found.expect("version of NTLM", true, kind.starts_with(version.as_str()));
    }
    let secret = Secret::new(auth.password.as_bytes());
    let proof = ntlm::verify(None, challenge, authenticate, &secret).proof;
    found.expect("proof of NTLM", Proof::Valid, proof);
    let other = ntlm::verify(None, challenge, authenticate, &Secret::new(b"other")).proof;
    found.expect("proof of another password", Proof::Invalid, other);
}

fn transactions(found: &mut Differences, session: &Session, timeline: &Timeline) {
    let sent: Vec<_> = timeline.messages().collect();
    found.expect("messages", session.message.len(), sent.len());
    for (mail, (transaction, data)) in session.message.iter().zip(sent) {
        envelope(found, session, transaction);
        found.expect("message accepted", Some(true), data.accepted);
        found.expect("message whole", true, data.complete);
        lines(found, mail, data, timeline);
        let message = Message::read(data.content.bytes());
        header(found, mail, &message);
        body(found, mail, &message);
        smime(found, mail, &message);
    }
}

fn envelope(found: &mut Differences, session: &Session, transaction: &Transaction) {
    found.expect("sender", &session.sender, &transaction.reverse_path.value);
    let pairs: Vec<_> = transaction
        .recipients
        .iter()
        .map(|one| (one.address.value.as_str(), one.accepted))
        .collect();
    let told: Vec<_> = session
        .recipients
        .iter()
        .map(|one| (one.as_str(), Some(!session.refused.contains(one))))
        .collect();
    found.expect("recipients", told, pairs);
}

fn lines(found: &mut Differences, mail: &Mail, data: &Data, timeline: &Timeline) {
    let content = data.content.bytes();
    let lines: Vec<&[u8]> = content
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .collect();
    let dots = lines.iter().filter(|line| line.starts_with(b".")).count();
    found.given("lines with a dot", mail.dots, dots);
    // Each such line has one octet more on the wire, and the end of data is three.
    let wire = usize::try_from(data.span.len()).expect("a small message");
    found.expect("octets on the wire", content.len() + dots + 3, wire);
    let longest = lines
        .iter()
        .map(|line| line.len())
        .max()
        .unwrap_or_default();
    found.given("longest line", mail.longest, longest);
    found.given("8-bit", mail.eight_bit, !content.is_ascii());
    found.expect(
        "packets of the message",
        false,
        timeline.packets(data.span).is_empty(),
    );
}

fn header(found: &mut Differences, mail: &Mail, message: &Message) {
    let subject = message
        .header("Subject")
        .map(|field| field.decoded.as_str());
    found.expect("Subject", Some(mail.subject.as_str()), subject);
    let addresses = |name: &str| -> Vec<String> {
        let all = message.addresses(name);
        all.into_iter().map(|(address, _)| address).collect()
    };
    let from = mail.from.clone().map(|one| vec![one]);
    found.given("From", from, addresses("From"));
    found.given("To", mail.to.clone(), addresses("To"));
    found.given("Cc", mail.cc.clone(), addresses("Cc"));
    found.expect("Bcc", Vec::<String>::new(), addresses("Bcc"));
    let receipts = message.header("Disposition-Notification-To").is_some();
    found.expect("receipts", mail.receipts.unwrap_or(false), receipts);
}

fn body(found: &mut Differences, mail: &Mail, message: &Message) {
    let readable = |text: &str| !message.find(text.as_bytes()).is_empty();
    if let Some(text) = &mail.body {
        // What is compressed is readable by anybody.
        found.expect("the body is readable", true, readable(text));
    }
    if let Some(text) = &mail.hidden_body {
        found.expect("the body is readable", false, readable(text));
    }
    let attached = message.parts().filter(|part| {
        let field = part.field("Content-Disposition");
        field.is_some_and(|f| f.value.trim_start().starts_with("attachment"))
    });
    let attached: Vec<&Part> = attached.filter(|part| part.cms.is_none()).collect();
    found.expect("attachments", mail.attachments.len(), attached.len());
    // Encoded words have no business in a parameter (RFC 2047 section 5); the blanks between them are not looked at.
    let solid = |name: &str| name.replace(' ', "");
    let told: BTreeSet<String> = mail.attachments.iter().map(|name| solid(name)).collect();
    for name in attached.iter().filter_map(|part| part.parameter("name")) {
        let known = told.contains(&solid(name));
        found.expect(&format!("attachment {name:?}"), true, known);
    }
}

fn smime(found: &mut Differences, mail: &Mail, message: &Message) {
    let kinds: Vec<&str> = message
        .cms()
        .map(|(_, cms)| match cms {
            Ok(Cms::Enveloped(_)) => "enveloped-data",
            Ok(Cms::AuthEnveloped(_)) => "authenveloped-data",
            Ok(Cms::Signed(_)) => "signed-data",
            Ok(Cms::Compressed) => "compressed-data",
            Ok(Cms::Other(_)) => "other",
            Err(_) => "unreadable",
        })
        .into_iter()
        .collect();
    found.expect(
        "S/MIME",
        mail.smime.iter().map(String::as_str).collect(),
        kinds,
    );
    let Some((part, Ok(cms))) = message.cms() else {
        return;
    };
    match cms {
        Cms::Enveloped(sealed) | Cms::AuthEnveloped(sealed) => envelope_of(found, mail, sealed),
        Cms::Signed(signed) => {
            let digests: Vec<_> = signed
                .signers
                .iter()
                .map(|one| one.digest.name.as_str())
                .collect();
            found.given(
                "digest",
                mail.digest.as_deref().map(|one| vec![one]),
                digests,
            );
            let check = format!("{:?}", message.check_signature(part));
            found.expect("signature", true, check.contains("Valid"));
        }
        Cms::Compressed | Cms::Other(_) => {}
    }
}

fn envelope_of(found: &mut Differences, mail: &Mail, sealed: &Enveloped) {
    found.given(
        "cipher",
        mail.cipher.as_deref(),
        sealed.cipher.name.as_str(),
    );
    found.given("sealed for", mail.sealed_for, sealed.recipients.len());
}

#[rstest]
fn the_audit_finds_what_the_client_was_told(
    #[files("../../captures/clients/*.toml")] path: PathBuf,
) {
    let told = facts(&path);
    let found = differences(&told, &path.with_extension("pcap"));
    assert!(
        found.is_empty(),
        "{} ({}): {found:#?}",
        told.client,
        told.command
    );
}

#[rstest]
#[case("curl-starttls")]
#[case("curl-implicit-tls")]
fn with_the_key_log_the_audit_finds_what_was_told_under_tls(#[case] name: &str) {
    let path = clients().join(name).with_extension("toml");
    let told = facts(&path);
    let keys = path.with_extension("keys");
    let keys = [OsStr::new("--tls-keylog"), keys.as_os_str()];
    let reports = audited(&path.with_extension("pcap"), &keys);
    assert_eq!((told.session.len(), reports.len()), (1, 1));
    assert!(!told.session[0].auth.is_empty() && !told.session[0].message.is_empty());
    let mut found = Differences::default();
    leaked::compare(&mut found, &told.session[0], &reports[0], true);
    assert!(found.0.is_empty(), "{:#?}", found.0);
}

/// The comparison is no formality: each fact told otherwise is noticed.
#[rstest]
#[case("curl-login", "wonder land 7", "wonder land 8", "password of LOGIN")]
#[case("curl-login", "alice", "alicia", "user of LOGIN")]
#[case("curl-login", "4711", "4712", "Subject")]
#[case("curl-login", "dots = 3", "dots = 2", "lines with a dot")]
#[case("curl-login", "\"b@server", "\"x@server", "recipients")]
#[case("curl-cram", "CRAM-MD5", "LOGIN", "mechanism")]
#[case("curl-ntlm", "CORP\"", "CORE\"", "domain")]
#[case("curl-ntlm", "Sesame: 42\"", "Sesame: 43\"", "proof of NTLM")]
#[case("curl-wrong-password", "refused", "accepted", "outcome of AUTH")]
#[case(
    "curl-refused-recipient",
    "refused = [\"nobody@",
    "refused = [\"no@",
    "recipients"
)]
#[case("curl-starttls", "starttls", "none", "TLS")]
#[case("curl-eight-bit", "3000", "998", "longest line")]
#[case("python-plain-attachments", ", \"tabelle.csv\"", "", "attachments")]
#[case("jakarta-plain", "årsrapport", "rapport", "attachment \"")]
#[case("smime-gcm", "AES-256-GCM", "AES-256-CBC", "cipher")]
#[case("curl-attachment-names", "für 2027", "für 2028", "attachments leaked")]
#[case("smime-oaep", "RSA-OAEP", "RSA PKCS#1 v1.5", "key transport")]
#[case("smime-3des", "sealed-for = 2", "sealed-for = 1", "sealed for")]
#[case("smime-opaque-signed", "SHA-512", "SHA-256", "digest")]
#[case("smime-cbc", "hidden-body", "body", "the body is readable")]
fn what_is_told_otherwise_is_noticed(
    #[case] name: &str,
    #[case] right: &str,
    #[case] wrong: &str,
    #[case] what: &str,
) {
    let path = clients().join(name).with_extension("toml");
    let content = fs::read_to_string(&path).expect("what the client was told");
    // The first lines name the command, which is not compared.
    let at = content.find("[[session]]").expect("a session");
    let (head, facts) = content.split_at(at);
    let changed = facts.replace(right, wrong);
    assert_ne!(facts, changed, "{right} is told");
    let told: Told = toml::from_str(&format!("{head}{changed}")).expect("facts");
    let found = differences(&told, &path.with_extension("pcap"));
    assert!(
        found.iter().any(|one| one.starts_with(what)),
        "{what}: {found:#?}"
    );
}

#[test]
fn every_capture_says_what_was_told() {
    let names = |ending: &str| -> BTreeSet<String> {
        let files = fs::read_dir(clients()).expect("the captures").flatten();
        let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        names
            .filter_map(|name| name.strip_suffix(ending).map(str::to_owned))
            .collect()
    };
    let captures = names(".pcap");
    assert!(captures.len() >= 30, "{} captures", captures.len());
    assert_eq!(captures, names(".toml"));
}

/// `just bless` renews `reports/field/`.
#[rstest]
fn the_report_is_the_snapshot(#[files("../../captures/clients/*.pcap")] path: PathBuf) {
    let file = path.file_name().expect("a file name");
    let output = smtpspec()
        .current_dir(clients())
        .env("COLUMNS", "80")
        .arg("audit")
        .arg(file)
        .output()
        .expect("the binary starts");
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        text(&output.stderr)
    );
    let name = path.file_stem().expect("a name").to_string_lossy();
    support::reports("field").bind(|| insta::assert_snapshot!(name.as_ref(), text(&output.stdout)));
}
