//! What a rule says: bytes, with the points where they are flushed and the waits between them.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::decode::{Problems, Table, Value, quoted, wrong_type};
use super::values::{duration, integer, list, plain, text};
use super::{Code, Spanned, template};

/// A piece of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Bytes, as they are.
    Send(Vec<u8>),
    /// Text with places for the code and the text of the default reply.
    Template(String),
    /// The same bytes over and over.
    Generate {
        /// What is repeated; never empty.
        unit: Vec<u8>,
        /// How often.
        count: u64,
    },
    /// Nothing for a while. What came before is written first.
    Wait(Duration),
    /// What came before is written now, in a segment of its own.
    Flush,
}

/// A list of chunks. An empty one says nothing: the client is left waiting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// In order.
    pub chunks: Vec<Chunk>,
}

impl Reply {
    /// A reply of one or more lines, each given its CRLF.
    pub fn lines(text: &str) -> Self {
        let mut bytes = Vec::with_capacity(text.len() + 2);
        for line in text.trim_end_matches(['\r', '\n']).split('\n') {
            bytes.extend_from_slice(line.trim_end_matches('\r').as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        Self {
            chunks: vec![Chunk::Send(bytes)],
        }
    }

    /// The reply with its templates filled from the default reply, whose lines are joined with LF.
    pub fn resolve(&self, default: &str) -> Cow<'_, Self> {
        let is_template = |chunk: &Chunk| matches!(chunk, Chunk::Template(_));
        if !self.chunks.iter().any(is_template) {
            return Cow::Borrowed(self);
        }
        let chunks = self.chunks.iter().map(|chunk| match chunk {
            Chunk::Template(text) => Chunk::Send(template::expand(text, default)),
            other => other.clone(),
        });
        Cow::Owned(Self {
            chunks: chunks.collect(),
        })
    }

    /// Whether it leaves the client waiting: no byte of it goes out.
    pub fn says_nothing(&self) -> bool {
        let silent = |chunk: &Chunk| matches!(chunk, Chunk::Wait(_) | Chunk::Flush);
        self.chunks.iter().all(silent)
    }

    /// The code that the reply means to a client: that of the last line of the first reply in it.
    ///
    /// Later replies in the same bytes are injections and do not count. `None` where no complete line says a code.
    /// Templates say nothing before they are filled.
    pub fn code(&self) -> Option<u16> {
        for line in self.head().split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\n")?;
            let (code, rest) = line.split_at_checked(3)?;
            if rest.first() == Some(&b'-') {
                continue;
            }
            return code.iter().all(u8::is_ascii_digit).then(|| {
                code.iter()
                    .fold(0, |number, digit| number * 10 + u16::from(digit - b'0'))
            });
        }
        None
    }

    /// Its bytes, as far as they are needed to see a code.
    fn head(&self) -> Cow<'_, [u8]> {
        if let [Chunk::Send(bytes)] = self.chunks.as_slice() {
            return Cow::Borrowed(bytes);
        }
        let mut head = Vec::new();
        for chunk in &self.chunks {
            match chunk {
                Chunk::Send(bytes) => head.extend_from_slice(bytes),
                // Repeating lines all say the same.
                Chunk::Generate { unit, count } => {
                    let shown = usize::try_from(*count).unwrap_or(usize::MAX).min(8);
                    head.extend(unit.repeat(shown));
                }
                Chunk::Template(_) | Chunk::Wait(_) | Chunk::Flush => {}
            }
        }
        Cow::Owned(head)
    }
}

/// Reads `reply`: a text for one reply, or a list of chunks.
pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<Reply>> {
    if value.get_ref().is_str() {
        return whole(value, problems);
    }
    if !value.get_ref().is_array() {
        wrong_type(value, "a string or a list of chunks", problems);
        return None;
    }
    let chunks = list(chunk)(value, problems)?;
    Some(Spanned {
        value: Reply {
            chunks: plain(chunks),
        },
        span: value.span(),
    })
}

/// One reply as a text.
fn whole(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<Reply>> {
    let text = text(value, problems)?;
    if text.value.trim().is_empty() {
        problems
            .add(Code::BadValue, text.span, "a reply needs a code")
            .help("to say nothing and leave the client waiting, write `reply = []`");
        return None;
    }
    let mut reply = Reply::lines(&text.value);
    if !template::check(&text, problems) {
        return None;
    }
    if template::is_template(&text.value) {
        reply = Reply {
            chunks: reply.chunks.into_iter().map(as_template).collect(),
        };
    }
    Some(Spanned {
        value: reply,
        span: text.span,
    })
}

fn as_template(chunk: Chunk) -> Chunk {
    match chunk {
        Chunk::Send(bytes) => Chunk::Template(String::from_utf8_lossy(&bytes).into_owned()),
        other => other,
    }
}

/// What a chunk can be.
const CHUNKS: [&str; 6] = ["send", "hex", "base64", "wait", "flush", "generate"];

fn chunk(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<Chunk>> {
    let mut table = Table::open("reply", value, problems)?;
    let mut given = Vec::new();
    given.extend(table.optional("send", problems, send));
    given.extend(table.optional("hex", problems, |value, problems| {
        hex(value, problems).map(Chunk::Send)
    }));
    given.extend(table.optional("base64", problems, |value, problems| {
        let text = text(value, problems)?;
        Some(Chunk::Send(STANDARD.encode(text.value).into_bytes()))
    }));
    given.extend(table.optional("wait", problems, |value, problems| {
        Some(Chunk::Wait(duration(value, problems)?.value))
    }));
    given.extend(table.optional("flush", problems, flush));
    given.extend(table.optional("generate", problems, generate));
    let written = CHUNKS
        .iter()
        .filter(|key| table.key_span(key).is_some())
        .count();
    table.finish(problems);
    if written != 1 {
        problems
            .add(
                Code::Conflict,
                value.span(),
                format!("a chunk is exactly one of {}", quoted(&CHUNKS)),
            )
            .help("write one chunk for each, in the order in which they happen");
        return None;
    }
    given.pop().map(|value_of| Spanned {
        value: value_of,
        span: value.span(),
    })
}

/// Text as it stands, or a template.
fn send(value: &Value<'_>, problems: &mut Problems) -> Option<Chunk> {
    let text = text(value, problems)?;
    if !template::check(&text, problems) {
        return None;
    }
    Some(if template::is_template(&text.value) {
        Chunk::Template(text.value)
    } else {
        Chunk::Send(text.value.into_bytes())
    })
}

/// Bytes that TOML text cannot hold.
fn hex(value: &Value<'_>, problems: &mut Problems) -> Option<Vec<u8>> {
    let text = text(value, problems)?;
    let digits: String = text.value.split_ascii_whitespace().collect();
    if let Ok(bytes) = hex::decode(&digits) {
        return Some(bytes);
    }
    problems
        .add(
            Code::BadValue,
            text.span,
            "not a sequence of bytes in hexadecimal",
        )
        .help("two digits for each byte, spaces allowed: \"32 32 30 ff 0d 0a\"");
    None
}

fn flush(value: &Value<'_>, problems: &mut Problems) -> Option<Chunk> {
    let flag = super::values::boolean(value, problems)?;
    if !flag.value {
        problems.add(
            Code::BadValue,
            flag.span,
            "`flush` is written `true` or left out",
        );
        return None;
    }
    Some(Chunk::Flush)
}

fn generate(value: &Value<'_>, problems: &mut Problems) -> Option<Chunk> {
    let mut table = Table::open("generate", value, problems)?;
    let byte = table.optional("byte", problems, |value, problems| {
        byte(value, problems).map(|byte| vec![byte])
    });
    let line = table.optional("text", problems, |value, problems| {
        text(value, problems).map(|text| text.value.into_bytes())
    });
    let bytes = table.optional("hex", problems, hex);
    let count = table.required("count", problems, integer::<u64>);
    let written = ["byte", "text", "hex"]
        .iter()
        .filter(|key| table.key_span(key).is_some())
        .count();
    table.finish(problems);
    if written != 1 {
        problems
            .add(Code::Conflict, value.span(), "`generate` repeats either a `byte`, a `text` or `hex`")
            .help("`{ byte = \"a\", count = 65536 }` or `{ text = \"250-more\\r\\n\", count = 1000 }`");
        return None;
    }
    let unit = byte.or(line).or(bytes)?;
    if unit.is_empty() {
        problems.add(
            Code::BadValue,
            value.span(),
            "there is nothing to repeat in an empty text",
        );
        return None;
    }
    Some(Chunk::Generate {
        unit,
        count: count?.value,
    })
}

/// One byte: an ASCII character, or a number.
fn byte(value: &Value<'_>, problems: &mut Problems) -> Option<u8> {
    if value.get_ref().is_integer() {
        return integer::<u8>(value, problems).map(|byte| byte.value);
    }
    let text = text(value, problems)?;
    if let &[byte] = text.value.as_bytes() {
        return Some(byte);
    }
    problems
        .add(
            Code::BadValue,
            text.span,
            format!("`{}` is not one byte", text.value.escape_debug()),
        )
        .help("write one ASCII character, or a number from 0 to 255");
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_crlf_however_they_are_written() {
        for text in ["250-a\n250 b", "250-a\r\n250 b\r\n"] {
            assert_eq!(
                Reply::lines(text).chunks,
                [Chunk::Send(b"250-a\r\n250 b\r\n".to_vec())]
            );
        }
    }

    #[test]
    fn the_code_is_that_of_the_last_line_of_the_first_reply() {
        let code = |text: &str| {
            Reply {
                chunks: vec![Chunk::Send(text.as_bytes().to_vec())],
            }
            .code()
        };
        assert_eq!(code("250-a\r\n550 b\r\n"), Some(550));
        assert_eq!(code("220 go\r\n250 injected\r\n"), Some(220));
        assert_eq!(code("250\r\n"), Some(250));
        assert_eq!(code("250 no end"), None);
        assert_eq!(code("hello\r\n"), None);
        assert_eq!(code("25\r\n"), None);
        assert_eq!(Reply::default().code(), None);
    }

    #[test]
    fn the_code_is_seen_across_chunks() {
        let chunks = vec![
            Chunk::Send(b"35".to_vec()),
            Chunk::Wait(Duration::from_millis(1)),
            Chunk::Send(b"4 go".to_vec()),
            Chunk::Generate {
                unit: b"\r\n".to_vec(),
                count: u64::MAX,
            },
        ];
        assert_eq!(Reply { chunks }.code(), Some(354));
    }
}
