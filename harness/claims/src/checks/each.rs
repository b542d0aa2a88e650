//! Questions that are asked of every message of a conversation.

use crate::subject::Sent;
use crate::{Finding, Observation, Subject};

/// One answer for all messages that were sent: the gravest.
///
/// `decisive` is the answer for which one message is enough: "not observed" for what must be so in each message,
/// "observed" for what must not be in any. After it comes "undetermined" of a message that the capture does not hold
/// whole, then the other answer, then "undetermined" of a message that was no test. Without a message nothing is
/// decided.
pub(super) fn message(
    subject: &Subject<'_>,
    decisive: Observation,
    ask: impl Fn(&Sent<'_>) -> Finding,
) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let mut gravest: Option<(u8, Finding)> = None;
    for sent in subject.sent() {
        let finding = ask(&sent);
        let weight = match finding.observation {
            observation if observation == decisive => return finding,
            Observation::Undetermined if sent.incomplete().is_some() => 3,
            Observation::Observed | Observation::NotObserved => 2,
            Observation::Undetermined => 1,
            Observation::NotApplicable => 0,
        };
        if gravest.as_ref().is_none_or(|(least, _)| weight > *least) {
            gravest = Some((weight, finding));
        }
    }
    let nothing = || {
        Finding::undetermined(
            subject
                .blind()
                .unwrap_or_else(|| "no message was sent".to_owned()),
        )
    };
    gravest.map_or_else(nothing, |(_, finding)| finding)
}

/// Whether this is the control message of a case about a withheld one: its Subject is not the configured one.
pub(super) fn is_control(subject: &Subject<'_>, sent: &Sent<'_>) -> bool {
    let Some(withheld) = &subject.given().withheld else {
        return false;
    };
    sent.message
        .headers("Subject")
        .any(|field| field.decoded.contains(&withheld.control))
}

/// Whether this is the control message of a case in which a property keeps the other from leaving: the control has another value
/// of it, so that what is known of the properties is not known of the control.
pub(super) fn is_mended(subject: &Subject<'_>, sent: &Sent<'_>) -> bool {
    subject.given().configured.missing.is_some() && is_control(subject, sent)
}

/// What senders write in the place of a Subject that is protected.
const STAND_INS: [&str; 4] = ["[...]", "...", "encrypted message", "(no subject)"];

/// Whether a Subject says anything: it is not empty, and none of the usual stand-ins for a protected one.
pub(super) fn says_something(subject: &str) -> bool {
    let text = subject.trim().to_lowercase();
    !text.is_empty() && !STAND_INS.contains(&text.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, case};
    use super::*;
    use crate::Given;
    use crate::given::Withheld;

    /// The answer where each message states in its Subject what is to be answered.
    fn gravest(talk: Talk) -> Finding {
        let tested = case(vec![talk], Given::default());
        message(
            &tested.subject(0),
            Observation::NotObserved,
            |sent| match sent.message.header("Subject").map(|s| s.value.as_str()) {
                Some("yes") => Finding::observed("yes", Vec::new()),
                Some("no") => Finding::not_observed("no", Vec::new()),
                Some("aside") => Finding::not_applicable("aside"),
                _ => Finding::undetermined("untested"),
            },
        )
    }

    fn talk(subjects: &[&str]) -> Talk {
        subjects.iter().fold(Talk::ehlo(&[]), |talk, subject| {
            talk.message(&format!("Subject: {subject}\n\nx\n"))
        })
    }

    #[test]
    fn the_gravest_answer_wins_wherever_it_stands() {
        use Observation::{NotApplicable, NotObserved, Observed, Undetermined};
        for (subjects, answer) in [
            (&["yes", "no", "yes"][..], NotObserved),
            (&["aside", "untested", "yes"], Observed),
            (&["aside", "untested"], Undetermined),
            (&["aside"], NotApplicable),
            (&[], Undetermined),
        ] {
            let found = gravest(talk(subjects));
            assert_eq!(found.observation, answer, "{subjects:?}");
        }
    }

    #[test]
    fn a_message_with_bytes_missing_takes_the_pass_from_the_others() {
        let torn = talk(&["yes"]).torn("Subject: what\n\nlost\n", "lost");
        let found = gravest(torn);
        assert_eq!(found.observation, Observation::Undetermined);
    }

    #[test]
    fn the_control_is_known_by_its_subject_only() {
        let given = Given {
            withheld: Some(Withheld {
                control: "ctrl-77".to_owned(),
            }),
            ..Given::default()
        };
        let both = talk(&["a ctrl-77", "b"]).message("Subject: =?utf-8?Q?ctrl=2D77?=\n\nx\n");
        let tested = case(vec![both], given);
        let subject = tested.subject(0);
        let control: Vec<_> = subject.sent().map(|s| is_control(&subject, &s)).collect();
        assert_eq!(control, [true, false, true]);
    }
}
