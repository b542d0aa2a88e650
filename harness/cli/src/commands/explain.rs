//! `smtpspec explain`: what, why, and how it is judged; for one id, or for all of them as the source of a book.

mod book;
pub mod pages;

use std::path::Path;

use claims::claim::OffWire;
use claims::controls::Control;
use claims::{Claim, Profile, checks, explain};
use lab::adapter::Twin;

use super::{catalogue, named, output};
use crate::args::ExplainArgs;
use crate::{Exit, Failure};

pub(super) fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    match (&args.id, args.all) {
        (Some(id), _) => one(id),
        (None, _) => all(args.out.as_deref()),
    }
}

/// Every page: into a folder, or one after the other.
fn all(out: Option<&Path>) -> Result<Exit, Failure> {
    let pages = pages::all()?;
    if let Some(folder) = out {
        book::write(folder, &pages)?;
    } else {
        let texts: Vec<_> = pages.iter().map(explain::Page::to_text).collect();
        output::text(&texts.join("\n"))?;
    }
    Ok(Exit::Met)
}

fn one(id: &str) -> Result<Exit, Failure> {
    let controls = Control::find(id);
    let found: Vec<explain::Page> = if let Some(claim) = Claim::find(id) {
        vec![pages::claim(claim)]
    } else if let Some(statement) = OffWire::find(id) {
        vec![explain::off_wire(statement)]
    } else if let Some(check) = checks::find(id) {
        vec![explain::check(check)]
    } else if let Some(twin) = Twin::ALL.iter().find(|twin| twin.name() == id) {
        vec![pages::twin(*twin, &catalogue()?)]
    } else if let Some(profile) = Profile::find(id) {
        vec![explain::profile(profile)]
    } else if !controls.is_empty() {
        let all = controls.into_iter();
        all.map(|(standard, control)| explain::control(standard, control))
            .collect()
    } else if let Some(scenario) = named(id)? {
        vec![pages::case(&scenario)]
    } else {
        return Err(Failure::input(format!(
            "there is no claim, check, case, profile, control or bad twin `{id}`; `smtpspec list claims` and its like show what there is"
        )));
    };
    let texts: Vec<_> = found.iter().map(explain::Page::to_text).collect();
    output::text(&texts.join("\n"))?;
    Ok(Exit::Met)
}
