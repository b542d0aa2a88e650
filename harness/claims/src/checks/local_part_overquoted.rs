//! Are local parts quoted that need no quoting?

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "local-part-overquoted",
    observed_when: "MAIL or RCPT has a quoted local part that is a dot-string without its quotation marks",
    trigger: "an address with a quoted local part that needs no quoting was told, and MAIL or RCPT has it in one form or the other",
    method: "What a backslash stands before is taken without it. Every form of a local part is the same mailbox, and the one with the least \
             quoting is to be sent.",
    references: &["RFC 5321 4.1.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given();
    let told = given.sender.iter().chain(&given.recipients).chain(&given.blind);
    let told: Vec<String> = told.filter_map(|one| plain(one)).collect();
    let timeline = subject.timeline();
    let mut least = Vec::new();
    for transaction in &timeline.transactions {
        for address in transaction.paths() {
            let evidence = || Evidence::bytes(timeline, address.span, "the address in the envelope");
            if plain(&address.value).is_some() {
                return Finding::observed("a local part is quoted that needs no quoting", vec![evidence()]);
            }
            if told.contains(&address.value) {
                least.push(evidence());
            }
        }
    }
    if least.is_empty() {
        return Finding::undetermined("no address that is quoted more than it needs was told and used");
    }
    Finding::not_observed("the address crosses without quotation marks", least)
}

/// An address without the quotation marks that its local part does not need; `None` where it needs them, or has none.
fn plain(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let quoted = local.strip_prefix('"')?.strip_suffix('"')?;
    let mut plain = String::new();
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        plain.push(if letter == '\\' { letters.next()? } else { letter });
    }
    let is_atom = |atom: &str| !atom.is_empty() && atom.chars().all(is_atext);
    plain.split('.').all(is_atom).then(|| format!("{plain}@{domain}"))
}

/// RFC 5322 section 3.2.3, and everything outside ASCII (RFC 6531 section 3.3).
fn is_atext(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || !letter.is_ascii() || "!#$%&'*+-/=?^_`{|}~".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(rcpt: &str) -> Seen {
        let recipients = vec![r#""order.desk"@b.example"#.to_owned(), r#""order desk"@b.example"#.to_owned()];
        let given = Given { recipients, ..Given::default() };
        find(&CHECK, Talk::ehlo(&[]).sent("<a@b.example>", &[rcpt], "Subject: x\n\nx\n").quit(), given)
    }

    #[test]
    fn needless() {
        for form in [r#""order.desk"@b.example"#, r#""order\.desk"@b.example"#] {
            seen(&format!("<{form}>")).observed("needs no quoting", &[form]);
        }
    }

    #[test]
    fn least() {
        seen("<order.desk@b.example>").not_observed("without quotation marks", &["order.desk@b.example"]);
    }

    #[test]
    fn no_question() {
        seen(r#"<"order desk"@b.example>"#).undetermined("quoted more than it needs");
        seen(r#"<"order..desk"@b.example>"#).undetermined("quoted more than it needs");
        seen("<other@b.example>").undetermined("quoted more than it needs");
    }
}
