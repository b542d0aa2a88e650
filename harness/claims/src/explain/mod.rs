//! What each claim, check, profile and control is, as a page: for `smtpspec explain`, the documentation site, and the help
//! of rules in SARIF.

mod page;

use crate::claim::{HoldsWhen, OffWire};
use crate::controls::{Control, Framework, Ground, Weakness, weaknesses};
use crate::{Check, Claim, Profile, checks};

pub use page::{Block, Folder, Link, Page};

/// The page of a claim.
pub fn claim(claim: &Claim) -> Page {
    let check = claim.check();
    let holds = match claim.holds {
        HoldsWhen::Observed => "is observed",
        HoldsWhen::NotObserved => "is provoked and not observed",
    };
    let mut page = Page::new(Folder::Claims, &claim.id, &claim.statement)
        .fact("Weight", claim.kind.name())
        .fact("Source", claim.sources.join("; "))
        .text(format!("Holds when this {holds}: {}.", check.observed_when))
        .text(format!("Means nothing when: {}.", claim.vacuous_when));
    page.blocks.extend(of_check(check));
    let profiles = Profile::all().iter();
    let named = profiles.filter_map(|profile| {
        let (_, expect) = profile.expectations().find(|(one, _)| one.id == claim.id)?;
        let text = format!("{}: {}", profile.id, expect.as_str());
        Some(Link::new(Folder::Profiles, &profile.id, text))
    });
    let named: Vec<_> = named.collect();
    let controls = controls()
        .filter(|(_, control)| {
            let mut grounds = control.grounds();
            grounds.any(|ground| matches!(ground, Ground::Claim(id) if *id == claim.id))
        })
        .map(|(standard, control)| to_control(standard, control));
    let controls: Vec<_> = controls.collect();
    page.links("Profiles", named).links("Controls", controls)
}

/// The page of a statement that no packet decides.
pub fn off_wire(one: &OffWire) -> Page {
    Page::new(Folder::Claims, &one.id, &one.statement)
        .fact("Weight", one.kind.name())
        .fact("Source", one.sources.join("; "))
        .text(format!("Not to be decided from packets: {}.", one.why))
        .text(format!("To be brought instead: {}.", one.evidence))
}

/// The page of a check.
pub fn check(check: &'static Check) -> Page {
    let mut page = Page::new(Folder::Checks, check.id, "");
    page.blocks = of_check(check);
    let claims = Claim::all().iter().filter(|claim| claim.check == check.id);
    let claims: Vec<_> = claims
        .map(|claim| {
            let text = format!("{}: {}", claim.id, claim.statement);
            Link::new(Folder::Claims, &claim.id, text)
        })
        .collect();
    page.links("Claims", claims)
}

fn of_check(check: &'static Check) -> Vec<Block> {
    let page = Page::new(Folder::Checks, check.id, "")
        .links(
            "Check",
            vec![Link::new(Folder::Checks, check.id, check.id.to_owned())],
        )
        .text(format!("Observed when {}.", check.observed_when))
        .text(format!("Put to the test when {}.", check.trigger))
        .text(check.method)
        .fact("References", check.references.join(", "));
    match Weakness::told(check) {
        Some(told) => page.fact("Weakness", told).blocks,
        None => page.blocks,
    }
}

/// The page of a profile.
pub fn profile(profile: &Profile) -> Page {
    let mut page = Page::new(Folder::Profiles, &profile.id, &profile.title);
    for paragraph in profile.description.trim().split("\n\n") {
        page = page.text(paragraph);
    }
    let scope: Vec<_> = profile.scope().collect();
    if !scope.is_empty() {
        page = page.fact("In scope", scope.join(", "));
    }
    let claims = profile.expectations().map(|(claim, expect)| {
        let text = format!("{} {}: {}", claim.id, expect.as_str(), claim.statement);
        Link::new(Folder::Claims, &claim.id, text)
    });
    let claims: Vec<_> = claims.collect();
    let controls = profile.frameworks().iter().flat_map(|standard| {
        let all = standard.controls.iter();
        all.map(move |control| to_control(standard, control))
    });
    let controls: Vec<_> = controls.collect();
    page.links("Expects", claims).links("Controls", controls)
}

/// The page of a control.
pub fn control(standard: &Framework, control: &Control) -> Page {
    let name = format!("{} {}", standard.id, control.id);
    let mut page = Page::new(Folder::Controls, &name, &control.asks)
        .fact("Standard", standard.name())
        .fact(
            "Text",
            format!("of the standard itself: {}", standard.source),
        )
        .text(format!("Rule: {}", control.rule()))
        .text(format!("Cited: {}", control.cite));
    if !control.scope.is_empty() {
        page = page.text(format!(
            "A finding relates to it; it applies where a profile says `scope = [{}]`.",
            control
                .scope
                .iter()
                .map(|word| format!("\"{word}\""))
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    let claims = control.grounds().filter_map(|ground| match ground {
        Ground::Claim(id) => {
            let claim = Claim::find(id)?;
            let text = format!("{id}: {}", claim.statement);
            Some(Link::new(Folder::Claims, id, text))
        }
        Ground::No(_) => None,
    });
    let claims: Vec<_> = claims.collect();
    let exposures: Vec<_> = control
        .grounds()
        .filter_map(|ground| match ground {
            Ground::No(exposed) => Some(format!("{}: {}", exposed.as_str(), exposed.about())),
            Ground::Claim(_) => None,
        })
        .collect();
    page = page.text(format!("Not tested: {}", control.not_tested));
    if !exposures.is_empty() {
        page = page.fact("Exposures", exposures.join("; "));
    }
    page.links("Claims", claims)
}

/// The page of the table of weaknesses.
pub fn weakness_table() -> Page {
    let table = weaknesses();
    let mut page = Page::new(
        Folder::Top,
        "weaknesses",
        "CWE and ATT&CK ids that findings have",
    )
    .text("The titles are ours; what an id means in full is for its catalogue to say.")
    .fact("ATT&CK", &table.attack_edition);
    for (label, ids) in [("CWE", &table.cwe), ("ATT&CK", &table.attack)] {
        for one in ids {
            let of = table.checks_with(&one.id);
            let checks: Vec<_> = of
                .filter_map(checks::find)
                .map(|check| Link::new(Folder::Checks, check.id, check.id.to_owned()))
                .collect();
            page = page.text(format!("{label} {}: {}.", one.id, one.title));
            page = page.links("Checks", checks);
        }
    }
    page
}

/// Every control that is built in, with its standard.
pub fn controls() -> impl Iterator<Item = (&'static Framework, &'static Control)> {
    let all = Framework::all().iter();
    all.flat_map(|one| one.controls.iter().map(move |control| (one, control)))
}

fn to_control(standard: &Framework, control: &Control) -> Link {
    let text = format!("{} {}: {}", standard.name(), control.id, control.asks);
    let name = format!("{} {}", standard.id, control.id);
    Link::new(Folder::Controls, &name, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Vec<Page> {
        let mut pages: Vec<_> = Claim::all().iter().map(claim).collect();
        pages.extend(OffWire::all().iter().map(off_wire));
        pages.extend(checks::ALL.iter().map(|one| check(one)));
        pages.extend(Profile::all().iter().map(profile));
        pages.extend(controls().map(|(standard, one)| control(standard, one)));
        pages.push(weakness_table());
        pages
    }

    #[test]
    fn every_page_has_its_own_file_and_every_link_leads_to_one() {
        let pages = pages();
        let mut files: Vec<String> = pages.iter().map(Page::path).collect();
        files.sort_unstable();
        let all = files.len();
        files.dedup();
        assert_eq!(files.len(), all, "two pages in one file");
        for page in &pages {
            for link in page.every_link() {
                let to = link.path();
                assert!(
                    files.binary_search(&to).is_ok(),
                    "{} links to {to}",
                    page.id
                );
            }
            assert!(!page.blocks.is_empty(), "{}", page.id);
        }
    }

    #[test]
    fn a_terminal_of_eighty_columns_shows_every_page() {
        for page in pages() {
            let text = page.to_text();
            for line in text.lines() {
                let fits = line.chars().count() <= 80 || !line.trim().contains(' ');
                assert!(fits, "{}: {line}", page.id);
            }
        }
    }

    #[test]
    fn a_control_says_its_rule_and_its_limits() {
        let found = Control::find("ia-5(1)(C)");
        let [(standard, one)] = found.as_slice() else {
            panic!("{found:?}")
        };
        let text = control(standard, one).to_text();
        for part in [
            "nist-sp-800-53r5 IA-5(1)(c): Passwords cross nothing but",
            "Rule: Not satisfied where one of these is refuted: RFC4954-4;",
            "Not tested: Logins that",
            "scope = [\"federal-system\"]",
            "password-readable: a login in clear",
        ] {
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(part), "{part}\n{text}");
        }
        insta::assert_snapshot!("control", text);
    }

    #[test]
    fn markdown_links_only_where_there_is_something_to_link_to() {
        let page = claim(Claim::find("ADP-16").expect("a claim"));
        let site = page.to_markdown(true);
        assert!(site.contains("](../checks/password-readable.md)"), "{site}");
        let help = page.to_markdown(false);
        assert!(!help.contains("](") && help.contains("password-readable"));
    }
}
