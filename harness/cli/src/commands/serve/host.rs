//! The threads that serve.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// A runtime with so many threads, until it is dropped.
pub(super) struct Host {
    runtime: Arc<Runtime>,
    /// Ends the thread of a runtime that has none of its own.
    stop: Option<oneshot::Sender<()>>,
    /// That thread.
    thread: Option<JoinHandle<()>>,
}

impl Host {
    /// Starts them. Where there is but one, nobody shares the tasks with it: a runtime that knows that asks the clock half as
    /// often.
    ///
    /// # Errors
    ///
    /// The system gives no threads.
    pub(super) fn begin(threads: usize) -> io::Result<Self> {
        if threads > 1 {
            let mut builder = Builder::new_multi_thread();
            let runtime = builder.worker_threads(threads).enable_all().build()?;
            return Ok(Self {
                runtime: Arc::new(runtime),
                stop: None,
                thread: None,
            });
        }
        let runtime = Arc::new(Builder::new_current_thread().enable_all().build()?);
        let driven = Arc::clone(&runtime);
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("serve".to_owned())
            .spawn(move || {
                // An end without a word is one too.
                let _ = driven.block_on(stopped);
            })?;
        Ok(Self {
            runtime,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Nobody waits for a task any more. A single thread ends while its owner goes on: it has much to give back.
    pub(super) fn let_go(&mut self) {
        self.stop = None;
    }

    /// What runs the tasks.
    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

impl Drop for Host {
    /// The runtime ends here, and not in the thread that drives it.
    fn drop(&mut self) {
        self.let_go();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::one(1)]
    #[case::several(2)]
    fn tasks_go_on_while_nobody_waits_for_them_and_end_with_it(#[case] threads: usize) {
        let mut host = Host::begin(threads).expect("threads");
        let (told, hears) = std::sync::mpsc::channel();
        host.runtime().spawn(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            told.send(()).expect("somebody hears");
            std::future::pending::<()>().await;
            drop(told);
        });
        hears.recv_timeout(Duration::from_secs(10)).expect("done");
        let sum = host.runtime().spawn(async { 1 + 1 });
        assert_eq!(host.runtime().block_on(sum).expect("no panic"), 2);
        host.let_go();
        drop(host);
        assert!(hears.recv().is_err(), "the task is gone");
    }
}
