//! `smtpspec audit`: a capture from the field.

use claims::Given;

use super::{format, output, profile};
use crate::args::{AuditArgs, Cli};
use crate::road::{self, Expected, Scope};
use crate::{Exit, Failure};

pub(super) fn run(cli: &Cli, args: &AuditArgs) -> Result<Exit, Failure> {
    let profile = profile(&args.judging.profile)?;
    let format = format(&args.judging.format)?;
    let mut outcome = road::empty("audit", profile);
    let mut complaints = Vec::new();
    for (number, path) in args.captures.iter().enumerate() {
        // One bad file does not cost the others their verdicts; the exit status tells.
        let evidence = match road::read(path, Scope::Field) {
            Ok(evidence) => evidence,
            Err(failure) => {
                complaints.push(failure.to_string());
                continue;
            }
        };
        if evidence.timelines.is_empty() {
            complaints.push(format!(
                "{}: no SMTP conversation among {} TCP connection(s) in {} packet(s); nothing was judged",
                path.display(),
                evidence.passed_over,
                evidence.file.packets
            ));
            continue;
        }
        complaints.extend(evidence.truncated.clone());
        let id = format!("C{}", number + 1);
        road::judge_case(
            &mut outcome,
            (&id, &path.display().to_string(), ""),
            evidence,
            Given::default(),
            profile,
            &Expected::default(),
        );
    }
    if !outcome.cases.is_empty() {
        output::print(cli, format, &outcome)?;
    }
    for complaint in &complaints {
        anstream::eprintln!("error: {complaint}");
    }
    Ok(match (complaints.is_empty(), outcome.met()) {
        (false, _) => Exit::Trouble,
        (true, true) => Exit::Met,
        (true, false) => Exit::NotMet,
    })
}
