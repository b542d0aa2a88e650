//! The evidence folder: captures that follow each other, messages, and what is done about them while the server runs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use claims::result::CaptureFile;
use evidence::captures::{Begun, Captures};
use evidence::durability::Durability;
use evidence::health::Health;
use evidence::store::{Parts, Store};
use lab::tap::{Clock, Recorder, RecorderOptions};
use tokio::runtime::Runtime;
use tokio::time::MissedTickBehavior;
use wire::pipeline::Progress;

use crate::Failure;
use crate::args::ServeArgs;
use crate::audit::follow::{Follow, Followed, Writing};
use crate::commands::output;

/// Bytes of the capture that wait in memory to be written together. They are written before they are judged, and at the
/// latest after [`Follow`]'s longest pause. No client is served while they are, so they are not many.
const HELD: usize = 32 << 10;

/// How often it is looked after what no message waits for.
const TEND: Duration = Duration::from_millis(500);

/// What stands in the folder, and who writes it.
pub(super) struct Evidence {
    /// The first capture.
    pub(super) first: PathBuf,
    /// Writes the captures.
    pub(super) recorder: Recorder,
    /// Takes the messages.
    pub(super) store: Arc<Store>,
    /// Whether it can be written.
    pub(super) health: Health,
}

impl Evidence {
    /// Begins the first capture of this run, and its follower.
    pub(super) fn begin(
        args: &ServeArgs,
        listen: &str,
    ) -> Result<(Self, Follow, Writing), Failure> {
        let begun = begin(args, listen);
        begun.map_err(|error| {
            Failure::input(format!("cannot write in {}: {error}", args.out.display()))
        })
    }

    /// Looks after it until the server ends.
    pub(super) fn tend(&self, runtime: &Runtime, progress: Arc<Progress>) {
        let store = Arc::clone(&self.store);
        runtime.spawn(async move {
            let mut ticks = tokio::time::interval(TEND);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                store.tend(progress.delivered.load(Ordering::Relaxed));
            }
        });
    }
}

fn begin(args: &ServeArgs, listen: &str) -> io::Result<(Evidence, Follow, Writing)> {
    let wanted = &args.evidence;
    let durability = wanted.durability();
    let syncs = durability == Durability::Disk;
    let (captures, files, mut begun) = Captures::new(&args.out, wanted.rotate(), syncs)?;
    let recorder = Recorder::rotating(files, options(listen))?;
    let first = first(&mut begun)?;
    let path = first.path.clone();
    let health = Health::new(output::say);
    let store = Store::open(Parts {
        folder: args.out.clone(),
        form: wanted.form(),
        durability,
        recorder: recorder.clone(),
        captures,
        health: health.clone(),
    })?;
    let (follow, writing) = Follow::begin(first, begun, recorder.clone());
    let evidence = Evidence {
        first: path,
        recorder,
        store: Arc::new(store),
        health,
    };
    Ok((evidence, follow, writing))
}

fn first(begun: &mut Receiver<Begun>) -> io::Result<Begun> {
    let first = begun.try_recv();
    first.map_err(|_| io::Error::other("no capture was begun"))
}

fn options(listen: &str) -> RecorderOptions {
    RecorderOptions {
        clock: Clock::Real,
        nominal_port: None,
        comment: format!(
            "smtpspec serve on {listen} since {}: frames made from what crossed the server's socket",
            claims::result::rfc3339(Clock::Real.now())
        ),
        held: HELD,
    }
}

/// What a result says of the captures that were followed: `all` is said of them as one.
pub(super) fn captures(all: CaptureFile, followed: &[Followed]) -> Vec<CaptureFile> {
    let ends = followed
        .iter()
        .skip(1)
        .map(|next| next.first.saturating_sub(1));
    let ends = ends.chain(std::iter::once(all.packets));
    let mut files: Vec<_> = followed
        .iter()
        .zip(ends)
        .map(|(file, last)| CaptureFile {
            path: file.path.display().to_string(),
            sha256: file.sha256.clone(),
            packets: (last + 1).saturating_sub(file.first),
            numbers: (followed.len() > 1 && last >= file.first).then_some((file.first, last)),
            notes: note_if_removed(&file.path),
        })
        .collect();
    if let Some(first) = files.first_mut() {
        first.notes.splice(0..0, all.notes);
    }
    files
}

fn note_if_removed(path: &Path) -> Vec<String> {
    let removed = !path.exists();
    let note = || "it is no longer in the folder: it was judged before it was removed";
    removed.then(|| note().to_owned()).into_iter().collect()
}

/// What is put beside the captures of a run is called after the first.
pub(super) fn beside(first: &Path, extension: &str) -> PathBuf {
    first.with_extension(extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_capture_says_which_packets_it_has() {
        let all = CaptureFile {
            path: "x".to_owned(),
            sha256: String::new(),
            packets: 10,
            numbers: None,
            notes: vec!["odd".to_owned()],
        };
        let followed = |name: &str, first| Followed {
            path: PathBuf::from(name),
            first,
            sha256: name.to_owned(),
        };
        let one = captures(all.clone(), &[followed("/", 1)]);
        assert_eq!((one[0].packets, one[0].numbers), (10, None));
        let three = captures(
            all,
            &[followed("/", 1), followed("/", 7), followed("a", 11)],
        );
        let numbers: Vec<_> = three.iter().map(|one| one.numbers).collect();
        assert_eq!(numbers, [Some((1, 6)), Some((7, 10)), None]);
        assert_eq!(three[0].notes, ["odd"]);
        assert_eq!((three[2].packets, three[2].notes.len()), (0, 1));
    }
}
