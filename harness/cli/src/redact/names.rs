//! Mail addresses and user names, where they are to be taken out, too: each gets a placeholder of its own, so that equal
//! ones stay equal and others do not become so.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, MatchKind};
use smtp::Timeline;
use smtp::message::Message;

use super::conversation::under_tls;
use super::stream::Stream;
use crate::Failure;

/// Shorter names stand anywhere by chance, so they are taken out of addresses only.
const SHORTEST: usize = 3;

/// What every name becomes.
#[derive(Default)]
pub(super) struct Names {
    finder: Option<AhoCorasick>,
    placeholders: Vec<Vec<u8>>,
    /// How many are too short to be told from other text outside of addresses.
    pub(super) short: usize,
}

impl Names {
    /// Every name that stands in these conversations.
    pub(super) fn of<'a>(timelines: impl Iterator<Item = &'a Timeline>) -> Result<Self, Failure> {
        let mut found = BTreeSet::new();
        for timeline in timelines {
            for name in timeline
                .authentications
                .iter()
                .flat_map(|one| one.identity.names())
                .filter(|name| name.slot.is_account())
            {
                let account = name.name.rsplit(['\\', '/']).next().unwrap_or_default();
                found.insert(local_part(account).to_ascii_lowercase());
            }
            for transaction in &timeline.transactions {
                let recipients = transaction.recipients.iter().map(|one| &one.address);
                for address in recipients.chain([&transaction.reverse_path]) {
                    found.insert(local_part(&address.value).to_ascii_lowercase());
                }
            }
            for (_, data) in timeline.messages() {
                if under_tls(timeline, data.span) {
                    continue;
                }
                let message = Message::of(&data.content, &[]);
                for field in [
                    "From",
                    "Sender",
                    "Reply-To",
                    "To",
                    "Cc",
                    "Bcc",
                    "Return-Path",
                    "Resent-From",
                    "Resent-To",
                    "Resent-Cc",
                    "Disposition-Notification-To",
                    "Delivered-To",
                ] {
                    let addresses = message.addresses(field);
                    found.extend(
                        addresses
                            .iter()
                            .map(|(one, _)| local_part(one).to_ascii_lowercase()),
                    );
                }
            }
        }
        found.remove("");
        Self::new(&found)
    }

    fn new(names: &BTreeSet<String>) -> Result<Self, Failure> {
        let mut short = 0;
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        let mut patterns = Vec::new();
        let mut placeholders = Vec::new();
        for name in names {
            let number = counts.entry(name.len()).or_default();
            let mut placeholder = placeholder(name.len(), *number);
            let mut pattern = name.clone().into_bytes();
            *number += 1;
            if name.len() < SHORTEST {
                short += 1;
                pattern.push(b'@');
                placeholder.push(b'@');
            }
            let wide = |text: &[u8]| text.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<_>>();
            patterns.push(pattern.clone());
            patterns.push(wide(&pattern));
            placeholders.push(placeholder.clone());
            placeholders.push(wide(&placeholder));
        }
        if patterns.is_empty() {
            return Ok(Self::default());
        }
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(patterns)
            .map_err(|error| Failure::input(format!("too many names to look for: {error}")))?;
        Ok(Self {
            finder: Some(finder),
            placeholders,
            short,
        })
    }

    /// Writes over every name that stands in a text as a word of its own.
    pub(super) fn hide(&self, text: &mut [u8]) {
        for (place, which) in self.places(text) {
            text[place..place + self.placeholders[which].len()]
                .copy_from_slice(&self.placeholders[which]);
        }
    }

    /// The same in a stream, up to where TLS begins; answers how many places there were.
    pub(super) fn hide_in(&self, stream: &mut Stream, until: Option<u64>) -> usize {
        let mut count = 0;
        let extents: Vec<_> = stream.extents().collect();
        for extent in extents {
            let end = until.map_or(extent.end, |until| extent.end.min(until));
            if end <= extent.start {
                continue;
            }
            let Some(text) = stream.get(extent.start..end) else {
                continue;
            };
            for (place, which) in self.places(&text) {
                stream.set(extent.start + place as u64, &self.placeholders[which]);
                count += 1;
            }
        }
        count
    }

    fn places(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let Some(finder) = &self.finder else {
            return Vec::new();
        };
        let inside = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        finder
            .find_iter(text)
            .filter(|found| {
                let before = found.start().checked_sub(1).and_then(|at| text.get(at));
                let address = text[found.range()].contains(&b'@');
                !inside(before) && (address || !inside(text.get(found.end())))
            })
            .map(|found| (found.start(), found.pattern().as_usize()))
            .collect()
    }
}

fn local_part(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(local, _)| local)
}

/// The `number`th placeholder of a length: letters, the first of which say which it is.
fn placeholder(length: usize, mut number: usize) -> Vec<u8> {
    let mut text = vec![b'x'; length];
    for byte in text.iter_mut().rev() {
        if number == 0 {
            break;
        }
        *byte = b"x0123456789abcdefghijklmnopqrstuvw"[number % 34];
        number /= 34;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_a_length_differ() {
        let all: BTreeSet<_> = (0..34 * 34).map(|number| placeholder(3, number)).collect();
        assert_eq!(all.len(), 34 * 34);
        assert!(all.iter().all(|one| one.len() == 3));
    }

    #[test]
    fn names_are_hidden_as_words_and_in_any_case() {
        let names = ["ann", "bob", "b"].map(str::to_owned);
        let names = Names::new(&BTreeSet::from(names)).expect("three names");
        assert_eq!(names.short, 1);
        let mut text = b"Ann@x annotated bob B\0o\0b\0 a b B@y ab@y".to_vec();
        names.hide(&mut text);
        assert_eq!(text, b"xxx@x annotated xx0 x\0x\x000\0 a b x@y ab@y");
    }
}
