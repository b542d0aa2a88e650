//! Messages, byte for byte as they came, each in a file of its own (RFC 5321 section 4.5.2: without the dots that were
//! stuffed, and with nothing added).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use lab::server::{Answer, Custodian, Custody, Envelope, Refusal};
use lab::tap::Recorder;
use sha2::{Digest, Sha256};

use crate::captures::Captures;
use crate::commit::Committer;
use crate::durability::Durability;
use crate::health::{Health, Part};
use crate::journal::{Entry, Journal, Line};
use crate::private;

/// Folder of the messages in that of the evidence.
pub const FOLDER: &str = "messages";

/// What a client is told whose message cannot be kept (RFC 3463 section 3.4: mail system full).
const NO_ROOM: &str = "452 4.3.1 insufficient system storage";

/// What a client is told whose TLS handshake is in no capture any more, so that nothing of its session could be read.
const CONNECT_AGAIN: &str = "421 4.3.0 the record of this session was lost, connect again";

/// Bytes of a message that wait in memory; a longer one is written as it comes.
const HELD: usize = 64 << 10;

/// How messages are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In a Maildir: written in `tmp`, moved to `new`.
    Maildir,
    /// As files with the extension `eml`.
    Eml,
    /// Not at all: the capture has them.
    None,
}

/// Takes custody of messages: stores them, and has them and their packets as durable as is wanted before they are
/// acknowledged.
#[derive(Debug)]
pub struct Store {
    inner: Arc<Inner>,
    committer: Option<Committer>,
}

/// What a store works with.
#[derive(Debug)]
pub struct Parts {
    /// Folder of the evidence.
    pub folder: PathBuf,
    /// How messages are stored.
    pub form: Form,
    /// What must be done before a message is acknowledged.
    pub durability: Durability,
    /// Writes the capture.
    pub recorder: Recorder,
    /// Its files.
    pub captures: Captures,
    /// Who is told what cannot be written.
    pub health: Health,
}

#[derive(Debug)]
pub(crate) struct Inner {
    parts: Parts,
    journal: Option<Journal>,
}

impl Store {
    /// A store in the folder of the evidence. What an earlier run left in `tmp` was never acknowledged and is removed.
    ///
    /// # Errors
    ///
    /// The folders or the journal cannot be made.
    pub fn open(parts: Parts) -> io::Result<Self> {
        let durability = parts.durability;
        let journal = match parts.form {
            Form::None => None,
            Form::Maildir | Form::Eml => {
                let journal = Journal::open(&parts.folder)?;
                parts.make_folders()?;
                for entry in fs::read_dir(parts.tmp())? {
                    fs::remove_file(entry?.path())?;
                }
                Some(journal)
            }
        };
        let inner = Arc::new(Inner { parts, journal });
        let committer = match durability {
            Durability::Disk => Some(Committer::start(Arc::clone(&inner))?),
            Durability::None | Durability::Os => None,
        };
        Ok(Self { inner, committer })
    }

    /// Looks after what no message waits for, and is to be called every now and then: whether the capture can be written,
    /// and captures that are to be removed. `judged` is how many frames are judged.
    pub fn tend(&self, judged: u64) {
        let inner = &self.inner;
        let written = inner.capture();
        let Ok(written) = written else { return };
        let removed = |name: &str| match &inner.journal {
            Some(journal) => journal.append(&[Line::Removed {
                capture: name.to_owned(),
            }]),
            None => Ok(()),
        };
        // What cannot be removed now is tried again.
        let _ = inner.parts.captures.prune(written, judged, removed);
    }
}

impl Parts {
    fn messages(&self) -> PathBuf {
        self.folder.join(FOLDER)
    }

    fn tmp(&self) -> PathBuf {
        self.messages().join("tmp")
    }

    /// Where whole messages are, from the folder of the evidence on.
    fn place(&self, name: &str) -> String {
        match self.form {
            Form::Maildir => format!("{FOLDER}/new/{name}"),
            Form::Eml | Form::None => format!("{FOLDER}/{name}.eml"),
        }
    }

    /// The folder of the evidence itself is not made again: where it was a mount that went away, nothing is to be
    /// written below it.
    fn make_folders(&self) -> io::Result<()> {
        if !self.folder.is_dir() {
            return Err(io::ErrorKind::NotFound.into());
        }
        // Each by itself: the one above may be gone meanwhile, and is not made again.
        private::one_folder(&self.messages())?;
        private::one_folder(&self.tmp())?;
        if self.form == Form::Maildir {
            private::one_folder(&self.messages().join("new"))?;
            private::one_folder(&self.messages().join("cur"))?;
        }
        Ok(())
    }
}

/// A message that is whole, in `tmp`.
#[derive(Debug)]
pub(crate) struct Ready {
    tmp: PathBuf,
    entry: Entry,
}

impl Inner {
    /// Has the capture written, and says how many frames it has.
    fn capture(&self) -> io::Result<u64> {
        let written = self.parts.recorder.written();
        let problem = written.as_ref().err().map(ToString::to_string);
        self.parts.health.set(Part::Capture, problem);
        written
    }

    /// Moves messages to where they belong, and enters them.
    fn enter(&self, ready: &[Ready], synced: bool) -> io::Result<()> {
        let Some(journal) = &self.journal else {
            return Ok(());
        };
        let moved = ready.iter().try_for_each(|one| self.reveal(one));
        let placed = moved.and_then(|()| {
            if synced && !ready.is_empty() {
                private::sync_folder(&self.parts.destination())?;
            }
            Ok(())
        });
        let entered = placed.and_then(|()| {
            let lines: Vec<_> = ready
                .iter()
                .map(|one| Line::Message(Box::new(one.entry.clone())))
                .collect();
            if synced {
                journal.append_synced(&lines)
            } else {
                journal.append(&lines)
            }
        });
        if entered.is_err() {
            for one in ready {
                let _ = fs::remove_file(self.parts.folder.join(&one.entry.file));
                let _ = fs::remove_file(&one.tmp);
            }
        }
        self.parts.health.set(
            Part::Messages,
            entered.as_ref().err().map(ToString::to_string),
        );
        entered
    }

    fn reveal(&self, ready: &Ready) -> io::Result<()> {
        fs::rename(&ready.tmp, self.parts.folder.join(&ready.entry.file))
    }

    /// The capture goes first, so that every entry has its packets.
    fn commit(&self, ready: &[Ready]) -> io::Result<()> {
        let written = match self.parts.durability {
            Durability::None => self.is_well(),
            Durability::Os | Durability::Disk => self.capture().map(|_| ()),
        };
        self.entered_if(written, ready, false)
    }

    /// As [`Inner::commit`], up to the disk, for many together.
    pub(crate) fn commit_synced(&self, ready: &[Ready]) -> io::Result<()> {
        let written = self.capture().and_then(|_| {
            let synced = self.parts.captures.sync();
            if let Err(error) = &synced {
                self.parts
                    .health
                    .set(Part::Capture, Some(error.to_string()));
            }
            synced
        });
        self.entered_if(written, ready, true)
    }

    fn entered_if(&self, written: io::Result<()>, ready: &[Ready], synced: bool) -> io::Result<()> {
        if written.is_err() {
            for one in ready {
                let _ = fs::remove_file(&one.tmp);
            }
        }
        written.and_then(|()| self.enter(ready, synced))
    }

    /// How many frames the capture has left out so far, where that matters.
    fn left_out(&self) -> u64 {
        match self.parts.durability {
            Durability::None => 0,
            Durability::Os | Durability::Disk => self.parts.recorder.left_out(),
        }
    }

    /// Whether a message waits until the capture has it.
    fn keeps_wire(&self) -> bool {
        self.parts.durability > Durability::None
    }

    fn is_well(&self) -> io::Result<()> {
        match self.parts.health.problem(Part::Capture) {
            Some(problem) => Err(io::Error::other(problem)),
            None => Ok(()),
        }
    }

    fn create(&self, name: &str) -> io::Result<(PathBuf, File)> {
        let path = self.parts.tmp().join(name);
        let file = wire::create_new_private(&path).or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            self.parts.make_folders()?;
            wire::create_new_private(&path)
        })?;
        Ok((path, file))
    }
}

impl Parts {
    fn destination(&self) -> PathBuf {
        let whole = self.folder.join(self.place(""));
        whole.parent().map_or(self.folder.clone(), Path::to_owned)
    }
}

impl Custody for Store {
    fn begin(&self, envelope: Envelope) -> Box<dyn Custodian> {
        let (name, begun_in) = if self.wants_content() {
            (name(&envelope), self.inner.parts.captures.current())
        } else {
            Default::default()
        };
        Box::new(Incoming {
            inner: Arc::clone(&self.inner),
            committer: self.committer.clone(),
            envelope,
            name,
            held: Vec::new(),
            open: None,
            size: 0,
            digest: Sha256::new(),
            failed: None,
            begun_in,
            left_out: self.inner.left_out(),
        })
    }

    fn wants_content(&self) -> bool {
        self.inner.parts.form != Form::None
    }
}

/// A name that no other message has: when, which process, which connection, which message of it.
pub(crate) fn name(envelope: &Envelope) -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!(
        "{}.M{:06}P{}C{}N{}.smtpspec",
        since.as_secs(),
        since.subsec_micros(),
        std::process::id(),
        envelope.connection,
        envelope.message
    )
}

/// A message on its way in.
struct Incoming {
    inner: Arc<Inner>,
    committer: Option<Committer>,
    envelope: Envelope,
    name: String,
    held: Vec<u8>,
    open: Option<(PathBuf, File)>,
    size: u64,
    digest: Sha256,
    failed: Option<io::Error>,
    begun_in: String,
    /// How many frames the capture had left out when it began.
    left_out: u64,
}

impl Incoming {
    fn flush(&mut self) -> io::Result<()> {
        if self.open.is_none() {
            self.open = Some(self.inner.create(&self.name)?);
        }
        if let Some((_, file)) = &mut self.open {
            file.write_all(&self.held)?;
        }
        self.held.clear();
        Ok(())
    }

    fn entry(&mut self) -> Entry {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let envelope = &self.envelope;
        Entry {
            file: self.inner.parts.place(&self.name),
            connection: envelope.connection,
            message: envelope.message,
            time: jiff::Timestamp::now().to_string(),
            peer: envelope.peer.to_string(),
            helo: text(&envelope.helo),
            from: text(&envelope.from),
            recipients: envelope.recipients.iter().map(|one| text(one)).collect(),
            tls: envelope.tls,
            authenticated: envelope.authenticated,
            size: self.size,
            sha256: hex::encode(std::mem::take(&mut self.digest).finalize()),
            begun_in: std::mem::take(&mut self.begun_in),
            capture: self.inner.parts.captures.current(),
        }
    }

    /// The message, whole and in `tmp`, with its file where that is to be synced.
    fn ready(&mut self) -> io::Result<Option<(Ready, File)>> {
        if self.inner.parts.form == Form::None {
            return Ok(None);
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.flush()?;
        let entry = self.entry();
        Ok(self
            .open
            .take()
            .map(|(tmp, file)| (Ready { tmp, entry }, file)))
    }

    async fn kept(mut self: Box<Self>) -> io::Result<()> {
        let ready = self.ready().inspect_err(|error| {
            let problem = Some(error.to_string());
            self.inner.parts.health.set(Part::Messages, problem);
        })?;
        if self.inner.left_out() != self.left_out {
            // It is not whole in the capture; that there is room now does not help.
            if let Some((ready, _)) = ready {
                let _ = fs::remove_file(ready.tmp);
            }
            return Err(io::Error::other("frames of it found no room"));
        }
        let Some(committer) = self.committer.take() else {
            let ready = ready.map(|(ready, _)| ready);
            return self.inner.commit(ready.as_slice());
        };
        let ready = match ready {
            None => None,
            // Each waits for its own file; the disk's journal puts them together.
            Some((ready, file)) => {
                let synced = tokio::task::spawn_blocking(move || file.sync_all()).await;
                if let Err(error) = synced.map_err(io::Error::other).flatten() {
                    let _ = fs::remove_file(&ready.tmp);
                    let problem = Some(error.to_string());
                    self.inner.parts.health.set(Part::Messages, problem);
                    return Err(error);
                }
                Some(ready)
            }
        };
        committer.commit(ready).await
    }
}

impl Drop for Incoming {
    /// A message that never became whole is forgotten.
    fn drop(&mut self) {
        if let Some((path, _)) = self.open.take() {
            let _ = fs::remove_file(path);
        }
    }
}

impl Custodian for Incoming {
    fn write(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        self.size += bytes.len() as u64;
        self.digest.update(bytes);
        self.held.extend_from_slice(bytes);
        if self.held.len() > HELD {
            self.failed = self.flush().err();
        }
    }

    fn keep(self: Box<Self>) -> Answer<'static> {
        Box::pin(async move {
            let tls = self.envelope.tls;
            let (inner, since) = (Arc::clone(&self.inner), self.envelope.since);
            // What waits is written first: that is when it is seen that a capture is gone.
            let unread =
                || tls && inner.capture().is_ok() && inner.parts.captures.lost_beginning(since);
            if inner.keeps_wire() && unread() {
                return Err(Refusal(CONNECT_AGAIN.to_owned()));
            }
            let kept = self.kept().await;
            kept.map_err(|_| Refusal(NO_ROOM.to_owned()))
        })
    }
}

#[cfg(test)]
mod tests;
