//! What was recorded and not yet worked through, and the pace that it leaves.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use wire::pipeline::Progress;

use crate::tap::Recorder;

/// How long a connection waits with what it read, while there is too much. Short, so that mail still goes on where nobody
/// works through anything any more.
const PAUSE: Duration = Duration::from_millis(5);

/// How many frames wait where judging gets too little time: some hundredths of a second of it.
const BEHIND: u64 = 20_000;

/// Frames that a capture holds and that whoever follows it has not come to.
///
/// Where serving comes first, judging may fall behind for as long as clients send all they can. What waits for it lies in
/// captures; so that these do not fill the disk, clients are served more slowly from when there is too much until a
/// quarter of it is worked through.
#[derive(Clone)]
pub struct Backlog {
    recorded: Arc<AtomicU64>,
    progress: Arc<Progress>,
    most: u64,
    /// It was too long, and is not yet short again.
    long: Arc<AtomicBool>,
    /// The same for what is behind.
    behind: Arc<AtomicBool>,
}

impl Backlog {
    /// Frames of `recorder` beyond those that `progress` tells to be delivered: `most` may wait.
    pub fn new(recorder: &Recorder, progress: Arc<Progress>, most: u64) -> Self {
        Self {
            recorded: recorder.frames(),
            progress,
            most,
            long: Arc::default(),
            behind: Arc::default(),
        }
    }

    /// Waits a little where too much waits.
    pub(super) async fn pace(&self) {
        if self.is_long() {
            sleep(PAUSE).await;
        }
    }

    /// Whether too much waits.
    pub(super) fn is_long(&self) -> bool {
        // A quarter at a time: to serve and to judge by turns takes less than both at once, as each has the caches to itself.
        self.exceeds(self.most, &self.long)
    }

    /// Whether so much waits that whoever judges gets too little time.
    pub(super) fn is_behind(&self) -> bool {
        self.exceeds(BEHIND.min(self.most), &self.behind)
    }

    /// Whether more than `most` wait, or did, and it is not a quarter less yet.
    fn exceeds(&self, most: u64, before: &AtomicBool) -> bool {
        let recorded = self.recorded.load(Ordering::Relaxed);
        let delivered = self.progress.delivered.load(Ordering::Relaxed);
        let did = before.load(Ordering::Relaxed);
        let room = if did { most / 4 } else { 0 };
        let does = recorded.saturating_sub(delivered) > most - room;
        if does != did {
            before.store(does, Ordering::Relaxed);
        }
        does
    }
}

impl fmt::Debug for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backlog")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::time::Instant;

    use super::*;
    use crate::tap::RecorderOptions;

    #[tokio::test(start_paused = true)]
    async fn clients_wait_only_while_too_much_does() {
        let recorder = Recorder::new(Box::new(std::io::sink()), RecorderOptions::default());
        let recorder = recorder.expect("a capture");
        let progress = Arc::new(Progress::default());
        let backlog = Backlog::new(&recorder, Arc::clone(&progress), 4);
        let begun = Instant::now();
        let address = SocketAddr::from(([127, 0, 0, 1], 25));
        // Three frames open a connection.
        let _first = recorder.open(address, address);
        backlog.pace().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let _second = recorder.open(address, address);
        backlog.pace().await;
        backlog.pace().await;
        assert_eq!(begun.elapsed(), 2 * PAUSE);
        progress.delivered.store(2, Ordering::Relaxed);
        backlog.pace().await;
        assert_eq!(begun.elapsed(), 3 * PAUSE, "too many were waiting");
        progress.delivered.store(3, Ordering::Relaxed);
        backlog.pace().await;
        assert_eq!(begun.elapsed(), 3 * PAUSE, "a quarter is gone");
        progress.delivered.store(2, Ordering::Relaxed);
        backlog.clone().pace().await;
        assert_eq!(begun.elapsed(), 3 * PAUSE, "four are not too many");
    }
}
