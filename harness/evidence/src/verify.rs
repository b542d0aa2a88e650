//! Whether what was stored is what crossed the wire, and what was acknowledged is stored.
//!
//! The captures of the folder are read on the normal road, as any capture is; secrets in them open TLS. Each accepted
//! message on the wire is looked for among the stored ones, byte for byte.

mod ledger;
mod report;
mod wire_side;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use smtp::tls::KeyLog;
use wire::Bounds;
use wire::pipeline::{self, Settings};
use wire::source::{Origin, Sources};

use self::ledger::Ledger;
use self::report::Places;
pub use self::report::{Difference, Report};
use self::wire_side::Comparer;
use crate::journal;
use crate::store::FOLDER;

/// How much of the connections that are open is held: messages are compared whole.
const BOUNDS: Bounds = Bounds {
    connection: 512 << 20,
    all: 1 << 30,
    idle: Duration::from_hours(24),
};

/// Compares the messages of an evidence folder with its captures.
///
/// # Errors
///
/// The folder has no journal (no messages were stored there), or it, the captures or the folder cannot be read.
pub fn verify(folder: &Path) -> io::Result<Report> {
    let captures = captures(folder)?;
    let mut ledger = Ledger::read(folder, captures.first().map(PathBuf::as_path))?;
    ledger.orphans = orphans(folder, &ledger.names())?;
    let ledger = Arc::new(Mutex::new(ledger));
    let keys = Arc::new(KeyLog::new());
    let origins = captures.into_iter().map(Origin::File).collect();
    let lanes = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let settings = Settings {
        lanes,
        bounds: BOUNDS,
        ..Settings::default()
    };
    let summary = pipeline::run(
        Sources::new(origins),
        &settings,
        || Comparer::new(folder, Arc::clone(&ledger), Arc::clone(&keys)),
        |()| {},
    );
    let mut ledger = Arc::try_unwrap(ledger)
        .map_err(|_| io::Error::other("a lane is still reading"))?
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    ledger.conclude(folder);
    Ok(ledger.into_report(&Places::of(&summary), summary))
}

/// The captures in the folder itself, by name.
///
/// # Errors
///
/// The folder cannot be read.
pub fn captures(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut captures = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() && wire::source::is_capture(&entry.path()) {
            captures.push(entry.path());
        }
    }
    captures.sort();
    Ok(captures)
}

/// Messages that have no entry, from the folder of the evidence on.
fn orphans(folder: &Path, entered: &HashSet<String>) -> io::Result<Vec<String>> {
    let mut orphans = Vec::new();
    for place in ["new", "cur", "."] {
        let inside = folder.join(FOLDER).join(place);
        let entries = match fs::read_dir(&inside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_file() && !entered.contains(unique(&name)) {
                orphans.push(format!("{FOLDER}/{place}/{name}").replace("/./", "/"));
            }
        }
    }
    orphans.sort();
    Ok(orphans)
}

/// The unique part of the name of a message: a reader of a Maildir adds flags behind a colon.
fn unique(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

/// Opens a message by its entry, where a reader of the Maildir may have moved it, too.
fn open(folder: &Path, file: &str) -> io::Result<Vec<u8>> {
    match fs::read(folder.join(file)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => return read,
    }
    let name = file.rsplit('/').next().unwrap_or(file);
    for entry in fs::read_dir(folder.join(FOLDER).join("cur"))? {
        let entry = entry?;
        if unique(&entry.file_name().to_string_lossy()) == name {
            return fs::read(entry.path());
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// What the journal has is what is compared with.
fn lines(folder: &Path, take: impl FnMut(journal::Line)) -> io::Result<()> {
    journal::read(folder, take).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            let text = format!(
                "{}: there is no {}; `serve --messages maildir` or `eml` makes one",
                folder.display(),
                journal::NAME
            );
            return io::Error::new(error.kind(), text);
        }
        error
    })
}

#[cfg(test)]
mod tests;
