//! Has the message a sender in its envelope?

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "reverse-path-null",
    observed_when: "MAIL has a null reverse path although a sender was told",
    trigger: "a sender was told, and MAIL crossed",
    method: "Only notifications, which must not be answered by another, have a null reverse path. A message that a client was \
             given a sender for is none, and nobody would learn that it could not be delivered.",
    references: &["RFC 5321 4.5.5"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if subject.given().sender.is_none() {
        return Finding::undetermined("the sender that the client was told is not known");
    }
    let timeline = subject.timeline();
    let mut named = Vec::new();
    for (number, event, _) in timeline.commands().filter(|(.., command)| command.verb == "MAIL") {
        // Without the line of a MAIL that was answered there is no path to read; see `Transaction::mail`.
        let Some(transaction) = timeline.transactions.iter().find(|one| one.mail == number) else {
            continue;
        };
        if transaction.reverse_path.value.is_empty() {
            let evidence = vec![Evidence::event(event, "MAIL")];
            return Finding::observed("MAIL names no sender", evidence);
        }
        named.push(Evidence::event(event, "MAIL, with a sender"));
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    if named.is_empty() {
        return Finding::undetermined("there was no MAIL");
    }
    Finding::not_observed("every MAIL names a sender", named)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, TO, Talk, find};
    use super::*;
    use crate::Given;

    fn given() -> Given {
        Given { sender: Some(FROM.to_owned()), ..Given::default() }
    }

    #[test]
    fn nobody_is_the_sender() {
        let talk = Talk::ehlo(&[]).sent("<>", &[&format!("<{TO}>")], "Subject: x\n\nx\n").quit();
        find(&CHECK, talk, given()).observed("names no sender", &["MAIL FROM:<>\r\n"]);
    }

    #[test]
    fn somebody_is_the_sender() {
        let talk = Talk::ehlo(&[]).message("Subject: x\n\nx\n").quit();
        find(&CHECK, talk, given()).not_observed("names a sender", &["MAIL FROM:<sender@contoso.example>\r\n"]);
    }

    #[test]
    fn nothing_known_or_said() {
        let null = Talk::ehlo(&[]).sent("<>", &[&format!("<{TO}>")], "Subject: x\n\nx\n").quit();
        find(&CHECK, null, Given::default()).undetermined("is not known");
        find(&CHECK, Talk::ehlo(&[]).quit(), given()).undetermined("no MAIL");
        let talk = Talk::ehlo(&[]).message("Subject: x\n\nx\n").gap().quit();
        find(&CHECK, talk, given()).undetermined("does not hold");
        let unseen = Talk::silent().midstream().cs(&format!("RCPT TO:<{TO}>"), "250 ok");
        find(&CHECK, unseen.quit(), given()).undetermined("");
    }
}
