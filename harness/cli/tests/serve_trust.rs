//! `smtpspec serve` on several addresses, without authentication, with a size of its own, and told to stop.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::serve::{ended, lines, wait_for};
use support::{folder, smtpspec};

type Client = BufReader<TcpStream>;

fn greeted(address: SocketAddr) -> Client {
    let stream = TcpStream::connect(address).expect("up");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time that is not zero");
    let mut client = BufReader::new(stream);
    assert!(reply(&mut client).starts_with("220 "));
    client
}

/// A whole reply.
fn reply(client: &mut Client) -> String {
    let mut all = String::new();
    loop {
        let begin = all.len();
        client.read_line(&mut all).expect("a line");
        if all.as_bytes().get(begin + 3) != Some(&b'-') {
            return all;
        }
    }
}

fn say(client: &mut Client, line: &str) -> String {
    write!(client.get_mut(), "{line}\r\n").expect("sent");
    reply(client)
}

#[test]
fn two_addresses_without_authentication_end_in_good_order() {
    let folder = folder();
    let mut child = smtpspec()
        .args(["serve", "--listen", "127.0.0.1:0", "--listen", "[::1]:0"])
        .args(["--no-auth", "--message-size", "1000", "--grace", "2"])
        .args(["--format", "json", "--out"])
        .arg(folder.path().join("out"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let said = lines(child.stderr.take().expect("a pipe"));
    let hint = wait_for(&said, "listening on ");
    let listed = hint.split("listening on ").nth(1).expect("addresses");
    let listed = listed.split(';').next().expect("addresses");
    let addresses: Vec<SocketAddr> = listed
        .split(", ")
        .map(|address| address.parse().expect("an address"))
        .collect();
    assert_eq!(addresses.len(), 2, "{hint}");

    let mut clients: Vec<_> = addresses.into_iter().map(greeted).collect();
    for client in &mut clients {
        let offered = say(client, "EHLO client.example");
        assert!(offered.contains("SIZE 1000\r\n"), "{offered}");
        assert!(!offered.contains("AUTH"), "{offered}");
        assert!(say(client, "AUTH PLAIN AGEAYg==").starts_with("502 "));
        let big = say(client, "MAIL FROM:<a@client.example> SIZE=1001");
        assert!(big.starts_with("552 "), "{big}");
        assert!(say(client, "MAIL FROM:<a@client.example>").starts_with("250 "));
    }
    let told = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(told.expect("kill starts").success());
    // Within the grace a transaction can be finished; who does nothing is told at its end.
    let [first, second] = clients.as_mut_slice() else {
        panic!("two clients");
    };
    assert!(say(first, "RCPT TO:<b@server.example>").starts_with("250 "));
    assert!(say(first, "DATA").starts_with("354 "));
    assert!(say(first, "Subject: x\r\n\r\nhello\r\n.").starts_with("250 "));
    assert!(say(first, "QUIT").starts_with("221 "));
    assert_eq!(reply(second), "421 4.3.2 shutting down, closing\r\n");
    drop(clients);
    assert!(ended(&mut child, "smtpspec serve").code().is_some());
}
