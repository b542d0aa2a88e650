//! Messages that must not leave: silence means something only if the same port, with nothing missing, got its control message
//! out in the same case.

use super::sent_without_certificate::{is_withheld, unknown};
use crate::configured::Missing;
use crate::{Finding, Subject};

/// Whether a message left although `missing` was to keep it: observed, not observed, or not to be told.
pub(super) fn judge(subject: &Subject<'_>, missing: Missing) -> Finding {
    let why = missing.reason();
    if subject.given().configured.missing != Some(missing) {
        return Finding::not_applicable(
            subject.reason(|| format!("about a message that must not leave, since {why}")),
        );
    }
    if subject.given().withheld.is_none() {
        return Finding::undetermined(
            "no control message is known, so silence would prove nothing",
        );
    }
    if let Some(sent) = subject.sent().find(|sent| is_withheld(subject, sent)) {
        return Finding::observed(
            format!("the message was sent although {why}"),
            vec![sent.all("the message that should have been withheld")],
        );
    }
    if let Some(reason) = subject.siblings().find_map(|sibling| unknown(&sibling)) {
        return Finding::undetermined(reason);
    }
    let mut others = subject.siblings().flat_map(|sibling| sibling.sent());
    if others.any(|sent| is_withheld(subject, &sent)) {
        return Finding::not_applicable(
            "the control's conversation; the other message is in another",
        );
    }
    match subject.sent().find(|sent| sent.data.accepted == Some(true)) {
        Some(control) => Finding::not_observed(
            format!("the control message got out; of the other, where {why}, nothing is seen"),
            vec![control.all("the control message")],
        ),
        None => Finding::undetermined(
            "the control message did not get out either, so silence proves nothing",
        ),
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::super::testing::{Seen, Talk, case, find, plain};
    use super::*;
    use crate::given::Withheld;
    use crate::{Check, Given};

    pub(crate) fn given(missing: Missing) -> Given {
        let mut given = Given {
            withheld: Some(Withheld {
                control: "ctrl-77".to_owned(),
            }),
            ..Given::default()
        };
        given.configured.missing = Some(missing);
        given
    }

    pub(crate) fn control() -> Talk {
        Talk::ehlo(&[]).message(&plain("Subject: ctrl-77\n", "x"))
    }

    pub(crate) fn other() -> String {
        plain("Subject: order\n", "x")
    }

    /// The three answers that every check about a withheld message gives.
    pub(crate) fn holds_back(check: &Check, missing: Missing) {
        let seen = |talk: Talk| -> Seen { find(check, talk.quit(), given(missing)) };
        let quote = other().replace('\n', "\r\n") + ".\r\n";
        seen(control().message(&other())).observed(missing.reason(), &[&quote]);
        seen(Talk::ehlo(&[]).message(&other()).gap()).observed(missing.reason(), &[&quote]);
        seen(control()).not_observed("the control message got out", &["From: …"]);
        seen(Talk::ehlo(&[])).undetermined("silence proves nothing");
        seen(control().gap()).undetermined("does not hold");
        let both = case(
            vec![control().quit(), Talk::ehlo(&[]).message(&other()).quit()],
            given(missing),
        );
        both.find(check, 0)
            .not_applicable("the control's conversation");
        both.find(check, 1).observed(missing.reason(), &["From: …"]);
        find(check, control().quit(), Given::default()).not_applicable("about a message");
        let mut alone = given(missing);
        alone.withheld = None;
        find(check, control().quit(), alone).undetermined("no control message is known");
    }
}
