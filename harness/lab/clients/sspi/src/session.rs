//! The SMTP around the tokens (RFC 5321).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::Error;

/// Longest line of a reply that is read, in octets: a challenge may have 12,288 (RFC 4954 section 4).
const LONGEST_LINE: u64 = 16_384;

/// Most lines of one reply.
const MOST_LINES: usize = 128;

/// One connection.
pub struct Session {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    /// What the server offers, in capitals.
    offers: Vec<String>,
    /// What it says cannot be followed any more.
    lost: bool,
}

/// A reply.
pub struct Reply {
    /// Its code.
    pub code: u16,
    /// The text of each line.
    pub texts: Vec<String>,
}

impl Reply {
    fn into_error(self) -> Error {
        let text = self.texts.last().map(String::as_str).unwrap_or_default();
        // A terminal is not the server's to command.
        format!("{} {}", self.code, text.escape_debug()).into()
    }
}

impl Session {
    /// Connects, and hears the greeting.
    pub fn connect(host: &str, port: u16, seconds: u64) -> Result<Self, Error> {
        let writer = TcpStream::connect((host, port))?;
        writer.set_read_timeout(Some(Duration::from_secs(seconds)))?;
        writer.set_write_timeout(Some(Duration::from_secs(seconds)))?;
        let reader = BufReader::new(writer.try_clone()?);
        Ok(Self { reader, writer, offers: Vec::new(), lost: false })
    }

    /// Says a line, where there is one, and reads the reply.
    pub fn ask(&mut self, line: Option<&str>) -> Result<Reply, Error> {
        if let Some(line) = line {
            self.writer.write_all(format!("{line}\r\n").as_bytes())?;
        }
        self.lost = true;
        let mut reply = Reply { code: 0, texts: Vec::new() };
        loop {
            let mut line = Vec::new();
            (&mut self.reader).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
            let (code, more, text) = split(&line)
                .ok_or_else(|| format!("no reply: \"{}\"", String::from_utf8_lossy(&line).trim_end().escape_debug()))?;
            if !reply.texts.is_empty() && reply.code != code {
                return Err(format!("a reply with two codes: {}, {code}", reply.code).into());
            }
            reply.code = code;
            reply.texts.push(text);
            if !more {
                self.lost = false;
                return Ok(reply);
            }
            if reply.texts.len() == MOST_LINES {
                return Err(format!("a reply of more than {MOST_LINES} lines").into());
            }
        }
    }

    /// Wants a reply that begins with this digit.
    pub fn expect(&mut self, digit: u16, line: Option<&str>) -> Result<Reply, Error> {
        let reply = self.ask(line)?;
        if reply.code / 100 == digit { Ok(reply) } else { Err(reply.into_error()) }
    }

    /// Introduces itself.
    pub fn hello(&mut self, name: &str) -> Result<(), Error> {
        self.expect(2, None)?;
        let reply = self.expect(2, Some(&format!("EHLO {name}")))?;
        self.offers = reply.texts.iter().skip(1).map(|text| text.to_ascii_uppercase()).collect();
        Ok(())
    }

    /// What stands behind that keyword in the offer, where it is offered.
    pub fn offered(&self, keyword: &str) -> Option<&str> {
        self.offers.iter().find_map(|offer| {
            let (name, rest) = offer.split_once(' ').unwrap_or((offer, ""));
            (name == keyword).then_some(rest)
        })
    }

    /// The message: lines that end with CR LF, dots stuffed, and its end (RFC 5321 section 4.5.2).
    pub fn content(&mut self, lines: &[&[u8]]) -> Result<(), Error> {
        let mut out = Vec::new();
        for line in lines {
            if line.starts_with(b".") {
                out.push(b'.');
            }
            out.extend_from_slice(line);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
        Ok(self.writer.write_all(&out)?)
    }

    /// Says goodbye, where the server can still be followed.
    pub fn quit(&mut self) {
        if !self.lost {
            let _ = self.ask(Some("QUIT"));
        }
    }
}

/// Code, whether more lines follow, and text of a whole line of a reply.
fn split(line: &[u8]) -> Option<(u16, bool, String)> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (code, rest) = line.split_at_checked(3)?;
    if !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = str::from_utf8(code).ok()?.parse().ok()?;
    let (more, text) = match rest {
        [] => (false, &[][..]),
        [b' ', text @ ..] => (false, text),
        [b'-', text @ ..] => (true, text),
        _ => return None,
    };
    Some((code, more, String::from_utf8_lossy(text).into_owned()))
}
