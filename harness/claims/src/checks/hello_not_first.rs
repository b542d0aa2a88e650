//! Does the client begin with EHLO?

use crate::{Check, Evidence, Finding, Subject};

use super::steps::shown;

pub(super) static CHECK: Check = Check {
    id: "hello-not-first",
    observed_when: "the client's first command is not EHLO",
    trigger: "the capture shows the client's first commands",
    method: "The first command is to be EHLO, also where NOOP, HELP, VRFY, EXPN or RSET are to follow; HELO is for servers that \
             refused it, and anything else meets a server that does not know who speaks and has offered nothing. A client \
             that only says QUIT is not judged.",
    references: &["RFC 5321 3.2", "RFC 5321 4.1.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if let Some(reason) = subject.hidden_in_clear() {
        return Finding::undetermined(reason);
    }
    let mut commands = subject.timeline().commands();
    let Some((_, event, command)) = commands.next().filter(|(_, _, command)| command.verb != "QUIT") else {
        return Finding::undetermined("the client said nothing but good-bye");
    };
    let evidence = |what: &'static str| vec![Evidence::event(event, what)];
    match command.verb.as_str() {
        "EHLO" => Finding::not_observed("the client began with EHLO", evidence("the first command")),
        "HELO" => Finding::observed("the client began with HELO and asked for no extensions", evidence("HELO before any EHLO")),
        verb => Finding::observed(format!("the client began with {}", shown(verb)), evidence("a command before EHLO")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, find};
    use super::*;
    use crate::Given;

    #[test]
    fn another_command_first() {
        let old = Talk::silent().s("220 mx").cs("HELO a", "250 mx").quit();
        find(&CHECK, old, Given::default()).observed("began with HELO", &["HELO a\r\n"]);
        let rash = Talk::silent().s("220 mx").cs("MAIL FROM:<a@b.example>", "503 no").quit();
        find(&CHECK, rash, Given::default()).observed("began with MAIL", &["MAIL FROM:<a@b.example>\r\n"]);
        let slow = Talk::silent().s("220 mx").cs("NOOP", "250 ok").again(&[]).quit();
        find(&CHECK, slow, Given::default()).observed("began with NOOP", &["NOOP\r\n"]);
    }

    #[test]
    fn ehlo_first() {
        let polite = Talk::silent().s("220 mx").again(&[]).cs("NOOP", "250 ok").quit();
        find(&CHECK, polite, Given::default()).not_observed("began with EHLO", &["EHLO host.contoso.example\r\n"]);
    }

    #[test]
    fn a_beginning_that_is_not_there() {
        find(&CHECK, Talk::silent().s("220 mx").quit(), Given::default()).undetermined("nothing but good-bye");
        let late = Talk::silent().cs("MAIL FROM:<a@b.example>", "250 ok").midstream();
        find(&CHECK, late, Given::default()).undetermined("starts inside");
    }
}
