//! Does the sender ask for receipts that nobody wanted?

use super::{each, receipts};
use crate::given::Receipts;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "receipt-unasked",
    observed_when: "with receipts left off, the message or its envelope asks for one",
    trigger: "a message was sent to a server that offered DSN, so that both ways of asking were open",
    method: "Looked for: Disposition-Notification-To, Return-Receipt-To, X-Confirm-Reading-To and Read-Receipt-To \
             fields, and the NOTIFY, RET and ENVID parameters of RFC 3461.",
    references: &["RFC 8098 2.1", "RFC 3461 4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given().receipts;
    if given.is_some_and(|Receipts { read, delivery }| read || delivery) {
        return Finding::not_applicable("about a message with receipts left off");
    }
    each::message(subject, Observation::Observed, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    let mut seen = receipts::parameters(sent);
    let fields = receipts::fields(sent);
    seen.extend(fields.into_iter().map(|(name, _, range)| sent.evidence(range, format!("{name} field"))));
    if !seen.is_empty() {
        return match subject.given().receipts {
            Some(_) => {
                Finding::observed(format!("{} although no receipt was wanted", seen[0].what), seen)
            }
            None => Finding::undetermined(
                "a receipt is asked for; whether it was configured is not known",
            )
            .with(seen),
        };
    }
    if let Some(reason) = subject.unheard().or_else(|| sent.incomplete()) {
        return Finding::undetermined(reason);
    }
    match subject.offer("DSN") {
        Some(offer) => Finding::not_observed(
            "DSN was offered; no receipt is asked for",
            vec![offer, sent.all("the message")],
        ),
        None => Finding::undetermined("the server did not offer DSN, so NOTIFY could not be used"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn given(read: bool, delivery: bool) -> Given {
        Given { receipts: Some(Receipts { read, delivery }), ..Given::default() }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given(false, false))
    }

    fn offered() -> Talk {
        Talk::ehlo(&["DSN"])
    }

    #[test]
    fn a_field_that_asks() {
        for name in [
            "Disposition-Notification-To",
            "return-receipt-to",
            "X-Confirm-Reading-To",
            "Read-Receipt-To",
        ] {
            let text = plain(&format!("{name}: a@b\n"), "x");
            let quote = format!("{name}: a@b\r\n");
            seen(offered().message(&text).gap()).observed("although no receipt", &[&quote]);
            let second = Talk::ehlo(&[]).message(&plain("", "x")).message(&text);
            seen(second).observed("although no receipt", &[&quote]);
        }
    }

    #[test]
    fn a_parameter_that_asks() {
        let text = plain("", "x");
        for (mail, rcpt, quote) in [
            ("<a@b> RET=HDRS", "<c@d>", "RET=HDRS"),
            ("<a@b> ENVID=7", "<c@d>", "ENVID=7"),
            ("<a@b>", "<c@d> notify=SUCCESS", "notify=SUCCESS"),
        ] {
            seen(offered().sent(mail, &[rcpt], &text)).observed("parameter although", &[quote]);
        }
        let never = offered().sent("<a@b>", &["<c@d> NOTIFY=NEVER"], &text);
        seen(never).not_observed("no receipt is asked for", &["250 DSN\r\n", "From: …"]);
    }

    #[test]
    fn nothing_asked_although_it_could_have_been() {
        let talk = offered().message(&plain("", "x"));
        let quotes = ["250 DSN\r\n", "From: …"];
        seen(talk.clone()).not_observed("DSN was offered", &quotes);
        find(&CHECK, talk.quit(), Given::default()).not_observed("DSN was offered", &quotes);
    }

    #[test]
    fn without_an_offer_or_a_setting_nothing_is_shown() {
        seen(Talk::ehlo(&[]).message(&plain("", "x"))).undetermined("did not offer DSN");
        seen(offered()).undetermined("no message was sent");
        let asked = offered().message(&plain("Return-Receipt-To: a@b\n", "x")).quit();
        find(&CHECK, asked, Given::default()).undetermined("whether it was configured");
    }

    #[test]
    fn a_hole_may_hide_it() {
        seen(offered().message(&plain("", "x")).gap()).undetermined("does not hold");
        seen(offered().torn(&plain("X-Lost: lost\n", "x"), "lost")).undetermined("does not hold");
    }

    #[test]
    fn receipts_that_are_wanted() {
        let talk = offered().message(&plain("", "x")).quit();
        find(&CHECK, talk, given(true, false)).not_applicable("left off");
    }
}
