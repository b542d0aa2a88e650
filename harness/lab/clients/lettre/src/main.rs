//! lettre as a client under test: `smtpspec-lettre key=value…`, or `--version`.
//!
//! Exit status: 0 sent, 1 not sent, 89 cannot be done with lettre.

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{SmtpTransport, Transport};

type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    if env::args().nth(1).as_deref() == Some("--version") {
        println!("lettre 0.11.23");
        return ExitCode::SUCCESS;
    }
    match send() {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            let mut cause = error.source();
            while let Some(inner) = cause {
                eprintln!("  {inner}");
                cause = inner.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn send() -> Result<String, Error> {
    let mut told = HashMap::new();
    let mut recipients = Vec::new();
    for argument in env::args().skip(1) {
        let (key, value) = argument.split_once('=').ok_or("expected key=value")?;
        if key == "recipient" {
            recipients.push(value.parse()?);
        } else {
            told.insert(key.to_owned(), value.to_owned());
        }
    }
    let get = |key: &str| told.get(key).map(String::as_str).ok_or(format!("{key}= is missing"));

    let host = get("host")?;
    let tls = match get("tls")? {
        "never" => Tls::None,
        "opportunistic" => Tls::Opportunistic(parameters(host, get("ca")?)?),
        "required" => Tls::Required(parameters(host, get("ca")?)?),
        _ => Tls::Wrapper(parameters(host, get("ca")?)?),
    };
    let mut builder = SmtpTransport::builder_dangerous(host)
        .port(get("port")?.parse()?)
        .hello_name(ClientId::Domain(get("ehlo")?.to_owned()))
        .timeout(Some(Duration::from_secs(get("timeout")?.parse()?)))
        .tls(tls);
    if get("mode")? == "basic" {
        let password = fs::read_to_string(get("password-file")?)?;
        builder = builder.credentials(Credentials::new(get("user")?.to_owned(), password));
        match get("mechanism")? {
            "plain" => builder = builder.authentication(vec![Mechanism::Plain]),
            "login" => builder = builder.authentication(vec![Mechanism::Login]),
            // lettre chooses.
            _ => {}
        }
    }
    let envelope = Envelope::new(Some(get("sender")?.parse()?), recipients)?;
    let message = fs::read(get("message")?)?;
    let response = builder.build().send_raw(&envelope, &message)?;
    Ok(format!("{:?}", response.code()))
}

fn parameters(host: &str, ca: &str) -> Result<TlsParameters, Error> {
    Ok(TlsParameters::builder(host.to_owned())
        .add_root_certificate(Certificate::from_pem(&fs::read(ca)?)?)
        .build()?)
}
