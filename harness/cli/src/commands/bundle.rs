//! `--bundle`: everything that the verdicts rest on in one file; and `smtpspec verify`, which checks one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use claims::result::{CaptureFile, Outcome, rfc3339};
use claims::{Profile, printable};
use report::Style;
use serde_json::json;
use tempfile::{TempDir, TempPath};
use wire::{Frames, Timestamp};

use super::reports::{Reports, file_name};
use super::{host, output};
use crate::args::{BundleArgs, BundledCaptures, Cli, VerifyArgs};
use crate::bundle::{self, Content, Head, Ingredient};
use crate::redact::{self, Redaction};
use crate::{Exit, Failure};

/// Checks a bundle.
pub(super) fn verify(args: &VerifyArgs) -> Result<Exit, Failure> {
    let path = args.bundle.display();
    let verified = match bundle::verify(&args.bundle)? {
        Ok(verified) => verified,
        Err(problems) => {
            let mut text = format!("{path}: REFUSED\n");
            for problem in problems {
                // It may quote what somebody else wrote.
                let _ = writeln!(text, "  {}", printable(&problem));
            }
            output::text(&text)?;
            return Ok(Exit::NotMet);
        }
    };
    if let Some(wanted) = &args.sha256
        && !wanted.eq_ignore_ascii_case(&verified.sha256)
    {
        output::text(&format!(
            "{path}: REFUSED\n  another bundle: its SHA-256 is {}\n",
            verified.sha256
        ))?;
        return Ok(Exit::NotMet);
    }
    let manifest = &verified.manifest;
    let mut text = format!("{path}: intact\n");
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<9} {value}");
    };
    line("SHA-256", &verified.sha256);
    let made = [&manifest.tool, &manifest.command, &manifest.profile].map(|one| printable(one));
    line(
        "made by",
        &format!("{} {}, profile {}", made[0], made[1], made[2]),
    );
    line("time", &printable(&manifest.time));
    line(
        "host",
        &printable(manifest.host.as_deref().unwrap_or("left out")),
    );
    line("captures", &printable(&manifest.captures));
    line("files", &manifest.files.len().to_string());
    output::text(&text)?;
    Ok(Exit::Met)
}

impl BundleArgs {
    /// Refuses at the start what would fail at the end.
    pub(super) fn check<'a>(
        &self,
        mut captures: impl Iterator<Item = &'a PathBuf>,
        live: bool,
    ) -> Result<(), Failure> {
        if self.bundle.is_none() || self.bundle_captures == BundledCaptures::None {
            return Ok(());
        }
        if live || captures.any(|path| path.as_os_str() == "-") {
            return Err(Failure::input(
                "what comes from standard input or an interface is not kept, so it cannot be bundled; save it to a file \
                 first, or give --bundle-captures none",
            ));
        }
        Ok(())
    }
}

/// A file for the whole result, written while conversations are judged; it goes away with this. Only where a bundle is
/// asked for.
pub(super) fn document(args: &BundleArgs) -> Result<Option<TempPath>, Failure> {
    if args.bundle.is_none() {
        return Ok(None);
    }
    let file = tempfile::NamedTempFile::new()
        .map_err(|error| Failure::input(format!("cannot make a temporary file: {error}")))?;
    Ok(Some(file.into_temp_path()))
}

/// Makes a bundle, where one is asked for. `document`: the whole result in JSON; of `outcome` where there is none.
pub(super) fn make(
    cli: &Cli,
    args: &BundleArgs,
    (outcome, profile): (&Outcome, &Profile),
    reports: &Reports,
    document: Option<&Path>,
) -> Result<(), Failure> {
    let Some(path) = &args.bundle else {
        return Ok(());
    };
    let json = ::report::format("json").expect("JSON is registered");
    let result = match document {
        Some(file) => Content::File(file.to_owned()),
        None => Content::Bytes((json.render)(outcome, Style::default()).into_bytes()),
    };
    let mut ingredients = vec![
        plain("", "result.json".to_owned(), "result", result),
        plain("", "profile.json".to_owned(), "profile", expected(profile)),
    ];
    ingredients.extend(rendered(cli, outcome, reports));
    let files: Vec<&CaptureFile> = captures(outcome).collect();
    let mut redacted = Vec::new();
    match args.bundle_captures {
        BundledCaptures::None => {}
        BundledCaptures::Full => {
            for file in &files {
                ingredients.push(whole(file)?);
            }
        }
        BundledCaptures::Redacted => {
            for file in &files {
                let (ingredient, folder) = without_secrets(file)?;
                ingredients.push(ingredient);
                redacted.push(folder);
            }
        }
    }
    let head = Head {
        command: outcome.command.clone(),
        profile: outcome.profile.clone(),
        time: time(outcome, &files),
        host: (!args.bundle_no_host).then(host::name).flatten(),
        captures: args.bundle_captures.word().to_owned(),
    };
    let sum = bundle::write(path, head, &ingredients)?;
    output::hint(cli, &format!("bundle: {}, SHA-256 {sum}", path.display()));
    Ok(())
}

fn plain(folder: &'static str, name: String, kind: &'static str, content: Content) -> Ingredient {
    Ingredient {
        folder,
        name,
        kind,
        content,
        path: None,
        redacted_from: None,
    }
}

/// The reports that were asked for, and the page in any case. Those for programs are the result again.
fn rendered<'a>(
    cli: &Cli,
    outcome: &'a Outcome,
    reports: &'a Reports,
) -> impl Iterator<Item = Ingredient> + use<'a> {
    let style = Style {
        verbose: cli.verbose,
        ..Style::default()
    };
    ::report::FORMATS
        .iter()
        .filter(|format| {
            let asked = reports.formats().iter().any(|one| one.name == format.name);
            format.name == "html" || (asked && !matches!(format.name, "json" | "jsonl"))
        })
        .map(move |format| {
            let text = (format.render)(outcome, style).into_bytes();
            plain("reports", file_name(format), "report", Content::Bytes(text))
        })
}

/// What was expected, so that the bundle can be read without this program.
fn expected(profile: &Profile) -> Content {
    let claims: Vec<_> = profile
        .expectations()
        .map(|(claim, expect)| {
            json!({ "id": claim.id, "statement": claim.statement, "expect": expect.as_str() })
        })
        .collect();
    let profile = json!({
        "id": profile.id,
        "title": profile.title,
        "description": profile.description,
        "claims": claims,
    });
    let mut text = serde_json::to_string_pretty(&profile).expect("strings");
    text.push('\n');
    Content::Bytes(text.into_bytes())
}

/// Every capture that the result names, once.
fn captures(outcome: &Outcome) -> impl Iterator<Item = &CaptureFile> {
    let mut seen = std::collections::BTreeSet::new();
    outcome
        .cases
        .iter()
        .flat_map(|case| std::iter::once(&case.capture).chain(&case.more_captures))
        .filter(move |file| !file.path.is_empty() && seen.insert(file.path.as_str()))
}

/// A capture as it is: the one that was judged, and not what stands in its place since.
fn whole(file: &CaptureFile) -> Result<Ingredient, Failure> {
    unchanged(file)?;
    Ok(Ingredient {
        path: Some(file.path.clone()),
        ..plain(
            "captures",
            base_name(&file.path),
            "capture",
            Content::File(PathBuf::from(&file.path)),
        )
    })
}

/// A capture without its secrets. The folder holds it until the bundle is written.
fn without_secrets(file: &CaptureFile) -> Result<(Ingredient, TempDir), Failure> {
    let sum = unchanged(file)?;
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::input(format!("cannot make a temporary folder: {error}")))?;
    let name = base_name(&file.path);
    let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
    let path = folder.path().join("redacted");
    redact::file(Path::new(&file.path), &path, &Redaction::default())?;
    let ingredient = Ingredient {
        path: Some(file.path.clone()),
        redacted_from: Some(sum),
        ..plain(
            "captures",
            format!("redacted-{name}"),
            "capture",
            Content::File(path),
        )
    };
    Ok((ingredient, folder))
}

/// The SHA-256 of a capture, which has to be the one that the result has.
fn unchanged(file: &CaptureFile) -> Result<String, Failure> {
    let sum = crate::road::sha256(Path::new(&file.path))?;
    if !file.sha256.is_empty() && file.sha256 != sum {
        return Err(Failure::input(format!(
            "{} changed since it was judged, so it is no evidence of these verdicts",
            file.path
        )));
    }
    Ok(sum)
}

fn base_name(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or_else(
        || "capture".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// When: what `SOURCE_DATE_EPOCH` says, or else the time of the last packet, so that the same evidence makes the same
/// bundle.
fn time(outcome: &Outcome, files: &[&CaptureFile]) -> String {
    if let Some(made) = &outcome.made {
        return made.clone();
    }
    if let Some(answer) = outcome
        .answer
        .as_ref()
        .filter(|answer| !answer.last_seen.is_empty())
    {
        return answer.last_seen.clone();
    }
    let last = files
        .iter()
        .filter_map(|file| last_packet(Path::new(&file.path)));
    last.max().map(rfc3339).unwrap_or_default()
}

/// The time of the last packet of a capture that the lab made.
fn last_packet(path: &Path) -> Option<Timestamp> {
    let bytes = std::fs::read(path).ok()?;
    let frames = Frames::new(path, &bytes).ok()?;
    frames.map(|frame| frame.time).max()
}
