//! What many messages share on their way to the disk: one sync of the capture, one of the folder, one of the journal.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use tokio::sync::oneshot;

use crate::store::{Inner, Ready};

/// The most that is put together.
const MOST: usize = 1024;

/// A message whose file is on the disk, and whom to tell once everything about it is.
struct Request {
    ready: Option<Ready>,
    answer: oneshot::Sender<io::Result<()>>,
}

/// Hands messages to the thread that commits them.
#[derive(Clone, Debug)]
pub(crate) struct Committer(Sender<Request>);

impl Committer {
    /// Starts the thread; it ends with the last clone of this.
    pub(crate) fn start(inner: Arc<Inner>) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        thread::Builder::new()
            .name("commit".to_owned())
            .spawn(move || run(&inner, &receiver))?;
        Ok(Self(sender))
    }

    /// Waits until the message, its entry and every packet so far are on the disk.
    pub(crate) async fn commit(&self, ready: Option<Ready>) -> io::Result<()> {
        let (answer, answered) = oneshot::channel();
        let gone = || io::Error::other("nobody commits any more");
        self.0.send(Request { ready, answer }).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn run(inner: &Inner, requests: &Receiver<Request>) {
    // What comes while one batch is on its way is the next.
    while let Ok(first) = requests.recv() {
        let mut batch = vec![first];
        batch.extend(requests.try_iter().take(MOST - 1));
        let (ready, answers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|request| (request.ready, request.answer))
            .unzip();
        let ready: Vec<_> = ready.into_iter().flatten().collect();
        let done = inner.commit_synced(&ready);
        for answer in answers {
            let own = done
                .as_ref()
                .map_err(|error| io::Error::new(error.kind(), error.to_string()))
                .copied();
            // Who is gone needs no answer.
            let _ = answer.send(own);
        }
    }
}
