//! Is an internationalised domain in the form that the server takes?

use super::offers;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "domain-form-wrong",
    observed_when: "MAIL or RCPT has a domain outside ASCII and the server did not offer SMTPUTF8, or has A-labels in the place of a told domain \
                    outside ASCII and the server did offer it",
    trigger: "an address whose domain is outside ASCII was told, and MAIL or RCPT has it in one form or the other",
    method: "A domain with a label that begins with xn-- is in its ASCII form. It stands for a told one where the local part is the same.",
    references: &["RFC 6531 3.7", "RFC 5890 2.3.2.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given();
    let told = given.sender.iter().chain(&given.recipients).chain(&given.blind);
    let told: Vec<_> = told.filter_map(|one| parts(one)).filter(|(_, domain)| !domain.is_ascii()).collect();
    let timeline = subject.timeline();
    let mut fitting = Vec::new();
    for transaction in &timeline.transactions {
        let offered = offers::has(timeline, transaction.mail, "SMTPUTF8");
        for address in transaction.paths() {
            let Some((local, domain)) = parts(&address.value) else { continue };
            let evidence = Evidence::bytes(timeline, address.span, "the address in the envelope");
            let a_labels = domain.split('.').any(|label| label.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("xn--")));
            let stands_for_one = a_labels && told.iter().any(|(name, _)| *name == local);
            match (domain.is_ascii(), offered) {
                (false, false) => {
                    return Finding::observed("the server did not offer SMTPUTF8, and a domain is outside ASCII", vec![evidence]);
                }
                (true, true) if stands_for_one => {
                    return Finding::observed("the server offered SMTPUTF8, and a domain is in its ASCII form", vec![evidence]);
                }
                (true, _) if !stands_for_one => {}
                _ => fitting.push(evidence),
            }
        }
    }
    if fitting.is_empty() {
        let reason = subject.unheard().unwrap_or_else(|| "no address whose domain is outside ASCII was told and used".to_owned());
        return Finding::undetermined(reason);
    }
    Finding::not_observed("the domain is in the form that the server takes", fitting)
}

/// Local part and domain.
fn parts(address: &str) -> Option<(&str, &str)> {
    address.rsplit_once('@')
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(keywords: &[&str], rcpt: &str) -> Seen {
        let given = Given { recipients: vec!["orders@bücher.example".to_owned()], ..Given::default() };
        find(&CHECK, Talk::ehlo(keywords).sent("<a@b.example>", &[&format!("<{rcpt}>")], "Subject: x\n\nx\n").quit(), given)
    }

    const U: &str = "orders@bücher.example";
    const A: &str = "orders@xn--bcher-kva.example";

    #[test]
    fn the_other_form() {
        seen(&[], U).observed("a domain is outside ASCII", &[U]);
        seen(&["SMTPUTF8"], A).observed("in its ASCII form", &[A]);
    }

    #[test]
    fn the_form_that_is_taken() {
        seen(&[], A).not_observed("that the server takes", &[A]);
        seen(&["SMTPUTF8"], U).not_observed("that the server takes", &[U]);
    }

    #[test]
    fn no_question() {
        seen(&["SMTPUTF8"], "other@xn--bcher-kva.example").undetermined("was told and used");
        seen(&[], "orders@b.example").undetermined("was told and used");
        find(&CHECK, Talk::ehlo(&[]).quit(), Given::default()).undetermined("was told and used");
    }
}
