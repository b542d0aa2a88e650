//! Does the EHLO argument give the sender's host away?

use super::grammar::is_address_literal;
use super::ntlm_messages;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "hello-names-host",
    observed_when: "the argument of EHLO or HELO is the name of a host, and not an address, and not a word that stands for any host",
    trigger: "the client said EHLO or HELO",
    method: "The argument is read as a name. Where the workstation in an NTLM message is the same name, that is told: nothing else on the wire \
             confirms that the name is the sender's own. An address literal and the word localhost name no host.",
    references: &["RFC 5321 4.1.1.1", "RFC 5321 4.1.4"],
    run,
};

/// Names that every machine has.
const ANYBODY: [&str; 4] = ["localhost", "localhost.localdomain", "localdomain", "local"];

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let hello = timeline.commands().find(|(_, _, command)| matches!(command.verb.as_str(), "EHLO" | "HELO"));
    let Some((_, event, command)) = hello else {
        return Finding::undetermined(subject.unheard().unwrap_or_else(|| "the client never said EHLO or HELO".to_owned()));
    };
    let name = command.argument.trim();
    let bare = name.trim_end_matches('.').to_ascii_lowercase();
    let evidence = |what| vec![Evidence::event(event, what)];
    let verb = command.verb.as_str();
    if bare.is_empty() {
        return Finding::not_observed(format!("{verb} has no argument"), evidence("no name"));
    }
    if is_address_literal(name) || bare.parse::<std::net::IpAddr>().is_ok() {
        return Finding::not_observed(format!("{verb} gives the address {name}"), evidence("an address"));
    }
    if ANYBODY.contains(&bare.as_str()) {
        return Finding::not_observed(format!("{verb} says {name}, which is any host"), evidence("a name of any host"));
    }
    let label = bare.split('.').next().unwrap_or_default();
    let mut found = evidence("the name of the sender's host");
    let confirmed = ntlm_messages(timeline).find(|(_, _, message)| message.value.workstation.eq_ignore_ascii_case(label));
    let workstation = if let Some((_, _, message)) = confirmed {
        found.push(Evidence::bytes(timeline, message.span, "the same name, as workstation"));
        ", which is the workstation of its NTLM message too"
    } else {
        ""
    };
    Finding::observed(subject.reason(|| format!("{verb} names the host {name}{workstation}")), found)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::testing::{Seen, Talk, authenticate_line, find};
    use super::*;
    use crate::Given;

    fn seen(line: &str) -> Seen {
        find(&CHECK, Talk::silent().s("220 mx").cs(line, "250 mx").quit(), Given::default())
    }

    #[rstest]
    #[case("EHLO bts01.corp.example", "names the host bts01.corp.example")]
    #[case("HELO BTS01", "HELO names the host BTS01")]
    fn a_name(#[case] line: &str, #[case] reason: &str) {
        let quote = format!("{line}\r\n");
        seen(line).observed(reason, &[&quote]);
    }

    #[test]
    fn the_name_of_the_workstation() {
        let talk = Talk::silent().s("220 mx").cs("EHLO host01.corp.example", "250 AUTH NTLM");
        let talk = talk.ntlm("CORP", "svc", "pw", "235 ok").quit();
        let quotes = ["EHLO host01.corp.example\r\n", &authenticate_line("CORP", "svc", "pw")];
        find(&CHECK, talk, Given::default()).observed("the workstation of its NTLM message", &quotes);
    }

    #[rstest]
    #[case("EHLO [127.0.0.1]", "the address [127.0.0.1]")]
    #[case("EHLO [IPv6:::1]", "the address")]
    #[case("EHLO 10.0.0.1", "the address 10.0.0.1")]
    #[case("EHLO LocalHost", "which is any host")]
    #[case("EHLO localhost.localdomain.", "which is any host")]
    #[case("HELO", "no argument")]
    fn no_name(#[case] line: &str, #[case] reason: &str) {
        let quote = format!("{line}\r\n");
        seen(line).not_observed(reason, &[&quote]);
    }

    #[test]
    fn nothing_said() {
        find(&CHECK, Talk::silent().s("220 mx").c("QUIT"), Given::default()).undetermined("never said");
        find(&CHECK, Talk::silent().s("220 mx").gap().c("QUIT"), Given::default()).undetermined("does not hold");
    }
}
