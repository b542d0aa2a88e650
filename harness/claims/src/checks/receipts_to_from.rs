//! Do the receipts that were wanted go to the From address?

use crate::given::Receipts;
use crate::{Check, Evidence, Finding, Subject};

use super::receipts;

pub(super) static CHECK: Check = Check {
    id: "receipts-to-from",
    observed_when: "each receipt that was wanted is asked for, and would go to the From address",
    trigger: "a message was sent with receipts wanted",
    method: "A read receipt goes to the address in Disposition-Notification-To (or Return-Receipt-To), which must be \
             From. A delivery report asked for with NOTIFY goes to the reverse-path, so that MAIL must name From too.",
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
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let Some(sent) = subject.sent().next() else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no message was sent".to_owned()));
    };
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let from = sent.message.addresses("From");
    let Some((from, _)) = from.first() else {
        return Finding::not_observed("the message has no From field", vec![sent.all("the message")]);
    };
    let fields = receipts::fields(&sent);
    let mut evidence: Vec<_> =
        fields.iter().map(|(name, _, range)| sent.evidence(range.clone(), format!("{name} field"))).collect();
    let notify = receipts::parameters(&sent);
    let asked_delivery = !notify.is_empty();
    evidence.extend(notify);
    for (name, addresses, _) in &fields {
        if !addresses.iter().all(|address| super::same_mailbox(address, from)) || addresses.is_empty() {
            return Finding::not_observed(format!("{name} is not the From address"), evidence);
        }
    }
    let asked_reading = fields.iter().any(|(name, _, _)| *name != "Return-Receipt-To");
    let asked_delivery = asked_delivery || fields.iter().any(|(name, _, _)| *name == "Return-Receipt-To");
    if wanted.read && !asked_reading {
        evidence.push(sent.all("the message"));
        return Finding::not_observed("a read receipt was wanted and is not asked for", evidence);
    }
    if wanted.delivery && !asked_delivery {
        evidence.push(sent.all("the message"));
        return Finding::not_observed("a delivery receipt was wanted and is not asked for", evidence);
    }
    let path = &sent.transaction.reverse_path;
    if wanted.delivery && !super::same_mailbox(&path.value, from) {
        evidence.push(Evidence::bytes(sent.timeline, path.span, "reverse-path"));
        return Finding::not_observed("delivery reports go to the reverse-path, which is not From", evidence);
    }
    Finding::observed("the receipts that were wanted go to the From address", evidence)
}
