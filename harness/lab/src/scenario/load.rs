//! Scenario files on disk: one, or a tree of them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use super::{Code, Diagnostics, Scenario};

/// Why scenarios could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder could not be read.
    #[error("{}: {cause}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file is not valid: what is wrong with it, or whose id it repeats.
    #[error(transparent)]
    Invalid(Diagnostics),
    /// A folder holds no scenario.
    #[error("{}: no scenario here: expected files named *.toml", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
}

impl LoadError {
    /// As text for a person.
    pub fn render(&self, color: bool) -> String {
        match self {
            Self::Invalid(diagnostics) => diagnostics.render(color),
            other => format!("error: {other}"),
        }
    }
}

/// Everything that went wrong over several files.
#[derive(Debug)]
pub struct LoadErrors(
    /// In the order of the paths.
    pub Vec<LoadError>,
);

impl LoadErrors {
    /// As text for a person, an empty line between two errors.
    pub fn render(&self, color: bool) -> String {
        let shown: Vec<_> = self.0.iter().map(|error| error.render(color)).collect();
        shown.join("\n\n")
    }
}

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for LoadErrors {}

/// Loads a file that holds one case.
///
/// # Errors
///
/// The file cannot be read, is not valid, or has a matrix that makes several cases.
pub fn load_file(path: &Path) -> Result<Scenario, LoadError> {
    Scenario::parse(&path.display().to_string(), &text_of(path)?).map_err(LoadError::Invalid)
}

/// Loads the cases of one file.
///
/// # Errors
///
/// The file cannot be read, or is not valid.
pub fn load_cases(path: &Path) -> Result<Vec<Scenario>, LoadError> {
    Scenario::parse_all(&path.display().to_string(), &text_of(path)?).map_err(LoadError::Invalid)
}

fn text_of(path: &Path) -> Result<String, LoadError> {
    fs::read_to_string(path).map_err(|cause| LoadError::Unreadable {
        path: path.to_owned(),
        cause,
    })
}

/// Loads a file, or every `*.toml` under a folder, sorted by path.
///
/// # Errors
///
/// All files that cannot be read, are not valid, or have the id of an earlier one.
pub fn load_tree(path: &Path) -> Result<Vec<Scenario>, LoadErrors> {
    let mut files = Vec::new();
    collect(path, &mut files).map_err(|error| LoadErrors(vec![error]))?;
    if files.is_empty() {
        return Err(LoadErrors(vec![LoadError::Empty {
            path: path.to_owned(),
        }]));
    }
    files.sort();
    let mut scenarios = Vec::new();
    let mut errors = Vec::new();
    for file in files {
        match load_cases(&file) {
            Ok(cases) => scenarios.extend(cases),
            Err(error) => errors.push(error),
        }
    }
    errors.extend(reject_duplicates(&scenarios));
    if errors.is_empty() {
        Ok(scenarios)
    } else {
        Err(LoadErrors(errors))
    }
}

/// One error for each scenario whose id an earlier one has, and for each file whose id an earlier file has.
pub fn reject_duplicates(scenarios: &[Scenario]) -> Vec<LoadError> {
    let mut first: HashMap<&str, &Scenario> = HashMap::new();
    let mut seen = HashSet::new();
    let mut errors = Vec::new();
    for scenario in scenarios {
        let id = scenario.file_id();
        let earlier = first.get(id).copied();
        let again = !seen.insert(scenario.id.value.as_str());
        // Several cases of one file share its id, and differ in what a matrix put behind it.
        if let Some(earlier) =
            earlier.filter(|earlier| again || earlier.source.name != scenario.source.name)
        {
            let message = format!("the id `{id}` is that of {} already", earlier.source.name);
            errors.push(LoadError::Invalid(scenario.problem(
                Code::DuplicateId,
                scenario.id.span.clone(),
                message,
            )));
        } else {
            first.entry(id).or_insert(scenario);
        }
    }
    errors
}

/// Files named outright are taken whatever they are called; of a folder, those that end in `.toml`.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    let unreadable = |cause| LoadError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        // The kind of the entry itself: a link to a folder is not followed, so a loop cannot be walked.
        let kind = entry.file_type().map_err(unreadable)?;
        let name = entry.path();
        if kind.is_dir() {
            collect(&name, files)?;
        } else if name
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(name);
        }
    }
    Ok(())
}
