//! Does the sender use STARTTLS where it is offered?

use smtp::timeline::TlsStart;

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "starttls-issued",
    observed_when: "the sender issues STARTTLS",
    trigger: "the server offered STARTTLS in an EHLO reply, and the sender went on after it",
    method: "The EHLO replies are searched for the STARTTLS keyword and the commands for STARTTLS itself. A server \
             that does not offer it proves nothing, and neither does a sender that leaves right after the offer.",
    references: &["RFC 3207 4", "RFC 5321 4.1.1.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let offer = subject.offer("STARTTLS");
    if let Some((number, event, _)) = timeline.commands().find(|(_, _, c)| c.verb == "STARTTLS") {
        let upgraded = timeline.tls.as_ref().is_some_and(|tls| tls.start == TlsStart::StartTls(number));
        let answer = match timeline.reply(number) {
            Some(_) if upgraded => "the connection was upgraded to TLS".to_owned(),
            Some((_, reply)) => format!("it was answered {}", reply.code),
            None => "its reply was not captured".to_owned(),
        };
        let mut evidence = vec![Evidence::event(event, "STARTTLS command")];
        evidence.extend(timeline.reply(number).map(|(event, reply)| Evidence::event(event, format!("{} reply", reply.code))));
        evidence.extend(offer);
        return Finding::observed(format!("STARTTLS was issued; {answer}"), evidence);
    }
    let Some(offer) = offer else {
        let why = if timeline.capabilities.is_empty() { "no EHLO reply was seen" } else { "STARTTLS was not offered" };
        return Finding::undetermined(why);
    };
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let offered_in = timeline.capabilities.iter().find(|c| c.get("STARTTLS").is_some()).map_or(0, |c| c.exchange);
    let next = timeline.commands().find(|(number, _, command)| *number > offered_in && command.verb != "QUIT");
    match next {
        Some((_, event, command)) => Finding::not_observed(
            format!("STARTTLS was offered and not used; {} followed in clear", command.verb),
            vec![offer, Evidence::event(event, format!("{} in clear", command.verb))],
        ),
        None => Finding::undetermined("the sender left right after STARTTLS was offered"),
    }
}
