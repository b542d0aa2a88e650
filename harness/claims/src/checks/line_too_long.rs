//! Are the lines of messages short enough for every server?

use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "line-too-long",
    observed_when: "a line of a message has more than 1000 octets, its CR LF among them",
    trigger: "a whole message was sent",
    method: "Lines are measured after dots were unstuffed, since the dot that was put before a line does not count. A server \
             may cut, refuse or fold longer ones; texts with longer lines are sent in a transfer encoding, and long header \
             fields are folded.",
    references: &["RFC 5321 4.5.3.1.6", "RFC 5322 2.1.1"],
    run,
};

/// The longest line that every server takes, with its CR LF.
const LONGEST: usize = 1000;

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, judge)
}

fn judge(sent: &Sent<'_>) -> Finding {
    let content = &sent.data.content;
    let mut longest = 0..0;
    let mut start = 0;
    for line in content.bytes().split_inclusive(|byte| *byte == b'\n') {
        let range = start..start + line.len();
        start = range.end;
        // Where a reader kept only the beginning of a part, two lines can look like one.
        let whole = line.len() <= LONGEST || content.length(range.clone()) == line.len() as u64;
        if whole && line.len() > longest.len() {
            longest = range;
        }
    }
    let length = longest.len();
    if length > LONGEST {
        let reason = format!("a line has {length} octets, and no more than {LONGEST} are sure to be taken");
        return Finding::observed(reason, vec![sent.evidence(longest, "the line")]);
    }
    match sent.unsearched() {
        Some(reason) => Finding::undetermined(reason),
        None => Finding::not_observed(
            format!("the longest line has {length} octets"),
            vec![sent.evidence(longest, "the longest line"), sent.all("the message")],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    #[test]
    fn a_long_line() {
        let long = "x".repeat(999);
        seen(Talk::ehlo(&[]).message(&plain("", &long))).observed("1001 octets", &[&format!("{long}\r\n")]);
        let header = plain(&format!("Subject: {long}\n"), "x");
        seen(Talk::ehlo(&[]).message(&header)).observed("1010 octets", &["Subject: x…"]);
    }

    #[test]
    fn lines_that_fit() {
        let long = "x".repeat(998);
        seen(Talk::ehlo(&[]).message(&plain("", &long))).not_observed("1000 octets", &[&format!("{long}\r\n")]);
        let dotted = format!(".{}", "x".repeat(997));
        seen(Talk::ehlo(&[]).message(&plain("", &dotted))).not_observed("1000 octets", &["…"]);
    }

    #[test]
    fn nothing_to_measure() {
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        seen(Talk::ehlo(&[]).torn(&plain("", "abcdef"), "cde")).undetermined("the whole message");
    }
}
