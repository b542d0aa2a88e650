//! What the auditor knows beforehand: files with accounts and keys. None of it is evidence, and none of it is printed.

use std::path::Path;

use claims::Given;
use claims::given::Mode;
use smtp::cms::RecipientKey;
use smtp::sasl::accounts;
use smtp::sasl::proof::KnownAccount;
use smtp::tls::KeyLog;

use crate::Failure;
use crate::args::{AuditArgs, ModeName};

/// Reads what the command line names.
///
/// # Errors
///
/// A file that cannot be read, or holds something else; with line and column where there is one.
pub fn given(args: &AuditArgs) -> Result<Given, Failure> {
    let mut given = Given {
        mode: args.mode.map(mode),
        ..Given::default()
    };
    for path in &args.smime_key {
        given.keys.push(recipient_key(path)?);
    }
    if let Some(path) = &args.accounts {
        given.accounts = read_accounts(path)?;
    }
    Ok(given)
}

const fn mode(name: ModeName) -> Mode {
    match name {
        ModeName::None => Mode::None,
        ModeName::Basic => Mode::Basic,
        ModeName::Ntlm => Mode::Ntlm,
    }
}

/// The secrets of TLS connections; empty where no file is named.
///
/// # Errors
///
/// As [`given`].
pub fn key_log(path: Option<&Path>) -> Result<KeyLog, Failure> {
    let Some(path) = path else {
        return Ok(KeyLog::new());
    };
    let bytes = read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    KeyLog::parse(&text).map_err(|error| {
        Failure::input(format!(
            "{}:{}:{}: {}; expected a key log as SSLKEYLOGFILE makes a client write it",
            path.display(),
            error.line,
            error.column,
            error.problem
        ))
    })
}

/// The accounts of a file: one `user:password` or `DOMAIN\user:password` a line.
///
/// # Errors
///
/// As [`given`].
pub fn read_accounts(path: &Path) -> Result<Vec<KnownAccount>, Failure> {
    accounts::parse(&read(path)?).map_err(|error| {
        Failure::input(format!(
            "{}:{}:{}: {}",
            path.display(),
            error.line,
            error.column,
            error.problem
        ))
    })
}

fn recipient_key(path: &Path) -> Result<RecipientKey, Failure> {
    let bytes = read(path)?;
    RecipientKey::from_pem(&String::from_utf8_lossy(&bytes)).map_err(|error| {
        Failure::input(format!(
            "{}: {error}; expected PEM with an unencrypted key of RSA, P-256 or P-384 and, if wished, its certificate",
            path.display()
        ))
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))
}
