//! One client, its server, and the bytes between them.

use std::io;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Options;
use crate::server::{Arrival, Limit, Stop};
use crate::tap::{Tap, TapStream};

/// What is held of each direction: the next piece is read once this one is with the other side.
const PIECE: usize = 8 << 10;

/// How long, and how much, is read of a client that was told so, so that it can read it.
const FAREWELL: Duration = Duration::from_secs(5);
const MOST_DRAINED: usize = 64 << 10;

/// Why a passage is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Both sides ended, or one aborted and the other was told so.
    Closed,
    /// The proxy was told to stop.
    Stopped,
    /// A limit ended it, or the server was not reached.
    Limit(Limit),
}

/// Who moves bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// How a direction came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// Its sender has ended, and its receiver was told so.
    Ended,
    /// Its sender aborted.
    Aborted,
    /// Its receiver takes no more. What the receiver still says is for the other direction.
    Refused,
}

/// When something moved, and who moved it.
#[derive(Debug)]
struct Clock(Mutex<State>);

#[derive(Clone, Copy, Debug)]
struct State {
    moved: Instant,
    by: Side,
    /// The client takes nothing of what is being written to it.
    unread: bool,
}

impl Clock {
    fn new() -> Self {
        Self(Mutex::new(State {
            moved: Instant::now(),
            // A server speaks first.
            by: Side::Client,
            unread: false,
        }))
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn get(&self) -> State {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moved(&self, by: Side) {
        self.set(|state| (state.moved, state.by) = (Instant::now(), by));
    }

    /// Completes once nothing has moved for so long, with the limit that this is.
    async fn idle(&self, most: Duration) -> Limit {
        loop {
            let state = self.get();
            let deadline = state.moved + most;
            if deadline > Instant::now() {
                sleep_until(deadline).await;
            } else if state.unread {
                return Limit::Unread(most);
            } else if state.by == Side::Client {
                return Limit::Behind(most);
            } else {
                return Limit::Silence(most);
            }
        }
    }
}

/// A client that waits for its server.
pub(super) struct Passage<'a> {
    options: &'a Options,
    client: TapStream<TcpStream>,
    refused: Option<Limit>,
    stop: Stop,
}

impl<'a> Passage<'a> {
    pub(super) fn new(options: &'a Options, arrival: Arrival, tap: Tap) -> Self {
        let Arrival {
            stream: client,
            refused,
            stop,
            ..
        } = arrival;
        Self {
            options,
            client: TapStream::new(client, tap),
            refused,
            stop,
        }
    }

    /// Passes everything on, to the end.
    pub(super) async fn run(mut self) -> End {
        if let Some(limit) = self.refused {
            self.turn_away(limit).await;
            return End::Limit(limit);
        }
        let Ok(server) = self.connect().await else {
            self.turn_away(Limit::Unreached).await;
            return End::Limit(Limit::Unreached);
        };
        let Self {
            options,
            client,
            mut stop,
            ..
        } = self;
        let clock = Clock::new();
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let (mut from_server, mut to_server) = tokio::io::split(server);
        let (end, aborted) = {
            let up = pump(&mut from_client, &mut to_server, &clock, Side::Client);
            let down = pump(&mut from_server, &mut to_client, &clock, Side::Server);
            tokio::select! {
                aborted = both(up, down) => (End::Closed, aborted),
                limit = clock.idle(options.idle) => (End::Limit(limit), true),
                () = sleep(options.session) => (End::Limit(Limit::Session(options.session)), true),
                () = stop.over() => (End::Stopped, true),
            }
        };
        if aborted {
            // Each is told, so that neither takes what it has for all that was said. Where the option cannot be set the
            // socket closes as it can.
            let _ = from_client.unsplit(to_client).reset();
            let _ = from_server.unsplit(to_server).reset();
        }
        end
    }

    async fn connect(&self) -> io::Result<TapStream<TcpStream>> {
        let connecting = TcpStream::connect(&self.options.upstream);
        let server = timeout(self.options.connect, connecting).await??;
        let _ = server.set_nodelay(true);
        let tap = match (
            &self.options.behind,
            server.local_addr(),
            server.peer_addr(),
        ) {
            (Some(recorder), Ok(local), Ok(peer)) => recorder.open_to(peer, local),
            _ => Tap::none(),
        };
        Ok(TapStream::new(server, tap))
    }

    /// Tells the client that it gets no server.
    async fn turn_away(&mut self, why: Limit) {
        let client = &mut self.client;
        let told = async {
            if let Some(reply) = why.farewell() {
                client.write_all(format!("{reply}\r\n").as_bytes()).await?;
            }
            client.flush().await?;
            client.shutdown().await?;
            let mut piece = [0; 4096];
            let mut drained = 0;
            while drained < MOST_DRAINED {
                match client.read(&mut piece).await? {
                    0 => break,
                    read => drained += read,
                }
            }
            io::Result::Ok(())
        };
        // Whatever comes of it, the connection is over.
        let _ = timeout(FAREWELL, told).await;
    }
}

/// Both directions, to their ends. Says whether a side aborted, which ends both at once.
async fn both(up: impl Future<Output = Over>, down: impl Future<Output = Over>) -> bool {
    tokio::pin!(up, down);
    let (mut first, mut second) = (None, None);
    while first.is_none() || second.is_none() {
        tokio::select! {
            over = &mut up, if first.is_none() => first = Some(over),
            over = &mut down, if second.is_none() => second = Some(over),
        }
        if [first, second].contains(&Some(Over::Aborted)) {
            return true;
        }
    }
    [first, second].contains(&Some(Over::Refused))
}

/// Moves one direction, a piece at a time: nothing more is read before it is written.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    clock: &Clock,
    side: Side,
) -> Over {
    let mut piece = vec![0; PIECE];
    loop {
        let Ok(read) = from.read(&mut piece).await else {
            return Over::Aborted;
        };
        clock.moved(side);
        if read == 0 {
            return match to.shutdown().await {
                Ok(()) => Over::Ended,
                Err(_) => Over::Refused,
            };
        }
        let mut left = piece.get(..read).unwrap_or_default();
        while !left.is_empty() {
            clock.set(|state| state.unread |= side == Side::Server);
            let written = to.write(left).await;
            clock.set(|state| state.unread &= side != Side::Server);
            match written {
                Ok(1..) => clock.moved(side),
                Ok(0) | Err(_) => return Over::Refused,
            }
            left = left.get(written.unwrap_or_default()..).unwrap_or_default();
        }
        if to.flush().await.is_err() {
            return Over::Refused;
        }
    }
}
