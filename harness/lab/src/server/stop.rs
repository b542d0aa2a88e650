//! The end of a server, as its connections hear of it.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Tells connections that the server is to end.
#[derive(Debug)]
pub(crate) struct Stopper(watch::Sender<Option<Instant>>);

/// What a connection knows of it.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<Option<Instant>>);

/// A server that goes on until it is said otherwise.
pub(crate) fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(None);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Open connections may go on until then, whatever they do.
    pub(crate) fn at(&self, deadline: Instant) {
        // It fails only if no connection is left to be told.
        let _ = self.0.send(Some(deadline));
    }
}

impl Stop {
    /// Completes when the server was told to end and the time that its connections got is over.
    pub(crate) async fn over(&mut self) {
        // An error means that the server is gone, which is a stop too.
        let deadline = match self.0.wait_for(Option::is_some).await {
            Ok(deadline) => *deadline,
            Err(_) => None,
        };
        if let Some(deadline) = deadline {
            sleep_until(deadline).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_deadline_is_one_however_often_it_is_waited_for() {
        let (stopper, mut heard) = stop();
        let second = Duration::from_secs(1);
        assert!(timeout(second, heard.over()).await.is_err(), "not told yet");
        stopper.at(Instant::now() + 2 * second);
        assert!(timeout(second, heard.over()).await.is_err(), "time is left");
        let begun = Instant::now();
        heard.over().await;
        assert_eq!(begun.elapsed(), second, "not from the beginning again");
        heard.over().await;
        assert_eq!(begun.elapsed(), second);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_gone_has_ended() {
        let (stopper, mut heard) = stop();
        drop(stopper);
        heard.over().await;
    }
}
