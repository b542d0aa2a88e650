//! Which conversations the report shows whole, of any number.
//!
//! The same rule is applied twice: in each lane, so that nothing is written out for nobody, and where all lanes come together.
//! What is chosen there is always among what each lane chooses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use claims::Verdict;

/// How many conversations are kept whole for the report, and as many again of those that failed.
pub(super) const MOST: usize = 200;

/// The choice so far. The first conversations are chosen, the first that failed, and the first that shows something of a
/// claim that none before it showed.
#[derive(Debug, Default)]
pub(super) struct Sample {
    chosen: usize,
    failed: usize,
    /// For each claim, a bit for each word and for whether it holds.
    shown: Vec<u32>,
    filled: Arc<Filled>,
}

/// How far the choice from all lanes is filled. Lanes look at conversations that come behind all that it was made from.
#[derive(Debug, Default)]
struct Filled {
    whole: AtomicBool,
    failed: AtomicBool,
}

impl Sample {
    /// For a lane of which the conversations come to `self`.
    pub(super) fn of_lane(&self) -> Self {
        Self {
            filled: Arc::clone(&self.filled),
            ..Self::default()
        }
    }

    /// Whether a conversation that got these verdicts is chosen.
    pub(super) fn takes(&mut self, verdicts: &[Verdict], holds: &[Option<bool>]) -> bool {
        let failed = verdicts.contains(&Verdict::Fail);
        let Filled {
            whole,
            failed: most,
        } = &*self.filled;
        let full = self.chosen >= MOST || whole.load(Ordering::Relaxed);
        let full_of_failed = self.failed >= MOST || most.load(Ordering::Relaxed);
        let takes = self.shows_more(verdicts, holds) || !full || failed && !full_of_failed;
        if takes {
            self.chosen += 1;
            self.failed += usize::from(failed);
        }
        takes
    }

    /// Tells the lanes how far it is filled.
    pub(super) fn tell(&self) {
        let Filled { whole, failed } = &*self.filled;
        whole.store(self.chosen >= MOST, Ordering::Relaxed);
        failed.store(self.failed >= MOST, Ordering::Relaxed);
    }

    fn shows_more(&mut self, verdicts: &[Verdict], holds: &[Option<bool>]) -> bool {
        if self.shown.len() < verdicts.len() {
            self.shown.resize(verdicts.len(), 0);
        }
        let holds = holds.iter().copied().chain(std::iter::repeat(None));
        let mut more = false;
        for ((shown, verdict), holds) in self.shown.iter_mut().zip(verdicts).zip(holds) {
            let state = match holds {
                None => 0,
                Some(false) => 1,
                Some(true) => 2,
            };
            let bit = 1 << (3 * *verdict as u32 + state);
            more |= *shown & bit == 0;
            *shown |= bit;
        }
        more
    }
}
