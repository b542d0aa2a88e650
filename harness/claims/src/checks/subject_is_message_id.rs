//! Is the default Subject the message's id?

use super::each;
use crate::given::GivenSubject;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "subject-is-message-id",
    observed_when: "with no Subject configured, the Subject field is the id of the message",
    trigger: "a message was sent whose Subject was left at its default",
    method: "The Subject field is compared with the message id, braces and case aside. Such a Subject leaks an \
             internal identifier and lets messages be correlated.",
    references: &["RFC 5322 3.6.5"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let message_id = match &subject.given().subject {
        Some(GivenSubject::Default { message_id }) => bare(message_id),
        Some(GivenSubject::Text(_)) => {
            return Finding::not_applicable("about a Subject left at its default");
        }
        None => return Finding::undetermined("whether a Subject is configured is not known"),
    };
    each::message(subject, Observation::NotObserved, |sent| {
        if each::is_control(subject, sent) {
            return Finding::undetermined("the control message: its Subject is not the configured one");
        }
        let Some(field) = sent.message.header("Subject") else {
            return match sent.incomplete() {
                Some(reason) => Finding::undetermined(reason),
                None => Finding::not_observed(
                    "the message has no Subject field",
                    vec![sent.all("the message")],
                ),
            };
        };
        let evidence = vec![sent.evidence(field.range.clone(), "Subject field")];
        if bare(&field.decoded).eq_ignore_ascii_case(message_id) {
            return Finding::observed("the Subject is the id of the message", evidence);
        }
        match sent.incomplete() {
            Some(reason) => Finding::undetermined(reason),
            None => Finding::not_observed("the Subject is not the id of the message", evidence),
        }
    })
}

/// An id without blanks and braces around it.
fn bare(id: &str) -> &str {
    id.trim().trim_start_matches('{').trim_end_matches('}')
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;
    use crate::given::Withheld;

    const ID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    fn given() -> Given {
        Given {
            subject: Some(GivenSubject::Default { message_id: ID.to_owned() }),
            ..Given::default()
        }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given())
    }

    fn text(subject: &str) -> String {
        plain(&format!("Subject: {subject}\n"), "x")
    }

    fn sent(subject: &str) -> Talk {
        Talk::ehlo(&[]).message(&text(subject))
    }

    #[test]
    fn the_id_with_or_without_braces() {
        for subject in [ID.to_owned(), format!("{{{}}}", ID.to_uppercase())] {
            let quote = format!("Subject: {subject}\r\n");
            seen(sent(&subject).gap()).observed("is the id", &[&quote]);
        }
        let torn = Talk::ehlo(&[]).torn(&plain(&format!("Subject: {ID}\n"), "a lost b"), "lost");
        seen(torn).observed("is the id", &[&format!("Subject: {ID}\r\n")]);
    }

    #[test]
    fn another_subject_or_none() {
        seen(sent("Order")).not_observed("is not the id", &["Subject: Order\r\n"]);
        seen(Talk::ehlo(&[]).message(&plain("", "x"))).not_observed("no Subject", &["From: …"]);
        let second = sent(ID).message(&text("Order"));
        seen(second).not_observed("is not the id", &["Subject: Order\r\n"]);
    }

    #[test]
    fn the_control_message_is_left_out() {
        let withheld = || Given {
            withheld: Some(Withheld { control: "ctrl-77".to_owned() }),
            ..given()
        };
        find(&CHECK, sent("ctrl-77").quit(), withheld()).undetermined("the control message");
        let both = sent("ctrl-77").message(&text("Order")).quit();
        find(&CHECK, both, withheld()).not_observed("is not the id", &["Subject: Order\r\n"]);
    }

    #[test]
    fn without_a_message_or_a_setting_nothing_is_shown() {
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        find(&CHECK, sent(ID).quit(), Given::default()).undetermined("is not known");
    }

    #[test]
    fn a_header_with_a_hole_in_it() {
        seen(Talk::ehlo(&[]).torn(&text(ID), "d9cb-469f")).undetermined("the whole message");
        seen(Talk::ehlo(&[]).torn(&text(ID), "Subject: ")).undetermined("the whole message");
    }

    #[test]
    fn a_subject_that_is_configured() {
        let subject = Some(GivenSubject::Text("Order".to_owned()));
        let given = Given { subject, ..Given::default() };
        find(&CHECK, sent("Order").quit(), given).not_applicable("left at its default");
    }
}
