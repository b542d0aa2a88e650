//! Are local parts sent as they were told, letter case included?

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "local-part-changed",
    observed_when: "MAIL or RCPT has an address whose local part differs from the told one in the case of letters only",
    trigger: "an address with a capital letter in its local part was told, and MAIL or RCPT has it",
    method: "Only the host that a mailbox is on may know whether the case of its local part matters, so that everybody else \
             leaves it as it is. Domains are compared without case.",
    references: &["RFC 5321 2.4", "RFC 5321 2.3.11"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given();
    let told: Vec<&String> = given.sender.iter().chain(&given.recipients).chain(&given.blind).collect();
    let timeline = subject.timeline();
    let mut kept = Vec::new();
    for transaction in &timeline.transactions {
        for address in transaction.paths() {
            let same = |one: &&&String| one.eq_ignore_ascii_case(&address.value);
            let mut alike = told.iter().filter(same).peekable();
            let Some(first) = alike.peek().copied() else { continue };
            let as_told = alike.find(|one| local(one) == local(&address.value));
            match as_told {
                None => {
                    let evidence = vec![Evidence::bytes(timeline, address.span, "the address in the envelope")];
                    let reason = format!("the local part of {first} crosses in other letters");
                    return Finding::observed(reason, evidence);
                }
                Some(one) if local(one).bytes().any(|byte| byte.is_ascii_uppercase()) => {
                    kept.push(Evidence::bytes(timeline, address.span, "an address with capital letters, as told"));
                }
                Some(_) => {}
            }
        }
    }
    if kept.is_empty() {
        return Finding::undetermined("no address with a capital letter in its local part was told and used");
    }
    Finding::not_observed(format!("{} address(es) cross with their capital letters", kept.len()), kept)
}

fn local(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(local, _)| local)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(mail: &str, rcpt: &str) -> Seen {
        let given = Given {
            sender: Some("Sender@a.example".to_owned()),
            recipients: vec!["Order.Desk@b.example".to_owned(), "plain@b.example".to_owned()],
            ..Given::default()
        };
        find(&CHECK, Talk::ehlo(&[]).sent(mail, &[rcpt], "Subject: x\n\nx\n").quit(), given)
    }

    #[test]
    fn other_letters() {
        seen("<sender@a.example>", "<plain@b.example>").observed("Sender@a.example", &["sender@a.example"]);
        seen("<x@a.example>", "<order.desk@b.example>").observed("Order.Desk@b.example", &["order.desk@b.example"]);
    }

    #[test]
    fn as_told() {
        seen("<Sender@A.EXAMPLE>", "<plain@b.example>").not_observed("1 address(es)", &["Sender@A.EXAMPLE"]);
        seen("<x@a>", "<Order.Desk@b.example>").not_observed("1 address(es)", &["Order.Desk@b.example"]);
    }

    #[test]
    fn nothing_to_change() {
        seen("<x@a>", "<plain@b.example>").undetermined("no address with a capital letter");
        find(&CHECK, Talk::ehlo(&[]).message("Subject: x\n\nx\n").quit(), Given::default()).undetermined("no address");
    }
}
