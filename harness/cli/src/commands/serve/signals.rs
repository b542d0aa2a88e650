//! Signals that end the server, or have it read its files again.

#[cfg(unix)]
use std::sync::Arc;

use super::setup::Setup;
use crate::commands::signal::signal;

/// Completes at Ctrl-C or SIGTERM; another one ends the program.
pub(super) async fn interrupted() {
    signal().await;
    tokio::spawn(async { std::process::exit(signal().await) });
}

/// SIGHUP, as it comes.
#[cfg(unix)]
pub(super) struct Hangups {
    signals: tokio::signal::unix::Signal,
    /// Whether the program was started on a terminal, which can go away.
    on_terminal: bool,
}

#[cfg(unix)]
impl Hangups {
    /// Takes the signal, which ended the program before. It needs a runtime around it.
    pub(super) fn new() -> std::io::Result<Self> {
        use std::io::IsTerminal;

        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            signals: signal(SignalKind::hangup())?,
            on_terminal: std::io::stdin().is_terminal(),
        })
    }

    /// Reads the files again at each of them. One that says that the terminal is gone ends the server in good order.
    pub(super) async fn serve(mut self, setup: Option<Setup>) {
        let setup = setup.map(Arc::new);
        while self.signals.recv().await.is_some() {
            if self.on_terminal && std::fs::File::open("/dev/tty").is_err() {
                let us = rustix::process::getpid();
                // What cannot be sent to oneself leaves the server as it is.
                let _ = rustix::process::kill_process(us, rustix::process::Signal::TERM);
                continue;
            }
            let said = match &setup {
                None => "there is nothing to read again: a proxy passes sessions on as they are"
                    .to_owned(),
                Some(setup) => again(Arc::clone(setup)).await,
            };
            anstream::eprintln!("{said}");
        }
    }
}

/// Reads the files again, and tells how that went.
#[cfg(unix)]
async fn again(setup: Arc<Setup>) -> String {
    // It waits for the disk: sessions go on in the meantime.
    let read = tokio::task::spawn_blocking(move || setup.again()).await;
    let failure = match read {
        Ok(Ok(())) => {
            return "read again: the next connections get what is in the files now".to_owned();
        }
        Ok(Err(failure)) => failure.to_string(),
        Err(panic) => panic.to_string(),
    };
    format!("error: {failure}\nthe server goes on as before")
}

/// There is no such signal.
#[cfg(not(unix))]
pub(super) struct Hangups;

#[cfg(not(unix))]
impl Hangups {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn serve(self, _setup: Option<Setup>) {}
}
