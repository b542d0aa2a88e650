//! Weighs a server with many sessions at the same time: `sessions SMTPSPEC [SESSIONS]`.
//!
//! Starts `smtpspec serve`, which captures and judges all of them, and opens so many connections. It prints the resident
//! size of the server when each has read its greeting, and again when each is in the middle of a message; then every message
//! is ended, and must be accepted. At last it ends the server, and prints the resident size that it had at the most, until
//! its verdicts were out.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

/// Bytes of a message that stand with the server while it is weighed.
const HALF: usize = 4096;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(server) = arguments.first() else {
        eprintln!("usage: sessions SMTPSPEC [SESSIONS]");
        return ExitCode::from(2);
    };
    let sessions = arguments.get(1).and_then(|text| text.parse().ok());
    match run(server, sessions.unwrap_or(10_000)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sessions: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(server: &str, sessions: u16) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut child = Command::new(server)
        .args(["serve", "--listen", "127.0.0.1:0", "--out"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let weighed = weigh(&mut child, sessions);
    // It is gone already where all went well.
    let _ = child.kill();
    child.wait()?;
    weighed
}

/// One of them.
struct Session(BufReader<TcpStream>);

impl Session {
    fn open(address: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        // Ten thousand buffers of the usual size would weigh on the same machine.
        let mut session = Self(BufReader::with_capacity(256, stream));
        session.read(b"220")?;
        Ok(session)
    }

    fn read(&mut self, code: &[u8]) -> Result<(), Box<dyn Error>> {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line)?;
        if line.starts_with(code) {
            return Ok(());
        }
        Err(format!("unexpected: {}", line.escape_ascii()).into())
    }

    fn say(&mut self, text: &str, code: &[u8]) -> Result<(), Box<dyn Error>> {
        self.0.get_mut().write_all(text.as_bytes())?;
        self.read(code)
    }

    /// Up to the middle of a message.
    fn begin(&mut self) -> Result<(), Box<dyn Error>> {
        self.say("HELO client.example\r\n", b"250")?;
        self.say("MAIL FROM:<a@client.example>\r\n", b"250")?;
        self.say("RCPT TO:<b@server.example>\r\n", b"250")?;
        self.say("DATA\r\n", b"354")?;
        let line = "a line of sixty-four octets, as many of them as make four KiB.\r\n";
        let half = line.repeat(HALF / line.len());
        self.0.get_mut().write_all(b"Subject: x\r\n\r\n")?;
        Ok(self.0.get_mut().write_all(half.as_bytes())?)
    }

    fn end(&mut self) -> Result<(), Box<dyn Error>> {
        self.say(".\r\n", b"250")?;
        self.say("QUIT\r\n", b"221")
    }
}

fn weigh(child: &mut Child, sessions: u16) -> Result<(), Box<dyn Error>> {
    let mut lines = BufReader::new(child.stderr.take().ok_or("no standard error")?).lines();
    let hint = lines.next().ok_or("the server says nothing")??;
    let port = hint
        .split(';')
        .next()
        .and_then(|text| text.rsplit(':').next());
    let port = port.ok_or("no port")?.parse()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let settled = |what: &str| -> Result<u64, Box<dyn Error>> {
        // What was said last is to be captured, and read back.
        thread::sleep(Duration::from_secs(2));
        let held = memory(child.id(), "VmRSS")?;
        println!("{sessions} sessions, {what:<24} {held:>4} MiB resident");
        Ok(held)
    };
    let mut open = Vec::new();
    for _ in 0..sessions {
        open.push(Session::open(address)?);
    }
    settled("idle")?;
    open.iter_mut().try_for_each(Session::begin)?;
    settled("each within a message")?;
    open.iter_mut().try_for_each(Session::end)?;
    drop(open);
    let mut most = settled("each message accepted")?;
    let pid = child.id().to_string();
    let told = Command::new("kill").args(["-INT", &pid]).status()?;
    if !told.success() {
        return Err("the server cannot be told to stop".into());
    }
    while child.try_wait()?.is_none() {
        // Between the two it may have ended.
        most = memory(child.id(), "VmHWM").unwrap_or(most).max(most);
        thread::sleep(Duration::from_millis(20));
    }
    println!("until they were judged                     {most:>4} MiB at the most");
    Ok(())
}

/// A size from `/proc`, in MiB.
fn memory(pid: u32, name: &str) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kilobytes.ok_or("no such size")?.parse::<u64>()? / 1024)
}
