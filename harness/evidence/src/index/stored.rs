//! The messages that were stored, from the journal, and the sessions that they came on.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Statement, params};

use super::rows::number;
use super::{Message, Problem, Session};
use crate::journal::{self, Line};

/// How far the time of an entry may be from those of the packets around it.
const SLACK: Duration = Duration::from_secs(2);

/// Reads what the journal has got since it was last read.
pub(super) fn read_journal(connection: &Connection, folder: &Path) -> Result<(), Problem> {
    let mut file = match File::open(folder.join(journal::NAME)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let before: i64 = connection.query_row("SELECT read_to FROM journal", [], |row| row.get(0))?;
    let length = file.metadata()?.len();
    // One that was removed begins again.
    let start = u64::try_from(before).ok().filter(|start| *start <= length);
    let mut read_to = start.unwrap_or(0);
    if read_to == length {
        return Ok(());
    }
    let mut insert = connection.prepare(
        "INSERT OR IGNORE INTO pending (file, time, peer, sender, recipients, under_tls, size, sha256) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    file.seek(SeekFrom::Start(read_to))?;
    let mut file = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        Read::by_ref(&mut file)
            .take(journal::LONGEST)
            .read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            break;
        }
        read_to += line.len() as u64;
        let Ok(Line::Message(entry)) = serde_json::from_slice(&line) else {
            continue;
        };
        let recipients: Vec<_> = entry.recipients.iter().map(|one| path(one)).collect();
        insert.execute(params![
            entry.file,
            entry.time,
            canonical(&entry.peer),
            path(&entry.from),
            serde_json::to_string(&recipients).map_err(io::Error::other)?,
            entry.tls,
            number(entry.size),
            entry.sha256,
        ])?;
    }
    connection.execute("UPDATE journal SET read_to = ?1", [number(read_to)])?;
    Ok(())
}

/// The path in an argument of MAIL or RCPT.
fn path(argument: &str) -> &str {
    let inside = argument.split_once('<').map(|(_, rest)| rest);
    inside
        .and_then(|rest| rest.rsplit_once('>'))
        .map_or(argument, |(path, _)| path)
}

/// An address and port in the form in which captures show it.
fn canonical(peer: &str) -> String {
    peer.parse::<SocketAddr>().map_or_else(
        |_| peer.to_owned(),
        |peer| SocketAddr::new(peer.ip().to_canonical(), peer.port()).to_string(),
    )
}

/// Finds stored messages whose session is not in the index yet.
pub(super) struct Stored<'a> {
    find: Statement<'a>,
    take: Statement<'a>,
}

/// A stored message.
pub(super) struct Kept {
    pub(super) id: i64,
    pub(super) file: String,
    pub(super) sender: String,
    pub(super) recipients: Vec<String>,
    pub(super) under_tls: bool,
    pub(super) size: i64,
    pub(super) sha256: String,
}

/// Those of one session, in order.
pub(super) struct OfSession(Vec<Kept>);

impl<'a> Stored<'a> {
    pub(super) fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            find: connection.prepare(
                "SELECT id, file, time, sender, recipients, under_tls, size, sha256 FROM pending WHERE peer = ?1 ORDER BY id",
            )?,
            take: connection.prepare("DELETE FROM pending WHERE id = ?1")?,
        })
    }

    /// Those that came from the client of the session while it lasted.
    pub(super) fn of(&mut self, session: &Session) -> rusqlite::Result<OfSession> {
        let mut all = Vec::new();
        let mut rows = self.find.query([canonical(&session.client)])?;
        while let Some(row) = rows.next()? {
            let time: String = row.get(2)?;
            if !lasted(session, &time) {
                continue;
            }
            let recipients: String = row.get(4)?;
            all.push(Kept {
                id: row.get(0)?,
                file: row.get(1)?,
                sender: row.get(3)?,
                recipients: serde_json::from_str(&recipients).unwrap_or_default(),
                under_tls: row.get(5)?,
                size: row.get(6)?,
                sha256: row.get(7)?,
            });
        }
        Ok(OfSession(all))
    }

    /// It is in the index now.
    pub(super) fn take(&mut self, id: i64) -> rusqlite::Result<()> {
        self.take.execute([id]).map(|_| ())
    }
}

/// Whether the session lasted then.
fn lasted(session: &Session, time: &str) -> bool {
    let read = |text: &str| text.parse::<Timestamp>().ok();
    let (Some(time), Some(began), Some(ended)) =
        (read(time), read(&session.began), read(&session.ended))
    else {
        return false;
    };
    began - SLACK <= time && time <= ended + SLACK
}

impl OfSession {
    /// The one that a transaction brought.
    pub(super) fn of_mail(&mut self, mail: &Message) -> Option<Kept> {
        if mail.wire_octets.is_none() || mail.accepted == Some(false) {
            return None;
        }
        // A longer path is cut where it is shown.
        let same = |kept: &Kept| {
            let shown = mail.reverse_path.trim_end_matches('…');
            kept.sender == mail.reverse_path
                || (shown.len() < mail.reverse_path.len() && kept.sender.starts_with(shown))
        };
        let found = self.0.iter().position(same)?;
        Some(self.0.remove(found))
    }

    /// Those that no transaction was found for.
    pub(super) fn rest(self) -> Vec<Kept> {
        self.0
    }
}
