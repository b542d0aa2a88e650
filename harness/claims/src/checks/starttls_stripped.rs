//! Was the offer of STARTTLS taken out on the way?

use super::in_clear;
use crate::brief::clear_offer;
use crate::leaks::is_under_tls;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "starttls-stripped",
    observed_when: "the keyword or the command is overwritten with X letters, or an offer that the same server made before \
                    is missing",
    trigger: "an EHLO reply was captured in clear",
    method: "Some devices on the path write XXXXXXXA over the keyword in the EHLO reply, or XXXXXXXX over the command. \
             Others take the line out, which only shows by comparison: an audit remembers, by address and by the name \
             in the greeting, which servers offered STARTTLS before. One conversation without an offer shows nothing.",
    references: &["RFC 3207 6"],
    run,
};

/// Whether a word is what is left of `STARTTLS` when a device has written over it.
fn is_masked(word: &str) -> bool {
    let word = word.as_bytes();
    let crosses = word.iter().take_while(|byte| **byte == b'X').count();
    word.len() == "STARTTLS".len() && crosses + 1 >= word.len()
}

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    // Nobody on the path writes over what is under TLS.
    let keywords = timeline.capabilities.iter().flat_map(|c| &c.keywords).filter(|keyword| !is_under_tls(timeline, keyword.span));
    if let Some(keyword) = keywords.into_iter().find(|keyword| is_masked(&keyword.value.name)) {
        return Finding::observed(
            format!("a keyword of the EHLO reply is masked: {}", keyword.value.name),
            vec![Evidence::bytes(timeline, keyword.span, "masked keyword in the EHLO reply")],
        );
    }
    if let Some((_, event, command)) = in_clear(timeline).find(|(_, _, command)| is_masked(&command.verb)) {
        return Finding::observed(
            format!("a command of the sender is masked: {}", command.verb),
            vec![Evidence::event(event, "masked command")],
        );
    }
    let Some(offer) = clear_offer(timeline) else {
        return Finding::undetermined("no EHLO reply was seen in clear");
    };
    match offer.get("STARTTLS") {
        Some(line) => Finding::not_observed(
            "STARTTLS was on offer",
            vec![Evidence::bytes(timeline, line.span, "STARTTLS offered")],
        ),
        None => Finding::undetermined("STARTTLS was not on offer, and no earlier conversation shows that it should be"),
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
    fn a_masked_keyword_or_command() {
        let talk = Talk::ehlo(&["SIZE", "XXXXXXXA", "DSN"]).message(&plain("", "x"));
        seen(talk).observed("keyword", &["250-XXXXXXXA\r\n"]);
        let talk = Talk::ehlo(&["STARTTLS"]).cs("XXXXXXXX", "500 what");
        seen(talk).observed("command", &["XXXXXXXX\r\n"]);
    }

    #[test]
    fn an_offer_that_arrived() {
        seen(Talk::ehlo(&["SIZE", "STARTTLS"])).not_observed("on offer", &["250 STARTTLS\r\n"]);
    }

    #[test]
    fn no_offer_shows_nothing_by_itself() {
        seen(Talk::ehlo(&["SIZE", "XCLIENT", "XXX", "XEXCH50X"])).undetermined("no earlier conversation");
        seen(Talk::silent().s("220 mx").cs("HELO a", "250 mx")).undetermined("no EHLO reply");
    }
}
