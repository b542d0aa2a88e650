//! What all conversations of an audit come to.

use std::collections::BTreeMap;

use claims::controls::Witnesses;
use claims::result::{CaptureFile, CaseOutcome, Outcome};
use claims::{Ledger, Profile, Tally, Verdict, overrule, rejudge};

use super::judge::Judged;
use super::sample::Sample;
use super::sinks::Sink;

/// How many remarks on packets are kept.
const MOST_NOTES: usize = 100;

/// Takes judged conversations in order.
pub struct Gatherer<'a> {
    case: &'static str,
    outcome: Outcome,
    sink: &'a mut dyn Sink,
    profile: &'a Profile,
    ledger: Ledger,
    tally: Tally,
    witnesses: Witnesses,
    over: Vec<Option<Verdict>>,
    /// How often each verdict was given.
    counts: [usize; Verdict::ALL.len()],
    sample: Sample,
    kept: Vec<String>,
    notes: Vec<String>,
    more_notes: u64,
    given_up: u64,
    count: u64,
}

/// What is known of an audit at its end.
pub struct Gathered {
    /// Id of the case that all conversations are put into.
    pub case: &'static str,
    /// The result, without its case.
    pub outcome: Outcome,
    /// The gravest verdict for each claim.
    pub verdicts: BTreeMap<String, Verdict>,
    /// Ids of the conversations that were kept.
    pub kept: Vec<String>,
    /// Remarks on packets.
    pub notes: Vec<String>,
    /// How many conversations there were.
    pub count: u64,
}

impl<'a> Gatherer<'a> {
    /// Nothing gathered yet, for a case of that id; every conversation goes to `sink`, too.
    pub fn new(
        case: &'static str,
        outcome: Outcome,
        profile: &'a Profile,
        sink: &'a mut dyn Sink,
    ) -> Self {
        let claims = outcome.claims.len();
        Self {
            case,
            outcome,
            sink,
            profile,
            ledger: Ledger::default(),
            tally: Tally::default(),
            witnesses: Witnesses::default(),
            over: vec![None; claims],
            counts: [0; Verdict::ALL.len()],
            sample: Sample::default(),
            kept: Vec::new(),
            notes: Vec::new(),
            more_notes: 0,
            given_up: 0,
            count: 0,
        }
    }

    /// How a lane chooses which conversations may be kept.
    pub(super) fn of_lane(&self) -> Sample {
        self.sample.of_lane()
    }

    pub(super) fn add(&mut self, judged: Box<Judged>) {
        let Judged {
            mut verdicts,
            mut holds,
            brief,
            mut outcome,
            notes,
            given_up,
        } = *judged;
        self.count += 1;
        // By what the lane knew of it, which chose by the same rule: what it passed over would be passed over here.
        let keep = outcome.is_some() && self.sample.takes(&verdicts, &holds);
        self.sample.tell();
        let brief = brief.named(format!("{}/{}", self.case, self.count));
        let across = self.ledger.judge(&brief);
        for (number, judged) in rejudge(self.profile, &across) {
            // A breach that the conversation shows by itself needs no other.
            if let Some(word) = verdicts
                .get_mut(number)
                .filter(|word| **word != Verdict::Fail)
            {
                *word = judged.verdict;
                if let Some(holds) = holds.get_mut(number) {
                    *holds = judged.holds;
                }
                self.witnesses.show_across(number, &brief.id, &judged);
            }
        }
        self.witnesses.count(&holds);
        if let Some(outcome) = &mut outcome {
            overrule(outcome, self.profile, &across);
        }
        self.tally.add(&brief);
        self.given_up += u64::from(given_up.is_some());
        for note in notes {
            if self.notes.len() < MOST_NOTES {
                self.notes.push(note);
            } else {
                self.more_notes += 1;
            }
        }
        for (number, verdict) in verdicts.iter().copied().enumerate() {
            self.counts[verdict as usize] += 1;
            if let Some(over) = self.over.get_mut(number) {
                *over = Some(over.map_or(verdict, |before| before.max(verdict)));
            }
        }
        let Some(mut outcome) = outcome else { return };
        outcome.id = brief.id;
        if keep {
            // The first that shows something of a claim is always among them.
            self.witnesses.show(&outcome, &holds);
        }
        self.sink.conversation(&outcome);
        if keep && self.sink.wants_sample() {
            self.kept.push(outcome.id.clone());
            self.outcome.conversations.push(outcome);
        }
    }

    /// What it all comes to.
    pub fn finish(mut self) -> Gathered {
        if self.more_notes > 0 {
            let line = format!("{} more remarks on packets are not listed", self.more_notes);
            self.notes.push(line);
        }
        if self.given_up > 0 {
            let line = format!(
                "{} conversations were not followed to their end, since a bound of this reader was reached",
                self.given_up
            );
            self.notes.insert(0, line);
        }
        for verdict in Verdict::ALL {
            *self.outcome.summary.entry(verdict).or_default() += self.counts[verdict as usize];
        }
        let ids = self.outcome.claims.iter().map(|claim| claim.id.clone());
        let verdicts = ids
            .zip(&self.over)
            .filter_map(|(id, verdict)| Some((id, (*verdict)?)))
            .collect();
        let answer = self.tally.answer();
        self.outcome.controls = self.witnesses.judge(self.profile, Some(&answer));
        self.outcome.answer = Some(answer);
        Gathered {
            case: self.case,
            outcome: self.outcome,
            verdicts,
            kept: self.kept,
            notes: self.notes,
            count: self.count,
        }
    }
}

impl Gathered {
    /// The result with everything in one case, which is called after its captures where it has no title of its own.
    pub fn into_outcome(
        self,
        title: Option<String>,
        mut captures: Vec<CaptureFile>,
        profile: &Profile,
    ) -> Outcome {
        let mut outcome = self.outcome;
        let mut first = if captures.is_empty() {
            return outcome;
        } else {
            captures.remove(0)
        };
        let title = title.unwrap_or_else(|| match captures.len() {
            0 => first.path.clone(),
            more => format!("{} and {more} more", first.path),
        });
        first.notes.extend(self.notes);
        let problems: Vec<_> = self
            .verdicts
            .iter()
            .filter(|(_, verdict)| matches!(verdict, Verdict::Fail | Verdict::Error))
            .map(|(claim, verdict)| format!("{claim} got {verdict}; {}", profile.wish(claim)))
            .collect();
        outcome.cases.push(CaseOutcome {
            id: self.case.to_owned(),
            title,
            capture: first,
            more_captures: captures,
            conversations: self.kept,
            met: problems.is_empty(),
            problems,
            verdicts: self.verdicts,
            ..CaseOutcome::default()
        });
        outcome
    }
}
