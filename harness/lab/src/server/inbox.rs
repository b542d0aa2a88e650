//! Bytes that were read and not yet used: lines and counted runs taken out of them, within bounds.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use memchr::memchr;
use tokio::io::{AsyncRead, ReadBuf};

/// A line from the client, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The line.
    Text(Vec<u8>),
    /// It was longer than allowed; its bytes were dropped.
    TooLong,
}

/// The input buffer of a connection.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    /// How many of the bytes are known to hold no line end.
    scanned: usize,
    /// Whether the rest of an overlong line is being dropped.
    dropping: bool,
}

/// Bytes read at a time.
const READ: usize = 16 << 10;

impl Inbox {
    /// Adds what can be read, and says how much that is; nothing at the end. The room to read into is nobody's while
    /// there is nothing to read, so that a connection that waits takes little memory.
    pub(super) fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut room = [const { MaybeUninit::uninit() }; READ];
        let mut buffer = ReadBuf::uninit(&mut room);
        ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
        self.push(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Adds what was read.
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes that are waiting to be used.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets everything, as RFC 3207 section 4.2 demands after STARTTLS.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes a line of at most `limit` bytes, if there is a whole one. A bare LF ends it too: the line's real end is
    /// for the capture to judge.
    pub(super) fn line(&mut self, limit: usize) -> Option<Line> {
        let fresh = self.bytes.get(self.scanned..).unwrap_or_default();
        let Some(end) = memchr(b'\n', fresh).map(|at| at + self.scanned) else {
            self.scanned = self.bytes.len();
            if self.bytes.len() > limit {
                self.dropping = true;
                self.bytes.clear();
                self.scanned = 0;
            }
            return None;
        };
        let mut line: Vec<u8> = self.bytes.drain(..=end).collect();
        self.scanned = 0;
        let dropped = std::mem::take(&mut self.dropping);
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if dropped || line.len() > limit {
            return Some(Line::TooLong);
        }
        Some(Line::Text(line))
    }

    /// Takes up to `wanted` bytes, shows them, and says how many there were.
    pub(super) fn skip(&mut self, wanted: u64, show: impl FnOnce(&[u8])) -> u64 {
        let here = usize::try_from(wanted)
            .unwrap_or(usize::MAX)
            .min(self.bytes.len());
        show(self.bytes.get(..here).unwrap_or_default());
        self.bytes.drain(..here);
        self.scanned = 0;
        here as u64
    }

    /// Hands the bytes to a reader that says how many it used.
    pub(super) fn feed<T>(&mut self, reader: impl FnOnce(&[u8]) -> (usize, T)) -> T {
        let (used, outcome) = reader(&self.bytes);
        self.bytes.drain(..used.min(self.bytes.len()));
        self.scanned = 0;
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str) -> Line {
        Line::Text(line.as_bytes().to_vec())
    }

    #[test]
    fn lines_come_out_whole_however_they_came_in() {
        let mut inbox = Inbox::default();
        inbox.push(b"EH");
        assert_eq!(inbox.line(100), None);
        inbox.push(b"LO x\r\nNOOP\nQU");
        assert_eq!(inbox.line(100), Some(text("EHLO x")));
        assert_eq!(inbox.line(100), Some(text("NOOP")));
        assert_eq!(inbox.line(100), None);
    }

    #[test]
    fn an_overlong_line_is_dropped_to_its_end_and_no_further() {
        let mut inbox = Inbox::default();
        for _ in 0..1000 {
            inbox.push(&[b'a'; 64]);
            assert_eq!(inbox.line(100), None);
            assert!(inbox.bytes.len() <= 164, "the buffer stays small");
        }
        inbox.push(b"\r\nQUIT\r\n");
        assert_eq!(inbox.line(100), Some(Line::TooLong));
        assert_eq!(inbox.line(100), Some(text("QUIT")));
    }

    #[test]
    fn counted_bytes_are_skipped() {
        let mut inbox = Inbox::default();
        inbox.push(b"12345QUIT\r\n");
        assert_eq!(inbox.skip(3, |bytes| assert_eq!(bytes, b"123")), 3);
        assert_eq!(inbox.skip(2, |_| {}), 2);
        assert_eq!(inbox.line(100), Some(text("QUIT")));
        assert_eq!(inbox.skip(u64::MAX, |_| {}), 0);
    }
}
