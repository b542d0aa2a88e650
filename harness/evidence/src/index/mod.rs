//! The index of an evidence folder: `index.sqlite`, for other tools to query, and for what the live page no longer holds.
//!
//! It says nothing that captures and journal do not say: it can be made again from them. A batch of sessions is written in
//! one transaction, so that whatever happens in between leaves the index as it was after the last one.

mod read;
mod rows;
mod session;
mod stored;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rusqlite::{Connection, OptionalExtension, params};

pub use read::{Brief, Reader};
pub use session::{Exposed, Judged, Kind, Login, Message, Session, Tls};

use crate::private;

/// Name of the index in its folder.
pub const NAME: &str = "index.sqlite";

/// Whoever writes the index holds a lock on this file.
const LOCK: &str = "index.lock";

/// The version of the schema: `PRAGMA user_version`.
pub const VERSION: i32 = 1;

/// The schema, with its explanation.
pub const SCHEMA: &str = include_str!("schema.sql");

/// `PRAGMA application_id`: "SMSP".
const APPLICATION: i32 = 0x534d_5350;

/// How long a reader who holds the database is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest JSON of one session that is unpacked.
const LONGEST: u64 = 64 << 20;

/// A session on its way into the index.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What stands in columns.
    pub session: Session,
    /// All of it, as [`pack`] packs it.
    pub packed: Vec<u8>,
}

/// The index, for writing.
#[derive(Debug)]
pub struct Index {
    connection: Connection,
    folder: PathBuf,
    run: i64,
    captures: usize,
    lock: File,
}

impl Index {
    /// Opens the index of a folder, and makes it where there is none, for a run that begins with `first_capture`. Says
    /// whether an earlier run may lack sessions, since it was killed.
    ///
    /// # Errors
    ///
    /// Another process writes it, another version made it, or it cannot be written.
    pub fn open(folder: &Path, first_capture: &str, profile: &str) -> io::Result<(Self, bool)> {
        let lock = lock(folder)?;
        let connection = connect(&folder.join(NAME)).map_err(io::Error::other)?;
        let mut index = Self {
            connection,
            folder: folder.to_owned(),
            run: 0,
            captures: 0,
            lock,
        };
        let lacks = "SELECT EXISTS (SELECT 1 FROM runs WHERE complete = 0)";
        let lacks = index.connection.query_row(lacks, [], |row| row.get(0));
        let lacks = lacks.map_err(io::Error::other)?;
        index.begin(first_capture, profile)?;
        Ok((index, lacks))
    }

    /// Begins to make the index of a folder anew. It takes the place of the old one with [`Anew::finish`].
    ///
    /// # Errors
    ///
    /// As [`Index::open`].
    pub fn anew(folder: &Path) -> io::Result<Anew> {
        let lock = lock(folder)?;
        let partial = folder.join(format!("{NAME}.partial"));
        remove(&partial)?;
        let connection = connect(&partial).map_err(io::Error::other)?;
        Ok(Anew {
            index: Self {
                connection,
                folder: folder.to_owned(),
                run: 0,
                captures: 0,
                lock,
            },
            partial,
        })
    }

    /// Begins a run; what is written from now on belongs to it.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn begin(&mut self, first_capture: &str, profile: &str) -> io::Result<()> {
        let insert = "INSERT INTO runs (first_capture, profile) VALUES (?1, ?2) \
                      ON CONFLICT (first_capture) DO UPDATE SET profile = ?2, complete = 0 RETURNING id";
        let run = self
            .connection
            .query_row(insert, params![first_capture, profile], |row| row.get(0));
        self.run = run.map_err(io::Error::other)?;
        self.captures = 0;
        Ok(())
    }

    /// Writes sessions, all or none, with the messages that were stored for them. `captures` are those of the run so far,
    /// each with the number of its first packet.
    ///
    /// # Errors
    ///
    /// They cannot be written; then none of them is.
    pub fn write(&mut self, entries: &[Entry], captures: &[(String, u64)]) -> io::Result<()> {
        let written = self.try_write(entries, captures);
        written.map_err(|error| match error {
            Problem::Sql(error) => io::Error::other(error),
            Problem::Io(error) => error,
        })
    }

    fn try_write(&mut self, entries: &[Entry], captures: &[(String, u64)]) -> Result<(), Problem> {
        let transaction = self.connection.transaction()?;
        stored::read_journal(&transaction, &self.folder)?;
        let insert = "INSERT OR IGNORE INTO captures VALUES (?1, ?2, ?3)";
        for (name, first) in captures.iter().skip(self.captures) {
            transaction.execute(insert, params![self.run, name, rows::number(*first)])?;
        }
        rows::write(&transaction, self.run, entries)?;
        transaction.commit()?;
        self.captures = captures.len();
        Ok(())
    }

    /// Every session of the run is written.
    ///
    /// # Errors
    ///
    /// That cannot be written.
    pub fn complete(&mut self) -> io::Result<()> {
        let update = "UPDATE runs SET complete = 1 WHERE id = ?1";
        let updated = self.connection.execute(update, [self.run]);
        updated.map_err(io::Error::other).map(|_| ())
    }

    /// The id of the run that is written.
    pub const fn run(&self) -> i64 {
        self.run
    }
}

/// An index that is made anew.
#[derive(Debug)]
pub struct Anew {
    /// The index.
    pub index: Index,
    partial: PathBuf,
}

impl Anew {
    /// Puts it in the place of the old one.
    ///
    /// # Errors
    ///
    /// It cannot be moved there.
    pub fn finish(self) -> io::Result<()> {
        let Self { index, partial } = self;
        let Index {
            connection,
            folder,
            lock,
            ..
        } = index;
        // All of it is to be in the one file that is moved.
        connection
            .pragma_update(None, "journal_mode", "DELETE")
            .map_err(io::Error::other)?;
        connection
            .close()
            .map_err(|(_, error)| io::Error::other(error))?;
        let place = folder.join(NAME);
        remove(&place)?;
        std::fs::rename(&partial, &place)?;
        private::sync_folder(&folder)?;
        drop(lock);
        Ok(())
    }
}

/// What can go wrong in a transaction.
enum Problem {
    Sql(rusqlite::Error),
    Io(io::Error),
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The JSON of a session, compressed (raw DEFLATE, RFC 1951).
pub fn pack(json: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(json.len() / 6), Compression::fast());
    let written = encoder.write_all(json);
    debug_assert!(written.is_ok(), "memory takes everything");
    encoder.finish().unwrap_or_default()
}

/// The JSON that [`pack`] packed.
///
/// # Errors
///
/// It is none, or is too long.
pub fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut json = Vec::new();
    DeflateDecoder::new(packed)
        .take(LONGEST)
        .read_to_end(&mut json)?;
    if json.len() as u64 == LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long"));
    }
    Ok(json)
}

fn lock(folder: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = options.open(folder.join(LOCK))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let text = "another server keeps its index in this folder";
            Err(io::Error::new(io::ErrorKind::ResourceBusy, text))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes a database with what `SQLite` puts beside it.
fn remove(path: &Path) -> io::Result<()> {
    for more in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(more);
        match std::fs::remove_file(PathBuf::from(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Opens a database, and makes its tables where there are none.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // It names who wrote to whom: made here, so that nobody else may look into it.
    let _ = wire::create_new_private(path);
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A kill loses nothing that was committed; a loss of power may lose the last batches, and never the whole.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let made = "SELECT 1 FROM sqlite_schema LIMIT 1";
    let made = connection.query_row(made, [], |_| Ok(())).optional()?;
    match (version, made) {
        (VERSION, Some(())) => {}
        (0, None) => {
            let transaction = connection.transaction()?;
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()?;
        }
        _ => {
            let text = format!(
                "it has version {version} of the schema, and this program writes version {VERSION}; `smtpspec index` makes it anew"
            );
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_MISMATCH),
                Some(text),
            ));
        }
    }
    Ok(connection)
}
