//! The texts of messages: letters and digits of every part, in the encoding that it has.
//!
//! Structure stays: headers, boundaries, line ends, and everything of CMS but the content that is only signed.

use std::ops::Range;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use smtp::message::{Message, Part, TransferEncoding};
use smtp::timeline::Data;

use super::conversation::side;
use super::stream::Stream;
use super::token::MARK;

/// Writes over the text of a message, and says of how many parts.
pub(super) fn redact(data: &Data, streams: &mut [Stream; 2]) -> usize {
    let content = &data.content;
    let message = Message::of(content, &[]);
    let mut new = content.bytes().to_vec();
    let mut count = 0;
    for part in message.parts() {
        if !part.children.is_empty() {
            continue;
        }
        count += 1;
        let range = part.body.clone();
        let Some(body) = new.get_mut(range) else {
            continue;
        };
        leaf(part, body);
    }
    // The preamble and the epilogue of a multipart are text, too.
    for range in between(&message, content.bytes()) {
        if let Some(text) = new.get_mut(range) {
            words(text);
        }
    }
    let stream = &mut streams[side(data.span.direction)];
    for (place, (old, new)) in content.bytes().iter().zip(&new).enumerate() {
        if old != new {
            let at = content.span(place..place + 1).start;
            stream.set(at, &[*new]);
        }
    }
    count
}

fn leaf(part: &Part, body: &mut [u8]) {
    let is_cms = part.cms.as_ref().is_some_and(Result::is_ok);
    match part.transfer_encoding {
        TransferEncoding::Base64 => {
            let digits: Vec<usize> = (0..body.len())
                .filter(|at| !body[*at].is_ascii_whitespace())
                .collect();
            let text: Vec<u8> = digits.iter().map(|at| body[*at]).collect();
            let Ok(mut decoded) = BASE64_STANDARD.decode(&text) else {
                words(body);
                return;
            };
            if is_cms {
                super::token::signed_text(&mut decoded, words);
            } else {
                hide_all(&mut decoded);
            }
            let again = BASE64_STANDARD.encode(&decoded);
            if again.len() == digits.len() {
                for (at, byte) in digits.into_iter().zip(again.bytes()) {
                    body[at] = byte;
                }
            }
        }
        TransferEncoding::QuotedPrintable => quoted(body),
        _ if is_cms => super::token::signed_text(body, words),
        _ => hide_all(body),
    }
}

/// Letters, digits, and characters beyond ASCII: eight bits stay eight bits, and UTF-8 stays UTF-8.
fn hide_all(bytes: &mut [u8]) {
    let continues = |byte: Option<&u8>| byte.is_some_and(|byte| (0x80..=0xbf).contains(byte));
    for at in 0..bytes.len() {
        let byte = bytes[at];
        if byte.is_ascii_alphanumeric() {
            bytes[at] = MARK;
        } else if (0x80..=0xbf).contains(&byte) {
            // After these two a higher one would be no character.
            let lower = at > 0 && matches!(bytes[at - 1], 0xed | 0xf4);
            bytes[at] = if lower { 0x80 } else { 0xa0 };
        } else if byte >= 0xc0 && !continues(bytes.get(at + 1)) {
            bytes[at] = 0xa0;
        }
    }
}

/// Text that may have the structure of a message in it: header lines and boundaries are kept.
fn words(text: &mut [u8]) {
    let mut header = true;
    for line in text.split_mut(|byte| *byte == b'\n') {
        let blank = line.trim_ascii().is_empty();
        if line.starts_with(b"--") {
            header = true;
        } else if blank {
            header = false;
        } else if !header || memchr::memchr(b':', line).is_none() && !line[0].is_ascii_whitespace()
        {
            hide_all(line);
        }
    }
}

/// Quoted-printable: what is escaped stays escaped.
fn quoted(body: &mut [u8]) {
    let mut at = 0;
    while at < body.len() {
        let escape = body[at] == b'='
            && body
                .get(at + 1..at + 3)
                .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        if escape {
            let (high, low) = (body[at + 1], body[at + 2]);
            // A letter that is escaped without need is a letter.
            let value = hex_digit(high) << 4 | hex_digit(low);
            if value.is_ascii_alphanumeric() {
                body[at + 1..at + 3].copy_from_slice(b"78");
            } else if (0x80..=0xbf).contains(&value) {
                body[at + 1..at + 3].copy_from_slice(b"A0");
            }
            at += 3;
        } else {
            hide_all(&mut body[at..=at]);
            at += 1;
        }
    }
}

fn hex_digit(digit: u8) -> u8 {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
        .unwrap_or(0)
}

/// What stands between the parts of multiparts, boundaries left out.
fn between(message: &Message, bytes: &[u8]) -> Vec<Range<usize>> {
    let mut gaps = Vec::new();
    for part in message.parts() {
        let (Some(first), Some(last)) = (part.children.first(), part.children.last()) else {
            continue;
        };
        for gap in [
            part.body.start..first.header.start,
            last.body.end..part.body.end,
        ] {
            let mut at = gap.start;
            for line in bytes
                .get(gap)
                .unwrap_or_default()
                .split_inclusive(|byte| *byte == b'\n')
            {
                if !line.starts_with(b"--") {
                    gaps.push(at..at + line.len());
                }
                at += line.len();
            }
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_stays_such() {
        let mut body = b"Gr=C3=BC=C3=9Fe =41 a=\r\n=3D=".to_vec();
        quoted(&mut body);
        assert_eq!(body, b"xx=C3=A0=C3=A0x =78 x=\r\n=3D=");
    }

    #[test]
    fn characters_stay_characters() {
        let mut text = "Grüße, 日本: 1".as_bytes().to_vec();
        hide_all(&mut text);
        let text = String::from_utf8(text).expect("UTF-8");
        assert!(!text.contains("ü") && text.starts_with("xx"), "{text}");
    }
}
