//! Writes a long capture to standard output, in bounded memory: `synthetic MEGABYTES [OPEN-SESSIONS]`.
//!
//! The frames are made up (1,460 bytes of payload at most, as on Ethernet); the mail is that of the load generator. So many
//! sessions are open at any time and take turns, and each has an address and a port of its own.

#[path = "load/mail.rs"]
mod mail;

use std::io::{self, BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::vec;

use mail::Mechanism;
use wire::{CaptureWriter, Direction, Header, TappedConversation, Timestamp};

const SEED: u64 = 4712;
/// 2026-11-02 09:00 UTC, in nanoseconds.
const BEGIN: u64 = 1_793_610_000_000_000_000;
/// Bytes of a message between two turns.
const TURN: usize = 64 * 1024;

/// A buffered output that is flushed when it is full, and not after every frame.
struct Output<W: Write>(BufWriter<W>);

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A session that is open: what is still to be said.
struct Open {
    tap: TappedConversation,
    script: vec::IntoIter<(Direction, Vec<u8>)>,
    /// A message of which part was sent.
    rest: (Vec<u8>, usize),
}

fn main() -> ExitCode {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse().ok())
        .collect();
    let Some(megabytes) = numbers.first() else {
        eprintln!("usage: synthetic MEGABYTES [OPEN-SESSIONS]");
        return ExitCode::from(2);
    };
    let at_once = numbers.get(1).copied().unwrap_or(64);
    match run(megabytes * 1_000_000, at_once) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader went away: that is its right.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("synthetic: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(wanted: u64, at_once: u64) -> io::Result<()> {
    let header = Header {
        application: "smtpspec synthetic".to_owned(),
        ..Header::default()
    };
    let mut writer = Counted::new(&header)?;
    let mut number = 0;
    let mut sessions: Vec<Open> = Vec::new();
    loop {
        while writer.written < wanted && (sessions.len() as u64) < at_once {
            sessions.push(open(number, &mut writer)?);
            number += 1;
        }
        if sessions.is_empty() {
            return writer.finish();
        }
        let mut still = Vec::with_capacity(sessions.len());
        for mut session in sessions {
            if turn(&mut session, &mut writer)? {
                still.push(session);
            }
        }
        sessions = still;
    }
}

/// The capture with its clock and its length so far.
struct Counted {
    capture: CaptureWriter<Output<io::Stdout>>,
    time: u64,
    written: u64,
}

impl Counted {
    fn new(header: &Header) -> io::Result<Self> {
        let output = Output(BufWriter::with_capacity(1 << 20, io::stdout()));
        Ok(Self {
            capture: CaptureWriter::new(output, header)?,
            time: BEGIN,
            written: 0,
        })
    }

    /// Every call is a few microseconds later than the one before.
    fn now(&mut self, bytes: usize) -> Timestamp {
        self.time += 20_000;
        // Headers of link, network, TCP and the block around them.
        self.written += (bytes + bytes.div_ceil(1460) * 88 + 60) as u64;
        Timestamp::from_nanos(self.time)
    }

    fn finish(self) -> io::Result<()> {
        self.capture.into_inner().0.flush()
    }
}

fn open(number: u64, writer: &mut Counted) -> io::Result<Open> {
    let host = u32::try_from(number % 65_000).expect("below 2^16");
    let client = Ipv4Addr::from(0x0a01_0000 + host);
    let port = u16::try_from(1024 + number % 60_000).expect("below 2^16");
    let server = SocketAddr::from(([10, 2, 0, 25], 25));
    let mut tap = TappedConversation::new(SocketAddr::from((client, port)), server, number);
    let time = writer.now(0);
    tap.open(time, &mut writer.capture)?;
    Ok(Open {
        tap,
        script: script(number).into_iter(),
        rest: (Vec::new(), 0),
    })
}

/// The next thing that is said, or the next piece of a message; whether there is more.
fn turn(session: &mut Open, writer: &mut Counted) -> io::Result<bool> {
    let (message, sent) = &mut session.rest;
    if *sent < message.len() {
        let end = message.len().min(*sent + TURN);
        let time = writer.now(end - *sent);
        session.tap.data(
            Direction::Client,
            time,
            &message[*sent..end],
            &mut writer.capture,
        )?;
        *sent = end;
        return Ok(true);
    }
    match session.script.next() {
        Some((Direction::Client, bytes)) => session.rest = (bytes, 0),
        Some((direction, bytes)) => {
            let time = writer.now(bytes.len());
            session
                .tap
                .data(direction, time, &bytes, &mut writer.capture)?;
        }
        None => {
            for direction in [Direction::Client, Direction::Server] {
                let time = writer.now(0);
                session.tap.fin(direction, time, &mut writer.capture)?;
            }
            return Ok(false);
        }
    }
    Ok(true)
}

/// A whole session in order.
fn script(number: u64) -> Vec<(Direction, Vec<u8>)> {
    let session = mail::session(SEED, number);
    let mut script = Vec::new();
    let mut say = |client: Vec<u8>, server: &str| {
        script.push((Direction::Client, client));
        script.push((Direction::Server, server.as_bytes().to_vec()));
    };
    say(Vec::new(), "220 mx.partner.example ESMTP\r\n");
    say(
        format!("EHLO {}\r\n", session.helo).into(),
        "250-mx.partner.example\r\n250-STARTTLS\r\n250 AUTH LOGIN PLAIN\r\n",
    );
    match session.login {
        Mechanism::None => {}
        Mechanism::Login([user, password]) => {
            say(b"AUTH LOGIN\r\n".to_vec(), "334 VXNlcm5hbWU6\r\n");
            say(format!("{user}\r\n").into(), "334 UGFzc3dvcmQ6\r\n");
            say(format!("{password}\r\n").into(), "235 2.7.0 welcome\r\n");
        }
        Mechanism::Plain(response) => {
            say(
                format!("AUTH PLAIN {response}\r\n").into(),
                "235 2.7.0 welcome\r\n",
            );
        }
    }
    for mail in session.mails {
        say(
            format!("MAIL FROM:<{}>\r\n", mail.from).into(),
            "250 2.1.0 ok\r\n",
        );
        for to in &mail.to {
            say(format!("RCPT TO:<{to}>\r\n").into(), "250 2.1.5 ok\r\n");
        }
        say(b"DATA\r\n".to_vec(), "354 go ahead\r\n");
        say(mail.wire, "250 2.0.0 queued\r\n");
    }
    say(b"QUIT\r\n".to_vec(), "221 2.0.0 bye\r\n");
    script
}
