//! Signals that end the server.

use crate::commands::signal::signal;

/// Completes at Ctrl-C; another one ends the program.
pub(super) async fn interrupted() {
    signal().await;
    tokio::spawn(async { std::process::exit(signal().await) });
}
