//! Do two host instances prove two accounts?

use smtp::Timeline;

use super::ntlm_messages;
use crate::chain::hello;
use crate::given::Mode;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "accounts-differ-by-host",
    observed_when: "another host of the case names another account in its AUTHENTICATE message than this one",
    trigger: "two hosts authenticated by NTLM in the case",
    method: "Hosts are told apart by address or by their name in EHLO. The account is read from the AUTHENTICATE message, domain and user, without \
             regard to case. Two hosts with one account prove nothing by themselves: both may run under it, unless their accounts are \
             known to differ.",
    references: &["MS-NLMP 2.2.1.3", "MS-SMTPNTLM 3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.other_mode(Mode::Ntlm) {
        return finding;
    }
    let timeline = subject.timeline();
    let Some((own, evidence)) = account(timeline) else {
        return Finding::undetermined(subject.unheard().unwrap_or_else(|| "no account was named in an AUTHENTICATE message".to_owned()));
    };
    let others = subject.siblings().filter(|one| is_other_host(timeline, one.timeline()));
    let others: Vec<_> = others.filter_map(|one| Some((one, account(one.timeline())?.0))).collect();
    let packet = |one: &Subject<'_>| one.timeline().packet_range.0;
    let mut found = vec![evidence];
    if let Some((other, name)) = others.iter().find(|(_, name)| !name.eq_ignore_ascii_case(&own)) {
        found.push(Evidence::packet(packet(other), format!("another host begins, which names {name}")));
        return Finding::observed(format!("this host names {own}, and another one names {name}"), found);
    }
    let Some((other, _)) = others.first() else {
        return Finding::undetermined("one host authenticated by NTLM: there is none to compare it with");
    };
    if subject.given().other_hosts.is_empty() {
        return Finding::undetermined(format!("two hosts name {own}, and may run under that account both"));
    }
    found.push(Evidence::packet(packet(other), "another host begins, which names the same account"));
    Finding::not_observed(format!("two hosts with different accounts both name {own}"), found)
}

/// The account that the first AUTHENTICATE message names.
fn account(timeline: &Timeline) -> Option<(String, Evidence)> {
    ntlm_messages(timeline).find(|(_, _, message)| !message.value.user.is_empty()).map(|(_, _, message)| {
        let who = &message.value;
        let name = format!("{}\\{}", who.domain, who.user);
        (name, Evidence::bytes(timeline, message.span, "AUTHENTICATE message"))
    })
}

/// Whether two conversations are of different hosts.
fn is_other_host(one: &Timeline, other: &Timeline) -> bool {
    let names = hello(one).zip(hello(other));
    one.client.ip() != other.client.ip() || names.is_some_and(|(a, b)| !a.eq_ignore_ascii_case(b))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, authenticate_line, case};
    use super::*;
    use crate::Given;
    use crate::given::{Account, OtherHost};

    fn host(name: &str, user: &str) -> Talk {
        let talk = Talk::silent().s("220 mx").cs(&format!("EHLO {name}"), "250 AUTH NTLM");
        talk.ntlm("CORP", user, "pw", "235 ok").quit()
    }

    fn seen(talks: Vec<Talk>, known: bool) -> Seen {
        let account = Account { domain: "CORP".to_owned(), user: "two".to_owned(), password: None };
        let host = OtherHost { name: "b".to_owned(), account };
        let given = Given { mode: Some(Mode::Ntlm), other_hosts: known.then_some(host).into_iter().collect(), ..Given::default() };
        case(talks, given).find(&CHECK, 0)
    }

    #[test]
    fn two_accounts() {
        let quotes = [authenticate_line("CORP", "one", "pw"), "packet 1".to_owned()];
        let quotes: Vec<_> = quotes.iter().map(String::as_str).collect();
        seen(vec![host("a", "one"), host("b", "two")], false).observed("another one names CORP\\two", &quotes);
        let same_name = host("a", "two").sent_from([192, 0, 2, 9]);
        seen(vec![host("a", "one"), same_name], true).observed("names CORP\\two", &quotes);
    }

    #[test]
    fn one_account() {
        seen(vec![host("a", "one"), host("b", "ONE")], true).not_observed("both name CORP\\one", &[&authenticate_line("CORP", "one", "pw")]);
        seen(vec![host("a", "one"), host("b", "one")], false).undetermined("may run under");
    }

    #[test]
    fn one_host() {
        seen(vec![host("a", "one"), host("a", "two")], true).undetermined("none to compare");
        seen(vec![Talk::ehlo(&[]).quit(), host("b", "two")], true).undetermined("no account was named");
        seen(vec![Talk::ehlo(&[]).gap().quit()], true).undetermined("does not hold");
        let basic = Given { mode: Some(Mode::Basic), ..Given::default() };
        case(vec![host("a", "one")], basic).find(&CHECK, 0).not_applicable("mode NTLM");
    }
}
