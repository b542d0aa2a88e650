//! `smtpspec redact`: a capture without its secrets.

use std::collections::BTreeMap;
use std::path::Path;

use claims::{Case, Given, Profile, Verdict, judge};

use super::output;
use crate::args::{Cli, RedactArgs};
use crate::redact::{self, Redaction};
use crate::road::{self, Scope};
use crate::{Exit, Failure};

pub(super) fn run(cli: &Cli, args: &RedactArgs) -> Result<Exit, Failure> {
    let what = Redaction {
        bodies: args.bodies,
        addresses: args.addresses,
        keep_other: args.keep_other,
    };
    let before = verdicts(&args.input)?;
    let told = redact::file(&args.input, &args.output, &what)?;
    let after = verdicts(&args.output)?;
    output::hint(
        cli,
        &format!(
            "{} conversation(s): {} place(s) written over; {} packet(s) of other things blanked",
            told.conversations, told.places, told.blanked
        ),
    );
    for note in &told.notes {
        output::hint(cli, note);
    }
    let other: Vec<_> = before
        .iter()
        .filter(|(key, verdict)| after.get(*key) != Some(verdict))
        .map(|((conversation, claim), verdict)| {
            let now = after.get(&(*conversation, claim.clone()));
            let now = now.map_or("gone", |verdict| verdict.as_str());
            format!(
                "conversation {}: {claim} was {verdict} and is {now}",
                conversation + 1
            )
        })
        .collect();
    match other.len() {
        0 => output::hint(
            cli,
            &format!("all {} verdicts are what they were", before.len()),
        ),
        count => {
            // Never kept quiet: whoever is given the capture sees other verdicts than its owner did.
            output::say(&format!(
                "{count} of {} verdicts are not what they were:",
                before.len()
            ));
            for line in other.iter().take(20) {
                output::say(&format!("  {line}"));
            }
        }
    }
    Ok(Exit::Met)
}

/// What every shipped profile makes of each conversation.
fn verdicts(path: &Path) -> Result<BTreeMap<(usize, String), Verdict>, Failure> {
    let evidence = road::read(path, Scope::Field)?;
    let case = Case::new(evidence.timelines, Given::default());
    let mut all = BTreeMap::new();
    for profile in Profile::all() {
        for (number, judgements) in judge(&case, profile).into_iter().enumerate() {
            for one in judgements {
                all.insert((number, one.claim.id.clone()), one.verdict);
            }
        }
    }
    Ok(all)
}
