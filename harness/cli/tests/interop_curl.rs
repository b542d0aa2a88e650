//! curl, a client of other hands, against `smtpspec serve`.

mod support;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use claims::Verdict;
use smtp::timeline::{Identity, Outcome as AuthOutcome};
use support::serve::{ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD, MESSAGE, Serve, Served};
use support::{blemishes, folder, have, holds, judged, only, skipped, text, timeline};

/// The exit status of curl for a refused log-in.
const LOGIN_DENIED: i32 = 67;
/// Warnings and errors of Wireshark's experts; notes and chats lie below (a FIN is one).
const WARNINGS: &str = "_ws.expert.severity >= 6291456";

/// One session of curl: its exit status, and what the server made of it.
fn session(arguments: &[&str]) -> (Option<i32>, Served, tempfile::TempDir) {
    let folder = folder();
    let serve = Serve::start(folder.path());
    let port = serve.port;
    let output = support::serve::curl(folder.path(), port, arguments);
    let served = serve.end();
    eprintln!("curl: {} {}", output.status, text(&output.stderr));
    assert_eq!(
        blemishes(&served.capture, port, WARNINGS),
        Vec::<String>::new(),
        "tshark finds fault"
    );
    (output.status.code(), served, folder)
}

fn login(user: &str, password: &str) -> String {
    format!("{user}:{password}")
}

/// The message arrived as it was.
fn assert_delivered(served: &Served) {
    let timeline = timeline(&served.capture);
    let messages: Vec<_> = timeline.messages().collect();
    assert_eq!(messages.len(), 1);
    let (transaction, data) = messages[0];
    assert_eq!(transaction.reverse_path.value, "a@client.example");
    assert_eq!(data.accepted, Some(true));
    assert!(data.complete);
    assert_eq!(text(data.content.bytes()), text(MESSAGE));
}

/// The one attempt was refused, and no message left.
fn assert_refused(served: &Served, code: u16) {
    let timeline = timeline(&served.capture);
    assert_eq!(timeline.messages().count(), 0);
    assert_eq!(timeline.transactions.len(), 0);
    let outcomes: Vec<_> = timeline
        .authentications
        .iter()
        .map(|one| one.outcome)
        .collect();
    assert_eq!(outcomes, [AuthOutcome::Refused(code)]);
}

/// The report does not quote the password.
fn assert_secret(served: &Served, password: &str) {
    assert!(!holds(served.json.as_bytes(), password));
    let encoded = BASE64_STANDARD.encode(password);
    assert!(!holds(
        served.json.as_bytes(),
        encoded.trim_end_matches('=')
    ));
}

#[test]
fn curl_with_login_shows_its_password_and_ignores_starttls() {
    if !have(&["curl", "tshark"]) {
        return;
    }
    let user = login(ALICE, ALICE_PASSWORD);
    let (code, served, _folder) = session(&["-u", &user, "--login-options", "AUTH=LOGIN"]);
    assert_eq!((code, served.code), (Some(0), Some(0)));
    let conversation = only(&served.outcome);
    assert_eq!(judged(conversation, "ADP-16").verdict, Verdict::Pass);
    assert_eq!(judged(conversation, "ADP-08").verdict, Verdict::Pass);
    assert_delivered(&served);
    assert_secret(&served, ALICE_PASSWORD);
    let timeline = timeline(&served.capture);
    let Identity::Login {
        user: Some(user),
        password: Some(password),
    } = &timeline.authentications[0].identity
    else {
        panic!("not LOGIN");
    };
    assert_eq!(user.value, ALICE);
    assert_eq!(password.value.expose(), ALICE_PASSWORD.as_bytes());
}

#[test]
fn curl_with_plain_in_one_line_shows_its_password() {
    if !have(&["curl", "tshark"]) {
        return;
    }
    let user = login(ALICE, ALICE_PASSWORD);
    let (code, served, _folder) =
        session(&["-u", &user, "--login-options", "AUTH=PLAIN", "--sasl-ir"]);
    assert_eq!((code, served.code), (Some(0), Some(0)));
    let conversation = only(&served.outcome);
    assert_eq!(judged(conversation, "ADP-16").verdict, Verdict::Pass);
    assert_eq!(judged(conversation, "ADP-08").verdict, Verdict::Pass);
    assert_delivered(&served);
    assert_secret(&served, ALICE_PASSWORD);
    let auth = conversation
        .transcript
        .iter()
        .find(|line| line.text.starts_with("AUTH"))
        .expect("an AUTH line");
    assert!(
        auth.text.starts_with("AUTH PLAIN <initial response,"),
        "{}",
        auth.text
    );
}

#[test]
fn curl_with_the_wrong_password_is_refused() {
    if !have(&["curl", "tshark"]) {
        return;
    }
    for mechanism in ["AUTH=LOGIN", "AUTH=PLAIN"] {
        let (code, served, _folder) =
            session(&["-u", "alice:not this", "--login-options", mechanism]);
        assert_eq!(code, Some(LOGIN_DENIED), "{mechanism}");
        assert_refused(&served, 535);
        // The password crossed all the same, and that is what the claim says.
        assert_eq!(
            judged(only(&served.outcome), "ADP-16").verdict,
            Verdict::Pass
        );
    }
}

#[test]
fn curl_that_insists_on_tls_breaks_the_claim_that_starttls_is_never_issued() {
    if !have(&["curl", "tshark"]) {
        return;
    }
    let (code, served, _folder) = session(&["--ssl-reqd", "-k"]);
    assert_eq!((code, served.code), (Some(0), Some(1)));
    let conversation = only(&served.outcome);
    let starttls = judged(conversation, "ADP-08");
    assert_eq!(starttls.verdict, Verdict::Fail);
    assert!(
        starttls.reason.contains("upgraded to TLS"),
        "{}",
        starttls.reason
    );
    // The tap wrote the keys down, so that what went on inside is known: no login. Without them nothing is concluded.
    assert_eq!(
        judged(conversation, "ADP-16").verdict,
        Verdict::NotApplicable
    );
    let timeline = timeline(&served.capture);
    assert!(timeline.authentications.is_empty() && timeline.transactions.len() == 1);
    assert!(timeline.tls.is_some_and(|tls| tls.established));
}

#[test]
fn curl_proves_its_password_with_ntlm() {
    if !have(&["curl", "tshark"]) || !curl_has_ntlm() {
        return;
    }
    for opening in [&[][..], &["--sasl-ir"]] {
        let user = login(BOB, BOB_PASSWORD);
        let mut arguments = vec!["-u", &user, "--login-options", "AUTH=NTLM"];
        arguments.extend(opening);
        let (code, served, _folder) = session(&arguments);
        assert_eq!((code, served.code), (Some(0), Some(0)));
        assert_delivered(&served);
        let timeline = timeline(&served.capture);
        let [authentication] = &timeline.authentications[..] else {
            panic!("one AUTH");
        };
        assert_eq!(authentication.outcome, AuthOutcome::Accepted);
        let Identity::Ntlm(exchange) = &authentication.identity else {
            panic!("not NTLM");
        };
        assert_eq!(exchange.initial_response, !opening.is_empty());
        assert_eq!(exchange.problems, Vec::<String>::new());
        let proof = &exchange.authenticate.as_ref().expect("type 3").value;
        assert_eq!(
            (proof.domain.as_str(), proof.user.as_str()),
            ("CORP", "bob")
        );
        assert!(
            !holds(proof.raw.expose(), BOB_PASSWORD),
            "the password does not cross"
        );
    }
}

#[test]
fn curl_with_the_wrong_password_cannot_prove_it_with_ntlm() {
    if !have(&["curl", "tshark"]) || !curl_has_ntlm() {
        return;
    }
    let user = login(BOB, "not this");
    let (code, served, _folder) = session(&["-u", &user, "--login-options", "AUTH=NTLM"]);
    assert_eq!(code, Some(LOGIN_DENIED));
    assert_refused(&served, 535);
}

#[test]
fn curl_with_cram_md5_breaks_the_claim_of_three_modes() {
    if !have(&["curl", "tshark"]) {
        return;
    }
    let user = login(ALICE, ALICE_PASSWORD);
    let (code, served, _folder) = session(&["-u", &user, "--login-options", "AUTH=CRAM-MD5"]);
    assert_eq!((code, served.code), (Some(0), Some(1)));
    let modes = judged(only(&served.outcome), "ADP-14");
    assert_eq!(modes.verdict, Verdict::Fail);
    assert!(modes.reason.contains("CRAM-MD5"), "{}", modes.reason);
    assert_delivered(&served);
}

/// NTLM is on its way out of curl.
fn curl_has_ntlm() -> bool {
    let output = std::process::Command::new("curl")
        .args(["-q", "--version"])
        .output()
        .expect("curl starts");
    let able = text(&output.stdout)
        .split_ascii_whitespace()
        .any(|word| word == "NTLM");
    if !able {
        skipped("this curl was built without NTLM");
    }
    able
}
