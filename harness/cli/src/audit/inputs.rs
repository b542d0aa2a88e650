//! What is to be read: files, folders, standard input, a network interface.

use std::path::{Path, PathBuf};

use wire::source::{Origin, is_capture};

use super::live::{self, Dropped};
use super::stop::{self, Stop};
use crate::Failure;
use crate::args::AuditArgs;

/// What is to be read, and until when.
pub struct Inputs {
    /// Where packets come from.
    pub origins: Vec<Origin>,
    /// Packets of an interface that never came here.
    pub dropped: Dropped,
    /// Ctrl-C.
    pub stop: Stop,
}

impl Inputs {
    /// Opens what the command line names.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read, or that holds no capture; an interface that may not be listened on.
    pub fn open(args: &AuditArgs, stop: Stop) -> Result<Self, Failure> {
        let (origins, dropped) = match &args.interface {
            Some(interface) => {
                let (origin, dropped) = live::open(interface, &stop)?;
                (vec![origin], dropped)
            }
            None => (origins(&args.captures, &stop)?, Dropped::default()),
        };
        Ok(Self {
            origins,
            dropped,
            stop,
        })
    }
}

/// Files as they are, folders for the captures in them, `-` for standard input.
fn origins(captures: &[PathBuf], stop: &Stop) -> Result<Vec<Origin>, Failure> {
    let mut origins = Vec::new();
    for path in captures {
        if path.as_os_str() == "-" {
            origins.push(Origin::Stream {
                name: PathBuf::from("-"),
                reader: stop::stdin(stop)?,
            });
        } else if path.is_dir() {
            let mut found = Vec::new();
            folder(path, &mut found).map_err(|error| {
                Failure::input(format!("cannot read {}: {error}", path.display()))
            })?;
            if found.is_empty() {
                return Err(Failure::input(format!(
                    "{}: there is no capture in this folder; expected pcap or pcapng files, plain, gzip or zstd",
                    path.display()
                )));
            }
            found.sort();
            origins.extend(found.into_iter().map(Origin::File));
        } else {
            origins.push(Origin::File(path.clone()));
        }
    }
    Ok(origins)
}

/// The captures in a folder and the folders below it, told by their first bytes. Links are not followed.
fn folder(path: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            folder(&entry.path(), found)?;
        } else if kind.is_file() && is_capture(&entry.path()) {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// What they are called together.
pub fn names(args: &AuditArgs) -> String {
    match args.captures.as_slice() {
        [one] => one.display().to_string(),
        [first, rest @ ..] => format!("{} and {} more", first.display(), rest.len()),
        [] => args.interface.clone().unwrap_or_default(),
    }
}
