//! The file that says who may authenticate.

use std::fs;
use std::path::Path;

use lab::server::Account;
use smtp::Secret;

use crate::Failure;

/// Reads `user:password` and `DOMAIN\user:password` lines. What a line holds never gets into a message.
pub(super) fn read(path: &Path) -> Result<Vec<Account>, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))?;
    let mut accounts = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, password)) = line.split_once(':') else {
            return Err(Failure::input(format!(
                "{}:{}:1: expected `user:password` or `DOMAIN\\user:password`",
                path.display(),
                number + 1
            )));
        };
        let (domain, user) = name.split_once('\\').unwrap_or(("", name));
        accounts.push(Account {
            domain: domain.to_owned(),
            user: user.to_owned(),
            password: Secret::new(password.as_bytes()),
        });
    }
    if accounts.is_empty() {
        return Err(Failure::input(format!(
            "{}: no account in it",
            path.display()
        )));
    }
    Ok(accounts)
}
