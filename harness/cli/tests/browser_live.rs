//! The live page in a real browser: what happens appears without a reload, opens as a dialogue, stays text, says nothing on
//! the console and asks for nothing elsewhere.

#![cfg(unix)]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use support::browser::Browser;
use support::serve::{ALICE, ALICE_PASSWORD, Serve, curl, ended, lines, wait_for};
use support::talk::Talk;
use support::{folder, good, have};

/// As an element, as the end of an attribute and as a script.
const HOSTILE: &str =
    "<img/src=x/onerror=document.title='qzj'>\"'</script><script>document.title='qzj'</script>";

/// A client that is what it should not be.
fn hostile(port: u16) {
    let mut client = Talk::greeted(port);
    let message = format!(
        "From: {HOSTILE} <a@client.example>\r\nSubject: {HOSTILE}\r\nX-Mailer: {HOSTILE}\r\n\r\n{HOSTILE}\r\n."
    );
    let commands = [
        &format!("HELO {HOSTILE}"),
        &format!(
            "MAIL FROM:<\"{}\"@client.example>",
            HOSTILE.replace('"', "")
        ),
        "RCPT TO:<b@server.example>",
        "DATA",
        &message,
        HOSTILE,
        "QUIT",
    ];
    for command in commands {
        client.say(command);
    }
}

#[test]
fn what_happens_appears_and_stays_text() {
    if !have(&["chromium", "mkfifo", "curl", "kill"]) {
        return;
    }
    let folder = folder();
    let serve = Serve::start_with(
        folder.path(),
        &["--web", "127.0.0.1:0", "--messages", "eml"],
    );
    let page = serve.page();
    let mut browser = Browser::start(folder.path());
    browser.open(&page);
    browser.wait("document.documentElement.dataset.ready === 'true'");
    browser.value("window.marker = 1");
    assert_eq!(
        browser.value("document.getElementById('sessions').textContent"),
        "0"
    );
    assert_eq!(
        browser.value("document.getElementById('link').textContent"),
        "live"
    );

    // A session appears, and opens.
    let login = format!("{ALICE}:{ALICE_PASSWORD}");
    let sent = curl(
        folder.path(),
        serve.port,
        &["-u", &login, "--login-options", "AUTH=PLAIN"],
    );
    good(&sent, "curl");
    browser.wait("document.querySelectorAll('#list details').length === 1");
    browser.wait("document.getElementById('passwords').textContent === '1'");
    let head = browser.value("document.querySelector('#list summary').textContent");
    let head = head.as_str().expect("text");
    assert!(
        head.contains("PLAIN alice") && head.contains("1 message") && head.contains("S1/1"),
        "{head}"
    );
    let exposed = browser.value("document.querySelector('#exposed tbody').textContent");
    assert!(
        exposed
            .as_str()
            .expect("text")
            .contains("passwordalicePLAIN"),
        "{exposed}"
    );
    browser.value("document.querySelector('#list summary').click()");
    browser.wait("document.querySelectorAll('#list .dialogue li').length > 10");
    let dialogue = browser.value("document.querySelector('#list .dialogue').textContent");
    let dialogue = dialogue.as_str().expect("text");
    assert!(
        dialogue.contains("EHLO client.example")
            && dialogue.contains("MAIL FROM:<a@client.example>")
    );
    assert!(!dialogue.contains("AGFsaWNlA"), "the password is not there");
    browser.picture("live-open.png");

    // What comes from the wire runs nowhere.
    hostile(serve.port);
    browser.wait("document.querySelectorAll('#list details').length === 2");
    assert_eq!(
        browser.value("document.querySelector('#list .name').textContent"),
        "S1/2",
        "newest first"
    );
    browser.value("document.querySelector('#list summary').click()");
    browser.wait("document.querySelectorAll('#list details')[0].dataset.filled === 'true'");
    let said = browser.value("document.querySelector('#list details').textContent");
    assert!(
        said.as_str().expect("text").contains("<img/src=x/onerror="),
        "{said}"
    );
    let foreign = "document.body.querySelectorAll('img, iframe, object, embed, link, base, script, [onerror]').length";
    assert_eq!(browser.value(foreign), json!(0));
    assert_eq!(browser.value("document.title"), "smtpspec: live");

    // It can be searched, and shows what the index has.
    browser.value(
        "(() => { const f = document.forms[0].elements.text; f.value = 'plain alice'; f.dispatchEvent(new Event('input', { bubbles: true })); })()",
    );
    assert_eq!(
        browser.value("document.forms[0].elements.count.value"),
        "1 of 2 listed"
    );
    browser.value("document.getElementById('older').click()");
    browser.wait("document.getElementById('told').value === 'There are no older ones.'");
    browser.value("scrollTo(0, 0)");
    browser.picture("live-sessions.png");

    // It learns of the end.
    assert_eq!(
        browser.value("window.marker"),
        json!(1),
        "nothing was loaded again"
    );
    serve.signal("-INT");
    browser.wait("document.getElementById('link').textContent === 'the server has ended'");
    serve.end();
    assert_eq!(browser.console, Vec::<String>::new());
    let elsewhere = browser
        .requests
        .iter()
        .filter(|url| !url.starts_with(&page) && *url != "data:,");
    assert_eq!(elsewhere.count(), 0, "{:?}", browser.requests);
    assert!(browser.requests.len() >= 6, "{:?}", browser.requests);
}

/// Five programs of other hands, seen on the terminal and in the browser while the server runs; the script then finds the
/// same verdicts in the audit of what was left.
#[test]
fn five_clients_are_judged_live_as_they_are_afterwards() {
    if !have(&["bash", "curl", "python3"]) {
        return;
    }
    let all = have(&["swaks", "msmtp", "javac", "chromium", "mkfifo"]);
    let folder = folder();
    let hold = folder.path().join("hold");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/serve/five-clients.sh");
    let mut child = Command::new("bash")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_smtpspec"))
        .env("PORT", "0")
        .env("WEB", "0")
        .env("HOLD", &hold)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("bash starts");
    let said = lines(child.stdout.take().expect("a pipe"));
    let line = wait_for(&said, "smtpspec serve on ");
    let page = line.split(", ").nth(1).expect("an address").to_owned();
    if all {
        let mut browser = Browser::start(folder.path());
        browser.open(&page);
        browser.wait("document.documentElement.dataset.ready === 'true'");
        let line = wait_for(&said, " clients were here");
        let count: u32 = line
            .split(' ')
            .next()
            .and_then(|word| word.parse().ok())
            .expect("a number");
        assert!(count >= 4, "{line}");
        browser.wait(&format!(
            "document.querySelectorAll('#list details').length === {count}"
        ));
        let failed = "document.getElementById('failed').textContent";
        assert_eq!(
            browser.value(failed),
            json!((count - 1).to_string()),
            "the same message came again"
        );
        browser.picture("live-five-clients.png");
        assert_eq!(browser.console, Vec::<String>::new());
    }
    fs::write(&hold, "").expect("written");
    wait_for(&said, "say what the audit of the evidence says");
    assert!(ended(&mut child, "five-clients.sh").success());
}

/// The test sees what it looks for.
#[test]
fn a_page_that_gives_in_would_be_noticed() {
    if !have(&["chromium", "mkfifo"]) {
        return;
    }
    let folder = folder();
    let mut browser = Browser::start(folder.path());
    let page = format!(
        "data:text/html,<title>t</title><p>{}</p>",
        HOSTILE.replace("src=x", "src=http://127.0.0.1:9/x")
    );
    browser.open(&page);
    browser.wait("document.title === 'qzj'");
    assert_eq!(
        browser.value("document.querySelectorAll('img').length"),
        json!(1)
    );
    browser.value("console.log('said')");
    assert!(browser.console.iter().any(|said| said.contains("said")));
    assert!(
        browser
            .requests
            .iter()
            .any(|url| url.starts_with("http://127.0.0.1:9/"))
    );
}
