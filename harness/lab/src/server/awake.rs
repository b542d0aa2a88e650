//! A thread that serves, kept from going to sleep where it would be woken at once.
//!
//! To put a thread to sleep and to wake it takes as long as serving two commands, and longer where the processor is a
//! virtual one; and it is the client's thread that does the waking. A client that sends one command after the other is
//! looked out for instead.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::yield_now;

/// Tells that clients send something.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    beats: AtomicU64,
    asleep: AtomicBool,
    wake: Notify,
}

impl Pulse {
    /// A client has sent something.
    pub(super) fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed) {
            self.wake.notify_one();
        }
    }

    /// Keeps the runtime's thread looking for more until nothing came for `most`, and again from the next beat on. Where
    /// that did not pay, it is half as long the next time, so that a server with little to do costs nothing.
    pub(super) async fn stay_awake(&self, most: Duration) -> Infallible {
        let mut patience = most;
        loop {
            let mut seen = self.beats.load(Ordering::Relaxed);
            let mut since = Instant::now();
            while since.elapsed() < patience {
                // The runtime asks the system for events before it comes back here.
                yield_now().await;
                let beats = self.beats.load(Ordering::Relaxed);
                if beats != seen {
                    (seen, since) = (beats, Instant::now());
                }
            }
            let asleep = Instant::now();
            self.asleep.store(true, Ordering::Relaxed);
            self.wake.notified().await;
            patience = next(patience, most, asleep.elapsed());
        }
    }
}

/// How long to look out the next time, after a sleep of that length.
fn next(patience: Duration, most: Duration, slept: Duration) -> Duration {
    if slept < most { most } else { patience / 2 }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::{sleep, timeout};

    use super::*;

    #[test]
    fn what_did_not_pay_is_halved_until_it_would_have_paid() {
        let micros = Duration::from_micros;
        let (most, long) = (micros(100), Duration::from_secs(1));
        assert_eq!(next(most, most, long), micros(50));
        assert_eq!(next(micros(50), most, long), micros(25));
        assert_eq!(next(Duration::ZERO, most, long), Duration::ZERO);
        assert_eq!(next(Duration::ZERO, most, micros(99)), most);
    }

    #[tokio::test]
    async fn it_looks_out_after_each_beat_and_sleeps_then() {
        let pulse = Arc::new(Pulse::default());
        let watched = Arc::clone(&pulse);
        let awake = tokio::spawn(async move { watched.stay_awake(Duration::from_millis(1)).await });
        let asleep = || pulse.asleep.load(Ordering::Relaxed);
        for _ in 0..2 {
            let limit = Duration::from_secs(10);
            let until_asleep = async {
                while !asleep() {
                    sleep(Duration::from_millis(1)).await;
                }
            };
            timeout(limit, until_asleep).await.expect("nothing came");
            pulse.beat();
            assert!(!asleep());
        }
        awake.abort();
    }
}
