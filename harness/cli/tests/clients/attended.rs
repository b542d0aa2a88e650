//! A client that a person works by hand.

use super::*;

/// A person who does as the program says: reads what is asked and sends it by hand.
#[test]
fn attended_says_what_to_send_and_knows_its_own_message() {
    let plain = DELIVERED
        .replace("basic", "none")
        .replace("require_auth = true", "");
    let folder = prepared(&[&plain]);
    let port = free_port();
    let mut child = smtpspec()
        .args([
            "run",
            "cases",
            "--out",
            "out",
            "--attended",
            "--wait",
            "20s",
            "--port",
        ])
        .arg(port.to_string())
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut asked = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let mut told = Vec::new();
    for id in ["BEN-01", "TRY-01", "BEN-02"] {
        let mut file = String::new();
        let mut token = String::new();
        while token.is_empty() {
            let line = asked.next().expect("it asks").expect("text");
            let line = line.trim().to_owned();
            if let Some(path) = line.strip_prefix("send ") {
                path.clone_into(&mut file);
            }
            if let Some(rest) = line.strip_prefix("with ") {
                token = rest.split(' ').next().unwrap_or_default().to_owned();
            }
            told.push(line);
        }
        assert!(token.starts_with(id), "{told:?}");
        let mut message = fs::read_to_string(folder.path().join(&file)).expect("the message");
        assert!(message.contains(&token));
        if id == "TRY-01" {
            // Somebody else's mail.
            message = message.replace(&token, "lunch");
        }
        let recipients: &[&str] = if id == "TRY-01" {
            &["b@server.example"]
        } else {
            &["orders@partner.example", "archive@partner.example"]
        };
        by_hand(port, recipients, &message);
    }
    let mut rest = String::new();
    for line in asked.map_while(Result::ok) {
        rest.push_str(&line);
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{rest}");
    let outcome: Outcome = serde_json::from_slice(
        &fs::read(folder.path().join("out/attended/result.json")).expect("a result"),
    )
    .expect("a result in JSON");
    let case = &outcome.cases[1];
    assert_eq!(
        case.verdict,
        Some(Verdict::Inconclusive),
        "{:?}",
        case.problems
    );
    assert!(
        case.problems[0].contains("without the token"),
        "{:?}",
        case.problems
    );
    assert_eq!(
        outcome.cases[2].verdict,
        Some(Verdict::Pass),
        "{:?}",
        outcome.cases[2].problems
    );
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A whole dialogue, one command after the other.
fn by_hand(port: u16, recipients: &[&str], message: &str) {
    let started = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => break stream,
            Err(error) => assert!(started.elapsed() < Duration::from_secs(20), "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut say = |line: &str| {
        stream.write_all(line.as_bytes()).expect("the server reads");
        let mut reply = String::new();
        let mut byte = [0];
        loop {
            let read = stream.read(&mut byte).expect("the server answers");
            assert_ne!(read, 0, "{line}: {reply}");
            reply.push(char::from(byte[0]));
            let last = reply.lines().last().unwrap_or_default();
            if reply.ends_with('\n') && last.as_bytes().get(3) == Some(&b' ') {
                return;
            }
        }
    };
    say("");
    say("EHLO client.example\r\n");
    say("MAIL FROM:<a@client.example>\r\n");
    for recipient in recipients {
        say(&format!("RCPT TO:<{recipient}>\r\n"));
    }
    say("DATA\r\n");
    say(&format!("{}\r\n.\r\n", message.replace("\r\n.", "\r\n..")));
    say("QUIT\r\n");
}
