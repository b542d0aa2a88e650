//! Which reports are made, and where each goes: one to standard output, several into a folder, a file each.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use claims::result::{ConversationOutcome, Outcome};
use report::{Format, Style};

use super::{format, output};
use crate::Failure;
use crate::args::Cli;
use crate::audit::{Detail, Layout, Sink, Stream};

/// The reports that were asked for.
#[derive(Clone)]
pub(super) struct Reports {
    formats: Vec<&'static Format>,
    folder: Option<PathBuf>,
}

impl Reports {
    /// Where one is asked for, it goes to standard output; several go into `folder`.
    pub(super) fn one_or_several(names: &[String], folder: &Path) -> Result<Self, Failure> {
        let formats = formats(names)?;
        let folder = (formats.len() > 1).then(|| folder.to_owned());
        Ok(Self { formats, folder })
    }

    /// With a folder they go there, one or several; without, one goes to standard output.
    pub(super) fn into_folder(names: &[String], folder: Option<&Path>) -> Result<Self, Failure> {
        let formats = formats(names)?;
        if formats.len() > 1 && folder.is_none() {
            return Err(Failure::input(
                "several formats do not fit on one standard output; name a folder for them with --out DIR",
            ));
        }
        Ok(Self {
            formats,
            folder: folder.map(Path::to_owned),
        })
    }

    /// The same reports in another folder, where they go into one.
    pub(super) fn moved(&self, folder: &Path) -> Self {
        Self {
            formats: self.formats.clone(),
            folder: self.folder.as_ref().map(|_| folder.to_owned()),
        }
    }

    /// The only format, where it goes to standard output.
    pub(super) fn on_standard_output(&self) -> Option<&'static Format> {
        match (&self.folder, self.formats.as_slice()) {
            (None, [one]) => Some(one),
            _ => None,
        }
    }

    /// How much of each conversation they need; all of it where the `whole` result is to be written, too.
    pub(super) fn detail(&self, whole: bool) -> Detail {
        if whole {
            return Detail::All;
        }
        let layouts = self.formats.iter().map(|format| Layout::of(format.name));
        let details = layouts.map(|layout| layout.map_or(Detail::Sample, Layout::detail));
        details.max().unwrap_or(Detail::Sample)
    }

    /// Each format, once.
    pub(super) fn formats(&self) -> &[&'static Format] {
        &self.formats
    }

    /// Opens those that are written while conversations are judged, and the whole result as a document where a file is
    /// named for it. `stop` as in [`Stream::new`].
    pub(super) fn streams(
        &self,
        stop: &Arc<AtomicBool>,
        document: Option<&Path>,
    ) -> Result<Streams, Failure> {
        if let Some(folder) = &self.folder {
            output::folder(folder)?;
        }
        let mut streams = Streams {
            streams: Vec::new(),
            sample: self
                .formats
                .iter()
                .any(|format| matches!(Layout::of(format.name), None | Some(Layout::Page))),
        };
        for format in &self.formats {
            let Some(layout) = Layout::of(format.name) else {
                continue;
            };
            let (out, path): (Box<dyn Write>, _) = match self.path(format) {
                None => (Box::new(io::stdout()), None),
                Some(path) => {
                    let partial = partial(&path);
                    let file =
                        File::create(&partial).map_err(|error| cannot_write(&path, &error))?;
                    (Box::new(io::BufWriter::new(file)), Some(path))
                }
            };
            let stream = Stream::new(out, layout, Arc::clone(stop));
            streams.streams.push((stream, Unfinished(path)));
        }
        if let Some(path) = document {
            let file = File::create(path).map_err(|error| cannot_write(path, &error))?;
            let out: Box<dyn Write> = Box::new(io::BufWriter::new(file));
            let stream = Stream::new(out, Layout::Document, Arc::clone(stop));
            streams.streams.push((stream, Unfinished(None)));
        }
        Ok(streams)
    }

    /// Makes those that were not written already, and says on standard error where they are.
    ///
    /// `streamed`: what [`Reports::streams`] opened is written.
    pub(super) fn write(
        &self,
        cli: &Cli,
        outcome: &Outcome,
        streamed: bool,
    ) -> Result<(), Failure> {
        if let Some(folder) = &self.folder {
            output::folder(folder)?;
        }
        for format in &self.formats {
            let done = streamed && Layout::of(format.name).is_some();
            let Some(path) = self.path(format) else {
                if !done {
                    output::print(cli, format, outcome)?;
                }
                continue;
            };
            if done {
                continue;
            }
            let style = Style {
                verbose: cli.verbose,
                ..Style::default()
            };
            save(&path, &(format.render)(outcome, style))?;
            // Whoever asks for files still wants to see how it went.
            if format.name == "text" {
                output::print(cli, format, outcome)?;
            }
        }
        if self.folder.is_some() {
            let names = self.paths();
            let names: Vec<_> = names
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            output::hint(cli, &format!("reports: {}", names.join(", ")));
        }
        Ok(())
    }

    /// The files of those that go into a folder.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.formats
            .iter()
            .filter_map(|format| self.path(format))
            .collect()
    }

    fn path(&self, format: &Format) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?;
        Some(folder.join(file_name(format)))
    }
}

/// What the file of a report is called.
pub(super) fn file_name(format: &Format) -> String {
    format!("report.{}", format.extension)
}

/// Each format that is named, once, in the order in which they are named.
fn formats(names: &[String]) -> Result<Vec<&'static Format>, Failure> {
    let mut formats: Vec<&'static Format> = Vec::new();
    for name in names {
        let one = format(name.trim())?;
        if !formats.iter().any(|other| other.name == one.name) {
            formats.push(one);
        }
    }
    Ok(formats)
}

/// Writes a file whole or not at all.
pub(super) fn save(path: &Path, text: &str) -> Result<(), Failure> {
    let partial = partial(path);
    let written = File::create(&partial)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| fs::rename(&partial, path));
    written.map_err(|error| cannot_write(path, &error))
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::input(format!("cannot write {}: {error}", path.display()))
}

/// A file that has its name only once it is whole; given up before that, it goes away.
struct Unfinished(Option<PathBuf>);

impl Unfinished {
    fn finish(mut self) -> Result<(), Failure> {
        let Some(path) = self.0.take() else {
            return Ok(());
        };
        fs::rename(partial(&path), &path).map_err(|error| cannot_write(&path, &error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(partial(path));
        }
    }
}

/// Reports that are written while conversations are judged.
pub(super) struct Streams {
    streams: Vec<(Stream<Box<dyn Write>>, Unfinished)>,
    sample: bool,
}

impl Streams {
    /// Keeps a sample for the end, whatever the formats are.
    #[must_use]
    pub(super) fn with_sample(mut self) -> Self {
        self.sample = true;
        self
    }

    /// Writes what stands around the conversations.
    pub(super) fn finish(self, outcome: &Outcome) -> Result<(), Failure> {
        if self.streams.is_empty() {
            return Ok(());
        }
        // What was written has all conversations of its case, and not the sample that other formats show.
        let mut whole = Outcome {
            conversations: Vec::new(),
            ..outcome.clone()
        };
        for case in &mut whole.cases {
            case.conversations.clear();
        }
        for (stream, file) in self.streams {
            let outcome = if stream.layout() == Layout::Page {
                outcome
            } else {
                &whole
            };
            stream.finish(outcome).map_err(|error| match &file.0 {
                Some(path) => cannot_write(path, &error),
                None => Failure::input(format!("cannot write to standard output: {error}")),
            })?;
            file.finish()?;
        }
        Ok(())
    }
}

impl Sink for Streams {
    fn conversation(&mut self, conversation: &ConversationOutcome) {
        for (stream, _) in &mut self.streams {
            stream.conversation(conversation);
        }
    }

    fn wants_sample(&self) -> bool {
        self.sample
    }
}
