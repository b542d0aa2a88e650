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
use wire::pipeline::SpareTime;

use super::Backlog;

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
    /// that did not pay, it is half as long the next time, so that a server with little to do costs nothing. Meanwhile
    /// `lender` gets the moments in which nobody says anything.
    pub(super) async fn stay_awake(&self, most: Duration, lender: Lender) -> Infallible {
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
                } else if lender.lend() {
                    since = Instant::now();
                }
            }
            lender.spare.withdraw();
            let asleep = Instant::now();
            self.asleep.store(true, Ordering::Relaxed);
            self.wake.notified().await;
            patience = next(patience, most, asleep.elapsed());
        }
    }
}

/// Lends time that is not needed for serving, until it is dropped.
#[derive(Debug)]
pub(super) struct Lender {
    pub(super) spare: SpareTime,
    pub(super) backlog: Option<Backlog>,
}

impl Lender {
    /// Says whether there was a use for it.
    fn lend(&self) -> bool {
        if self.is_needed() {
            return self.spare.lend();
        }
        self.spare.withdraw();
        false
    }

    /// As long as others get the time that they need, or where clients are made to wait and there is more of it than one thread
    /// has, it is left to them.
    fn is_needed(&self) -> bool {
        let needs = |backlog: &Backlog| backlog.is_behind() && !backlog.is_long();
        self.backlog.as_ref().is_none_or(needs)
    }
}

impl Drop for Lender {
    fn drop(&mut self) {
        self.spare.withdraw();
    }
}

/// How long to look out the next time, after a sleep of that length.
fn next(patience: Duration, most: Duration, slept: Duration) -> Duration {
    if slept < most { most } else { patience / 2 }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use std::net::SocketAddr;

    use tokio::time::{sleep, timeout};
    use wire::pipeline::Progress;

    use super::*;
    use crate::tap::{Recorder, RecorderOptions};

    #[test]
    fn what_did_not_pay_is_halved_until_it_would_have_paid() {
        let micros = Duration::from_micros;
        let (most, long) = (micros(100), Duration::from_secs(1));
        assert_eq!(next(most, most, long), micros(50));
        assert_eq!(next(micros(50), most, long), micros(25));
        assert_eq!(next(Duration::ZERO, most, long), Duration::ZERO);
        assert_eq!(next(Duration::ZERO, most, micros(99)), most);
    }

    #[test]
    fn time_is_lent_where_judging_is_behind_and_clients_do_not_wait_for_it() {
        let recorder = Recorder::new(Box::new(std::io::sink()), RecorderOptions::default());
        let recorder = recorder.expect("a capture");
        let progress = Arc::new(Progress::default());
        let lender = Lender {
            spare: SpareTime::default(),
            backlog: Some(Backlog::new(&recorder, Arc::clone(&progress), 50_000)),
        };
        let address = SocketAddr::from(([127, 0, 0, 1], 25));
        // Three frames open a connection.
        let record = |frames: u64| {
            for _ in 0..frames / 3 {
                drop(recorder.open(address, address));
            }
        };
        record(19_998);
        assert!(!lender.is_needed(), "it keeps up");
        record(3);
        assert!(lender.is_needed());
        progress.delivered.store(5_000, Ordering::Relaxed);
        assert!(lender.is_needed(), "a quarter of it is left to do");
        progress.delivered.store(5_001, Ordering::Relaxed);
        assert!(!lender.is_needed());
        record(50_001);
        assert!(!lender.is_needed(), "clients wait");
    }

    #[tokio::test]
    async fn it_looks_out_after_each_beat_and_sleeps_then() {
        let pulse = Arc::new(Pulse::default());
        let watched = Arc::clone(&pulse);
        let lender = Lender {
            spare: SpareTime::default(),
            backlog: None,
        };
        let most = Duration::from_millis(1);
        let awake = tokio::spawn(async move { watched.stay_awake(most, lender).await });
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
