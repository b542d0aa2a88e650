//! The journal of an evidence folder: `journal.jsonl`, a line for each message that was taken and each capture that was
//! removed. A message is taken with its line, and not before.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::private;

/// Name of the journal in its folder.
pub const NAME: &str = "journal.jsonl";

/// The longest line that is read back: 10,000 recipients of 2 KiB, and some more.
pub(crate) const LONGEST: u64 = 32 << 20;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// A message was taken.
    Message(Box<Entry>),
    /// A capture was removed, since there were more than were to be kept.
    Removed {
        /// Its name in the folder.
        capture: String,
    },
}

/// What is known of a message that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it is stored, from the folder on, with `/` between; in a Maildir a reader may have moved it from `new` to
    /// `cur`.
    pub file: String,
    /// Which connection of the server it came on, from 1, and which message of that connection it was.
    pub connection: u32,
    /// See `connection`.
    pub message: u32,
    /// When it was taken (RFC 3339, UTC).
    pub time: String,
    /// Address and port of the client.
    pub peer: String,
    /// What the client called itself. Here and below, bytes that are not UTF-8 are replaced.
    pub helo: String,
    /// The argument of MAIL.
    pub from: String,
    /// The arguments of the RCPT commands that were accepted.
    pub recipients: Vec<String>,
    /// Whether it came under TLS.
    pub tls: bool,
    /// Whether the client had authenticated.
    pub authenticated: bool,
    /// Length of the message in bytes.
    pub size: u64,
    /// SHA-256 of the message, in hex.
    pub sha256: String,
    /// The capture that was written when its content began to come, or the next after that.
    pub begun_in: String,
    /// The capture that was written when its content had come: it ends in there, or in the next.
    pub capture: String,
}

/// The journal, for writing.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// How long it is in whole lines.
    length: u64,
    /// Something that is no whole line may stand behind them.
    torn: bool,
}

impl Journal {
    /// Opens the journal of a folder, and makes it where there is none. A last line that was cut, by a kill or a full disk,
    /// is taken away: its message was not acknowledged.
    ///
    /// # Errors
    ///
    /// Those of opening and reading.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(NAME);
        let state = State::open(&path)?;
        Ok(Self {
            path,
            state: Mutex::new(state),
        })
    }

    /// Appends lines, all or none, and gives them to the system.
    ///
    /// # Errors
    ///
    /// Those of writing; then none of the lines is in the journal.
    pub fn append(&self, lines: &[Line]) -> io::Result<()> {
        self.write(lines, false)
    }

    /// As [`Journal::append`], and waits until they are on the disk.
    ///
    /// # Errors
    ///
    /// As [`Journal::append`].
    pub fn append_synced(&self, lines: &[Line]) -> io::Result<()> {
        self.write(lines, true)
    }

    fn write(&self, lines: &[Line], sync: bool) -> io::Result<()> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        let mut state = self.lock();
        if private::is_gone(&state.file, &self.path) {
            *state = State::open(&self.path)?;
        }
        state.append(&text, sync)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            let text = "another server keeps its evidence in this folder";
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
        }
        let length = whole_lines(&mut file)?;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        if let Some(folder) = path.parent() {
            private::sync_folder(folder)?;
        }
        Ok(Self {
            file,
            length,
            torn: false,
        })
    }

    fn append(&mut self, text: &[u8], sync: bool) -> io::Result<()> {
        if self.torn {
            self.mend()?;
        }
        let mut written = self.file.write_all(text);
        if sync && written.is_ok() {
            written = self.file.sync_data();
        }
        match written {
            Ok(()) => {
                self.length += text.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.torn = true;
                let _ = self.mend();
                Err(error)
            }
        }
    }

    /// Takes away what stands behind the whole lines.
    fn mend(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        self.torn = false;
        Ok(())
    }
}

/// How long a file is up to its last line end.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    const STEP: u64 = 1 << 16;
    let mut end = file.metadata()?.len();
    let mut buffer = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        file.seek(SeekFrom::Start(start))?;
        buffer.clear();
        Read::by_ref(file)
            .take(end - start)
            .read_to_end(&mut buffer)?;
        if let Some(at) = buffer.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Hands every line of a journal to `take`, in order; a last line without its end is left out.
///
/// # Errors
///
/// The journal cannot be read, or a line is not one that is written here.
pub fn read(folder: &Path, mut take: impl FnMut(Line)) -> io::Result<()> {
    let path = folder.join(NAME);
    let mut file = BufReader::new(File::open(&path)?);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        file.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            if line.len() as u64 == LONGEST {
                return Err(bad(&path, number, "it is too long"));
            }
            break;
        }
        let read = serde_json::from_slice(&line);
        take(read.map_err(|error| bad(&path, number, &error.to_string()))?);
    }
    Ok(())
}

fn bad(path: &Path, line: u64, why: &str) -> io::Error {
    let text = format!("{}:{line}: {why}", path.display());
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removed(number: u32) -> Line {
        Line::Removed {
            capture: format!("serve-{number:06}.pcapng"),
        }
    }

    fn all(folder: &Path) -> Vec<Line> {
        let mut lines = Vec::new();
        read(folder, |line| lines.push(line)).expect("a journal");
        lines
    }

    #[test]
    fn it_goes_on_behind_the_last_whole_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        let journal = Journal::open(folder.path()).expect("made");
        journal.append(&[removed(1), removed(2)]).expect("written");
        drop(journal);
        let mut cut = OpenOptions::new().append(true).open(&path).expect("there");
        cut.write_all(&vec![b'x'; 70_000]).expect("written");
        assert_eq!(all(folder.path()).len(), 2, "a cut line is not read");
        let journal = Journal::open(folder.path()).expect("opened");
        journal.append_synced(&[removed(3)]).expect("written");
        assert_eq!(all(folder.path()), [removed(1), removed(2), removed(3)]);
    }

    #[test]
    fn it_has_one_writer() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(folder.path()).expect("made");
        let error = Journal::open(folder.path()).expect_err("it is taken");
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
        drop(journal);
        Journal::open(folder.path()).expect("it is free");
    }

    #[test]
    fn a_journal_that_was_removed_begins_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(folder.path()).expect("made");
        journal.append(&[removed(1)]).expect("written");
        std::fs::remove_file(folder.path().join(NAME)).expect("there");
        journal.append(&[removed(2)]).expect("written");
        assert_eq!(all(folder.path()), [removed(2)]);
    }

    #[test]
    fn what_is_no_line_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(NAME), "{\"kind\":\"x\"}\n").expect("written");
        let error = read(folder.path(), |_| {}).expect_err("unknown");
        assert!(error.to_string().contains("journal.jsonl:1: "), "{error}");
    }
}
