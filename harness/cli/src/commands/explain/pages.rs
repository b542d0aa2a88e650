//! The pages of what only the lab knows, and all pages together.

use std::collections::BTreeSet;

use claims::claim::OffWire;
use claims::explain::{self, Folder, Link, Page};
use claims::{Claim, Profile, checks};
use lab::adapter::Twin;
use lab::scenario::Scenario;

use crate::Failure;
use crate::commands::catalogue;

/// The page of a claim, with the bad twins that prove its check.
pub(super) fn claim(claim: &Claim) -> Page {
    explain::claim(claim).links(
        "Proven by the bad twin",
        twins(|twin| twin.breaks() == claim.id),
    )
}

fn twins(wanted: impl Fn(Twin) -> bool) -> Vec<Link> {
    let all = Twin::ALL.iter().copied().filter(|twin| wanted(*twin));
    all.map(|twin| Link::new(Folder::Twins, twin.name(), twin.name()))
        .collect()
}

/// The page of a bad twin. `cases` are those of the catalogue.
pub(super) fn twin(twin: Twin, cases: &[Scenario]) -> Page {
    let broken = twin.breaks();
    let link = if let Some(claim) = Claim::find(broken) {
        let text = format!("{}: {}", claim.id, claim.statement);
        Some(Link::new(Folder::Claims, &claim.id, text))
    } else {
        let case = cases.iter().find(|case| case.is_named(broken));
        case.map(to_case)
    };
    Page::new(
        Folder::Twins,
        twin.name(),
        &format!("a bad twin of the reference adapter; breaks {broken}"),
    )
    .text(twin.summary().trim())
    .links("Must fail", link.into_iter().collect())
}

fn to_case(scenario: &Scenario) -> Link {
    let text = format!("{}: {}", file_id(scenario), scenario.title);
    Link::new(Folder::Cases, &file_id(scenario), text)
}

/// The id as its file has it: several cases of a matrix are one file.
fn file_id(scenario: &Scenario) -> String {
    let id = scenario.id.value.as_str();
    let whole = id.find(['/', '[', ' ']).map_or(id, |end| &id[..end]);
    whole.to_owned()
}

/// The page of a case.
pub(super) fn case(scenario: &Scenario) -> Page {
    let title = format!("{}  ({})", scenario.title, scenario.family);
    let mut page = Page::new(Folder::Cases, &file_id(scenario), &title);
    if let Some(description) = &scenario.description {
        page = page.text(description);
    }
    page = page.fact("References", scenario.reference.join(", "));
    if !scenario.requirement.is_empty() {
        page = page.fact(
            "Asks",
            format!("({}) {}", scenario.level.as_str(), scenario.requirement),
        );
    }
    let clauses: Vec<_> = scenario
        .clauses
        .iter()
        .map(|id| id.value.as_str())
        .collect();
    if !clauses.is_empty() {
        page = page.fact("Clauses", clauses.join(", "));
    }
    let decided = scenario.expect.checks.iter().map(|(id, wanted)| {
        let observed_when =
            checks::find(&id.value).map_or("there is no such check", |check| check.observed_when);
        let text = format!(
            "{} must be {}: {observed_when}.",
            id.value,
            wanted.as_str().replace('-', " ")
        );
        Link::new(Folder::Checks, &id.value, text)
    });
    let expected = scenario.expect.claims.iter().map(|(id, word)| {
        let text = format!("{} must get {}", id.value, word.as_str());
        Link::new(Folder::Claims, &id.value, text)
    });
    page.links("Decided by", decided.collect())
        .links("Claims", expected.collect())
        .links(
            "Proven by the bad twin",
            twins(|twin| twin.must_fail(&scenario.id.value)),
        )
        .code("toml", &scenario.source.text)
}

/// Every page there is, in the order of the table of contents.
///
/// # Errors
///
/// The catalogue cannot be read.
pub fn all() -> Result<Vec<Page>, Failure> {
    let mut pages: Vec<Page> = Claim::all().iter().map(claim).collect();
    pages.extend(OffWire::all().iter().map(explain::off_wire));
    pages.extend(checks::ALL.iter().map(|one| explain::check(one)));
    let cases = catalogue()?;
    let mut seen = BTreeSet::new();
    // A matrix makes several cases of one file.
    let files = cases
        .iter()
        .filter(|scenario| seen.insert(file_id(scenario)));
    pages.extend(files.map(case));
    pages.extend(Profile::all().iter().map(explain::profile));
    pages.extend(explain::controls().map(|(standard, one)| explain::control(standard, one)));
    pages.extend(Twin::ALL.iter().map(|one| twin(*one, &cases)));
    pages.push(explain::weakness_table());
    Ok(pages)
}
