//! `smtpspec grid`: clients against cases, from the results of several runs.

use std::fs;
use std::path::{Path, PathBuf};

use ::report::clients::{self, Column};

use super::{output, report};
use crate::args::{GridArgs, GridFormat};
use crate::{Exit, Failure};

pub(super) fn run(args: &GridArgs) -> Result<Exit, Failure> {
    let page = args.out.as_deref().and_then(Path::parent);
    let columns = args
        .results
        .iter()
        .map(|path| column(path, page.unwrap_or_else(|| Path::new(""))))
        .collect::<Result<Vec<_>, _>>()?;
    let drawn = match args.format {
        GridFormat::Html => clients::html(&columns),
        GridFormat::Md => clients::markdown(&columns),
        GridFormat::Ntlm => clients::ntlm(&columns),
    };
    match &args.out {
        None => output::text(&drawn)?,
        Some(path) => fs::write(path, drawn)
            .map_err(|error| Failure::input(format!("cannot write {}: {error}", path.display())))?,
    }
    Ok(Exit::Met)
}

/// One client's column. Without a name of its own it has that of the folder that its result is in.
fn column(path: &Path, page: &Path) -> Result<Column, Failure> {
    let file = if path.is_dir() {
        path.join("result.json")
    } else {
        path.to_owned()
    };
    let outcome = report::read(&file)?;
    let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
    let named = outcome.client.as_ref();
    let name = named.map_or_else(
        || {
            let name = folder.file_name();
            name.map_or_else(
                || "client".to_owned(),
                |name| name.to_string_lossy().into_owned(),
            )
        },
        |client| client.id.clone(),
    );
    let title = named.map_or_else(
        || name.clone(),
        |client| {
            client
                .version
                .clone()
                .unwrap_or_else(|| client.title.clone())
        },
    );
    let known = outcome
        .cases
        .iter()
        .filter_map(|case| Some((case.id.clone(), case.expected_failure.clone()?)));
    Ok(Column {
        title,
        name,
        folder: from(page, &folder),
        reasons: known.collect(),
        outcome,
    })
}

/// A folder as a link from a page names it.
fn from(page: &Path, folder: &Path) -> String {
    let seen: PathBuf = folder.strip_prefix(page).unwrap_or(folder).to_owned();
    let parts = seen
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}
