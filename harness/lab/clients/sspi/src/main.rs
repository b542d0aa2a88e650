//! The NTLM of the sspi crate as a client under test: `smtpspec-sspi key=value…`, or `--version`.
//!
//! sspi knows no SMTP; the dialogue around its tokens is this program's. NEGOTIATE goes into the AUTH line.
//!
//! Exit status: 0 sent, 1 not sent, 89 cannot be done.

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use sspi::{
    AuthIdentity, BufferType, ClientRequestFlags, CredentialUse, DataRepresentation, Ntlm, SecurityBuffer,
    SecurityStatus, Sspi, SspiImpl, Username,
};

type Error = Box<dyn std::error::Error>;

/// Longest line of a reply that is read, in octets.
const LONGEST_LINE: u64 = 16_384;

fn main() -> ExitCode {
    if env::args().nth(1).as_deref() == Some("--version") {
        println!("sspi 0.23.1");
        return ExitCode::SUCCESS;
    }
    match send() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn send() -> Result<(), Error> {
    let mut told = HashMap::new();
    let mut recipients = Vec::new();
    for argument in env::args().skip(1) {
        let (key, value) = argument.split_once('=').ok_or("expected key=value")?;
        if key == "recipient" {
            recipients.push(value.to_owned());
        } else {
            told.insert(key.to_owned(), value.to_owned());
        }
    }
    let get = |key: &str| told.get(key).map(String::as_str).ok_or(format!("{key}= is missing"));

    let mut session = Session::connect(get("host")?, get("port")?.parse()?, get("timeout")?.parse()?)?;
    session.expect("2", None)?;
    session.expect("2", Some(&format!("EHLO {}", get("ehlo")?)))?;
    if get("mode")? == "ntlm" {
        let password = fs::read_to_string(get("password-file")?)?;
        let name = Username::new(get("user")?, Some(get("domain")?))?;
        let target = format!("SMTPSVC/{}", get("host")?);
        session.authenticate(name, password, &target)?;
    }
    session.expect("2", Some(&format!("MAIL FROM:<{}>", get("sender")?)))?;
    for recipient in &recipients {
        session.expect("2", Some(&format!("RCPT TO:<{recipient}>")))?;
    }
    session.expect("3", Some("DATA"))?;
    session.content(&fs::read(get("message")?)?)?;
    session.expect("2", None)?;
    session.expect("2", Some("QUIT"))?;
    Ok(())
}

struct Session {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

impl Session {
    fn connect(host: &str, port: u16, seconds: u64) -> Result<Self, Error> {
        let writer = TcpStream::connect((host, port))?;
        writer.set_read_timeout(Some(Duration::from_secs(seconds)))?;
        writer.set_write_timeout(Some(Duration::from_secs(seconds)))?;
        Ok(Self { reader: BufReader::new(writer.try_clone()?), writer })
    }

    /// Says a line, where there is one, and reads the reply: its last line.
    fn ask(&mut self, line: Option<&str>) -> Result<String, Error> {
        if let Some(line) = line {
            self.writer.write_all(format!("{line}\r\n").as_bytes())?;
        }
        loop {
            let mut reply = Vec::new();
            (&mut self.reader).take(LONGEST_LINE).read_until(b'\n', &mut reply)?;
            let reply = String::from_utf8_lossy(&reply).trim_end().to_owned();
            if reply.len() < 3 || !reply.is_char_boundary(3) {
                return Err(format!("no reply: {reply:?}").into());
            }
            if reply.as_bytes().get(3) != Some(&b'-') {
                return Ok(reply);
            }
        }
    }

    fn expect(&mut self, digit: &str, line: Option<&str>) -> Result<(), Error> {
        let reply = self.ask(line)?;
        if reply.starts_with(digit) { Ok(()) } else { Err(reply.into()) }
    }

    fn authenticate(&mut self, username: Username, password: String, target: &str) -> Result<(), Error> {
        let identity = AuthIdentity { username, password: password.into() };
        let mut ntlm = Ntlm::new();
        let mut acquired = ntlm
            .acquire_credentials_handle()
            .with_credential_use(CredentialUse::Outbound)
            .with_auth_data(&identity)
            .execute(&mut ntlm)?;
        let mut step = |challenge: Vec<u8>| -> Result<Vec<u8>, Error> {
            let mut input = vec![SecurityBuffer::new(challenge, BufferType::Token)];
            let mut output = vec![SecurityBuffer::new(Vec::new(), BufferType::Token)];
            let mut builder = ntlm
                .initialize_security_context()
                .with_credentials_handle(&mut acquired.credentials_handle)
                .with_context_requirements(ClientRequestFlags::ALLOCATE_MEMORY)
                .with_target_data_representation(DataRepresentation::Native)
                .with_target_name(target)
                .with_input(&mut input)
                .with_output(&mut output);
            let result = ntlm.initialize_security_context_impl(&mut builder)?.resolve_to_result()?;
            if [SecurityStatus::CompleteAndContinue, SecurityStatus::CompleteNeeded].contains(&result.status) {
                ntlm.complete_auth_token(&mut output)?;
            }
            Ok(output.remove(0).buffer)
        };
        let negotiate = BASE64.encode(step(Vec::new())?);
        let reply = self.ask(Some(&format!("AUTH NTLM {negotiate}")))?;
        let text = reply.strip_prefix("334").ok_or(reply.clone())?.trim();
        let answer = BASE64.decode(text).map_err(Error::from).and_then(&mut step);
        match answer {
            Ok(message) => self.expect("235", Some(&BASE64.encode(message))),
            Err(error) => {
                self.ask(Some("*"))?;
                self.ask(Some("QUIT"))?;
                Err(error)
            }
        }
    }

    /// The message with its dots stuffed, and its end (RFC 5321 section 4.5.2).
    fn content(&mut self, message: &[u8]) -> Result<(), Error> {
        let mut out = Vec::with_capacity(message.len() + 5);
        for line in message.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b".") {
                out.push(b'.');
            }
            out.extend_from_slice(line);
        }
        if !out.ends_with(b"\r\n") {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
        Ok(self.writer.write_all(&out)?)
    }
}
