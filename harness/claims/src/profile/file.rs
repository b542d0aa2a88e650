//! The file of a profile.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{Expect, Profile};
use crate::Claim;
use crate::controls::{Control, Framework};

/// Longest profile that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// What is wrong with a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, counting from 1.
    pub line: usize,
    /// Column in characters, counting from 1.
    pub column: usize,
    /// What, in one sentence.
    pub message: String,
}

impl Problem {
    /// One that is about the file as a whole.
    pub fn at_the_start(message: impl Into<String>) -> Self {
        Self {
            line: 1,
            column: 1,
            message: message.into(),
        }
    }

    fn at(text: &str, span: &Range<usize>, message: impl Into<String>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        }
    }
}

/// `line:column: message`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    id: Spanned<String>,
    title: String,
    #[serde(default)]
    description: String,
    extends: Option<Spanned<String>>,
    #[serde(default)]
    controls: Vec<Spanned<String>>,
    #[serde(default)]
    without_controls: Vec<Spanned<String>>,
    #[serde(default)]
    scope: BTreeSet<String>,
    #[serde(default)]
    claims: BTreeMap<Spanned<String>, Word>,
    #[serde(default)]
    control: Vec<Control>,
}

/// What a file says of a claim.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Holds,
    DoesNotHold,
    Recorded,
    /// Whatever the profile that is extended says, and whatever a rule of a control names: it is not judged.
    Ignored,
}

/// Reads a profile; `find` knows those that can be extended.
pub(super) fn read(
    text: &str,
    find: &dyn Fn(&str) -> Option<&'static Profile>,
) -> Result<Profile, Problem> {
    if text.len() > LONGEST {
        return Err(Problem::at_the_start("a profile has at most 1 MiB"));
    }
    let file: File = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        Problem::at(text, &span, error.message())
    })?;
    let wrong = |part: &Spanned<String>, message: String| Problem::at(text, &part.span(), message);
    let id = file.id.get_ref();
    if !is_id(id) {
        let message = "an id has small letters, digits, dots and hyphens, and begins with a letter";
        return Err(wrong(&file.id, message.to_owned()));
    }
    let mut profile = match &file.extends {
        None => Profile::default(),
        Some(base) => find(base.get_ref()).cloned().ok_or_else(|| {
            let message = format!(
                "there is no profile `{}` to extend; `smtpspec list profiles` shows what there is",
                base.get_ref()
            );
            wrong(base, message)
        })?,
    };
    profile.id.clone_from(id);
    profile.title = file.title;
    profile.description = file.description;
    profile.scope.extend(file.scope);
    for named in &file.controls {
        let standard = Framework::find(named.get_ref()).ok_or_else(|| {
            let known: Vec<_> = Framework::all().iter().map(|one| one.id.as_str()).collect();
            let message = format!(
                "there are no controls `{}`; there is {}",
                named.get_ref(),
                known.join(", ")
            );
            wrong(named, message)
        })?;
        profile.hold_against(standard.clone());
    }
    for dropped in &file.without_controls {
        without(&mut profile, dropped.get_ref()).map_err(|message| wrong(dropped, message))?;
    }
    for control in file.control {
        own(&mut profile, control).map_err(|(span, message)| Problem::at(text, &span, message))?;
    }
    for (claim, word) in file.claims {
        let id = claim.get_ref();
        if !Claim::all().iter().any(|one| one.id == *id) {
            let message =
                format!("there is no claim `{id}`; `smtpspec list claims` shows what there is");
            return Err(wrong(&claim, message));
        }
        let expect = match word {
            Word::Holds => Expect::Holds,
            Word::DoesNotHold => Expect::DoesNotHold,
            Word::Recorded => Expect::Recorded,
            Word::Ignored => {
                profile.claims.remove(id);
                continue;
            }
        };
        profile.claims.insert(id.clone(), expect);
    }
    if profile.claims.is_empty() && profile.frameworks.is_empty() {
        let message = "nothing is expected: give `[claims]`, `extends`, or `controls`";
        return Err(Problem::at_the_start(message));
    }
    Ok(profile)
}

fn is_id(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.len() <= 64
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-'))
}

/// Takes a control, `pci-dss-4.0.1/4.2.2`, or a whole standard away.
fn without(profile: &mut Profile, name: &str) -> Result<(), String> {
    let (standard, control) = name
        .split_once('/')
        .map_or((name, None), |(standard, control)| {
            (standard, Some(control))
        });
    let place = profile.frameworks.iter().position(|one| one.id == standard);
    let place = place.ok_or_else(|| {
        format!("the profile has no controls `{standard}` that could be left out")
    })?;
    let Some(control) = control else {
        profile.frameworks.remove(place);
        return Ok(());
    };
    let controls = &mut profile.frameworks[place].controls;
    let before = controls.len();
    controls.retain(|one| one.id != control);
    if controls.len() == before {
        return Err(format!("{standard} has no control `{control}`"));
    }
    Ok(())
}

/// Puts a control of one's own in the place of the one with its id, or after the others.
fn own(profile: &mut Profile, mut control: Control) -> Result<(), (Range<usize>, String)> {
    let named = control.framework.take();
    let standard = match &named {
        Some(name) => {
            let known = profile
                .frameworks
                .iter()
                .position(|one| one.id == *name.get_ref());
            known.ok_or_else(|| {
                let message = format!(
                    "the profile has no controls `{0}`; add `controls = [\"{0}\"]`, or leave `framework` out for a control of your own",
                    name.get_ref()
                );
                (name.span(), message)
            })?
        }
        None => {
            if let Some(place) = profile
                .frameworks
                .iter()
                .position(|one| one.id == profile.id)
            {
                place
            } else {
                profile.frameworks.push(Framework {
                    id: profile.id.clone(),
                    title: profile.title.clone(),
                    edition: String::new(),
                    publisher: String::new(),
                    source: String::new(),
                    description: profile.description.clone(),
                    controls: Vec::new(),
                });
                profile.frameworks.len() - 1
            }
        }
    };
    let mut changed = profile.frameworks[standard].clone();
    match changed.controls.iter_mut().find(|one| one.id == control.id) {
        Some(place) => *place = control,
        None => changed.controls.push(control),
    }
    profile.hold_against(changed);
    Ok(())
}
