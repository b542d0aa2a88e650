//! Many conversations in little room: what they have in common stands once, and the whole is compressed.
//!
//! A conversation's part of the page is cut into lines. A line that stood in an earlier one, but for its packet numbers
//! and names, is a number here; the script of the page puts the lines together again when somebody opens it. Nothing is
//! lost on the way: what is put together is the same text that a small page holds in full.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use claims::result::{CheckOutcome, ConversationOutcome};
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::conversation::{anchor, began, body, failed};
use crate::page::escape;

/// How many compressed bytes the details may take; with base64 and the rest, the page is then under 5 MiB.
const MOST: usize = 3 << 20;
/// How many the headings may take. Conversations beyond that are only counted.
const MOST_ROWS: usize = 512 << 10;
/// How many bytes of lines are held to be compared with.
const MOST_LINES: usize = 128 << 20;

/// Stands for a number, counted from the first packet of the conversation.
const PACKET: char = '\u{1}';
/// Ends what one of the others began.
const END: char = '\u{2}';
/// The conversation's place in the page.
const ANCHOR: char = '\u{3}';
/// Its id.
const ID: char = '\u{4}';
/// Its client.
const CLIENT: char = '\u{5}';

/// Conversations, packed. They may come one by one.
#[derive(Debug)]
pub struct Pack {
    rows: Deflate,
    lines: Deflate,
    bodies: Deflate,
    known: HashMap<String, u32>,
    held: usize,
    count: u64,
    left_out: u64,
    unlisted: u64,
    /// The part of the page that is being packed.
    text: String,
}

impl Default for Pack {
    fn default() -> Self {
        Self {
            rows: Deflate::new(),
            lines: Deflate::new(),
            bodies: Deflate::new(),
            known: HashMap::new(),
            held: 0,
            count: 0,
            left_out: 0,
            unlisted: 0,
            text: String::new(),
        }
    }
}

impl Pack {
    /// Takes a conversation. Those that have a failure come with their details as long as there is room; the others as long
    /// as half of it is left.
    pub fn add(&mut self, conversation: &ConversationOutcome, findings: &[&CheckOutcome]) {
        let failed = failed(conversation, findings);
        let names = Names::of(conversation);
        self.count += 1;
        if self.rows.len() >= MOST_ROWS {
            self.unlisted += 1;
            return;
        }
        let row = serde_json::json!([
            anchor(&conversation.id),
            escape(&conversation.id),
            escape(&conversation.client),
            escape(&conversation.server),
            escape(began(conversation)),
            u8::from(failed),
            names.packets.0
        ]);
        self.rows.write(&row.to_string());
        self.rows.write("\n");
        let taken = self.lines.len() + self.bodies.len();
        let room = if failed { MOST } else { MOST / 2 };
        if taken < room && self.held < MOST_LINES {
            let mut text = std::mem::take(&mut self.text);
            text.clear();
            body(&mut text, conversation, findings);
            self.body(&text, &names);
            self.text = text;
        } else {
            self.left_out += 1;
        }
        self.bodies.write("\n");
    }

    fn body(&mut self, text: &str, names: &Names) {
        let mut numbers = String::new();
        for line in text.lines() {
            let number = match self.known.get(line) {
                Some(number) => *number,
                None => self.number(names.taken_out(line)),
            };
            if !numbers.is_empty() {
                numbers.push(' ');
            }
            let _ = write!(numbers, "{number}");
        }
        self.bodies.write(&numbers);
    }

    fn number(&mut self, line: String) -> u32 {
        if let Some(number) = self.known.get(&line) {
            return *number;
        }
        let number = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        self.lines.write(&line);
        self.lines.write("\n");
        self.held += line.len();
        self.known.insert(line, number);
        number
    }

    /// How many conversations there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// How many of them are not even listed.
    pub(super) fn unlisted(&self) -> u64 {
        self.unlisted
    }

    /// How many of those that are listed are without their details.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Rows, lines and bodies, as the script of the page finds them.
    pub(super) fn write(self, out: &mut String) {
        for (id, packed) in [
            ("rows", self.rows),
            ("lines", self.lines),
            ("bodies", self.bodies),
        ] {
            let _ = writeln!(
                out,
                "<script type=\"application/octet-stream\" id=\"packed-{id}\">{}</script>",
                BASE64_STANDARD.encode(packed.finish())
            );
        }
    }
}

/// First and last packet, as far as they are told.
fn packets(conversation: &ConversationOutcome) -> (u64, u64) {
    if let Some(range) = &conversation.packets {
        return (range.first, range.last);
    }
    let told = || {
        let lines = conversation.transcript.iter();
        lines.flat_map(|line| &line.packets).copied()
    };
    (told().min().unwrap_or(0), told().max().unwrap_or(0))
}

/// What differs from one conversation to the next.
struct Names {
    anchor: String,
    id: String,
    client: String,
    packets: (u64, u64),
}

impl Names {
    fn of(conversation: &ConversationOutcome) -> Self {
        Self {
            anchor: anchor(&conversation.id),
            id: escape(&conversation.id),
            client: escape(&conversation.client),
            packets: packets(conversation),
        }
    }

    /// A line without them. The text of a page holds no control character, so that the marks cannot be mistaken.
    fn taken_out(&self, line: &str) -> String {
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let named = [
                (&self.client, CLIENT),
                (&self.id, ID),
                (&self.anchor, ANCHOR),
            ];
            let name = named
                .iter()
                .find(|(name, _)| !name.is_empty() && rest.starts_with(name.as_str()));
            let taken = if let Some((name, mark)) = name {
                out.push(*mark);
                name.len()
            } else if first.is_ascii_digit() {
                self.number(rest, &mut out)
            } else {
                out.push(first);
                first.len_utf8()
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        out
    }

    /// Takes the digits at the beginning; says how many there were.
    fn number(&self, text: &str, out: &mut String) -> usize {
        let length = text.bytes().take_while(u8::is_ascii_digit).count();
        let digits = text.get(..length).unwrap_or_default();
        // What the script counts with must be a number that it writes in the same digits.
        let number = (length < 16 && (length == 1 || !digits.starts_with('0')))
            .then(|| digits.parse::<u64>().ok())
            .flatten();
        let (first, last) = self.packets;
        match number {
            Some(number) if (first..=last).contains(&number) => {
                let _ = write!(out, "{PACKET}{}{END}", number - first);
            }
            _ => out.push_str(digits),
        }
        length
    }
}

/// Text that is compressed as it comes.
#[derive(Debug)]
struct Deflate(DeflateEncoder<Vec<u8>>);

impl Deflate {
    fn new() -> Self {
        Self(DeflateEncoder::new(Vec::new(), Compression::new(6)))
    }

    fn write(&mut self, text: &str) {
        let written = self.0.write_all(text.as_bytes());
        debug_assert!(written.is_ok(), "writing to memory does not fail");
    }

    /// How many bytes it has come to so far, but for what is still being looked at.
    fn len(&self) -> usize {
        self.0.get_ref().len()
    }

    fn finish(self) -> Vec<u8> {
        self.0.finish().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::DeflateDecoder;

    use super::*;
    use crate::{html, sample};

    fn unpacked(page: &str, id: &str) -> Vec<String> {
        let start = format!("id=\"packed-{id}\">");
        let (_, rest) = page.split_once(&start).expect("it is in the page");
        let packed = &rest[..rest.find('<').expect("it ends")];
        let bytes = BASE64_STANDARD.decode(packed).expect("base64");
        let mut text = String::new();
        DeflateDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .expect("deflate");
        text.lines().map(str::to_owned).collect()
    }

    /// As the script of the page does it.
    fn put(line: &str, row: &serde_json::Value) -> String {
        let base = row[6].as_u64().expect("a number");
        let mut out = String::new();
        let mut rest = line;
        while let Some(at) = rest.find(PACKET) {
            out.push_str(&rest[..at]);
            let (digits, after) = rest[at + 1..].split_once(END).expect("it ends");
            let _ = write!(out, "{}", base + digits.parse::<u64>().expect("digits"));
            rest = after;
        }
        out.push_str(rest);
        let text = |column: usize| row[column].as_str().expect("a text");
        out.replace(ANCHOR, text(0))
            .replace(ID, text(1))
            .replace(CLIENT, text(2))
    }

    #[test]
    fn what_is_unpacked_is_what_a_small_page_holds() {
        let mut outcome = sample::audit();
        let originals = outcome.conversations.clone();
        outcome.conversations = (0..300_u64)
            .map(|number| {
                let mut one = originals[usize::from(number % 3 == 0)].clone();
                one.id = format!("C1/{}", number + 1);
                one.client = format!("10.0.0.7:{}", 40_000 + number);
                let range = one.packets.as_mut().expect("it is told");
                range.first += 100 * number;
                range.last += 100 * number;
                for line in &mut one.transcript {
                    for packet in &mut line.packets {
                        *packet += 100 * number;
                    }
                }
                one
            })
            .collect();
        let page = html::render(&outcome, crate::Style::default());
        let (rows, lines, bodies) = (
            unpacked(&page, "rows"),
            unpacked(&page, "lines"),
            unpacked(&page, "bodies"),
        );
        assert_eq!((rows.len(), bodies.len()), (300, 300));
        for ((conversation, row), numbers) in outcome.conversations.iter().zip(&rows).zip(&bodies) {
            let row: serde_json::Value = serde_json::from_str(row).expect("JSON");
            let again: Vec<_> = numbers
                .split(' ')
                .map(|number| put(&lines[number.parse::<usize>().expect("a number")], &row))
                .collect();
            let mut whole = String::new();
            body(&mut whole, conversation, &[]);
            assert_eq!(again.join("\n") + "\n", whole);
        }
        assert!(page.len() < 80_000, "{} bytes", page.len());
        assert!(lines.len() < 400, "{} lines are not shared", lines.len());
    }
}
