//! Does the sender go on without what it used before, once the offer is gone?

use smtp::Timeline;
use smtp::timeline::{Capabilities, Outcome, TlsStart};

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "sent-despite-stripped-offer",
    observed_when: "the sender used AUTH or STARTTLS with a server before, finds the offer gone, and sends a message all the same without it",
    trigger: "in an earlier conversation of the case the same sender used AUTH or STARTTLS at the same server, and here the EHLO reply does not \
              offer it",
    method: "Whoever stands between the two can take lines out of an EHLO reply that crosses in clear. The conversations of a case are compared: \
             what the sender used in one and is not offered in a later one must not be missing without anybody taking note. A message \
             offered with MAIL after such a reply went on without.",
    references: &["RFC 3207 6", "RFC 4954 9"],
    run,
};

/// What can be taken away.
const OFFERS: [&str; 2] = ["AUTH", "STARTTLS"];

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let Some(last) = timeline.capabilities.last() else {
        return Finding::undetermined("no EHLO reply was seen");
    };
    let offered = |keyword: &str| timeline.capabilities.iter().any(|all| all.get(keyword).is_some());
    let missing = OFFERS.iter().copied().find_map(|keyword| {
        let used = subject
            .earlier()
            .filter(|one| one.timeline().server == timeline.server && one.timeline().client.ip() == timeline.client.ip())
            .find(|one| uses(one.timeline(), keyword))?;
        (!offered(keyword)).then_some((keyword, used))
    });
    let Some((keyword, used)) = missing else {
        return Finding::undetermined("nothing that the sender used before is missing from what the server offers here");
    };
    let mut evidence: Vec<Evidence> = reply(timeline, last, keyword).into_iter().collect();
    let before = Evidence::packet(used.timeline().packet_range.0, format!("an earlier session, in which {keyword} was used"));
    let mail = timeline.commands().find(|(number, _, command)| *number > last.exchange && command.verb == "MAIL");
    if let Some((_, event, _)) = mail {
        evidence.insert(0, Evidence::event(event, format!("MAIL without {keyword}")));
        evidence.push(before);
        return Finding::observed(format!("{keyword} was used before and is no longer offered, and the sender goes on without it"), evidence);
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    if !super::has_ended(timeline) {
        return Finding::undetermined("the capture ends before the session does");
    }
    evidence.push(before);
    Finding::not_observed(format!("{keyword} was used before and is no longer offered, and the sender offers no message"), evidence)
}

/// Whether something that is offered was used, with success.
fn uses(timeline: &Timeline, keyword: &str) -> bool {
    if keyword == "AUTH" {
        return timeline.authentications.iter().any(|one| one.outcome == Outcome::Accepted);
    }
    timeline.tls.as_ref().is_some_and(|tls| matches!(tls.start, TlsStart::StartTls(_)) && tls.established)
}

fn reply(timeline: &Timeline, capabilities: &Capabilities, keyword: &str) -> Option<Evidence> {
    let (event, _) = timeline.reply(capabilities.exchange)?;
    Some(Evidence::event(event, format!("EHLO reply without {keyword}")))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{OTHER_SERVER, Seen, Talk, case, plain};
    use super::*;
    use crate::Given;

    fn authenticated() -> Talk {
        Talk::ehlo(&["AUTH PLAIN"]).cs("AUTH PLAIN AHN2YwBwdw==", "235 ok").quit()
    }

    fn seen(talks: Vec<Talk>) -> Seen {
        let last = talks.len() - 1;
        case(talks, Given::default()).find(&CHECK, last)
    }

    fn bare() -> Talk {
        Talk::ehlo(&["SIZE"])
    }

    #[test]
    fn it_goes_on_without() {
        let sent = bare().message(&plain("", "x")).quit();
        seen(vec![authenticated(), sent.clone()]).observed("AUTH was used before", &["MAIL FROM:<sender@contoso.example>\r\n", "250-mx…"]);
        let upgraded = Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").tls();
        seen(vec![upgraded, sent]).observed("STARTTLS was used before", &["MAIL…"]);
    }

    #[test]
    fn it_gives_up() {
        seen(vec![authenticated(), bare().quit()]).not_observed("offers no message", &["250-mx…", "packet 1"]);
    }

    #[test]
    fn where_nothing_was_taken_away() {
        seen(vec![bare().quit()]).undetermined("nothing that the sender used");
        seen(vec![authenticated(), authenticated()]).undetermined("nothing that the sender used");
        seen(vec![bare().quit(), bare().quit()]).undetermined("nothing that the sender used");
        seen(vec![authenticated(), bare().quit().reaching(OTHER_SERVER)]).undetermined("nothing that the sender used");
        seen(vec![authenticated(), bare()]).undetermined("ends before the session");
        seen(vec![authenticated(), bare().gap().quit()]).undetermined("does not hold");
        seen(vec![authenticated(), Talk::silent().s("220 mx").cs("HELO a", "250 mx").quit()]).undetermined("no EHLO reply");
    }
}
