//! One conversation judged, as soon as it is over.

use std::sync::Arc;

use claims::result::ConversationOutcome;
use claims::{Brief, Case, Judgement, Verdict, Word, judge, words};
use smtp::session::{Options, Reader};
use wire::Ended;
use wire::pipeline::Worker;

use super::Plan;
use super::sample::Sample;
use crate::road;

/// How many events of a conversation's transcript, and how many pieces of evidence for each of its verdicts, are kept in
/// the sample.
const BRIEF: usize = 250;

/// How much of each conversation's judgement is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// What a page shows of each, for a sample, and the words for the rest.
    Sample,
    /// What a page shows, for every conversation.
    EachInBrief,
    /// All of it, for every conversation.
    All,
}

/// A conversation, judged.
pub struct Judged {
    /// The verdicts, in the order of the profile's claims.
    pub verdicts: Vec<Verdict>,
    /// Whether each claim holds as it is stated, as far as it was put to the test.
    pub holds: Vec<Option<bool>>,
    /// What counting and comparing need.
    pub brief: Brief,
    /// Everything, where it is wanted.
    pub outcome: Option<ConversationOutcome>,
    /// Remarks on its packets.
    pub notes: Vec<String>,
    /// Whether the reader had to give it up.
    pub given_up: Option<String>,
}

/// Judges the conversations of one lane.
pub struct Judge {
    plan: Plan,
    options: Options,
    sample: Sample,
}

impl Judge {
    /// Nothing judged yet.
    pub(super) fn new(plan: Plan, options: Options, sample: Sample) -> Self {
        Self {
            plan,
            options,
            sample,
        }
    }

    fn judge(&self, case: &Case) -> Vec<Judgement> {
        judge(case, self.plan.profile).pop().unwrap_or_default()
    }
}

/// The verdicts, and what holds.
fn told(words: impl Iterator<Item = Word>) -> (Vec<Verdict>, Vec<Option<bool>>) {
    words.map(|word| (word.verdict, word.holds)).unzip()
}

impl Worker for Judge {
    type Consumer = Reader;
    type Product = Box<Judged>;

    fn secrets(&mut self, text: &str) {
        // A line that is none is of no account: the capture is what it is.
        let _ = self.plan.keys.extend(text);
    }

    fn open(&mut self) -> Reader {
        Reader::new(self.options.clone())
    }

    fn close(&mut self, ended: Ended<Reader>) -> Option<Box<Judged>> {
        let timeline = ended.consumer.finish(&ended.about);
        if !road::wanted(&timeline, self.plan.scope) {
            return None;
        }
        let case = Case::new(vec![timeline], Arc::clone(&self.plan.given));
        let subject = case.subjects().next().expect("the case has one");
        // Of most conversations nobody reads why they are judged as they are.
        let asked = (self.plan.detail != Detail::Sample).then(|| self.judge(&case));
        let (verdicts, holds) = match &asked {
            Some(judged) => told(judged.iter().map(Judgement::word)),
            None => told(words(subject, self.plan.profile)),
        };
        let wanted = asked.is_some() || self.sample.takes(&verdicts, &holds);
        let outcome = wanted.then(|| {
            let judged = asked.unwrap_or_else(|| self.judge(&case));
            debug_assert_eq!(
                told(judged.iter().map(Judgement::word)),
                (verdicts.clone(), holds.clone()),
                "the word depends on whether somebody asks why"
            );
            outcome(&case, judged, self.plan.detail)
        });
        let about = ended.about;
        Some(Box::new(Judged {
            verdicts,
            holds,
            brief: Brief::of(&subject),
            outcome,
            notes: about.notes.iter().map(ToString::to_string).collect(),
            given_up: about.given_up,
        }))
    }
}

fn outcome(case: &Case, judgements: Vec<Judgement>, detail: Detail) -> ConversationOutcome {
    let subject = case.subjects().next().expect("the case has one");
    let most = match detail {
        Detail::All => usize::MAX,
        Detail::EachInBrief | Detail::Sample => BRIEF,
    };
    ConversationOutcome::judged_in_brief(String::new(), &subject, judgements, most)
        .with_excerpts(&subject)
        .with_leaks(&subject)
}
