//! Do commands follow the grammar?

use smtp::timeline::{Command, Terminator};

use crate::{Check, Evidence, Finding, Subject};

use super::grammar::{are_parameters, is_mailbox, split_path};
use super::steps::shown;

pub(super) static CHECK: Check = Check {
    id: "command-malformed",
    observed_when: "a command line does not follow the grammar of its command",
    trigger: "the client's commands were captured",
    method: "Each line is read strictly: it ends with CR LF; nothing stands before the verb or behind the last argument; DATA, \
             RSET, QUIT and STARTTLS have no argument; the path of MAIL and RCPT follows the colon at once, in angle \
             brackets, and holds a mailbox and no source route; parameters follow with one space before each; the verb is \
             one of SMTP and its extensions that is still in use, or begins with X. Many servers forgive more, and some do \
             not. The name in EHLO is judged by another check.",
    references: &["RFC 5321 4.1.1", "RFC 5321 4.1.2", "RFC 5321 2.3.8", "RFC 4954 8"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let mut sound = None;
    for (_, event, command) in subject.timeline().commands() {
        if command.terminator == Terminator::Missing {
            continue;
        }
        if let Some(what) = wrong(command) {
            let verb = shown(&command.verb);
            return Finding::observed(
                format!("{verb}: {what}"),
                vec![Evidence::event(event, format!("{verb} as it was sent"))],
            );
        }
        sound.get_or_insert(event);
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    match sound {
        Some(event) => Finding::not_observed(
            "every command line follows the grammar",
            vec![Evidence::event(event, "the first command")],
        ),
        None => Finding::undetermined("the client said no command"),
    }
}

/// What is wrong with a command line, if anything.
fn wrong(command: &Command) -> Option<&'static str> {
    let raw = command.raw.as_slice();
    if command.terminator == Terminator::Lf {
        return Some("it ends with a bare LF");
    }
    if raw.iter().any(u8::is_ascii_control) {
        return Some("it holds a control character");
    }
    if raw.first().is_none_or(|byte| *byte == b' ') {
        return Some("the line does not begin with a verb");
    }
    if raw.ends_with(b" ") {
        return Some("white space stands at its end");
    }
    let argument = command.argument.as_str();
    match command.verb.as_str() {
        "DATA" | "RSET" | "QUIT" | "STARTTLS" if !argument.is_empty() => Some("it takes no argument and has one"),
        "EHLO" | "HELO" | "VRFY" | "EXPN" if argument.is_empty() => Some("its argument is missing"),
        "MAIL" => path(argument, "FROM:", |path| path.is_empty() || is_mailbox(path)),
        "RCPT" => path(argument, "TO:", |path| is_mailbox(path) || path.eq_ignore_ascii_case("postmaster")),
        "AUTH" => (!is_auth(argument)).then_some("it is no mechanism with at most one initial response in base64"),
        "BDAT" => (!is_chunk(argument)).then_some("it is no size with at most LAST behind it"),
        "TURN" | "SEND" | "SOML" | "SAML" => Some("it is out of use"),
        verb => (!KNOWN.contains(&verb) && !verb.starts_with('X')).then_some("no document defines it"),
    }
}

/// The verbs that are in use, but for those that are read more closely.
const KNOWN: [&str; 13] = [
    "EHLO", "HELO", "DATA", "RSET", "QUIT", "NOOP", "HELP", "VRFY", "EXPN", "STARTTLS", "ETRN", "ATRN", "BURL",
];

/// What is wrong with the argument of MAIL or RCPT.
fn path(argument: &str, prefix: &str, sound: impl Fn(&str) -> bool) -> Option<&'static str> {
    let Some((path, rest)) = split_path(argument, prefix) else {
        return Some("no path in angle brackets follows the colon at once");
    };
    if path.starts_with('@') && path.contains(':') {
        return Some("its path has a source route");
    }
    if !sound(path) {
        return Some("its path holds no mailbox");
    }
    (!are_parameters(rest)).then_some("what follows the path is not parameters with a space before each")
}

fn is_auth(argument: &str) -> bool {
    let mut words = argument.split(' ');
    let mechanism = words.next().unwrap_or_default();
    let named = (1..=20).contains(&mechanism.len()) && mechanism.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let base64 = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
    named && words.next().is_none_or(base64) && words.next().is_none()
}

fn is_chunk(argument: &str) -> bool {
    let (size, rest) = argument.split_once(' ').map_or((argument, None), |(size, rest)| (size, Some(rest)));
    let number = (1..=20).contains(&size.len()) && size.bytes().all(|b| b.is_ascii_digit());
    number && rest.is_none_or(|rest| rest.eq_ignore_ascii_case("LAST"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::testing::{Talk, find, plain};
    use super::*;
    use crate::Given;

    #[rstest]
    #[case("MAIL FROM: <a@b.example>\r\n", "follows the colon at once")]
    #[case("MAIL FROM:a@b.example\r\n", "follows the colon at once")]
    #[case("MAIL FROM:<a b@b.example>\r\n", "no mailbox")]
    #[case("RCPT TO:<>\r\n", "no mailbox")]
    #[case("RCPT TO:<a@b.example>  NOTIFY=NEVER\r\n", "with a space before each")]
    #[case("RSET now\r\n", "takes no argument")]
    #[case("DATA \r\n", "white space")]
    #[case("EHLO a\n", "bare LF")]
    #[case(" NOOP\r\n", "does not begin with a verb")]
    #[case("NOOP\tx\r\n", "control character")]
    #[case("AUTH PLAIN a!b\r\n", "no mechanism")]
    #[case("VRFY\r\n", "argument is missing")]
    #[case("BDAT x\r\n", "no size")]
    #[case("M@IL x\r\n", "no document defines it")]
    #[case("SEND FROM:<a@b.example>\r\n", "out of use")]
    #[case("RCPT TO:<@relay.example:a@b.example>\r\n", "source route")]
    fn a_line_that_is_wrong(#[case] line: &'static str, #[case] why: &str) {
        let talk = Talk::ehlo(&["AUTH PLAIN", "CHUNKING"]).turn("C", line).s("500 what?").quit();
        find(&CHECK, talk, Given::default()).observed(why, &[line]);
    }

    #[rstest]
    #[case("mail from:<> SIZE=10 BODY=8BITMIME")]
    #[case("RCPT TO:<Postmaster>")]
    #[case("XCLIENT NAME=a")]
    #[case("NOOP anything at all")]
    #[case("AUTH LOGIN")]
    #[case("AUTH XOAUTH2 =")]
    fn a_line_that_is_right(#[case] line: &str) {
        let talk = Talk::ehlo(&["AUTH PLAIN"]).cs(line, "500 what?").quit();
        find(&CHECK, talk, Given::default()).not_observed("follows the grammar", &["EHLO host.contoso.example\r\n"]);
    }

    #[test]
    fn a_whole_delivery_is_right_and_a_hole_leaves_it_open() {
        let talk = Talk::ehlo(&[]).message(&plain("", "x")).quit();
        find(&CHECK, talk, Given::default()).not_observed("follows the grammar", &["EHLO…"]);
        find(&CHECK, Talk::ehlo(&[]).gap().quit(), Given::default()).undetermined("does not hold");
        find(&CHECK, Talk::silent().s("220 mx").closed(), Given::default()).undetermined("said no command");
    }
}
