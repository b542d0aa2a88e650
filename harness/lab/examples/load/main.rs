//! Puts a load of mail over the real loopback, for a benchmark to capture:
//! `load PORT MEGABYTES [SESSIONS-AT-A-TIME] [MEGABYTES-PER-SECOND]`.
//!
//! A sink takes the mail, and as many clients as are asked for send it at the same time, until that much was sent. What
//! session number N says is the same in every run; how sessions interleave is not.

mod mail;

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

use mail::{Mechanism, Session};

const SEED: u64 = 4711;

type Failure = Box<dyn Error + Send + Sync>;

/// What all clients share.
struct Load {
    port: u16,
    /// Bytes to send in all.
    wanted: u64,
    /// Bytes a second, over all clients: tcpdump has to keep up.
    rate: u64,
    begun: Instant,
    next: AtomicU64,
    sent: AtomicU64,
    mails: AtomicU64,
}

fn main() -> ExitCode {
    let numbers: Vec<u64> = env::args()
        .skip(1)
        .filter_map(|text| text.parse().ok())
        .collect();
    let [port, megabytes, ref more @ ..] = numbers[..] else {
        eprintln!("usage: load PORT MEGABYTES [SESSIONS-AT-A-TIME] [MEGABYTES-PER-SECOND]");
        return ExitCode::from(2);
    };
    let clients = more.first().copied().unwrap_or(24);
    let rate = more.get(1).copied().unwrap_or(100);
    match run(port, megabytes, clients, rate) {
        Ok(said) => {
            eprintln!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(port: u64, megabytes: u64, clients: u64, rate: u64) -> Result<String, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, u16::try_from(port)?))?;
    let load = Load {
        port: listener.local_addr()?.port(),
        wanted: megabytes * 1_000_000,
        rate: rate.max(1) * 1_000_000,
        begun: Instant::now(),
        next: AtomicU64::new(0),
        sent: AtomicU64::new(0),
        mails: AtomicU64::new(0),
    };
    // The sink lives as long as the process.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || sink(&stream));
        }
    });
    thread::scope(|scope| {
        let all: Vec<_> = (0..clients)
            .map(|_| scope.spawn(|| client(&load)))
            .collect();
        all.into_iter()
            .try_for_each(|one| one.join().map_err(|_| "a client broke off")?)
    })?;
    let (sent, mails) = (load.sent.into_inner(), load.mails.into_inner());
    let sessions = load.next.into_inner();
    Ok(format!(
        "{sessions} sessions, {mails} messages of {} KiB on average, {} MB",
        sent / 1024 / mails.max(1),
        sent / 1_000_000
    ))
}

/// Sends one session after another until all is sent.
fn client(load: &Load) -> Result<(), Failure> {
    while load.sent.load(Ordering::Relaxed) < load.wanted {
        let number = load.next.fetch_add(1, Ordering::Relaxed);
        talk(load, &mail::session(SEED, number))?;
    }
    Ok(())
}

fn talk(load: &Load, session: &Session) -> Result<(), Failure> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, load.port))?;
    stream.set_nodelay(true)?;
    let mut replies = BufReader::new(stream.try_clone()?);
    let mut say = |bytes: &[u8], code: &str| -> Result<(), Failure> {
        (&stream).write_all(bytes)?;
        expect(&mut replies, code)
    };
    say(b"", "220")?;
    say(format!("EHLO {}\r\n", session.helo).as_bytes(), "250")?;
    match &session.login {
        Mechanism::None => {}
        Mechanism::Login([user, password]) => {
            say(b"AUTH LOGIN\r\n", "334")?;
            say(format!("{user}\r\n").as_bytes(), "334")?;
            say(format!("{password}\r\n").as_bytes(), "235")?;
        }
        Mechanism::Plain(response) => {
            say(format!("AUTH PLAIN {response}\r\n").as_bytes(), "235")?;
        }
    }
    for mail in &session.mails {
        say(format!("MAIL FROM:<{}>\r\n", mail.from).as_bytes(), "250")?;
        for to in &mail.to {
            say(format!("RCPT TO:<{to}>\r\n").as_bytes(), "250")?;
        }
        say(b"DATA\r\n", "354")?;
        say(&mail.wire, "250")?;
        load.mails.fetch_add(1, Ordering::Relaxed);
        let sent = load
            .sent
            .fetch_add(mail.wire.len() as u64, Ordering::Relaxed);
        let due = Duration::from_millis(sent * 1000 / load.rate);
        thread::sleep(due.saturating_sub(load.begun.elapsed()));
    }
    say(b"QUIT\r\n", "221")
}

fn expect(replies: &mut impl BufRead, code: &str) -> Result<(), Failure> {
    loop {
        let mut line = String::new();
        replies.read_line(&mut line)?;
        if !line.starts_with(code) {
            return Err(format!("expected {code}, got {line:?}").into());
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(());
        }
    }
}

/// A server that takes everything. A client that goes away ends it.
fn sink(stream: &TcpStream) {
    let mut lines = BufReader::with_capacity(256 * 1024, stream);
    let mut out = stream;
    let mut line = Vec::new();
    let mut in_data = false;
    let mut prompts = 0;
    if out.write_all(b"220 mx.partner.example ESMTP\r\n").is_err() {
        return;
    }
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if in_data && line != b".\r\n" {
            continue;
        }
        let reply: &[u8] = match &line[..] {
            _ if in_data => b"250 2.0.0 queued\r\n",
            _ if prompts == 2 => b"334 UGFzc3dvcmQ6\r\n",
            _ if prompts == 1 => b"235 2.7.0 welcome\r\n",
            [b'E', b'H', ..] => {
                b"250-mx.partner.example\r\n250-SIZE 20971520\r\n250-8BITMIME\r\n250-STARTTLS\r\n250 AUTH LOGIN PLAIN\r\n"
            }
            line if line.starts_with(b"AUTH LOGIN") => b"334 VXNlcm5hbWU6\r\n",
            [b'A', ..] => b"235 2.7.0 welcome\r\n",
            [b'D', ..] => b"354 go ahead\r\n",
            [b'Q', ..] => b"221 2.0.0 bye\r\n",
            _ => b"250 2.1.0 ok\r\n",
        };
        prompts = match prompts {
            0 if reply.starts_with(b"334") => 2,
            before => usize::saturating_sub(before, 1),
        };
        in_data = reply.starts_with(b"354");
        if out.write_all(reply).is_err() || reply.starts_with(b"221") {
            return;
        }
    }
}
