//! A message on its way into the queue.

use std::fs::{self, File};
use std::io::{self, Write};
use std::sync::Arc;

use lab::server::{Answer, Custodian, Custody, Envelope, Refusal};

use super::item::Item;
use super::{Inner, Queue};
use crate::store;

/// What a client is told whose message cannot be kept (RFC 3463 section 3.4: mail system full).
const NO_ROOM: &str = "452 4.3.1 insufficient system storage";

/// What a client is told whose content cannot go through DATA as it is (RFC 5321 section 2.3.8). Passed on all the same, one
/// server would see two messages where another sees one.
const BARE: &str = "554 5.6.0 a CR or LF that is not part of a line end cannot be passed on";

/// What a client is told whose message goes round in circles (RFC 5321 section 6.3).
const LOOP: &str = "554 5.4.6 it went through too many hands already";

/// Most Received fields that a message may have.
const MOST_HOPS: usize = 100;

/// Bytes of a message that wait in memory; a longer one is written as it comes.
const HELD: usize = 64 << 10;

impl Custody for Queue {
    fn begin(&self, envelope: Envelope) -> Box<dyn Custodian> {
        let store = self.0.store.as_ref();
        Box::new(Incoming {
            name: store::name(&envelope),
            item: Item::new(&envelope),
            beside: store.map(|store| (store.wants_content(), store.begin(envelope))),
            queue: Arc::clone(&self.0),
            held: Vec::new(),
            open: None,
            failed: None,
            reading: Reading::default(),
        })
    }
}

/// What is seen of the content while it passes.
#[expect(clippy::struct_excessive_bools, reason = "each is seen by itself")]
#[derive(Debug, Default)]
struct Reading {
    size: u64,
    eight_bit: bool,
    header_over: bool,
    utf8_header: bool,
    hops: usize,
    bare: bool,
    last: u8,
    /// The beginning of the line, as far as it may name a field.
    line: Vec<u8>,
    length: u64,
}

const RECEIVED: &[u8] = b"received:";

impl Reading {
    fn feed(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.eight_bit |= !bytes.is_ascii();
        for &byte in bytes {
            self.bare |= (self.last == b'\r') != (byte == b'\n');
            self.last = byte;
            if self.header_over {
                continue;
            }
            self.utf8_header |= byte >= 0x80;
            match byte {
                b'\n' => {
                    self.header_over = self.length == 0;
                    self.hops += usize::from(self.line.eq_ignore_ascii_case(RECEIVED));
                    self.line.clear();
                    self.length = 0;
                }
                b'\r' => {}
                _ => {
                    if self.line.len() < RECEIVED.len() {
                        self.line.push(byte);
                    }
                    self.length += 1;
                }
            }
        }
    }

    fn refusal(&self) -> Option<&'static str> {
        if self.bare || self.last == b'\r' {
            Some(BARE)
        } else if self.hops > MOST_HOPS {
            Some(LOOP)
        } else {
            None
        }
    }
}

struct Incoming {
    name: String,
    item: Result<Item, &'static str>,
    /// The same message on its way to where it is stored, and whether its content is wanted there.
    beside: Option<(bool, Box<dyn Custodian>)>,
    queue: Arc<Inner>,
    held: Vec<u8>,
    open: Option<File>,
    failed: Option<io::Error>,
    reading: Reading,
}

impl Incoming {
    fn flush(&mut self) -> io::Result<()> {
        if self.open.is_none() {
            let path = self.queue.tmp(&self.name, "eml");
            self.open = Some(wire::create_new_private(&path)?);
        }
        if let Some(file) = &mut self.open {
            file.write_all(&self.held)?;
        }
        self.held.clear();
        Ok(())
    }

    /// The message and its state, whole and in `tmp`.
    async fn prepare(&mut self, item: &Item) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.flush()?;
        let bytes = serde_json::to_vec(item).map_err(io::Error::other)?;
        let state = self.queue.tmp(&self.name, "json");
        if !self.queue.syncs() {
            return self.queue.write(&state, &bytes);
        }
        let (queue, file) = (Arc::clone(&self.queue), self.open.take());
        let written = tokio::task::spawn_blocking(move || {
            if let Some(file) = file {
                file.sync_all()?;
            }
            queue.write(&state, &bytes)
        });
        written.await.map_err(io::Error::other)?
    }

    /// Puts it into the queue: the content first, since the state is what counts.
    async fn commit(&mut self) -> io::Result<()> {
        let (queue, name) = (Arc::clone(&self.queue), self.name.clone());
        let renames = move || {
            fs::rename(queue.tmp(&name, "eml"), queue.content(&name))?;
            let placed = fs::rename(queue.tmp(&name, "json"), queue.path(&name, "json"));
            let placed = placed.and_then(|()| queue.sync_folder(&queue.folder));
            if placed.is_err() {
                // Its client is told that it was not accepted.
                let _ = queue.forget(&name, "json");
                let _ = queue.forget(&name, "eml");
            }
            placed
        };
        if !self.queue.syncs() {
            return renames();
        }
        let joined = tokio::task::spawn_blocking(renames).await;
        joined.map_err(io::Error::other)?
    }

    async fn kept(mut self: Box<Self>) -> Result<(), Refusal> {
        let refuse = |text: &str| Refusal(text.to_owned());
        let mut item = self.item.clone().map_err(refuse)?;
        if let Some(text) = self.reading.refusal() {
            return Err(refuse(text));
        }
        item.size = self.reading.size;
        item.eight_bit = self.reading.eight_bit;
        item.utf8 |= self.reading.utf8_header;
        let ready = self.prepare(&item).await;
        ready.map_err(|error| self.broken(&error))?;
        if let Some((_, beside)) = self.beside.take() {
            beside.keep().await?;
        }
        let committed = self.commit().await;
        committed.map_err(|error| self.broken(&error))?;
        self.queue.enqueue(self.name.clone());
        Ok(())
    }

    fn broken(&self, error: &io::Error) -> Refusal {
        self.queue
            .tell(&format!("the queue cannot be written: {error}"));
        Refusal(NO_ROOM.to_owned())
    }
}

impl Drop for Incoming {
    /// What is not in the queue by now never will be.
    fn drop(&mut self) {
        let _ = fs::remove_file(self.queue.tmp(&self.name, "eml"));
        let _ = fs::remove_file(self.queue.tmp(&self.name, "json"));
    }
}

impl Custodian for Incoming {
    fn write(&mut self, bytes: &[u8]) {
        if let Some((true, beside)) = &mut self.beside {
            beside.write(bytes);
        }
        if self.failed.is_some() || self.item.is_err() {
            return;
        }
        self.reading.feed(bytes);
        self.held.extend_from_slice(bytes);
        if self.held.len() > HELD {
            self.failed = self.flush().err();
        }
    }

    fn keep(self: Box<Self>) -> Answer<'static> {
        Box::pin(self.kept())
    }
}
