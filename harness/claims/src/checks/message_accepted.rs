//! Did a message come through, for everybody whom it was meant for?

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "message-accepted",
    observed_when: "the server accepted a message whose envelope names every recipient that the client was told",
    trigger: "the client said anything to a server",
    method: "A message counts when its content was answered 2yz. Its recipients are those whose RCPT was answered 2yz; each \
             that the client was told to send to must be one of them, as it was spelt. Where the recipients are not known \
             beforehand, one accepted recipient is enough.",
    references: &["RFC 5321 3.3", "RFC 5321 4.1.1.3", "RFC 5321 4.1.1.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let Some(last) = timeline.exchanges.last() else {
        return Finding::undetermined("the client gave no command");
    };
    let told = &subject.given().recipients;
    let mut lacking = None;
    for sent in subject.sent().filter(|sent| sent.data.accepted == Some(true)) {
        let reached: Vec<&str> = sent
            .transaction
            .recipients
            .iter()
            .filter(|one| one.accepted == Some(true))
            .map(|one| one.address.value.as_str())
            .collect();
        let missed = told.iter().find(|one| !reached.contains(&one.as_str()));
        if missed.is_none() && !reached.is_empty() {
            let reason = format!("a message for {} was accepted", count(reached.len()));
            return Finding::observed(reason, vec![sent.all("the accepted message")]);
        }
        lacking.get_or_insert((missed, sent.all("the accepted message")));
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    match lacking {
        None => {
            let event = &timeline.events[last.reply.unwrap_or(last.request)];
            let evidence = Evidence::event(event, "the last that was said");
            Finding::not_observed("no message was accepted", vec![evidence])
        }
        Some((missed, evidence)) => {
            let who = missed.map_or("any recipient", String::as_str);
            Finding::not_observed(format!("the message did not go to {who}"), vec![evidence])
        }
    }
}

fn count(recipients: usize) -> String {
    match recipients {
        1 => "1 recipient".to_owned(),
        many => format!("{many} recipients"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk, told: &[&str]) -> Seen {
        let given = Given { recipients: told.iter().map(|one| (*one).to_owned()).collect(), ..Given::default() };
        find(&CHECK, talk, given)
    }

    fn to(recipients: &[&str], answer: &str) -> Talk {
        Talk::ehlo(&[])
            .envelope("<a@b.example>", recipients)
            .turn("C", plain("", "x").replace('\n', "\r\n") + ".\r\n")
            .s(answer)
            .quit()
    }

    #[test]
    fn everybody_was_reached() {
        let both = to(&["<c@d.example>", "<e@f.example>"], "250 taken");
        seen(both.clone(), &["c@d.example", "e@f.example"]).observed("for 2 recipients was accepted", &["From: …"]);
        seen(both, &[]).observed("for 2 recipients", &["From: …"]);
    }

    #[test]
    fn somebody_was_left_out_or_misspelt() {
        let one = to(&["<c@d.example>"], "250 taken");
        seen(one.clone(), &["c@d.example", "e@f.example"]).not_observed("did not go to e@f.example", &["From: …"]);
        seen(one, &["C@d.example"]).not_observed("did not go to C@d.example", &["From: …"]);
    }

    #[test]
    fn nothing_was_accepted() {
        seen(to(&["<c@d.example>"], "554 no"), &["c@d.example"]).not_observed("no message was accepted", &["221 …"]);
        seen(Talk::ehlo(&[]).quit(), &[]).not_observed("no message was accepted", &["221 …"]);
    }

    #[test]
    fn silence_and_missing_bytes() {
        seen(Talk::silent().s("220 mx"), &[]).undetermined("gave no command");
        seen(Talk::ehlo(&[]).gap().quit(), &[]).undetermined("does not hold");
    }
}
