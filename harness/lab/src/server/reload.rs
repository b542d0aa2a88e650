//! A server that goes on with other options: what is open keeps those that it began with.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Options, Server, Shared, Whole};

/// What the next connection begins with.
#[derive(Debug)]
pub(super) struct Current {
    whole: Arc<Whole>,
    shared: RwLock<Arc<Shared>>,
}

impl Current {
    pub(super) fn new(shared: Shared) -> Self {
        Self {
            whole: Arc::clone(&shared.whole),
            shared: RwLock::new(Arc::new(shared)),
        }
    }

    pub(super) fn get(&self) -> Arc<Shared> {
        // Nothing can panic while it is being set.
        let shared = self.shared.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&shared)
    }

    pub(super) fn whole(&self) -> &Arc<Whole> {
        &self.whole
    }
}

/// Changes a server while it runs.
#[derive(Clone, Debug)]
pub struct Reload(Arc<Current>);

impl Server {
    /// What changes this server while it runs.
    pub fn reload(&self) -> Reload {
        Reload(Arc::clone(&self.current))
    }
}

impl Reload {
    /// Serves the connections that come from now on with these options. Rules begin anew: what they were used for so far is
    /// forgotten. What holds for all connections together stays as the server was bound: its places, its limit, the limits
    /// of an address and the grace.
    ///
    /// # Errors
    ///
    /// The system gives no randomness, or a certificate cannot be made; the server goes on as before.
    pub fn with(&self, options: Options) -> io::Result<()> {
        let Self(current) = self;
        let shared = Shared::new(options, Arc::clone(&current.whole))?;
        let mut place = current
            .shared
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *place = Arc::new(shared);
        Ok(())
    }
}
