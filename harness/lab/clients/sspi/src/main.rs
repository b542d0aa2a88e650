//! The NTLM of the sspi crate as a client under test: `smtpspec-sspi key=value…`, or `--version`.
//!
//! sspi knows no SMTP; the dialogue around its tokens is this program's. NEGOTIATE goes into the AUTH line.
//!
//! Exit status: 0 sent, 1 not sent, 89 cannot be done.

#![forbid(unsafe_code)]

mod session;

use std::collections::HashMap;
use std::process::ExitCode;
use std::{env, fs};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use sspi::{
    AuthIdentity, BufferType, ClientRequestFlags, CredentialUse, DataRepresentation, Ntlm, SecurityBuffer,
    SecurityStatus, Sspi, SspiImpl, Username,
};

use session::Session;

type Error = Box<dyn std::error::Error>;

/// Longest line of a message without its CR LF (RFC 5321 section 4.5.3.1.6).
const LONGEST_TEXT: usize = 998;

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
        if value.contains(|one: char| one.is_control()) {
            return Err(format!("{key}= holds a control character").into());
        }
        if key == "recipient" {
            recipients.push(value.to_owned());
        } else {
            told.insert(key.to_owned(), value.to_owned());
        }
    }
    let get = |key: &str| told.get(key).map(String::as_str).ok_or(format!("{key}= is missing"));
    let message = fs::read(get("message")?)?;
    let lines = lines(&message)?;

    let mut session = Session::connect(get("host")?, get("port")?.parse()?, get("timeout")?.parse()?)?;
    let mut talk = || -> Result<(), Error> {
        session.hello(get("ehlo")?)?;
        if get("mode")? == "ntlm" {
            let password = fs::read_to_string(get("password-file")?)?;
            let name = Username::new(get("user")?, Some(get("domain")?))?;
            authenticate(&mut session, name, password, &format!("SMTPSVC/{}", get("host")?))?;
        }
        deliver(&mut session, get("sender")?, &recipients, &lines)
    };
    let sent = talk();
    session.quit();
    sent
}

/// The lines of the message, whatever ends them.
fn lines(message: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let mut lines = Vec::new();
    let mut rest = message;
    while let Some(end) = rest.iter().position(|byte| b"\r\n".contains(byte)) {
        let (line, behind) = rest.split_at(end);
        lines.push(line);
        rest = behind.strip_prefix(b"\r\n").unwrap_or(&behind[1..]);
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    if message.contains(&0) {
        return Err("the message holds NUL".into());
    }
    if lines.iter().any(|line| line.len() > LONGEST_TEXT) {
        return Err(format!("the message has a line of more than {LONGEST_TEXT} octets").into());
    }
    Ok(lines)
}

fn deliver(session: &mut Session, sender: &str, recipients: &[String], lines: &[&[u8]]) -> Result<(), Error> {
    let mut mail = format!("MAIL FROM:<{sender}>");
    if lines.iter().any(|line| !line.is_ascii()) {
        session.offered("8BITMIME").ok_or("the message is 8-bit, and 8BITMIME is not offered")?;
        mail.push_str(" BODY=8BITMIME");
    }
    if !sender.is_ascii() || recipients.iter().any(|one| !one.is_ascii()) {
        session.offered("SMTPUTF8").ok_or("a mailbox is not ASCII, and SMTPUTF8 is not offered")?;
        mail.push_str(" SMTPUTF8");
    }
    if let Some(most) = session.offered("SIZE") {
        let length: usize = lines.iter().map(|line| line.len() + 2).sum();
        let most = most.parse().unwrap_or(0);
        if most > 0 && length > most {
            return Err(format!("the message has {length} octets, and the server takes {most}").into());
        }
        mail += " SIZE=";
        mail += &length.to_string();
    }
    session.expect(2, Some(&mail))?;
    let mut refused = None;
    let mut taken = 0;
    for recipient in recipients {
        match session.expect(2, Some(&format!("RCPT TO:<{recipient}>"))) {
            Ok(_) => taken += 1,
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    if taken > 0 {
        session.expect(3, Some("DATA"))?;
        session.content(lines)?;
        session.expect(2, None)?;
    }
    refused.map_or(Ok(()), Err)
}

fn authenticate(session: &mut Session, username: Username, password: String, target: &str) -> Result<(), Error> {
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
    let reply = session.ask(Some(&format!("AUTH NTLM {negotiate}")))?;
    if reply.code != 334 {
        return Err(format!("AUTH NTLM was answered with {}", reply.code).into());
    }
    let challenge = reply.texts.last().map(|text| text.trim()).unwrap_or_default();
    let answer = BASE64.decode(challenge).map_err(Error::from).and_then(&mut step);
    match answer {
        Ok(message) => session.expect(2, Some(&BASE64.encode(message))).map(drop),
        Err(error) => {
            session.ask(Some("*"))?;
            Err(error)
        }
    }
}
