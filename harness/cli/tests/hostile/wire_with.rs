//! A conversation that holds a string wherever a client, a server or a mail can put one.

use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use smtp::Secret;
use smtp::ntlm::{self, ClientIdentity, FileTime, Target};
use wire::{CaptureWriter, Direction, Header, TappedConversation, Timestamp, create_private};

/// Writes both of its conversations as a capture, so many times.
pub(crate) fn write(path: &Path, string: &str, times: usize) {
    let header = Header {
        application: "a test".to_owned(),
        comment: String::new(),
        interface: "tap0".to_owned(),
    };
    let file = create_private(path).expect("the file is made");
    let mut writer = CaptureWriter::new(file, &header).expect("the header is written");
    let both = [plain(string), by_ntlm(string)];
    for (index, turns) in both.iter().cycle().take(2 * times).enumerate() {
        let number = u16::try_from(index).expect("few");
        let client = SocketAddr::from(([10, 0, 0, 7], 20_000 + number));
        let server = SocketAddr::from(([10, 0, 0, 25], 25));
        let mut talk = TappedConversation::new(client, server, u64::from(number));
        let mut tick = 1_000_000 * u64::from(number);
        let mut time = || {
            tick += 1000;
            Timestamp::from_nanos(tick)
        };
        talk.open(time(), &mut writer).expect("written");
        for (direction, bytes) in turns {
            talk.data(*direction, time(), bytes, &mut writer)
                .expect("written");
        }
        talk.fin(Direction::Client, time(), &mut writer)
            .expect("written");
        talk.fin(Direction::Server, time(), &mut writer)
            .expect("written");
    }
    writer.flush().expect("written");
}

type Turns = Vec<(Direction, Vec<u8>)>;

fn client(text: String) -> (Direction, Vec<u8>) {
    (Direction::Client, text.into_bytes())
}

fn server(text: String) -> (Direction, Vec<u8>) {
    (Direction::Server, text.into_bytes())
}

/// AUTH LOGIN and PLAIN, the envelope, the header and names of parts; and the server's words.
fn plain(s: &str) -> Turns {
    let encoded = BASE64.encode(s);
    let word = format!("=?utf-8?B?{encoded}?=");
    let token = BASE64.encode(format!("{s}\0{s}\0canary-password"));
    vec![
        server(format!("220 {s}\r\n")),
        client(format!("EHLO {s}\r\n")),
        server(format!(
            "250-{s}\r\n250-STARTTLS\r\n250-X{s}\r\n250 AUTH LOGIN PLAIN {s}\r\n"
        )),
        client("AUTH LOGIN\r\n".to_owned()),
        server("334 VXNlcm5hbWU6\r\n".to_owned()),
        client(format!("{encoded}\r\n")),
        server("334 UGFzc3dvcmQ6\r\n".to_owned()),
        client("Y2FuYXJ5LXBhc3N3b3Jk\r\n".to_owned()),
        server(format!("535 5.7.8 {s}\r\n")),
        client(format!("AUTH PLAIN {token}\r\n")),
        server(format!("235 2.7.0 {s}\r\n")),
        client(format!("{s}\r\n")),
        server(format!("500 5.5.1 {s}\r\n")),
        client(format!("MAIL FROM:<{s}@a.example> X={s}\r\n")),
        server(format!("250 {s}\r\n")),
        client(format!("RCPT TO:<{s}@b.example>\r\n")),
        server("250 ok\r\n".to_owned()),
        client("DATA\r\n".to_owned()),
        server(format!("354 {s}\r\n")),
        client(format!(
            "From: {word} <{s}@a.example>\r\nTo: \"{s}\" <b@b.example>\r\nSubject: {word}\r\nMessage-ID: <{s}@a.example>\r\n\
             Received: from {s} by {s}\r\nX-Mailer: {s}\r\n{s}: x\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain; charset=\"{s}\"\r\n\r\n{s}\r\n\
             --b\r\nContent-Type: application/octet-stream; name=\"{word}\"\r\n\
             Content-Disposition: attachment; filename=\"{s}\"\r\n\r\nx\r\n--b--\r\n.\r\n"
        )),
        server(format!("250 2.0.0 {s}\r\n")),
        client("QUIT\r\n".to_owned()),
        server(format!("221 {s}\r\n")),
    ]
}

/// The names in NTLM.
fn by_ntlm(s: &str) -> Turns {
    let target = Target {
        netbios_domain: s.to_owned(),
        netbios_computer: s.to_owned(),
        dns_domain: s.to_owned(),
        dns_computer: s.to_owned(),
    };
    let first = ntlm::negotiate(None);
    let second = ntlm::challenge(ntlm::CLIENT_FLAGS, &target, [7; 8], None).expect("short names");
    let challenge = ntlm::Challenge::parse(&second).expect("just made");
    let password = Secret::new(*b"canary-password");
    let identity = ClientIdentity {
        domain: s,
        user: s,
        password: &password,
        workstation: s,
    };
    let third = ntlm::respond(&first, &challenge, &identity, [5; 8], FileTime(1)).expect("encodes");
    vec![
        server("220 mx ESMTP\r\n".to_owned()),
        client("EHLO pc\r\n".to_owned()),
        server("250-mx\r\n250 AUTH NTLM\r\n".to_owned()),
        client(format!("AUTH NTLM {}\r\n", BASE64.encode(first))),
        server(format!("334 {}\r\n", BASE64.encode(second))),
        client(format!("{}\r\n", BASE64.encode(third))),
        server(format!("535 5.7.3 {s}\r\n")),
        client("QUIT\r\n".to_owned()),
        server("221 bye\r\n".to_owned()),
    ]
}
