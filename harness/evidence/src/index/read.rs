//! The index, read: for the page that shows what it no longer holds in memory.

use std::io;
use std::path::Path;

use claims::Verdict;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use serde::Serialize;

use super::rows::number;
use super::{Login, NAME, PATIENCE, Session, unpack};

/// The index, for reading. A writer goes on beside it.
#[derive(Debug)]
pub struct Reader(Connection);

/// A session as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Brief {
    /// Its run.
    pub run: i64,
    /// What its run calls it.
    pub name: String,
    /// Address and port of the client.
    pub client: String,
    /// When it began.
    pub began: String,
    /// The account of its last login, and the mechanism.
    pub account: Option<String>,
    /// See `account`.
    pub mechanism: Option<String>,
    /// Its mail transactions.
    pub messages: i64,
    /// Verdicts: pass, fail, inconclusive, recorded, error.
    pub verdicts: [i64; 5],
    /// The first claim that failed, with the reason.
    pub worst: Option<(String, String)>,
}

impl Brief {
    /// That of a session that is not in the index yet.
    pub fn of(run: i64, session: &Session) -> Self {
        let login = session.logins.last();
        let words = [
            Verdict::Pass,
            Verdict::Fail,
            Verdict::Inconclusive,
            Verdict::Recorded,
            Verdict::Error,
        ];
        Self {
            run,
            name: session.name.clone(),
            client: session.client.clone(),
            began: session.began.clone(),
            account: login.and_then(Login::account),
            mechanism: login.map(|login| login.mechanism.clone()),
            messages: number(session.messages),
            verdicts: words.map(|word| number(session.count(word))),
            worst: session
                .worst()
                .map(|worst| (worst.claim.clone(), worst.reason.clone())),
        }
    }
}

impl Reader {
    /// Opens the index of a folder.
    ///
    /// # Errors
    ///
    /// There is none, or it cannot be read.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(folder.join(NAME), flags);
        let connection = connection.map_err(io::Error::other)?;
        connection
            .busy_timeout(PATIENCE)
            .map_err(io::Error::other)?;
        Ok(Self(connection))
    }

    /// Sessions from the newest on, those before the session `name` of `run` where that is given; at most `most`.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn before(&self, place: Option<(i64, &str)>, most: usize) -> io::Result<Vec<Brief>> {
        self.try_before(place, most).map_err(io::Error::other)
    }

    fn try_before(&self, place: Option<(i64, &str)>, most: usize) -> rusqlite::Result<Vec<Brief>> {
        let (run, name) = place.unwrap_or((-1, ""));
        let found = self.id(run, name)?;
        let Some(before) = found.or_else(|| place.is_none().then_some(i64::MAX)) else {
            return Ok(Vec::new());
        };
        let mut statement = self.0.prepare(
            "SELECT s.id, s.run, s.name, s.client, s.client_port, s.began, s.messages, \
               s.passed, s.failed, s.inconclusive, s.recorded, s.errors, \
               (SELECT i.rowid FROM identities i WHERE i.session = s.id ORDER BY i.rowid DESC LIMIT 1) AS login \
             FROM sessions s WHERE s.id < ?1 ORDER BY s.id DESC LIMIT ?2",
        )?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = statement.query([before, most])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(self.brief(row)?);
        }
        Ok(all)
    }

    fn brief(&self, row: &Row<'_>) -> rusqlite::Result<Brief> {
        let id: i64 = row.get(0)?;
        let (client, port): (String, u16) = (row.get(3)?, row.get(4)?);
        let client = if client.contains(':') {
            format!("[{client}]:{port}")
        } else {
            format!("{client}:{port}")
        };
        let login: Option<i64> = row.get(12)?;
        let of_login = "SELECT CASE WHEN user IS NULL THEN NULL WHEN domain IS NULL THEN user \
                        ELSE domain || '\\' || user END, mechanism FROM identities WHERE rowid = ?1";
        let login = login.map(|login| {
            self.0
                .query_row(of_login, [login], |row| Ok((row.get(0)?, row.get(1)?)))
        });
        let (account, mechanism) = login.transpose()?.unwrap_or_default();
        let worst = "SELECT claim, reason FROM verdicts WHERE session = ?1 AND verdict IN ('error', 'fail') \
                     ORDER BY verdict, claim LIMIT 1";
        let verdicts = [
            row.get(7)?,
            row.get(8)?,
            row.get(9)?,
            row.get(10)?,
            row.get(11)?,
        ];
        let bad = verdicts[1] + verdicts[4] > 0;
        let worst = bad
            .then(|| {
                self.0
                    .query_row(worst, [id], |row| Ok((row.get(0)?, row.get(1)?)))
            })
            .transpose()?;
        Ok(Brief {
            run: row.get(1)?,
            name: row.get(2)?,
            client,
            began: row.get(5)?,
            account,
            mechanism,
            messages: row.get(6)?,
            verdicts,
            worst,
        })
    }

    fn id(&self, run: i64, name: &str) -> rusqlite::Result<Option<i64>> {
        let find = "SELECT id FROM sessions WHERE run = ?1 AND name = ?2";
        let found = self.0.query_row(find, (run, name), |row| row.get(0));
        found.optional()
    }

    /// The JSON of a session of a run.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn details(&self, run: i64, name: &str) -> io::Result<Option<Vec<u8>>> {
        let find = "SELECT d.json FROM details d JOIN sessions s ON s.id = d.session WHERE s.run = ?1 AND s.name = ?2";
        let found = self.0.query_row(find, (run, name), |row| row.get(0));
        let packed: Option<Vec<u8>> = found.optional().map_err(io::Error::other)?;
        packed.map(|packed| unpack(&packed)).transpose()
    }
}
