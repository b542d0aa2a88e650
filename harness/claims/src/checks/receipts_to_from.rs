//! Do the receipts that were wanted go to the From address?

use super::{each, receipts, same_mailbox};
use crate::given::Receipts;
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "receipts-to-from",
    observed_when: "each receipt that was wanted is asked for, and would go to the From address",
    trigger: "a message was sent with receipts wanted",
    method: "A read receipt goes to the address in Disposition-Notification-To (or Return-Receipt-To), which must be \
             From. A delivery report asked for with NOTIFY=SUCCESS at each RCPT goes to the reverse-path, so that MAIL must \
             name From too; without DSN on offer it cannot be asked for so.",
    references: &["RFC 8098 2.1", "RFC 3461 4.1", "RFC 5321 4.1.1.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let wanted = match subject.given().receipts {
        Some(Receipts { read: false, delivery: false }) => {
            return Finding::not_applicable("about a message with receipts wanted");
        }
        Some(wanted) => wanted,
        None => return Finding::undetermined("whether receipts are configured is not known"),
    };
    each::message(subject, Observation::NotObserved, |sent| judge(subject, sent, wanted))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>, wanted: Receipts) -> Finding {
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let from = sent.message.addresses("From");
    let Some((from, _)) = from.first() else {
        let evidence = vec![sent.all("the message")];
        return Finding::not_observed("the message has no From field", evidence);
    };
    let fields = receipts::fields(sent);
    let astray = fields.iter().find(|(_, addresses, _)| {
        addresses.is_empty() || !addresses.iter().all(|address| same_mailbox(address, from))
    });
    if let Some((name, _, range)) = astray {
        return Finding::not_observed(
            format!("{name} is not the From address"),
            vec![sent.evidence(range.clone(), format!("{name} field"))],
        );
    }
    let asked = Asked::by(sent);
    let mut evidence: Vec<_> = fields
        .iter()
        .map(|(name, _, range)| sent.evidence(range.clone(), format!("{name} field")))
        .collect();
    evidence.extend(receipts::parameters(sent));
    if let Some(missing) = asked.missing(wanted) {
        if missing == DELIVERY && subject.offer("DSN").is_none() {
            return Finding::undetermined(
                "a delivery receipt was wanted, and the server did not offer DSN",
            );
        }
        if let Some(reason) = subject.unheard() {
            return Finding::undetermined(reason);
        }
        evidence.insert(0, sent.all("the message"));
        let reason = format!("a {missing} receipt was wanted and is not asked for");
        return Finding::not_observed(reason, evidence);
    }
    let path = &sent.transaction.reverse_path;
    if wanted.delivery && asked.notify {
        let reverse = Evidence::bytes(sent.timeline, path.span, "reverse-path");
        if !same_mailbox(&path.value, from) {
            evidence.insert(0, reverse);
            let reason = "delivery reports go to the reverse-path, which is not From";
            return Finding::not_observed(reason, evidence);
        }
        evidence.push(reverse);
    }
    Finding::observed("the receipts that were wanted go to the From address", evidence)
}

const DELIVERY: &str = "delivery";

/// How a message asks for receipts.
struct Asked {
    /// Every RCPT asks for a report of success.
    notify: bool,
    /// A field asks for a receipt of delivery; old senders mean reading by it.
    return_receipt: bool,
    /// A field asks for a receipt of reading.
    reading: bool,
}

impl Asked {
    fn by(sent: &Sent<'_>) -> Self {
        let fields = receipts::fields(sent);
        let returns = |name: &str| name == "Return-Receipt-To";
        Self {
            notify: receipts::success_for_all(sent),
            return_receipt: fields.iter().any(|(name, _, _)| returns(name)),
            reading: fields.iter().any(|(name, _, _)| !returns(name)),
        }
    }

    /// What was wanted and not asked for. One Return-Receipt-To field does not ask for both.
    fn missing(&self, wanted: Receipts) -> Option<&'static str> {
        let spare = self.return_receipt && (!wanted.delivery || self.notify);
        if wanted.read && !self.reading && !spare {
            return Some("read");
        }
        (wanted.delivery && !self.notify && !self.return_receipt).then_some(DELIVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk, read: bool, delivery: bool) -> Seen {
        let given = Given { receipts: Some(Receipts { read, delivery }), ..Given::default() };
        find(&CHECK, talk.quit(), given)
    }

    fn offered() -> Talk {
        Talk::ehlo(&["DSN"])
    }

    fn reading(address: &str) -> String {
        plain(&format!("Disposition-Notification-To: {address}\n"), "x")
    }

    fn notifying(mail: &str, notify: &str) -> Talk {
        offered().sent(mail, &[&format!("<c@d> {notify}")], &plain("", "x"))
    }

    #[test]
    fn receipts_for_the_sender() {
        let quote = "Disposition-Notification-To: sender@contoso.example\r\n";
        seen(offered().message(&reading(FROM)), true, false).observed("go to the From", &[quote]);
        let path = format!("<{FROM}>");
        let both = notifying(&path, "NOTIFY=SUCCESS,DELAY");
        seen(both, false, true).observed("go to the From", &["NOTIFY=SUCCESS,DELAY", FROM]);
        let field = plain(&format!("Return-Receipt-To: {FROM}\n"), "x");
        let field = Talk::ehlo(&[]).sent("<bounce@b>", &["<c@d>"], &field);
        seen(field.clone(), false, true).observed("go to the From", &["Return-Receipt-To: …"]);
        seen(field.clone(), true, false).observed("go to the From", &["Return-Receipt-To: …"]);
        seen(field, true, true).not_observed("a read receipt was wanted", &["From: …"]);
    }

    #[test]
    fn receipts_for_somebody_else() {
        let quote = "Disposition-Notification-To: other@b\r\n";
        let reason = "Disposition-Notification-To is not the From address";
        seen(offered().message(&reading("other@b")), true, false).not_observed(reason, &[quote]);
        let second = offered().message(&reading(FROM)).message(&reading("other@b"));
        seen(second, true, false).not_observed(reason, &[quote]);
        let bounce = notifying("<bounce@b>", "NOTIFY=SUCCESS");
        seen(bounce, false, true).not_observed("to the reverse-path", &["bounce@b"]);
    }

    #[test]
    fn receipts_that_are_not_asked_for() {
        let talk = offered().message(&plain("", "x"));
        seen(talk.clone(), true, false).not_observed("a read receipt was wanted", &["From: …"]);
        seen(talk, false, true).not_observed("a delivery receipt was wanted", &["From: …"]);
        let path = format!("<{FROM}>");
        let failure = notifying(&path, "NOTIFY=FAILURE");
        seen(failure, false, true).not_observed("a delivery receipt", &["From: …"]);
        let one_of_two = offered().sent(&path, &["<c@d> NOTIFY=SUCCESS", "<e@f>"], &plain("", "x"));
        seen(one_of_two, false, true).not_observed("a delivery receipt", &["From: …"]);
    }

    #[test]
    fn a_message_without_a_sender() {
        let talk = offered().message("Subject: x\n\nx\n");
        seen(talk, true, false).not_observed("no From field", &["Subject: x\r\n…"]);
    }

    #[test]
    fn without_a_message_an_offer_or_a_setting_nothing_is_shown() {
        seen(offered(), true, true).undetermined("no message was sent");
        let talk = Talk::ehlo(&[]).message(&plain("", "x"));
        seen(talk.clone(), false, true).undetermined("did not offer DSN");
        find(&CHECK, talk.quit(), Given::default()).undetermined("is not known");
    }

    #[test]
    fn a_hole_may_hide_it() {
        let torn = offered().torn(&reading(FROM), "contoso");
        seen(torn, true, false).undetermined("the whole message");
        seen(offered().message(&plain("", "x")).gap(), true, false).undetermined("does not hold");
    }

    #[test]
    fn receipts_that_are_not_wanted() {
        let talk = offered().message(&plain("", "x"));
        seen(talk, false, false).not_applicable("with receipts wanted");
    }
}
