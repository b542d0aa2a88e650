//! The page on which sessions, verdicts and exposures appear as they happen, with `/metrics` and `/health`.
//!
//! It only shows: nothing that a browser sends changes anything. It runs on a thread of its own, so that nobody who looks
//! on takes time from the server.

mod answer;
mod body;
mod events;
pub(super) mod metrics;
mod open;
mod page;
mod watched;

use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

use self::metrics::Metrics;
pub(super) use self::open::{bind, open};
pub(super) use self::watched::Watched;
use super::live::board::Board;

/// Browsers and scrapers that are served at the same time; each page that is open takes one or two places.
const MOST_CONNECTIONS: usize = 128;
/// Bytes of a request's head.
const MOST_HEAD: usize = 16 << 10;
/// How long a head may take.
const HEAD: Duration = Duration::from_secs(10);
/// Threads that read the index.
const READERS: usize = 2;

/// Says what is wrong now, a sentence each.
pub(super) type Problems = Box<dyn Fn() -> Vec<String> + Send + Sync>;

/// What the page is about.
pub(super) struct Site {
    /// What it shows.
    pub(super) board: Arc<Board>,
    /// The numbers of `/metrics`.
    pub(super) metrics: Arc<Metrics>,
    /// What `/health` asks.
    pub(super) health: Problems,
    /// Folder of the evidence, with the index.
    pub(super) folder: PathBuf,
    /// The profile, and its claims: id and statement.
    pub(super) profile: String,
    /// See `profile`.
    pub(super) claims: Vec<(String, String)>,
    /// The connections of the server, as far as they can be counted.
    pub(super) watched: Watched,
}

/// Serves the page until the process ends.
///
/// # Errors
///
/// The system gives no thread.
pub(super) fn start(listener: TcpListener, site: Site) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(READERS)
        .build()?;
    let site = Arc::new(site);
    thread::Builder::new()
        .name("web".to_owned())
        .spawn(move || runtime.block_on(serve(listener, site)))?;
    Ok(())
}

async fn serve(listener: TcpListener, site: Arc<Site>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let site = Arc::clone(&site);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer::answer(Arc::clone(&site), request));
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .max_buf_size(MOST_HEAD)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            // A browser that went away, or that speaks no HTTP.
            drop(served);
            drop(place);
        });
    }
}
