//! What the keys that an auditor has make of the encrypted parts of a message.

use smtp::cms::RecipientKey;
use smtp::message::{Message, NotOpened, Opened, Part};

use super::{Blob, Sent, blobs};

/// Parts of one message that the keys are tried on, those inside other parts included. Each costs private-key operations
/// and memory, and the sender decides how many there are.
const MAX_TRIED: usize = 8;

/// An encrypted part that the keys were tried on.
#[derive(Debug)]
pub struct Tried {
    /// Its content type, in the words of RFC 5652.
    pub kind: &'static str,
    /// Whether it was itself inside an encrypted part.
    pub inside: bool,
    /// What came of it.
    pub result: Result<Opened, NotOpened>,
}

/// The tries of one message: first the parts that anybody can see, in the order of [`Sent::blobs`], then what was inside.
#[derive(Debug, Default)]
pub struct Tries {
    /// The tries. None where no key is given.
    pub tried: Vec<Tried>,
    /// How many of the encrypted parts that are known were not tried, since there are too many.
    pub left_out: u64,
}

impl Tries {
    /// Tries the keys on every encrypted part, and on the encrypted parts inside.
    pub(super) fn of(message: &Message, keys: &[RecipientKey]) -> Self {
        let mut tries = Self::default();
        if keys.is_empty() {
            return tries;
        }
        tries.take(tried(encrypted(message), keys, false, MAX_TRIED));
        let mut next = 0;
        while let Some(Tried { result, .. }) = tries.tried.get(next) {
            next += 1;
            if let Ok(opened) = result {
                let found = tried(encrypted(&opened.message), keys, true, tries.room());
                tries.take(found);
            }
        }
        tries
    }

    const fn room(&self) -> usize {
        MAX_TRIED.saturating_sub(self.tried.len())
    }

    fn take(&mut self, (more, left_out): (Vec<Tried>, u64)) {
        self.tried.extend(more);
        self.left_out += left_out;
    }
}

/// Tries the keys on the first `room` of these, and tells how many are left.
fn tried(
    all: Vec<Blob<'_>>,
    keys: &[RecipientKey],
    inside: bool,
    room: usize,
) -> (Vec<Tried>, u64) {
    let left_out = all.len().saturating_sub(room) as u64;
    let each = all.into_iter().take(room).map(|blob| Tried {
        kind: blob.name(),
        inside,
        result: blob.part.open(keys),
    });
    (each.collect(), left_out)
}

/// The encrypted objects of a message.
fn encrypted(message: &Message) -> Vec<Blob<'_>> {
    let mut all = blobs::of(message);
    all.retain(|blob| blob.cms.is_encrypted());
    all
}

impl<'a> Sent<'a> {
    /// What the keys that are given made of an encrypted part of this message. `None` where no key is given, or more parts
    /// are encrypted than were tried.
    pub fn opened(&self, part: &Part) -> Option<&'a Result<Opened, NotOpened>> {
        let mut all = encrypted(self.message).into_iter();
        let number = all.position(|blob| std::ptr::eq(blob.part, part))?;
        let tried = self.tries.tried.get(number)?;
        (!tried.inside).then_some(&tried.result)
    }
}
