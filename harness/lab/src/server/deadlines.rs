//! What ends the wait for a client: its silence, or the end of the server.
//!
//! It is asked beside every read, and known to the runtime from one read to the next: to make both known anew each time
//! would take as long as the reading.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::stop::Stop;

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The client was silent for its time.
    Silence,
    /// The server has ended, and the connection has had its time.
    Stop,
}

/// The deadlines of one connection.
pub(super) struct Deadlines {
    idle: Duration,
    /// Completes when the client's time is over, or before: then it is told how far that has moved on meanwhile.
    silence: Pin<Box<Sleep>>,
    stop: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    stopped: bool,
    /// Once the connection is over: how long the client may take to close its side, whether or not the server ends.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Deadlines {
    /// Those of a client that may be silent for `idle`. It needs a runtime around it.
    pub(super) fn new(idle: Duration, mut stop: Stop) -> Self {
        Self {
            idle,
            silence: Box::pin(sleep(idle)),
            stop: Box::pin(async move { stop.over().await }),
            stopped: false,
            patience: None,
        }
    }

    /// The client may go on until then, whether or not the server ends.
    pub(super) fn be_patient(&mut self, until: Instant) {
        self.patience = Some(Box::pin(sleep_until(until)));
    }

    /// Until when a client may be silent that begins to be so now.
    pub(super) fn silent_until(&self) -> Instant {
        Instant::now() + self.idle
    }

    /// Completes when the client's time is over, which it is at `until`, or the server's.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, until: Instant) -> Poll<Over> {
        while self.silence.as_mut().poll(cx).is_ready() {
            if self.silence.deadline() >= until {
                return Poll::Ready(Over::Silence);
            }
            self.silence.as_mut().reset(until);
        }
        self.poll_stop(cx).map(|()| Over::Stop)
    }

    /// Completes when the server has ended and the connection has had its time.
    pub(super) async fn stopped(&mut self) {
        poll_fn(|cx| self.poll_stop(cx)).await;
    }

    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // What has completed must not be asked again.
        self.stopped = self.stopped || self.stop.as_mut().poll(cx).is_ready();
        match &mut self.patience {
            _ if !self.stopped => Poll::Pending,
            Some(patience) => patience.as_mut().poll(cx),
            None => Poll::Ready(()),
        }
    }
}

impl fmt::Debug for Deadlines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deadlines")
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::super::stop::stop;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn over(deadlines: &mut Deadlines) -> Over {
        let until = deadlines.silent_until();
        poll_fn(|cx| deadlines.poll(cx, until)).await
    }

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_the_last_read() {
        let (_stopper, heard) = stop();
        let mut deadlines = Deadlines::new(3 * SECOND, heard);
        // Two reads that did not take long.
        advance(SECOND).await;
        advance(SECOND).await;
        let begun = Instant::now();
        assert_eq!(over(&mut deadlines).await, Over::Silence);
        assert_eq!(begun.elapsed(), 3 * SECOND);
        // And the next time again.
        assert_eq!(over(&mut deadlines).await, Over::Silence);
        assert_eq!(begun.elapsed(), 6 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_server_comes_before_silence_and_after_patience() {
        let (stopper, heard) = stop();
        let mut deadlines = Deadlines::new(9 * SECOND, heard);
        stopper.at(Instant::now() + SECOND);
        let begun = Instant::now();
        assert_eq!(over(&mut deadlines).await, Over::Stop);
        assert_eq!(begun.elapsed(), SECOND);
        assert_eq!(over(&mut deadlines).await, Over::Stop, "it stays ended");
        deadlines.be_patient(Instant::now() + 2 * SECOND);
        deadlines.stopped().await;
        assert_eq!(begun.elapsed(), 3 * SECOND);
    }
}
