//! Writing a reply: chunks and flush points.

use std::future::poll_fn;
use std::io;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::scenario::Chunk;

/// Longest piece of repeated bytes that is put together before it is written.
const PIECE: usize = 16 << 10;

/// How a reply is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Every so many bytes a segment ends; `None` for no more than the reply's own flush points.
    pub(super) segment: Option<NonZeroUsize>,
    /// How long a client may refuse to take a piece.
    pub(super) idle: Duration,
}

/// Writes pieces of a reply. Each flush point ends a segment.
///
/// # Errors
///
/// Those of the stream; [`io::ErrorKind::TimedOut`] where the client takes nothing.
pub(super) async fn write<S: AsyncWrite + Unpin>(
    stream: &mut S,
    chunks: &[Chunk],
    manner: Manner,
) -> io::Result<()> {
    if let [Chunk::Send(bytes)] = chunks {
        return send(stream, bytes, manner).await;
    }
    let mut pending = Vec::new();
    for chunk in chunks {
        match chunk {
            Chunk::Send(bytes) => pending.extend_from_slice(bytes),
            // Whoever has a default reply at hand has filled it before.
            Chunk::Template(text) => pending.extend_from_slice(text.as_bytes()),
            Chunk::Generate { unit, count } => {
                generate(stream, &mut pending, unit, *count, manner).await?;
            }
            // Waiting is for the connection, which goes on reading meanwhile.
            Chunk::Flush | Chunk::Wait(_) => flush(stream, &mut pending, manner).await?,
        }
    }
    flush(stream, &mut pending, manner).await
}

/// Writes repeated bytes piece by piece, so that an endless reply takes no memory.
async fn generate<S: AsyncWrite + Unpin>(
    stream: &mut S,
    pending: &mut Vec<u8>,
    unit: &[u8],
    count: u64,
    manner: Manner,
) -> io::Result<()> {
    let a_piece = (PIECE / unit.len().max(1)).max(1);
    let piece = unit.repeat(a_piece);
    let mut left = count;
    while left > 0 {
        let now = left.min(a_piece as u64);
        let length = usize::try_from(now).unwrap_or(a_piece) * unit.len();
        pending.extend_from_slice(piece.get(..length).unwrap_or(&piece));
        left -= now;
        if left > 0 {
            flush(stream, pending, manner).await?;
        }
    }
    Ok(())
}

async fn flush<S: AsyncWrite + Unpin>(
    stream: &mut S,
    pending: &mut Vec<u8>,
    manner: Manner,
) -> io::Result<()> {
    send(stream, pending, manner).await?;
    pending.clear();
    Ok(())
}

async fn send<S: AsyncWrite + Unpin>(
    stream: &mut S,
    bytes: &[u8],
    manner: Manner,
) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let size = manner.segment.map_or(bytes.len(), NonZeroUsize::get);
    for segment in bytes.chunks(size) {
        let mut writing = pin!(async {
            stream.write_all(segment).await?;
            stream.flush().await
        });
        // Mostly the system takes it at once, and nobody has to look at the clock.
        let at_once = poll_fn(|cx| Poll::Ready(writing.as_mut().poll(cx))).await;
        match at_once {
            Poll::Ready(written) => written?,
            Poll::Pending => timeout(manner.idle, writing)
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??,
        }
        if segment.len() < bytes.len() {
            // A client on this processor gets the chance to read the piece before the next one is there.
            yield_now().await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Manner = Manner {
        segment: None,
        idle: Duration::from_secs(5),
    };

    #[tokio::test]
    async fn chunks_are_joined_up_to_the_next_flush_point() {
        let chunks = vec![
            Chunk::Send(b"25".to_vec()),
            Chunk::Send(b"0-a\r\n".to_vec()),
            Chunk::Flush,
            Chunk::Send(b"25".to_vec()),
            Chunk::Wait(Duration::from_millis(1)),
            Chunk::Send(b"0 b\r\n".to_vec()),
        ];
        // The mock takes each write only as one whole, and in this order.
        let mut stream = tokio_test::io::Builder::new()
            .write(b"250-a\r\n")
            .write(b"25")
            .write(b"0 b\r\n")
            .build();
        write(&mut stream, &chunks, WHOLE)
            .await
            .expect("all written");
    }

    #[tokio::test]
    async fn a_reply_is_cut_into_segments_of_one_size() {
        let chunks = vec![
            Chunk::Send(b"250 ok".to_vec()),
            Chunk::Flush,
            Chunk::Send(b"\r\n".to_vec()),
        ];
        let mut stream = tokio_test::io::Builder::new()
            .write(b"250 ")
            .write(b"ok")
            .write(b"\r\n")
            .build();
        let manner = Manner {
            segment: NonZeroUsize::new(4),
            ..WHOLE
        };
        write(&mut stream, &chunks, manner)
            .await
            .expect("all written");
    }

    #[tokio::test]
    async fn repeated_bytes_are_written_to_the_last() {
        let mut written = Vec::new();
        let chunks = vec![
            Chunk::Send(b"250 ".to_vec()),
            Chunk::Generate {
                unit: b"abc".to_vec(),
                count: 20_000,
            },
            Chunk::Send(b"\r\n".to_vec()),
        ];
        write(&mut written, &chunks, WHOLE)
            .await
            .expect("all written");
        assert_eq!(
            written,
            [&b"250 "[..], &b"abc".repeat(20_000), b"\r\n"].concat()
        );
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (_client, mut server) = tokio::io::duplex(16);
        let chunks = vec![Chunk::Generate {
            unit: b"250-x\r\n".to_vec(),
            count: u64::MAX,
        }];
        let manner = Manner {
            idle: Duration::from_millis(20),
            ..WHOLE
        };
        let error = write(&mut server, &chunks, manner)
            .await
            .expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
