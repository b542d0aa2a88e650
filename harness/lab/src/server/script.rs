//! Which rule applies to a step, and how often each was used.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::scenario::{
    Command, Line, Ordinal, Phase, Rule, Scenario, Selector, ServerName, Spanned, Transcript,
    rules_of,
};

/// How a scenario changes the server.
#[derive(Debug)]
#[non_exhaustive]
pub enum Script {
    /// Ordered rules; the first match wins.
    #[non_exhaustive]
    Rules {
        /// The rules.
        rules: Vec<Rule>,
        /// How often each was used.
        hits: Vec<AtomicU64>,
    },
    /// A dialogue for each connection, and nothing else.
    #[non_exhaustive]
    Transcript {
        /// The dialogues.
        transcript: Transcript,
        /// How far each was played.
        played: Vec<Mutex<Played>>,
    },
}

/// How far a dialogue was played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Played {
    /// No client came for it.
    #[default]
    NotBegun,
    /// To its last line.
    Whole,
    /// Up to a line that did not come true.
    Up {
        /// Where that line is written.
        to: Range<usize>,
        /// What was expected, and what came. Never holds what a client sent.
        why: String,
    },
}

/// How often a rule was used, or whether a dialogue was played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// Its place in the scenario, from 0.
    pub rule: usize,
    /// Where it is written.
    pub span: Range<usize>,
    /// Whether the case proves nothing without it.
    pub must_fire: bool,
    /// How often it was carried out to its end.
    pub hits: u64,
    /// Of a dialogue that was not played to its end: why not.
    pub why: Option<String>,
}

/// A step of a session, as selectors see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    /// Number of the connection, from 1.
    pub(super) connection: u32,
    pub(super) phase: Phase,
    pub(super) command: Command,
    /// Which occurrence of the command in this connection it is, from 1.
    pub(super) nth: u32,
    pub(super) argument: &'a [u8],
    pub(super) tls: bool,
}

impl Script {
    /// Rules over the default server; none at all leave it correct.
    pub fn rules(rules: Vec<Rule>) -> Self {
        let hits = rules.iter().map(|_| AtomicU64::new(0)).collect();
        Self::Rules { rules, hits }
    }

    /// A dialogue for each connection.
    pub fn transcript(transcript: Transcript) -> Self {
        let played = transcript.dialogues.iter().map(|_| Mutex::default());
        Self::Transcript {
            played: played.collect(),
            transcript,
        }
    }

    /// The script of one of the servers of a scenario. A transcript is for the main one.
    pub fn of(scenario: &Scenario, name: ServerName) -> Self {
        match &scenario.transcript {
            Some(transcript) if name == ServerName::Main => Self::transcript(transcript.clone()),
            _ => Self::rules(rules_of(&scenario.rules, name)),
        }
    }

    fn all_rules(&self) -> &[Rule] {
        match self {
            Self::Rules { rules, .. } => rules,
            Self::Transcript { .. } => &[],
        }
    }

    /// The dialogue of a connection, counted from 1. `None` where rules decide, an empty one where the transcript has none
    /// for it.
    pub(super) fn dialogue(&self, connection: u32) -> Option<&[Line]> {
        let Self::Transcript { transcript, .. } = self else {
            return None;
        };
        let place = usize::try_from(connection).ok()?.checked_sub(1)?;
        let dialogue = transcript.dialogues.get(place);
        Some(dialogue.map_or(&[], |dialogue| &dialogue.lines))
    }

    /// Notes how far the dialogue of a connection was played.
    pub(super) fn note(&self, connection: u32, how_far: Played) {
        if let Self::Transcript { played, .. } = self
            && let Some(place) = usize::try_from(connection)
                .ok()
                .and_then(|n| n.checked_sub(1))
            && let Some(played) = played.get(place)
        {
            *played.lock().unwrap_or_else(PoisonError::into_inner) = how_far;
        }
    }

    /// The rule that applies to a step, with its place.
    pub(super) fn select(&self, step: &Step<'_>) -> Option<(usize, &Rule)> {
        self.all_rules()
            .iter()
            .enumerate()
            .find(|(_, rule)| rule.selector.at.is_none() && matches(&rule.selector, step))
    }

    /// The next rule that acts inside message content, from a number of bytes on: its place, and where it acts.
    pub(super) fn select_within(&self, step: &Step<'_>, from: u64) -> Option<(usize, u64)> {
        let due = self
            .all_rules()
            .iter()
            .enumerate()
            .filter_map(|(place, rule)| {
                let at = rule.selector.at.as_ref()?.value;
                (at >= from && matches(&rule.selector, step)).then_some((place, at))
            });
        // Of several in the same place the first is taken, here as everywhere.
        due.min_by_key(|(_, at)| *at)
    }

    /// A rule by its place.
    pub(super) fn rule(&self, place: usize) -> Option<&Rule> {
        self.all_rules().get(place)
    }

    /// Counts a rule once it was carried out: a rule whose reply never reached the socket provoked nothing.
    pub(super) fn fire(&self, rule: usize) {
        if let Self::Rules { hits, .. } = self
            && let Some(hits) = hits.get(rule)
        {
            hits.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often each rule was used, or how far each dialogue was played.
    pub fn fired(&self) -> Vec<Fired> {
        match self {
            Self::Rules { rules, hits } => rules
                .iter()
                .zip(hits)
                .enumerate()
                .map(|(place, (rule, hits))| Fired {
                    rule: place,
                    span: rule.span.clone(),
                    must_fire: rule.must_fire,
                    hits: hits.load(Ordering::Relaxed),
                    why: None,
                })
                .collect(),
            Self::Transcript { transcript, played } => transcript
                .dialogues
                .iter()
                .zip(played)
                .enumerate()
                .map(|(place, (dialogue, played))| {
                    let played = played.lock().unwrap_or_else(PoisonError::into_inner);
                    let begin = dialogue.span.clone();
                    let (span, why) = match played.clone() {
                        Played::Whole => (begin, None),
                        Played::NotBegun => (begin, Some("no client came for it".to_owned())),
                        Played::Up { to, why } => (to, Some(why)),
                    };
                    Fired {
                        rule: place,
                        span,
                        must_fire: true,
                        hits: u64::from(why.is_none()),
                        why,
                    }
                })
                .collect(),
        }
    }
}

fn matches(selector: &Selector, step: &Step<'_>) -> bool {
    fn is<T: PartialEq>(wanted: Option<&Spanned<T>>, found: &T) -> bool {
        wanted.is_none_or(|wanted| wanted.value == *found)
    }
    fn counts(wanted: Option<&Spanned<Ordinal>>, number: u32) -> bool {
        wanted.is_none_or(|wanted| wanted.value.holds(number))
    }
    counts(selector.connection.as_ref(), step.connection)
        && is(selector.phase.as_ref(), &step.phase)
        && is(selector.command.as_ref(), &step.command)
        && counts(selector.nth.as_ref(), step.nth)
        && is(selector.tls.as_ref(), &step.tls)
        && selector
            .argument
            .as_ref()
            .is_none_or(|part| holds(step.argument, part.value.as_bytes()))
}

/// Whether `part` stands somewhere in `text`, in any case of ASCII letters.
fn holds(text: &[u8], part: &[u8]) -> bool {
    part.is_empty()
        || text
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(rules: &str) -> Script {
        let text = format!(
            "id = \"ENV-01\"\ntitle = \"t\"\n[server]\nextensions = [\"STARTTLS\"]\n{rules}"
        );
        let scenario =
            Scenario::parse("x.toml", &text).unwrap_or_else(|problems| panic!("{problems}"));
        Script::rules(scenario.rules)
    }

    const STEP: Step<'static> = Step {
        connection: 1,
        phase: Phase::Rcpt,
        command: Command::Rcpt,
        nth: 1,
        argument: b"TO:<A@example.test>",
        tls: false,
    };

    #[test]
    fn the_first_rule_whose_selectors_all_hold_is_taken() {
        let script = script(
            "[[on]]\ncommand = \"RCPT\"\nnth = 2\nreply = \"450 a\"\n\
             [[on]]\nargument = \"a@EXAMPLE\"\ntls = false\nreply = \"451 b\"\n\
             [[on]]\nphase = \"rcpt\"\nreply = \"452 c\"\n",
        );
        let place = |step: &Step<'_>| script.select(step).map(|(place, _)| place);
        assert_eq!(place(&STEP), Some(1));
        assert_eq!(place(&Step { nth: 2, ..STEP }), Some(0));
        assert_eq!(place(&Step { tls: true, ..STEP }), Some(2));
        assert_eq!(
            place(&Step {
                argument: b"",
                ..STEP
            }),
            Some(2)
        );
        assert_eq!(
            place(&Step {
                phase: Phase::Mail,
                command: Command::Mail,
                argument: b"",
                ..STEP
            }),
            None
        );
    }

    #[test]
    fn hits_are_counted_for_each_rule() {
        let script =
            script("[[on]]\nnth = 9\nclose = true\n[[on]]\nmust_fire = false\nclose = true\n");
        script.fire(1);
        script.fire(1);
        let counted: Vec<_> = script
            .fired()
            .iter()
            .map(|fired| (fired.must_fire, fired.hits))
            .collect();
        assert_eq!(counted, [(true, 0), (false, 2)]);
    }
}
