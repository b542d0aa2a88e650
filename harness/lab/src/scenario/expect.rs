//! `[expect]`: what must come of a case.

use super::Spanned;
use super::decode::{Problems, Table, Value, wrong_type};
use super::values::{choice, list, text};

/// The verdict that a claim must get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `pass`.
    Pass,
    /// `fail`.
    Fail,
    /// `inconclusive`.
    Inconclusive,
    /// `not-applicable`.
    NotApplicable,
}

const VERDICTS: [(&str, Expected); 4] = [
    ("pass", Expected::Pass),
    ("fail", Expected::Fail),
    ("inconclusive", Expected::Inconclusive),
    ("not-applicable", Expected::NotApplicable),
];

impl Expected {
    /// The word that scenarios write.
    pub fn as_str(self) -> &'static str {
        VERDICTS
            .iter()
            .find(|(_, verdict)| *verdict == self)
            .map_or("", |(word, _)| word)
    }
}

/// What the adapter itself makes of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdapterOutcome {
    /// It was accepted.
    Sent,
    /// Every try failed.
    Suspended,
}

/// The whole table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// Claim ids with the verdict that each must get, in the order of the file.
    pub claims: Vec<(Spanned<String>, Expected)>,
    /// Names of checks whose observation must be made.
    pub checks: Vec<Spanned<String>>,
    /// The adapter's own view, where the case says so.
    pub outcome: Option<AdapterOutcome>,
}

impl Expect {
    pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        let mut table = Table::open("[expect]", value, problems)?;
        let claims = table
            .optional("claims", problems, claims)
            .unwrap_or_default();
        let checks = table
            .optional("checks", problems, list(text))
            .unwrap_or_default();
        let outcomes = [
            ("sent", AdapterOutcome::Sent),
            ("suspended", AdapterOutcome::Suspended),
        ];
        let outcome = table
            .optional("outcome", problems, choice(&outcomes))
            .map(|outcome| outcome.value);
        table.finish(problems);
        Some(Self {
            claims,
            checks,
            outcome,
        })
    }
}

/// The ids are data, not keys of the language: whether a claim exists is known to the catalogue alone.
fn claims(value: &Value<'_>, problems: &mut Problems) -> Option<Vec<(Spanned<String>, Expected)>> {
    let Some(entries) = value.get_ref().as_table() else {
        wrong_type(value, "a table of claims and verdicts", problems);
        return None;
    };
    let mut claims = Vec::new();
    for (id, verdict) in entries {
        if let Some(verdict) = choice(&VERDICTS)(verdict, problems) {
            claims.push((
                Spanned {
                    value: id.get_ref().to_string(),
                    span: id.span(),
                },
                verdict.value,
            ));
        }
    }
    claims.sort_by_key(|(id, _)| id.span.start);
    Some(claims)
}
