//! Are command lines short enough?

use smtp::timeline::Command;

use crate::{Check, Evidence, Finding, Subject};

use super::grammar::split_path;
use super::steps::shown;

pub(super) static CHECK: Check = Check {
    id: "command-too-long",
    observed_when: "a command line, or a local part or domain in it, is longer than it may be",
    trigger: "the client's commands were captured",
    method: "A command line has at most 512 octets, its CR LF included. Extensions add to that, each for its own parameters: \
             what they allow together is added for MAIL and RCPT lines that have parameters, and AUTH may have 12,288 \
             octets. A local part has at most 64 octets, a domain 255. A server may cut off or refuse what is longer.",
    references: &["RFC 5321 4.5.3.1.4", "RFC 5321 4.5.3.1.1", "RFC 5321 4.5.3.1.2", "RFC 4954 4", "RFC 3461 5.4", "RFC 1870 5"],
    run,
};

/// Any command line (RFC 5321 section 4.5.3.1.4).
const LINE: usize = 512;
/// What SIZE (26), BODY (17), AUTH (500), RET and ENVID (107 and 8), SMTPUTF8 (10) and further ones add to MAIL.
const MAIL_PARAMETERS: usize = 1024;
/// What NOTIFY (28) and ORCPT (500) and further ones add to RCPT.
const RCPT_PARAMETERS: usize = 640;
/// A line of an AUTH exchange (RFC 4954 section 4).
const AUTH: usize = 12_288;

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let mut longest: Option<(usize, _)> = None;
    for (_, event, command) in subject.timeline().commands() {
        let length = command.raw.len() + 2;
        if length > limit(command) {
            let verb = shown(&command.verb);
            return Finding::observed(
                format!("{verb} has {length} octets, and {} are allowed", limit(command)),
                vec![Evidence::event(event, format!("the long {verb}"))],
            );
        }
        if let Some(what) = long_object(command) {
            let evidence = vec![Evidence::event(event, format!("the command with the long {what}"))];
            return Finding::observed(format!("a {what} is longer than it may be"), evidence);
        }
        if longest.is_none_or(|(most, _)| length > most) {
            longest = Some((length, event));
        }
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    match longest {
        Some((length, event)) => Finding::not_observed(
            format!("no command is longer than it may be; the longest has {length} octets"),
            vec![Evidence::event(event, "the longest command")],
        ),
        None => Finding::undetermined("the client said no command"),
    }
}

fn limit(command: &Command) -> usize {
    let parameters = command.argument.trim_end().contains("> ");
    match command.verb.as_str() {
        "AUTH" => AUTH,
        "MAIL" if parameters => LINE + MAIL_PARAMETERS,
        "RCPT" if parameters => LINE + RCPT_PARAMETERS,
        _ => LINE,
    }
}

/// The part of a mailbox that is too long, if any (RFC 5321 sections 4.5.3.1.1 and 4.5.3.1.2).
fn long_object(command: &Command) -> Option<&'static str> {
    let prefix = match command.verb.as_str() {
        "MAIL" => "FROM:",
        "RCPT" => "TO:",
        _ => return None,
    };
    let (path, _) = split_path(&command.argument, prefix)?;
    let (local, domain) = path.rsplit_once('@').unwrap_or((path, ""));
    match (local.len(), domain.len()) {
        (65.., _) => Some("local part"),
        (_, 256..) => Some("domain"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, find};
    use super::*;
    use crate::Given;

    #[test]
    fn long_lines() {
        let long = format!("RCPT TO:<{}@b.example>", "a".repeat(500));
        let talk = Talk::ehlo(&[]).cs(&long, "500 too long").quit();
        find(&CHECK, talk, Given::default()).observed("RCPT has 522 octets, and 512 are allowed", &["RCPT…"]);
    }

    #[test]
    fn long_mailboxes() {
        let mailbox = |local: usize, domain: usize| format!("RCPT TO:<{}@{}>", "a".repeat(local), "b".repeat(domain));
        for (local, domain, why) in [(65, 9, "local part is longer"), (64, 256, "domain is longer")] {
            let talk = Talk::ehlo(&[]).cs(&mailbox(local, domain), "501 no").quit();
            find(&CHECK, talk, Given::default()).observed(why, &["RCPT…"]);
        }
        let talk = Talk::ehlo(&[]).cs(&mailbox(64, 255), "250 ok").quit();
        find(&CHECK, talk, Given::default()).not_observed("the longest has 332 octets", &["RCPT…"]);
    }

    #[test]
    fn lines_that_may_be_long() {
        let auth = format!("AUTH PLAIN {}", "A".repeat(2000));
        let rcpt = format!("RCPT TO:<a@b.example> ORCPT=rfc822;{}", "a".repeat(480));
        let talk = Talk::ehlo(&["AUTH PLAIN", "DSN"]).cs(&auth, "535 no").cs(&rcpt, "503 no").quit();
        find(&CHECK, talk, Given::default()).not_observed("the longest has 2013 octets", &["AUTH PLAIN…"]);
    }

    #[test]
    fn nothing_to_measure() {
        find(&CHECK, Talk::silent().s("220 mx").closed(), Given::default()).undetermined("said no command");
        find(&CHECK, Talk::ehlo(&[]).gap().quit(), Given::default()).undetermined("does not hold");
    }
}
