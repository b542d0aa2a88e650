//! `smtpspec list`: what there is.

use std::fmt::Write as _;

use claims::{Claim, Profile};
use lab::adapter::Twin;

use super::{catalogue, output};
use crate::args::Listing;
use crate::{Exit, Failure};

pub(super) fn run(what: Listing) -> Result<Exit, Failure> {
    let mut out = String::new();
    match what {
        Listing::Scenarios => {
            for scenario in catalogue()? {
                let _ = writeln!(
                    out,
                    "{}  {:<14} {:<11} {}",
                    scenario.id.value,
                    scenario.family,
                    scenario.level.as_str(),
                    scenario.title
                );
            }
        }
        Listing::Claims => {
            for claim in Claim::all() {
                let _ = writeln!(out, "{}  {:<32} {}", claim.id, claim.check, claim.statement);
            }
        }
        Listing::Profiles => {
            for profile in Profile::all() {
                let _ = writeln!(out, "{}  {}", profile.id, profile.title);
            }
        }
        Listing::Twins => {
            for twin in Twin::ALL {
                let _ = writeln!(
                    out,
                    "{:<28} {}  {}",
                    twin.name(),
                    twin.breaks(),
                    twin.summary().trim()
                );
            }
        }
        Listing::Formats => {
            for format in report::FORMATS {
                let _ = writeln!(out, "{:<6} {}", format.name, format.summary);
            }
        }
    }
    output::text(&out)?;
    Ok(Exit::Met)
}
