//! Weighs a server with idle connections: `idle SMTPSPEC [CONNECTIONS]`.
//!
//! Starts `smtpspec serve`, opens so many connections, reads the greeting of each, leaves them open for two seconds and
//! prints the resident size of the server; then ends it, and prints the resident size that it had at the most, until its
//! verdicts were out.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(server) = arguments.first() else {
        eprintln!("usage: idle SMTPSPEC [CONNECTIONS]");
        return ExitCode::from(2);
    };
    let connections = arguments.get(1).and_then(|text| text.parse().ok());
    match run(server, connections.unwrap_or(10_000)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("idle: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(server: &str, connections: u16) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut child = Command::new(server)
        .args(["serve", "--listen", "127.0.0.1:0", "--out"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let weighed = weigh(&mut child, connections);
    // It is gone already where all went well.
    let _ = child.kill();
    child.wait()?;
    weighed
}

fn weigh(child: &mut Child, connections: u16) -> Result<(), Box<dyn Error>> {
    let mut lines = BufReader::new(child.stderr.take().ok_or("no standard error")?).lines();
    let hint = lines.next().ok_or("the server says nothing")??;
    let port = hint
        .split(';')
        .next()
        .and_then(|text| text.rsplit(':').next());
    let port = port.ok_or("no port")?.parse()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut open = Vec::new();
    for _ in 0..connections {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut greeting = [0; 4];
        stream.read_exact(&mut greeting)?;
        open.push(stream);
    }
    thread::sleep(Duration::from_secs(2));
    let held = memory(child.id(), "VmRSS")?;
    println!("{connections} idle connections    {held} MiB resident");
    let pid = child.id().to_string();
    let told = Command::new("kill").args(["-INT", &pid]).status()?;
    if !told.success() {
        return Err("the server cannot be told to stop".into());
    }
    drop(open);
    let mut most = held;
    while child.try_wait()?.is_none() {
        // Between the two it may have ended.
        most = memory(child.id(), "VmHWM").unwrap_or(most).max(most);
        thread::sleep(Duration::from_millis(20));
    }
    println!("until they were judged    {most} MiB at the most");
    Ok(())
}

/// A size from `/proc`, in MiB.
fn memory(pid: u32, name: &str) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kilobytes.ok_or("no such size")?.parse::<u64>()? / 1024)
}
