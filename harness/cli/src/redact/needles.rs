//! Secrets that were taken out of one place, looked for everywhere else, in every form that a reader would recognise.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use smtp::Secret;

use crate::Failure;

/// Shorter ones stand anywhere by chance.
pub(super) const SHORTEST: usize = 6;

/// Shorter pieces of an encoded secret stand anywhere by chance.
const SHORTEST_ENCODED: usize = 8;

/// A secret that was taken out.
#[derive(Clone, Debug)]
pub(super) struct Needle {
    secret: Secret,
    /// Whether it is the secret itself, and not a proof, or its encoding as it was sent.
    readable: bool,
}

impl Needle {
    /// A password or a token.
    pub(super) fn readable(secret: &[u8]) -> Self {
        Self {
            secret: Secret::new(secret),
            readable: true,
        }
    }

    /// A line as it crossed.
    pub(super) fn as_sent(text: &[u8]) -> Self {
        Self {
            secret: Secret::new(text),
            readable: false,
        }
    }
}

/// All needles, each once.
#[derive(Default)]
pub(super) struct Needles {
    readable: BTreeSet<Vec<u8>>,
    sent: BTreeSet<Vec<u8>>,
    /// How many were too short to be looked for.
    pub(super) short: usize,
}

impl Needles {
    pub(super) fn add(&mut self, needles: &[Needle]) {
        for needle in needles {
            let bytes = needle.secret.expose();
            let marks = bytes.iter().all(|byte| *byte == super::token::MARK);
            if bytes.is_empty() || marks {
                continue;
            }
            if needle.readable {
                if bytes.len() < SHORTEST {
                    self.short += 1;
                } else {
                    self.readable.insert(bytes.to_vec());
                }
            } else if bytes.len() >= SHORTEST_ENCODED {
                self.sent.insert(bytes.to_vec());
            }
        }
    }

    /// What is to be written over wherever it stands in clear: passwords and tokens.
    pub(super) fn passwords(&self) -> Result<Option<AhoCorasick>, Failure> {
        automaton(self.readable.iter().cloned())
    }

    /// Every form of every one.
    pub(super) fn forms(&self) -> Result<Option<AhoCorasick>, Failure> {
        let readable = self.readable.iter().flat_map(|secret| forms(secret));
        automaton(readable.chain(self.sent.iter().cloned()))
    }
}

fn automaton(patterns: impl Iterator<Item = Vec<u8>>) -> Result<Option<AhoCorasick>, Failure> {
    let patterns: BTreeSet<Vec<u8>> = patterns.collect();
    if patterns.is_empty() {
        return Ok(None);
    }
    AhoCorasick::new(patterns)
        .map(Some)
        .map_err(|error| Failure::input(format!("too many secrets to look for: {error}")))
}

/// As it is, in UTF-16, in hexadecimal, and in base64 at each alignment.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let wide: Vec<u8> = secret.iter().flat_map(|byte| [*byte, 0]).collect();
    let mut forms = vec![secret.to_vec(), wide.clone()];
    for bytes in [secret, &wide] {
        forms.push(hex::encode(bytes).into_bytes());
        forms.push(hex::encode_upper(bytes).into_bytes());
        for lead in 0..3 {
            let text = BASE64_STANDARD.encode([&vec![0; lead][..], bytes].concat());
            // What the neighbours of the secret decide is left out at both ends.
            let start = if lead == 0 { 0 } else { 4 };
            let whole = (lead + bytes.len()).is_multiple_of(3);
            let end = if whole { text.len() } else { text.len() - 4 };
            if let Some(core) = text.as_bytes().get(start..end)
                && core.len() >= SHORTEST_ENCODED
            {
                forms.push(core.to_vec());
            }
        }
    }
    forms
}
