//! Where the password comes from: a file, the environment, a prompt; from the command line with a warning only.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use smtp::Secret;

use super::setup::Setup;
use crate::Failure;
use crate::args::{Cli, LoginArgs};
use crate::commands::output;

/// The variable that is looked at where nothing says where the password is.
const VARIABLE: &str = "SMTPSPEC_PASSWORD";

/// Longest line that is taken for a password.
const LONGEST: u64 = 64 << 10;

/// Finds the password.
pub(super) fn find(cli: &Cli, login: &LoginArgs, setup: &Setup) -> Result<Secret, Failure> {
    if let Some(password) = &login.password {
        output::hint(
            cli,
            "warning: other users of this machine can see what --password says; \
             --password-file, an environment variable or a prompt keep it from them",
        );
        return checked(password.as_bytes(), "--password");
    }
    if let Some(path) = &login.password_file {
        return from_file(cli, path);
    }
    if let Some(name) = &login.password_env {
        return match from_environment(name)? {
            Some(password) => Ok(password),
            None => Err(Failure::input(format!(
                "the environment variable {name} is not set"
            ))),
        };
    }
    if let Some(password) = from_environment(VARIABLE)? {
        return Ok(password);
    }
    if let Some(password) = setup.password() {
        return Ok(password);
    }
    prompt(setup)
}

fn checked(bytes: &[u8], what: &str) -> Result<Secret, Failure> {
    if bytes.is_empty() {
        return Err(Failure::input(format!(
            "{what} is empty, and not a password"
        )));
    }
    Ok(Secret::new(bytes))
}

fn from_environment(name: &str) -> Result<Option<Secret>, Failure> {
    let Some(value) = env::var_os(name) else {
        return Ok(None);
    };
    let what = format!("the environment variable {name}");
    checked(value.as_encoded_bytes(), &what).map(Some)
}

/// The first line, without its end.
fn from_file(cli: &Cli, path: &Path) -> Result<Secret, Failure> {
    let shown = path.display();
    let cannot = |error| Failure::input(format!("cannot read {shown}: {error}"));
    let file = File::open(path).map_err(cannot)?;
    if let Some(mode) = too_open(&file) {
        warn(cli, path, mode);
    }
    let mut line = Vec::new();
    BufReader::new(file.take(LONGEST))
        .read_until(b'\n', &mut line)
        .map_err(cannot)?;
    if line.ends_with(b"\n") {
        line.pop();
    }
    if line.ends_with(b"\r") {
        line.pop();
    }
    checked(&line, &format!("the first line of {shown}"))
}

/// Says that others than its owner can read a file with a password.
pub(super) fn warn(cli: &Cli, path: &Path, mode: u32) {
    let shown = path.display();
    output::hint(
        cli,
        &format!(
            "warning: other users can read {shown} (mode {mode:04o}); chmod 600 keeps them out"
        ),
    );
}

/// The mode of a file that others than its owner can read.
pub(super) fn too_open(file: &File) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let mode = file.metadata().ok()?.mode() & 0o7777;
        (mode & 0o044 != 0).then_some(mode)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        None
    }
}

fn prompt(setup: &Setup) -> Result<Secret, Failure> {
    let user = setup.user().unwrap_or_default();
    let password =
        rpassword::prompt_password(format!("Password of {user:?}: ")).map_err(|error| {
            Failure::input(format!(
                "no password: there is no terminal to ask for it ({error}). Give --password-file, or set {VARIABLE}"
            ))
        })?;
    checked(password.as_bytes(), "what was entered")
}
