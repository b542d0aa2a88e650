//! A capture that goes on from file to file.

use std::collections::HashMap;
use std::io::{self, Write};

/// Where the files of a capture come from.
pub trait Files: Send {
    /// Makes the next file, whose first frame will have the number `frame`, counted through all files from 1.
    ///
    /// # Errors
    ///
    /// There can be none now.
    fn next(&mut self, frame: u64) -> io::Result<Box<dyn Write + Send>>;

    /// Whether the file that is written, which has so many bytes, is to be followed by another.
    fn is_due(&self, bytes: u64) -> bool;

    /// Whether the file that is written is no longer where its readers would look for it.
    fn is_gone(&self) -> bool;

    /// A connection begins. Returns the number of the file that is written.
    fn opened(&mut self) -> u64;

    /// A connection that began in that file is over.
    fn ended(&mut self, file: u64);
}

/// A connection that is open, for a capture that has several files.
#[derive(Debug, Default)]
struct Open {
    /// The file in which it began.
    file: u64,
    /// The lines of the key log that belong to it.
    secrets: Vec<String>,
}

/// The files of a capture, and the connections that go on in the next one.
pub(super) struct Rotation {
    pub(super) files: Box<dyn Files>,
    open: HashMap<u64, Open>,
}

impl Rotation {
    pub(super) fn new(files: Box<dyn Files>) -> Self {
        Self {
            files,
            open: HashMap::new(),
        }
    }

    pub(super) fn opened(&mut self, connection: u64) {
        let file = self.files.opened();
        let secrets = Vec::new();
        self.open.insert(connection, Open { file, secrets });
    }

    pub(super) fn secrets(&mut self, connection: u64, line: &str) {
        if let Some(open) = self.open.get_mut(&connection) {
            open.secrets.push(line.to_owned());
        }
    }

    pub(super) fn ended(&mut self, connection: u64) {
        if let Some(open) = self.open.remove(&connection) {
            self.files.ended(open.file);
        }
    }

    /// The secrets of all connections that are open: a key log.
    pub(super) fn key_log(&self) -> String {
        let mut open: Vec<_> = self.open.iter().collect();
        open.sort_by_key(|(number, _)| **number);
        open.into_iter()
            .flat_map(|(_, open)| open.secrets.iter().map(String::as_str))
            .collect()
    }
}
