//! The answer of an audit in pieces that fit a terminal and a document alike.

use claims::Answer;
use claims::answer::{AccountRow, ClientRow};
use claims::leaks::{Exposure, ProofVerdict};
use claims::result::{CaseOutcome, Outcome};

/// The heading of the table by client host.
pub(crate) const CLIENTS: [&str; 6] = [
    "client host",
    "conv",
    "mail",
    "clear",
    "accounts",
    "last seen (UTC)",
];

/// The heading of the table by account.
pub(crate) const ACCOUNTS: [&str; 5] = ["account", "by", "its password", "logins", "where #packet"];

/// Which conversations are listed, where it is not all of them.
pub(crate) fn sampled(outcome: &Outcome) -> Option<String> {
    let all = outcome.answer.as_ref()?.conversations;
    let shown = outcome.conversations.len() as u64;
    (shown < all)
        .then(|| format!("Showing {shown} of {all} conversations; --format jsonl has all."))
}

/// How many captures the cases were read from.
pub(crate) fn captures(outcome: &Outcome) -> usize {
    let more = outcome.cases.iter().map(|case| case.more_captures.len());
    outcome.cases.len() + more.sum::<usize>()
}

/// The captures after the first that are named.
const MOST_CAPTURES: usize = 100;

/// A line for each capture that was read with the first as one: path, packets, and the numbers that evidence cites.
pub(crate) fn more_captures(case: &CaseOutcome) -> Vec<(&str, String)> {
    let named = case.more_captures.iter().take(MOST_CAPTURES);
    let mut lines: Vec<_> = named
        .map(|capture| {
            let numbers = capture
                .numbers
                .map(|(first, last)| format!(", numbers {first}-{last}"));
            let text = format!("{} packets{}", capture.packets, numbers.unwrap_or_default());
            (capture.path.as_str(), text)
        })
        .collect();
    let rest = case.more_captures.len().saturating_sub(MOST_CAPTURES);
    if rest > 0 {
        lines.push(("more captures", format!("{rest}")));
    }
    lines
}

/// The rows of the table by client host, the others last.
pub(crate) fn clients(answer: &Answer) -> Vec<[String; 6]> {
    let row = |row: &ClientRow, name: &str| {
        let mut accounts = row.accounts.join(", ");
        if row.more_accounts {
            accounts.push_str(", and more");
        }
        [
            name.to_owned(),
            number(row.conversations),
            number(row.messages),
            number(row.in_clear),
            accounts,
            minute(&row.last_seen),
        ]
    };
    let own = answer.by_client.iter().map(|one| row(one, &one.client));
    let others = answer.other_clients.iter().map(|all| row(all, "(others)"));
    own.chain(others).collect()
}

/// The rows of the table by account, the others last.
pub(crate) fn accounts(answer: &Answer) -> Vec<[String; 5]> {
    let row = |row: &AccountRow, name: &str| {
        let place = row.packet.map(|packet| format!(" #{packet}"));
        [
            name.to_owned(),
            row.mechanism.clone(),
            exposed(row),
            number(row.logins),
            format!("{}{}", row.conversation, place.unwrap_or_default()),
        ]
    };
    let own = answer.by_account.iter().map(|one| row(one, &one.account));
    let others = answer.other_accounts.iter().map(|all| row(all, "(others)"));
    own.chain(others).collect()
}

/// How far the secret is exposed, and what the known passwords say of it.
fn exposed(row: &AccountRow) -> String {
    let exposure = row.exposure.map_or("under TLS", Exposure::name);
    let known = match row.proof {
        Some(ProofVerdict::Proven) => "known one",
        Some(ProofVerdict::Contradicted) => "other one",
        Some(ProofVerdict::NotTestable) | None => return exposure.to_owned(),
    };
    // The column has room for 23 characters.
    let exposure = match row.exposure {
        Some(Exposure::Guessable) => "guessable",
        _ => exposure,
    };
    format!("{known}, {exposure}")
}

/// A number that fits six columns.
fn number(number: u64) -> String {
    match number {
        0..=999_999 => number.to_string(),
        1_000_000..=999_999_999 => {
            format!("{}.{}M", number / 1_000_000, number % 1_000_000 / 100_000)
        }
        _ => format!("{}G", number / 1_000_000_000),
    }
}

/// `2026-11-25T13:34:27.123Z` as `2026-11-25 13:34`.
fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_known_passwords_say_fits_beside_the_exposure() {
        let row = |exposure, proof| AccountRow {
            exposure,
            proof,
            ..AccountRow::default()
        };
        let exposures = [
            None,
            Some(Exposure::Nothing),
            Some(Exposure::Hidden),
            Some(Exposure::Unknown),
            Some(Exposure::Guessable),
            Some(Exposure::Recoverable),
        ];
        for exposure in exposures {
            let plain = exposed(&row(exposure, None));
            assert_eq!(
                exposed(&row(exposure, Some(ProofVerdict::NotTestable))),
                plain
            );
            for (proof, word) in [
                (ProofVerdict::Proven, "known one, "),
                (ProofVerdict::Contradicted, "other one, "),
            ] {
                let text = exposed(&row(exposure, Some(proof)));
                assert!(text.starts_with(word) && text.len() <= 23, "{text}");
            }
        }
        let read = row(Some(Exposure::Recoverable), Some(ProofVerdict::Proven));
        assert_eq!(exposed(&read), "known one, can be read");
    }

    #[test]
    fn numbers_fit_their_column() {
        for (value, text) in [
            (0, "0"),
            (999_999, "999999"),
            (1_250_000, "1.2M"),
            (7_000_000_000, "7G"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_time_to_the_minute() {
        assert_eq!(minute("2026-11-25T13:34:27.123Z"), "2026-11-25 13:34");
        assert_eq!(minute("1.5"), "1.5");
    }
}
