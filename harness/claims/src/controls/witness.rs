//! What the conversations showed of each claim, counted, and the word on each control that comes of it.

use super::outcome::{Citation, ControlOutcome, ControlVerdict, FrameworkOutcome, GroundOutcome};
use super::{Control, Exposed, Framework, Ground, State, weakness};
use crate::result::{ConversationOutcome, EvidenceOutcome};
use crate::{Answer, Claim, Judgement, Profile};

/// Packets that are named for a ground, at the most.
const MOST_PACKETS: usize = 8;

/// What was seen of each claim of a profile, in the order of its claims.
#[derive(Debug, Default)]
pub struct Witnesses(Vec<Witness>);

#[derive(Clone, Debug, Default)]
struct Witness {
    held: u64,
    refuted: u64,
    open: u64,
    held_at: Option<Place>,
    refuted_at: Option<Place>,
    /// Why the first conversation that decides nothing decides nothing.
    open_because: Option<String>,
}

/// A conversation that shows it.
#[derive(Clone, Debug)]
struct Place {
    conversation: String,
    reason: String,
    packets: Vec<u64>,
}

impl Witnesses {
    /// Counts what a conversation showed: for each claim whether it holds, as far as it was put to the test.
    pub fn count(&mut self, holds: &[Option<bool>]) {
        if self.0.len() < holds.len() {
            self.0.resize_with(holds.len(), Witness::default);
        }
        for (witness, holds) in self.0.iter_mut().zip(holds) {
            *match holds {
                Some(true) => &mut witness.held,
                Some(false) => &mut witness.refuted,
                None => &mut witness.open,
            } += 1;
        }
    }

    /// Remembers where it can be seen. The first conversation that shows something is the one that is named.
    pub fn show(&mut self, conversation: &ConversationOutcome, holds: &[Option<bool>]) {
        for (number, judged) in conversation.verdicts.iter().enumerate() {
            let packets = packets(&judged.evidence);
            let holds = holds.get(number).copied().flatten();
            self.place(number, holds, &conversation.id, &judged.reason, packets);
        }
    }

    /// As [`Witnesses::show`], for a claim that was judged across conversations.
    pub fn show_across(&mut self, number: usize, conversation: &str, judged: &Judgement) {
        let evidence: Vec<EvidenceOutcome> =
            judged.evidence.iter().cloned().map(Into::into).collect();
        let packets = packets(&evidence);
        self.place(number, judged.holds, conversation, &judged.reason, packets);
    }

    fn place(
        &mut self,
        number: usize,
        holds: Option<bool>,
        conversation: &str,
        reason: &str,
        packets: Vec<u64>,
    ) {
        if self.0.len() <= number {
            self.0.resize_with(number + 1, Witness::default);
        }
        let witness = &mut self.0[number];
        let Some(holds) = holds else {
            let because = &mut witness.open_because;
            because.get_or_insert_with(|| reason.to_owned());
            return;
        };
        let place = if holds {
            &mut witness.held_at
        } else {
            &mut witness.refuted_at
        };
        place.get_or_insert_with(|| Place {
            conversation: conversation.to_owned(),
            reason: reason.to_owned(),
            packets,
        });
    }

    /// Counts a conversation that is at hand whole.
    pub fn add(&mut self, profile: &Profile, conversation: &ConversationOutcome) {
        let judged = conversation.verdicts.iter();
        let holds: Vec<_> = profile
            .expectations()
            .zip(judged)
            .map(|((_, expect), one)| expect.holds(one.verdict, one.holds))
            .collect();
        self.count(&holds);
        self.show(conversation, &holds);
    }

    /// The word on every control of a profile.
    pub fn judge(&self, profile: &Profile, answer: Option<&Answer>) -> Vec<FrameworkOutcome> {
        let of = |one: &Framework| FrameworkOutcome {
            id: one.id.clone(),
            title: one.title.clone(),
            edition: one.edition.clone(),
            source: one.source.clone(),
            controls: one
                .controls
                .iter()
                .map(|control| self.control(profile, control, answer))
                .collect(),
        };
        profile.frameworks().iter().map(of).collect()
    }

    fn control(
        &self,
        profile: &Profile,
        control: &Control,
        answer: Option<&Answer>,
    ) -> ControlOutcome {
        let judged: Vec<(&Ground, Option<State>, GroundOutcome)> = control
            .grounds()
            .map(|ground| {
                let (state, outcome) = self.ground(profile, ground, answer);
                (ground, state, outcome)
            })
            .collect();
        let state_of = |ground: &Ground| {
            let found = judged.iter().find(|(one, ..)| *one == ground);
            found.and_then(|(_, state, _)| *state)
        };
        let refuted = || {
            let all = judged.iter();
            all.filter(|(_, state, _)| *state == Some(State::Refuted))
        };
        let shown = !control.shown_by.is_empty()
            && control
                .shown_by
                .iter()
                .all(|one| state_of(one) == Some(State::Held));
        let verdict = if refuted().next().is_some() {
            ControlVerdict::NotSatisfied
        } else if shown {
            ControlVerdict::SatisfiedByWhatWasSeen
        } else {
            ControlVerdict::NotTested
        };
        let (cwe, attack) = weakness::of_grounds(refuted().map(|(ground, ..)| *ground));
        let in_scope =
            !control.scope.is_empty() && control.scope.iter().all(|word| profile.is_in_scope(word));
        let mut grounds: Vec<_> = judged.into_iter().map(|(_, _, outcome)| outcome).collect();
        grounds.sort_by_key(|one| match one.state.as_str() {
            "refuted" => 0,
            "undecided" => 1,
            "holds" => 2,
            _ => 3,
        });
        ControlOutcome {
            id: control.id.clone(),
            asks: control.asks.clone(),
            verdict,
            citation: if in_scope {
                Citation::Applies
            } else {
                Citation::RelatesTo
            },
            grounds,
            cite: control.cite.clone(),
            not_tested: control.not_tested.clone(),
            cwe,
            attack,
            statement: control.oscal.clone(),
        }
    }

    /// How it stands with a ground; `None` where the profile leaves it out.
    fn ground(
        &self,
        profile: &Profile,
        ground: &Ground,
        answer: Option<&Answer>,
    ) -> (Option<State>, GroundOutcome) {
        match ground {
            Ground::Claim(id) => self.claim(profile, id),
            Ground::No(exposed) => exposure(*exposed, answer),
        }
    }

    fn claim(&self, profile: &Profile, id: &str) -> (Option<State>, GroundOutcome) {
        let number = profile.expectations().position(|(claim, _)| claim.id == id);
        let Some(number) = number else {
            let reason = "the profile leaves this claim out".to_owned();
            return (None, outcome(id, "not-judged", reason, None));
        };
        let nothing = Witness::default();
        let witness = self.0.get(number).unwrap_or(&nothing);
        let all = witness.held + witness.refuted + witness.open;
        let (state, word, count, place) = if witness.refuted > 0 {
            (
                State::Refuted,
                "refuted",
                witness.refuted,
                witness.refuted_at.as_ref(),
            )
        } else if witness.held > 0 {
            (State::Held, "holds", witness.held, witness.held_at.as_ref())
        } else {
            (State::Open, "undecided", witness.open, None)
        };
        let reason = match (place, state) {
            (Some(place), _) => format!("in {count} of {all} conversations: {}", place.reason),
            (None, State::Open) => {
                let vacuous = || Claim::find(id).map(|claim| claim.vacuous_when.as_str());
                let because = witness.open_because.as_deref().or_else(vacuous);
                let because = because.unwrap_or("nothing says why");
                format!("decided in none of {all} conversations; the first: {because}")
            }
            (None, _) => format!("in {count} of {all} conversations"),
        };
        (Some(state), outcome(id, word, reason, place))
    }
}

fn exposure(exposed: Exposed, answer: Option<&Answer>) -> (Option<State>, GroundOutcome) {
    let ground = Ground::No(exposed).to_string();
    let Some(answer) = answer else {
        let reason = "exposures are not counted in this kind of run".to_owned();
        return (
            Some(State::Open),
            outcome(&ground, "undecided", reason, None),
        );
    };
    let (state, text) = exposed.state(answer);
    let word = match state {
        State::Held => "holds",
        State::Refuted => "refuted",
        State::Open => "undecided",
    };
    (Some(state), outcome(&ground, word, text, None))
}

fn outcome(ground: &str, state: &str, reason: String, place: Option<&Place>) -> GroundOutcome {
    GroundOutcome {
        ground: ground.to_owned(),
        state: state.to_owned(),
        reason,
        conversation: place.map(|place| place.conversation.clone()),
        packets: place.map(|place| place.packets.clone()).unwrap_or_default(),
    }
}

/// The packets that the evidence names, in its order, each once.
fn packets(evidence: &[EvidenceOutcome]) -> Vec<u64> {
    let mut packets = Vec::new();
    for packet in evidence.iter().flat_map(|piece| &piece.packets) {
        if packets.len() < MOST_PACKETS && !packets.contains(packet) {
            packets.push(*packet);
        }
    }
    packets
}
