//! Time that a thread with something more urgent to do has to spare now and then.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// What can be done a little at a time.
pub(super) trait Piecework: Send + Sync {
    /// Does a little, and waits for nothing. Says whether there was anything to do.
    fn do_a_little(&self) -> bool;

    /// Nobody lends time any more.
    fn take_over(&self);
}

/// Where a thread that is idle for some microseconds at a time lends them to the reading of captures. Clones are the same.
///
/// On a machine with few processors, threads that read get none while others are busy, however often these wait for each
/// other; and to wake one takes longer than such a wait.
#[derive(Clone, Default)]
pub struct SpareTime {
    work: Arc<RwLock<Option<Arc<dyn Piecework>>>>,
}

impl SpareTime {
    /// Does a little of what is to be done, some microseconds of it, and waits for nothing. Says whether there was anything
    /// to do. From now on everything is left to whoever calls this, until [`SpareTime::withdraw`].
    pub fn lend(&self) -> bool {
        let Ok(work) = self.work.try_read() else {
            return false;
        };
        work.as_ref().is_some_and(|work| work.do_a_little())
    }

    /// Lends no more for now; others take over.
    pub fn withdraw(&self) {
        let work = self.work.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(work) = &*work {
            work.take_over();
        }
    }

    /// Offers some work, until what this gives is dropped.
    pub(super) fn offer(&self, work: Arc<dyn Piecework>) -> Offer<'_> {
        self.set(Some(work));
        Offer(self)
    }

    fn set(&self, work: Option<Arc<dyn Piecework>>) {
        *self.work.write().unwrap_or_else(PoisonError::into_inner) = work;
    }
}

impl fmt::Debug for SpareTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpareTime")
    }
}

/// Work that is offered.
pub(super) struct Offer<'a>(&'a SpareTime);

impl Drop for Offer<'_> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}
