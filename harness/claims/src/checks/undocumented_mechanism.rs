//! Does the sender use an authentication mechanism outside the three modes?

use super::said_after;
use crate::subject::mode_of;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "undocumented-mechanism",
    observed_when: "the sender authenticates with a mechanism other than LOGIN, PLAIN and NTLM",
    trigger: "the server offered a mechanism outside these three",
    method: "The argument of every AUTH command is compared with the mechanisms that the documented modes can mean: \
             none, LOGIN or PLAIN for Basic, NTLM. A server that offers nothing else gives no occasion to stray.",
    references: &["RFC 4954 4", "MS-SMTPNTLM 2.2.1", "MS-XLOGIN 2.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let strays = |mechanism: &str| !mechanism.is_empty() && mode_of(mechanism).is_none();
    let evidence = |a: &smtp::timeline::Authentication| {
        Evidence::bytes(timeline, a.span(), format!("AUTH {}", a.mechanism.value))
    };
    let all = &timeline.authentications;
    let strayed: Vec<_> = all.iter().filter(|a| strays(&a.mechanism.value)).collect();
    if let Some(first) = strayed.first() {
        return Finding::observed(
            format!("the sender used {}", first.mechanism.value),
            strayed.into_iter().map(evidence).collect(),
        );
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    let tempting = timeline
        .capabilities
        .iter()
        .find(|offer| offer.mechanisms().iter().any(|mechanism| strays(mechanism)));
    let Some(tempting) = tempting else {
        return Finding::undetermined("the server offered no mechanism outside the documented ones");
    };
    let Some((event, command)) = said_after(timeline, tempting.exchange, &["AUTH", "MAIL"]) else {
        return Finding::undetermined("the sender left before it had to choose");
    };
    let mut others = tempting.mechanisms();
    others.retain(|mechanism| strays(mechanism));
    let used = all.iter().map(|a| a.mechanism.value.as_str()).find(|used| !used.is_empty());
    let used = used.unwrap_or("none");
    let offer = tempting.get("AUTH").map(|line| Evidence::bytes(timeline, line.span, "AUTH offered"));
    let mut shown: Vec<_> = offer.into_iter().collect();
    shown.push(Evidence::event(event, format!("{} after the offer", command.verb)));
    Finding::not_observed(format!("{} on offer; used: {used}", others.join(", ")), shown)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn tempted() -> Talk {
        Talk::ehlo(&["AUTH NTLM LOGIN CRAM-MD5 XOAUTH2"])
    }

    #[test]
    fn a_mechanism_of_no_mode() {
        let talk = tempted().cs("AUTH cram-md5", "334 PDFAbXg+").cs("Zm9vIDAw", "535 no").gap();
        seen(talk.quit()).observed("used CRAM-MD5", &["cram-md5\r\nZm9vIDAw"]);
        let second = tempted().ntlm("CORP", "svc", "pw", "535 no").cs("AUTH XOAUTH2 dXNlcg==", "535 no");
        seen(second.quit()).observed("used XOAUTH2", &["XOAUTH2 dXNlcg=="]);
    }

    #[test]
    fn the_documented_ones_although_others_were_on_offer() {
        let quotes = ["250 AUTH NTLM LOGIN CRAM-MD5 XOAUTH2\r\n", "AUTH NTLM\r\n"];
        let talk = tempted().ntlm("CORP", "svc", "pw", "235 ok").message(&plain("", "x")).quit();
        seen(talk).not_observed("CRAM-MD5, XOAUTH2 on offer; used: NTLM", &quotes);
        let none = tempted().message(&plain("", "x")).quit();
        seen(none).not_observed("used: none", &[quotes[0], "MAIL FROM:<sender@contoso.example>\r\n"]);
    }

    #[test]
    fn without_temptation_nothing_is_shown() {
        let plain_only = Talk::ehlo(&["AUTH NTLM LOGIN PLAIN"]).message(&plain("", "x"));
        seen(plain_only.clone().quit()).undetermined("no mechanism outside");
        seen(plain_only.again(&["AUTH CRAM-MD5"]).quit()).undetermined("left before it had to choose");
        seen(tempted().quit()).undetermined("left before it had to choose");
        seen(tempted().cs("AUTH", "501 no").quit()).not_observed("used: none", &["250 AUTH …"]);
    }

    #[test]
    fn a_gap_may_hide_it() {
        seen(tempted().gap().message(&plain("", "x")).quit()).undetermined("does not hold");
    }
}
