//! `smtpspec list`: what there is.

use std::fmt::Write as _;

use claims::claim::OffWire;
use claims::{Claim, Profile};
use lab::adapter::Twin;
use lab::client::{self, Client, NotReady};

use super::{catalogue, output, runtime};
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
            for one in OffWire::all() {
                let _ = writeln!(
                    out,
                    "{}  {:<32} {}",
                    one.id, "(not from packets)", one.statement
                );
            }
        }
        Listing::Checks => {
            for check in claims::checks::ALL {
                let _ = writeln!(out, "{:<36} {}", check.id, check.observed_when);
            }
        }
        Listing::Profiles => {
            for profile in Profile::all() {
                let _ = writeln!(out, "{:<20}  {}", profile.id, profile.title);
            }
        }
        Listing::Controls => {
            for (standard, control) in claims::explain::controls() {
                let name = format!("{}/{}", standard.id, control.id);
                let _ = writeln!(out, "{name:<43} {}", control.asks);
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
        Listing::Clients => clients(&mut out)?,
        Listing::Formats => {
            for format in report::FORMATS {
                let _ = writeln!(out, "{:<8} {}", format.name, format.summary);
            }
        }
    }
    output::text(&out)?;
    Ok(Exit::Met)
}

/// Each client that a definition comes with: whether it is there, what it calls itself, and its modes of authentication.
fn clients(out: &mut String) -> Result<(), Failure> {
    let runtime = runtime()?;
    let tries: Vec<_> = client::names()
        .filter_map(client::find)
        .map(|definition| {
            let (id, title) = (definition.id.clone(), definition.title.clone());
            (id, title, runtime.spawn(Client::prepare(definition)))
        })
        .collect();
    for (id, title, ready) in tries {
        let ready = runtime
            .block_on(ready)
            .map_err(|error| Failure::input(format!("{id}: {error}")))?;
        let (found, rest) = match &ready {
            Ok(client) => (
                "found",
                format!(
                    "{}; {}",
                    client.modes().join(", "),
                    client.version().unwrap_or("version unknown")
                ),
            ),
            Err(NotReady::NotInstalled { reason, .. }) => ("not found", reason.clone()),
            Err(other) => ("broken", other.to_string()),
        };
        let _ = writeln!(out, "{id:<11} {title:<23} {found:<10} {rest}");
    }
    Ok(())
}
