//! A real browser, driven over a pipe by its own protocol (Chrome `DevTools` Protocol): what it shows, what its console
//! says, and what it asks for.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// Longest wait for something to appear.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    to: File,
    from: Receiver<Value>,
    session: Option<String>,
    next: u64,
    /// What the console said, errors of loading and scripts that failed.
    pub(crate) console: Vec<String>,
    /// Addresses that were asked for.
    pub(crate) requests: Vec<String>,
}

impl Browser {
    /// Starts it with a profile of its own in `folder`.
    pub(crate) fn start(folder: &Path) -> Self {
        // A shell gives it the two pipes under the numbers that it expects.
        let (to, from) = (folder.join("to"), folder.join("from"));
        let made = Command::new("mkfifo").arg(&to).arg(&from).status();
        assert!(made.expect("mkfifo starts").success());
        let start = "exec chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
                     --disable-component-update --remote-debugging-pipe --window-size=1100,1000 \"--user-data-dir=$3\" \
                     about:blank 3<\"$1\" 4>\"$2\"";
        let child = Command::new("sh")
            .args(["-c", start, "sh"])
            .arg(&to)
            .arg(&from)
            .arg(folder.join("profile"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        let to = fs::OpenOptions::new()
            .write(true)
            .open(to)
            .expect("the browser reads");
        let from = File::open(from).expect("the browser writes");
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for message in BufReader::new(from).split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("the protocol is JSON");
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self {
            child,
            to,
            from: receiver,
            session: None,
            next: 0,
            console: Vec::new(),
            requests: Vec::new(),
        };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", &attach);
        browser.session = Some(
            attached["sessionId"]
                .as_str()
                .expect("a session")
                .to_owned(),
        );
        for domain in ["Runtime", "Log", "Network", "Page"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// Goes to an address.
    pub(crate) fn open(&mut self, url: &str) {
        let answer = self.call("Page.navigate", &json!({ "url": url }));
        assert!(answer.get("errorText").is_none(), "{url}: {answer}");
    }

    /// The value of an expression in the page.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let evaluate =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", &evaluate);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true. One that cannot be evaluated yet, since the page is not there, is not.
    pub(crate) fn wait(&mut self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        let tried =
            format!("(() => {{ try {{ return {expression}; }} catch {{ return false; }} }})()");
        while self.value(&tried) != Value::Bool(true) {
            if Instant::now() > deadline {
                let body = self.value("document.body.innerText.slice(0, 2000)");
                panic!(
                    "not so: {expression}; the page: {body}; console: {:?}",
                    self.console
                );
            }
            thread::sleep(Duration::from_millis(30));
        }
    }

    /// A picture of the page, for people, where they ask for it by `SMTPSPEC_SCREENSHOTS=FOLDER`.
    pub(crate) fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("SMTPSPEC_SCREENSHOTS") else {
            return;
        };
        let answer = self.call("Page.captureScreenshot", &json!({ "format": "png" }));
        let data = answer["data"].as_str().expect("a picture");
        let bytes = BASE64_STANDARD.decode(data).expect("base64");
        fs::write(Path::new(&folder).join(name), bytes).expect("written");
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut text = message.to_string().into_bytes();
        text.push(0);
        self.to.write_all(&text).expect("the browser reads");
        loop {
            let answer = self.from.recv_timeout(PATIENCE);
            let mut answer = answer.unwrap_or_else(|error| panic!("{method}: {error}"));
            if answer["id"] == self.next {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].take();
            }
            self.note(&answer);
        }
    }

    fn note(&mut self, event: &Value) {
        let parameters = &event["params"];
        match event["method"].as_str() {
            Some("Network.requestWillBeSent") => {
                let url = parameters["request"]["url"].as_str().unwrap_or_default();
                self.requests.push(url.to_owned());
            }
            Some("Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded") => {
                self.console.push(parameters.to_string());
            }
            _ => {}
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its own way to end takes its helpers with it.
        let end = b"{\"id\":0,\"method\":\"Browser.close\"}\0";
        let _ = self.to.write_all(end);
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
