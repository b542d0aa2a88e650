//! `[expect]`: what must come of a case.

use claims::Wanted;

use super::Spanned;
use super::decode::{Problems, Table, Value, wrong_type};
use super::values::{boolean, choice};

/// The verdict that a claim must get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `pass`.
    Pass,
    /// `fail`.
    Fail,
    /// `inconclusive`.
    Inconclusive,
    /// `recorded`.
    Recorded,
    /// `not-applicable`.
    NotApplicable,
}

pub(super) const OUTCOMES: [(&str, AdapterOutcome); 2] = [
    ("sent", AdapterOutcome::Sent),
    ("suspended", AdapterOutcome::Suspended),
];

pub(super) const VERDICTS: [(&str, Expected); 5] = [
    ("pass", Expected::Pass),
    ("fail", Expected::Fail),
    ("inconclusive", Expected::Inconclusive),
    ("recorded", Expected::Recorded),
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
    /// Ids of checks with the observation that the case wants of each, in the order of the file.
    pub checks: Vec<(Spanned<String>, Wanted)>,
    /// The adapter's own view, where the case says so.
    pub outcome: Option<AdapterOutcome>,
    /// Whether the client may as well refuse to send what it is told, and say so: the case tempts it to do something unsafe.
    pub may_refuse: bool,
}

impl Expect {
    pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        let mut table = Table::open("[expect]", value, problems)?;
        let claims = table
            .optional("claims", problems, claims)
            .unwrap_or_default();
        let checks = table
            .optional("checks", problems, checks)
            .unwrap_or_default();
        let outcome = table
            .optional("outcome", problems, choice(&OUTCOMES))
            .map(|outcome| outcome.value);
        let may_refuse = table
            .optional("may_refuse", problems, boolean)
            .is_some_and(|flag| flag.value);
        table.finish(problems);
        Some(Self {
            claims,
            checks,
            outcome,
            may_refuse,
        })
    }
}

fn claims(value: &Value<'_>, problems: &mut Problems) -> Option<Vec<(Spanned<String>, Expected)>> {
    named(value, "a table of claims and verdicts", &VERDICTS, problems)
}

fn checks(value: &Value<'_>, problems: &mut Problems) -> Option<Vec<(Spanned<String>, Wanted)>> {
    let observations = [Wanted::Observed, Wanted::NotObserved].map(|one| (one.as_str(), one));
    let what = "a table of checks and observations";
    named(value, what, &observations, problems)
}

/// The ids are data, not keys of the language: whether a claim or a check exists is known to its registry alone.
fn named<T: Copy>(
    value: &Value<'_>,
    what: &str,
    words: &[(&'static str, T)],
    problems: &mut Problems,
) -> Option<Vec<(Spanned<String>, T)>> {
    let Some(entries) = value.get_ref().as_table() else {
        wrong_type(value, what, problems);
        return None;
    };
    let mut all = Vec::new();
    for (id, word) in entries {
        if let Some(word) = choice(words)(word, problems) {
            let (value, span) = (id.get_ref().to_string(), id.span());
            all.push((Spanned { value, span }, word.value));
        }
    }
    all.sort_by_key(|(id, _)| id.span.start);
    Some(all)
}
