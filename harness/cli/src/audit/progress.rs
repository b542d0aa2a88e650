//! Progress on standard error, for captures that take their time.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wire::pipeline::Progress;

/// How long it takes before anything is shown, and how often it is shown.
const FIRST: Duration = Duration::from_secs(2);
const EVERY: Duration = Duration::from_millis(500);

/// Shows progress until it is dropped.
pub struct Watch {
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Watches, if standard error is a terminal. `bytes` counts what was read of `total`.
    pub fn start(progress: Arc<Progress>, bytes: Arc<AtomicU64>, total: Option<u64>) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let thread = std::io::stderr().is_terminal().then(|| {
            let done = Arc::clone(&done);
            std::thread::spawn(move || watch(&progress, &bytes, total, &done))
        });
        Self { done, thread }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn watch(progress: &Progress, bytes: &AtomicU64, total: Option<u64>, done: &AtomicBool) {
    let start = Instant::now();
    let mut shown = false;
    while !done.load(Ordering::Relaxed) {
        std::thread::park_timeout(if shown { EVERY } else { FIRST });
        if start.elapsed() >= FIRST && !done.load(Ordering::Relaxed) {
            let line = line(
                progress,
                bytes.load(Ordering::Relaxed),
                total,
                start.elapsed(),
            );
            anstream::eprint!("\r{line:<78}");
            shown = true;
        }
    }
    if shown {
        anstream::eprint!("\r{:<78}\r", "");
    }
}

/// One line, at most 78 columns.
fn line(progress: &Progress, bytes: u64, total: Option<u64>, elapsed: Duration) -> String {
    let packets = progress.packets.load(Ordering::Relaxed);
    let ended = progress.connections.load(Ordering::Relaxed);
    let rate = bytes * 1000
        / u64::try_from(elapsed.as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
    let mut line = format!(
        "{}  {packets} packets  {ended} connections  {}/s",
        size(bytes),
        size(rate)
    );
    if let Some(total) = total.filter(|total| *total >= bytes && rate > 0) {
        let left = (total - bytes) / rate;
        line = format!("{line}  {}%  {left} s left", bytes * 100 / total.max(1));
    }
    line
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_far_it_is_and_how_long_it_will_take() {
        let progress = Progress::default();
        progress.packets.store(1_234_567, Ordering::Relaxed);
        progress.connections.store(89, Ordering::Relaxed);
        let second = Duration::from_secs(4);
        assert_eq!(
            line(&progress, 2_000_000_000, Some(40_000_000_000), second),
            "2000 MB  1234567 packets  89 connections  500 MB/s  5%  76 s left"
        );
        assert_eq!(
            line(&progress, 2_000, None, second),
            "2 kB  1234567 packets  89 connections  0 kB/s"
        );
    }
}
