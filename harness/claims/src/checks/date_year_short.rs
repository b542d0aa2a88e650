//! Has the year in Date four digits?

use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "date-year-short",
    observed_when: "the Date field of a message has a year of fewer than four digits",
    trigger: "a message with a Date field was sent",
    method: "The year is the word behind the name of the month.",
    references: &["RFC 5321 F.5", "RFC 5322 3.3", "RFC 5322 4.3"],
    run,
};

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, judge)
}

fn judge(sent: &Sent<'_>) -> Finding {
    let Some(field) = sent.message.header("Date") else {
        return Finding::undetermined(sent.incomplete().unwrap_or_else(|| "the message has no Date".to_owned()));
    };
    let evidence = vec![sent.evidence(field.range.clone(), "Date field")];
    match year(&field.value) {
        None => Finding::undetermined("the Date of the message cannot be read"),
        Some(digits) if digits < 4 => Finding::observed(format!("the year in Date has {digits} digits"), evidence),
        Some(digits) => Finding::not_observed(format!("the year in Date has {digits} digits"), evidence),
    }
}

/// How many digits the year has.
fn year(date: &str) -> Option<usize> {
    let mut words = date.split_ascii_whitespace();
    words.find(|word| MONTHS.contains(&word.to_ascii_lowercase().as_str()))?;
    let year = words.next()?;
    year.bytes().all(|byte| byte.is_ascii_digit()).then_some(year.len())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(header: &str) -> Seen {
        find(&CHECK, Talk::ehlo(&[]).message(&plain(header, "x")).quit(), Given::default())
    }

    #[test]
    fn the_year() {
        seen("Date: Thu, 01 Jan 26 00:00:00 GMT\n").observed("2 digits", &["Date: …"]);
        seen("Date: 1 jan 126 00:00 +0000\n").observed("3 digits", &["Date: …"]);
        seen("Date: Thu, 01 Jan 2026 00:00:00 +0000\n").not_observed("4 digits", &["Date: …"]);
    }

    #[test]
    fn no_year() {
        seen("").undetermined("no Date");
        seen("Date: today\n").undetermined("cannot be read");
        seen("Date: 1 Jan MMXX\n").undetermined("cannot be read");
        find(&CHECK, Talk::ehlo(&[]).torn(&plain("", "x"), "x"), Given::default()).undetermined("whole message");
    }
}
