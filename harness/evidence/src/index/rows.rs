//! Rows of the tables.

use std::collections::HashMap;
use std::net::SocketAddr;

use claims::Verdict;
use rusqlite::{Connection, Statement, ToSql, params};

use super::stored::Stored;
use super::{Entry, Message, Session};

/// Reasons whose numbers are remembered within a batch.
const MOST_REASONS: usize = 4096;

/// Numbers in a database have a sign.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Writes sessions of a run.
pub(super) fn write(connection: &Connection, run: i64, entries: &[Entry]) -> rusqlite::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut tables = Tables::new(connection)?;
    for entry in entries {
        tables.entry(run, entry)?;
    }
    Ok(())
}

struct Tables<'a> {
    connection: &'a Connection,
    session: Statement<'a>,
    message: Statement<'a>,
    recipient: Statement<'a>,
    identity: Statement<'a>,
    exposure: Statement<'a>,
    verdict: Statement<'a>,
    details: Statement<'a>,
    stored: Stored<'a>,
    reasons: Reasons<'a>,
}

impl<'a> Tables<'a> {
    fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        let insert = |table: &str, columns: usize| {
            let places = vec!["?"; columns].join(", ");
            connection.prepare(&format!("INSERT INTO {table} VALUES ({places})"))
        };
        Ok(Self {
            connection,
            session: insert("sessions", 28)?,
            message: insert("messages", 14)?,
            recipient: insert("recipients", 3)?,
            identity: insert("identities", 11)?,
            exposure: insert("exposures", 5)?,
            verdict: insert("verdict_rows", 5)?,
            details: insert("details", 2)?,
            stored: Stored::new(connection)?,
            reasons: Reasons::new(connection)?,
        })
    }

    fn entry(&mut self, run: i64, entry: &Entry) -> rusqlite::Result<()> {
        let session = &entry.session;
        let id = self.session(run, session)?;
        self.messages(id, session)?;
        for login in &session.logins {
            self.identity.execute(params![
                id,
                login.mechanism,
                login.user,
                login.domain,
                login.workstation,
                login.claimed_os,
                login.response,
                login.outcome,
                login.exposure,
                login.under_tls,
                login.packet.map(number),
            ])?;
        }
        for found in &session.exposures {
            let packet = found.packet.map(number);
            let kind = found.kind.as_str();
            self.exposure
                .execute(params![id, kind, found.what, found.place, packet])?;
        }
        for judged in &session.verdicts {
            let reason = self.reasons.id(&judged.reason)?;
            let packets = (!judged.packets.is_empty()).then(|| array(&judged.packets));
            let word = judged.verdict.as_str();
            self.verdict
                .execute(params![id, judged.claim, word, reason, packets])?;
        }
        self.details.execute(params![id, entry.packed])?;
        Ok(())
    }

    fn session(&mut self, run: i64, session: &Session) -> rusqlite::Result<i64> {
        let (client, client_port) = apart(&session.client);
        let (server, server_port) = apart(&session.server);
        let tls = session.tls.as_ref();
        let [of_client, of_server, missing] = session.octets.map(number);
        let count = |verdict| number(session.count(verdict));
        let columns: [&dyn ToSql; 28] = [
            &rusqlite::types::Null,
            &run,
            &session.name,
            &client,
            &client_port,
            &server,
            &server_port,
            &session.protocol,
            &session.began,
            &session.ended,
            &session.packets.map(|(first, _)| number(first)),
            &session.packets.map(|(_, last)| number(last)),
            &of_client,
            &of_server,
            &missing,
            &session.helo,
            &tls.map(|tls| &tls.start),
            &tls.map(|tls| tls.established),
            &tls.and_then(|tls| tls.version.as_ref()),
            &tls.and_then(|tls| tls.suite.as_ref()),
            &number(session.messages),
            &number(session.accepted),
            &count(Verdict::Pass),
            &count(Verdict::Fail),
            &count(Verdict::Inconclusive),
            &count(Verdict::Recorded),
            &count(Verdict::NotApplicable),
            &count(Verdict::Error),
        ];
        self.session.execute(&columns[..])?;
        Ok(self.connection.last_insert_rowid())
    }

    fn messages(&mut self, id: i64, session: &Session) -> rusqlite::Result<()> {
        let mut stored = self.stored.of(session)?;
        let mut place = 0;
        for mail in &session.mails {
            place += 1;
            let kept = stored.of_mail(mail);
            let (size, sha256, file) = match &kept {
                Some(kept) => (Some(kept.size), Some(&kept.sha256), Some(&kept.file)),
                None => (None, None, None),
            };
            self.message.execute(params![
                rusqlite::types::Null,
                id,
                place,
                mail.reverse_path,
                mail.accepted,
                mail.message_id,
                mail.subject,
                mail.wire_octets.map(number),
                mail.body,
                mail.under_tls,
                mail.packet.map(number),
                size,
                sha256,
                file,
            ])?;
            self.recipients(mail)?;
            if let Some(kept) = kept {
                self.stored.take(kept.id)?;
            }
        }
        // Of a long session the first messages are described by what crossed the wire, the others by the journal.
        if session.more_mails > 0 {
            for kept in stored.rest() {
                place += 1;
                let nothing = rusqlite::types::Null;
                self.message.execute(params![
                    nothing,
                    id,
                    place,
                    kept.sender,
                    true,
                    nothing,
                    nothing,
                    nothing,
                    nothing,
                    kept.under_tls,
                    nothing,
                    kept.size,
                    kept.sha256,
                    kept.file,
                ])?;
                let message = self.connection.last_insert_rowid();
                for address in &kept.recipients {
                    self.recipient.execute(params![message, address, true])?;
                }
                self.stored.take(kept.id)?;
            }
        }
        Ok(())
    }

    fn recipients(&mut self, mail: &Message) -> rusqlite::Result<()> {
        let message = self.connection.last_insert_rowid();
        for (address, accepted) in &mail.recipients {
            self.recipient
                .execute(params![message, address, accepted])?;
        }
        Ok(())
    }
}

/// The numbers of reasons.
struct Reasons<'a> {
    insert: Statement<'a>,
    find: Statement<'a>,
    known: HashMap<String, i64>,
}

impl<'a> Reasons<'a> {
    fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            insert: connection
                .prepare("INSERT INTO reasons (text) VALUES (?1) ON CONFLICT DO NOTHING")?,
            find: connection.prepare("SELECT id FROM reasons WHERE text = ?1")?,
            known: HashMap::new(),
        })
    }

    fn id(&mut self, text: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.known.get(text) {
            return Ok(*id);
        }
        self.insert.execute([text])?;
        let id = self.find.query_row([text], |row| row.get(0))?;
        if self.known.len() == MOST_REASONS {
            self.known.clear();
        }
        self.known.insert(text.to_owned(), id);
        Ok(id)
    }
}

/// A JSON array.
fn array(numbers: &[u64]) -> String {
    let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
    format!("[{}]", numbers.join(","))
}

/// Address and port.
fn apart(address: &str) -> (String, u16) {
    match address.parse::<SocketAddr>() {
        Ok(address) => (address.ip().to_canonical().to_string(), address.port()),
        Err(_) => (address.to_owned(), 0),
    }
}
