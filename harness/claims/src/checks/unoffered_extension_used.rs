//! Does the client use only what was offered?

use crate::{Check, Finding, Subject};

use super::offers;

pub(super) static CHECK: Check = Check {
    id: "unoffered-extension-used",
    observed_when: "the client uses a verb or a parameter of an extension that the server's last EHLO reply does not offer",
    trigger: "the client knew what was on offer, and went on to MAIL",
    method: "Every parameter of MAIL and RCPT, and the verbs AUTH, STARTTLS, BDAT, BURL, ETRN, ATRN and XCLIENT, are held against \
             the EHLO reply before them. HELO offers nothing, and what was offered in clear does not count under TLS.",
    references: &["RFC 5321 4.1.1.11", "RFC 5321 4.1.1.3", "RFC 5321 2.2.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    if let Some(finding) = offers::unoffered(subject, |_| true) {
        return finding;
    }
    match offers::went_on(subject.timeline()) {
        Some(evidence) => Finding::not_observed("the client used nothing that was not offered", evidence),
        None => Finding::undetermined("the client got to no mail"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::testing::{FROM, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    #[rstest]
    #[case("MAIL FROM:<a@b.example> SIZE=10", "used SIZE")]
    #[case("MAIL FROM:<a@b.example> BODY=8BITMIME", "used BODY")]
    #[case("MAIL FROM:<a@b.example> BODY=BINARYMIME", "used BODY")]
    #[case("RCPT TO:<a@b.example> NOTIFY=NEVER", "used NOTIFY")]
    #[case("MAIL FROM:<a@b.example> XSECRET-THING-OF-OURS=1", "used a parameter")]
    #[case("AUTH PLAIN", "used AUTH")]
    #[case("STARTTLS", "used STARTTLS")]
    #[case("BDAT 10 LAST", "used BDAT")]
    fn without_an_offer(#[case] line: &str, #[case] why: &str) {
        let talk = Talk::ehlo(&["HELP"]).cs(line, "555 no").quit();
        find(&CHECK, talk, Given::default()).observed(why, &[&format!("{line}\r\n"), "250-mx.example\r\n250 HELP\r\n"]);
    }

    #[test]
    fn an_offer_that_no_longer_counts() {
        let talk = Talk::ehlo(&["SIZE"]).cs("HELO a", "250 mx").cs("MAIL FROM:<a@b.example> SIZE=1", "250 ok").quit();
        find(&CHECK, talk, Given::default()).observed("used SIZE", &["MAIL…"]);
    }

    #[test]
    fn with_an_offer_or_without_use() {
        let offered = Talk::ehlo(&["SIZE 100", "DSN"]).sent(&format!("<{FROM}> SIZE=10"), &[&format!("<{TO}> NOTIFY=NEVER")], &plain("", "x"));
        find(&CHECK, offered.quit(), Given::default()).not_observed("nothing that was not offered", &["MAIL…", "250-mx.example…"]);
        let bare = Talk::ehlo(&[]).message(&plain("", "x")).quit();
        find(&CHECK, bare, Given::default()).not_observed("nothing that was not offered", &["MAIL…"]);
    }

    #[test]
    fn nothing_to_judge() {
        find(&CHECK, Talk::ehlo(&[]).quit(), Given::default()).undetermined("got to no mail");
        find(&CHECK, Talk::ehlo(&[]).gap().quit(), Given::default()).undetermined("does not hold");
    }
}
