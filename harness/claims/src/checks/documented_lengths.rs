//! Are values taken up to their documented lengths, and no further?

use super::{each, same_mailbox, withheld};
use crate::configured::{Length, Missing};
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "documented-lengths",
    observed_when: "a property of exactly its documented length arrives whole, or a message with a longer one does not leave \
                    while its control does",
    trigger: "a message was submitted with a To, CC, Subject or body text of its documented length, or of one more",
    method: "Every address of To and CC must be given to the server and stand in the header, and Subject and text must stand in \
             the message after decoding, to the last character. A longer value must keep the message from leaving, where a \
             control message, known by its Subject, got out.",
    references: &["RFC 5322 2.1.1", "RFC 5321 4.5.3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let configured = &subject.given().configured;
    if configured.missing == Some(Missing::Length) {
        let found = withheld::judge(subject, Missing::Length);
        return match found.observation {
            Observation::Observed => Finding::not_observed(found.reason, found.evidence),
            Observation::NotObserved => Finding::observed(found.reason, found.evidence),
            _ => found,
        };
    }
    let full: Vec<_> = configured.lengths.iter().filter(|one| one.length == one.most).collect();
    if full.is_empty() {
        return Finding::not_applicable("about a property of its documented length");
    }
    each::message(subject, Observation::NotObserved, |sent| judge(subject, sent, &full))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>, full: &[&Length]) -> Finding {
    if each::is_control(subject, sent) {
        return Finding::undetermined("the control message: its properties are not the configured ones");
    }
    if let Some(reason) = sent.incomplete().or_else(|| subject.unheard()) {
        return Finding::undetermined(reason);
    }
    let mut evidence = Vec::new();
    for one in full {
        let Some(found) = whole(sent, one) else {
            return Finding::not_observed(
                format!("{} has its documented length of {} and does not arrive whole", one.property, one.most),
                vec![sent.all("the message")],
            );
        };
        evidence.push(found);
    }
    let names: Vec<_> = full.iter().map(|one| format!("{} ({})", one.property, one.most)).collect();
    Finding::observed(format!("of documented length and whole: {}", names.join(", ")), evidence)
}

/// Where the value stands, if all of it does.
fn whole(sent: &Sent<'_>, one: &Length) -> Option<Evidence> {
    let list = |name: &str| {
        let fields = sent.message.addresses(name);
        let there = |wanted: &str| {
            let mut recipients = sent.transaction.recipients.iter();
            recipients.any(|rcpt| same_mailbox(&rcpt.address.value, wanted))
                && fields.iter().any(|(address, _)| same_mailbox(address, wanted))
        };
        let field = sent.message.header(name)?;
        one.value.split(';').all(there).then(|| sent.evidence(field.range.clone(), format!("{name} field")))
    };
    match one.property {
        "To" => list("To"),
        "CC" => list("Cc"),
        "Subject" => {
            let field = sent.message.header("Subject")?;
            (field.decoded == one.value).then(|| sent.evidence(field.range.clone(), "Subject field"))
        }
        _ => {
            let wanted = canonical(&one.value);
            let found = sent.message.parts().find(|part| {
                part.children.is_empty() && canonical(&String::from_utf8_lossy(&part.decoded)) == wanted
            })?;
            Some(sent.evidence(found.body.clone(), "the body text"))
        }
    }
}

/// A text without regard to how its lines end, and whether the last one does.
fn canonical(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::withheld::testing;
    use super::*;
    use crate::Given;

    fn given(property: &'static str, value: &str, most: usize) -> Given {
        let mut given = Given::default();
        given.configured.lengths = vec![Length {
            property,
            value: value.to_owned(),
            most,
            length: value.len(),
        }];
        given
    }

    fn seen(property: &'static str, value: &str, talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given(property, value, value.len()))
    }

    fn mail(header: &str, body: &str) -> Talk {
        Talk::ehlo(&[]).to(&["a@b.example", "c@d.example"], &format!("From: x@y.example\n{header}\n{body}\n"))
    }

    #[test]
    fn whole_or_cut() {
        let list = "a@b.example;c@d.example";
        for (property, name) in [("To", "To"), ("CC", "Cc")] {
            let all = format!("{name}: a@b.example, c@d.example\n");
            seen(property, list, mail(&all, "x")).observed(property, &[&all.replace('\n', "\r\n")]);
            let one = format!("{name}: a@b.example\n");
            seen(property, list, mail(&one, "x")).not_observed("does not arrive whole", &["From: …"]);
        }
        seen("To", "a@b.example;e@f.example", mail("To: a@b.example, e@f.example\n", "x")).not_observed("whole", &["From: …"]);
        seen("Subject", "Order 12", mail("Subject: Order 12\n", "x")).observed("Subject (8)", &["Subject: …"]);
        seen("Subject", "Order 12", mail("Subject: Order 1\n", "x")).not_observed("whole", &["From: …"]);
        seen("EmailBodyText", "long\ntext", mail("", "long\ntext")).observed("EmailBodyText (9)", &["long\r\ntext\r\n…"]);
        seen("EmailBodyText", "long\ntext", mail("", "long\ntex")).not_observed("whole", &["From: …"]);
    }

    #[test]
    fn a_longer_value_keeps_the_message_back() {
        let seen = |talk: Talk| find(&CHECK, talk.quit(), testing::given(Missing::Length));
        seen(testing::control()).observed("the control message got out", &["From: …"]);
        seen(testing::control().message(&testing::other())).not_observed("longer than documented", &["From: …"]);
        seen(Talk::ehlo(&[])).undetermined("silence proves nothing");
    }

    #[test]
    fn what_cannot_be_told() {
        let torn = Talk::ehlo(&[]).torn(&plain("Subject: Order\n", "x"), "rder");
        seen("Subject", "Order", torn).undetermined("the whole message");
        seen("Subject", "Order", Talk::ehlo(&[])).undetermined("no message was sent");
        let shorter = given("Subject", "Order", 256);
        find(&CHECK, mail("Subject: Order\n", "x").quit(), shorter).not_applicable("of its documented length");
    }
}
