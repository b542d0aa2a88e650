//! A client that says what it is told, line by line.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection to a server.
pub(crate) struct Talk(BufReader<TcpStream>);

impl Talk {
    /// Connects.
    pub(crate) fn to(address: impl Into<SocketAddr>) -> Self {
        let stream = TcpStream::connect(address.into()).expect("it listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a time that is not zero");
        Self(BufReader::new(stream))
    }

    /// Connects to a port here, and reads the greeting.
    pub(crate) fn greeted(port: u16) -> Self {
        let mut talk = Self::to(([127, 0, 0, 1], port));
        let greeting = talk.reply();
        assert!(greeting.starts_with("220 "), "{greeting}");
        talk
    }

    /// Our own address.
    pub(crate) fn local(&self) -> SocketAddr {
        self.0.get_ref().local_addr().expect("an address")
    }

    /// A whole reply; less where the server ends.
    pub(crate) fn reply(&mut self) -> String {
        let mut all = String::new();
        loop {
            let begin = all.len();
            let read = self.0.read_line(&mut all).expect("a line");
            if read == 0 || all.as_bytes().get(begin + 3) != Some(&b'-') {
                return all;
            }
        }
    }

    /// Says a line, and reads the reply.
    pub(crate) fn say(&mut self, line: &str) -> String {
        write!(self.0.get_mut(), "{line}\r\n").expect("sent");
        self.reply()
    }

    /// As [`Talk::say`], where the reply must begin like that.
    pub(crate) fn expect(&mut self, line: &str, code: &str) {
        let reply = self.say(line);
        assert!(reply.starts_with(code), "{line:?}: {reply:?}");
    }

    /// Hands over one message: header and body as they are, but for the dot at the end.
    pub(crate) fn deliver(&mut self, content: &str) {
        self.expect("MAIL FROM:<a@client.example>", "250 ");
        self.expect("RCPT TO:<b@server.example>", "250 ");
        self.expect("DATA", "354 ");
        self.expect(&format!("{content}."), "250 ");
    }

    /// What comes until the server ends.
    pub(crate) fn rest(&mut self) -> String {
        let mut all = String::new();
        self.0.read_to_string(&mut all).expect("text");
        all
    }
}

/// Sends messages on one connection, as a client of that name.
pub(crate) fn deliver(port: u16, helo: &str, messages: usize) {
    let mut client = Talk::greeted(port);
    client.expect(&format!("HELO {helo}"), "250 ");
    for number in 0..messages {
        let body = "..text text text text text text\r\n".repeat(100);
        client.deliver(&format!(
            "Subject: {number}\r\nMessage-ID: <{number}@{helo}>\r\n\r\n{body}"
        ));
    }
    client.expect("QUIT", "221 ");
}
