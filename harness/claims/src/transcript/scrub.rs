//! Secrets taken out of a text, in every writing in which they usually stand.

use base64::prelude::{BASE64_STANDARD_NO_PAD as BASE64, Engine as _};
use smtp::Secret;
use smtp::timeline::{EventKind, Timeline};

use crate::Given;
use crate::needles::Needles;

/// Shorter ones are part of any text, and so are their writings.
const SHORTEST: usize = 4;

/// What may not be shown.
pub struct Scrubber {
    writings: Needles,
}

impl Scrubber {
    /// Secrets that are known.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut writings = Vec::new();
        for secret in secrets {
            writings_of(secret.expose(), &mut writings);
        }
        Self::from_writings(writings)
    }

    /// The secrets that are known beforehand, and those that the conversation gives away.
    pub(crate) fn new(timeline: &Timeline, given: &Given) -> Self {
        let account = given
            .account
            .iter()
            .filter_map(|account| account.password.as_ref());
        let mut writings = Vec::new();
        let known = given.accounts.iter().map(|account| &account.password);
        for secret in given.password.iter().chain(account).chain(known) {
            writings_of(secret.expose(), &mut writings);
        }
        for authentication in &timeline.authentications {
            for secret in authentication.identity.secrets() {
                writings_of(secret.expose(), &mut writings);
            }
        }
        for event in &timeline.events {
            match &event.kind {
                EventKind::SaslResponse(response) => token(response.expose(), &mut writings),
                EventKind::Command(command) if command.verb == "AUTH" => {
                    for word in command.argument.split_ascii_whitespace().skip(1) {
                        token(word.as_bytes(), &mut writings);
                    }
                }
                _ => {}
            }
        }
        Self::from_writings(writings)
    }

    fn from_writings(mut writings: Vec<String>) -> Self {
        // The longest first: one may be the beginning of another.
        writings.sort_by_key(|writing| std::cmp::Reverse(writing.len()));
        writings.dedup();
        Self {
            writings: Needles::new(writings),
        }
    }

    /// The text without them.
    pub fn scrub(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for writing in self.writings.that_may_stand_in(text) {
            if clean.contains(writing.as_str()) {
                clean = clean.replace(writing.as_str(), "<secret>");
            }
        }
        clean
    }
}

/// A SASL line as it was sent.
fn token(bytes: &[u8], writings: &mut Vec<String>) {
    let text = String::from_utf8_lossy(bytes);
    let padded = text.trim();
    let bare = padded.trim_end_matches('=');
    if bare.len() >= 2 * SHORTEST {
        writings.extend([padded, bare].map(str::to_owned));
    }
}

fn writings_of(secret: &[u8], writings: &mut Vec<String>) {
    if secret.len() < SHORTEST {
        return;
    }
    let text = String::from_utf8_lossy(secret);
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [secret, &little, &big] {
        let hex = hex::encode(bytes);
        writings.push(hex.to_ascii_uppercase());
        writings.push(hex);
        writings.extend((0..3).filter_map(|offset| base64_at(bytes, offset)));
        writings.push(String::from_utf8_lossy(bytes).into_owned());
    }
}

/// The letters that `bytes` give in base64 when `offset` bytes stand before them, without those that share bits with a
/// neighbour.
fn base64_at(bytes: &[u8], offset: usize) -> Option<String> {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(bytes);
    let letters = BASE64.encode(&padded);
    let own = (8 * offset).div_ceil(6)..8 * padded.len() / 6;
    letters
        .get(own)
        .filter(|own| own.len() >= SHORTEST)
        .map(str::to_owned)
}
