//! Is 8BITMIME asked for without MIME to say what the eight bits are?

use smtp::message::TransferEncoding;

use super::each;
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "eight-bit-without-mime",
    observed_when: "MAIL has BODY=8BITMIME, and the message has octets above 127 in a body that no MIME header explains: there is no \
                    MIME-Version, or the part is not declared as 8bit or binary",
    trigger: "a message was sent with BODY=8BITMIME, and holds octets above 127",
    method: "The parts of the message are read as MIME; each whose body holds such an octet is to have the transfer encoding 8bit or \
             binary.",
    references: &["RFC 5321 2.4", "RFC 6152 3", "RFC 2045 6.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, judge)
}

fn judge(sent: &Sent<'_>) -> Finding {
    let asked = sent.transaction.parameter("BODY").filter(|one| {
        let value = one.value.value.as_deref();
        value.is_some_and(|value| value.eq_ignore_ascii_case("8BITMIME"))
    });
    let Some(asked) = asked else {
        return Finding::not_applicable("MAIL has no BODY=8BITMIME");
    };
    let asked = Evidence::bytes(sent.timeline, asked.span, "BODY=8BITMIME");
    let content = sent.data.content.bytes();
    let mut explained = None;
    for part in sent.message.parts().filter(|part| part.children.is_empty()) {
        let body = content.get(part.body.clone()).unwrap_or_default();
        let Some(at) = body.iter().position(|byte| *byte > 127) else { continue };
        let at = part.body.start + at;
        let octet = sent.evidence(at..at + 1, "an octet above 127");
        let wrong = match &part.transfer_encoding {
            _ if sent.message.header("MIME-Version").is_none() => "the message has no MIME-Version",
            TransferEncoding::Identity(word) if matches!(word.as_str(), "8bit" | "binary") => {
                explained.get_or_insert(octet);
                continue;
            }
            _ => "a part with octets above 127 is not declared as 8bit",
        };
        return Finding::observed(format!("{wrong}, and 8BITMIME is asked for"), vec![octet, asked]);
    }
    match (explained, sent.unsearched()) {
        (_, Some(reason)) => Finding::undetermined(reason),
        (None, None) => Finding::undetermined("the message holds no octet above 127"),
        (Some(octet), None) => {
            Finding::not_observed("what holds octets above 127 is declared as 8bit or binary", vec![octet, asked])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    const EIGHT: &str = "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n";

    fn seen(parameters: &str, header: &str, body: &str) -> Seen {
        let talk = Talk::ehlo(&["8BITMIME"]);
        let talk = talk.sent(&format!("<{FROM}>{parameters}"), &[&format!("<{TO}>")], &plain(header, body));
        find(&CHECK, talk.quit(), Given::default())
    }

    #[test]
    fn unexplained() {
        let evidence = ["\u{fffd}", "BODY=8BITMIME"];
        seen(" BODY=8BITMIME", "", "é").observed("no MIME-Version", &evidence);
        seen(" BODY=8BITMIME", "MIME-Version: 1.0\n", "é").observed("not declared as 8bit", &evidence);
    }

    #[test]
    fn explained() {
        seen(" BODY=8BITMIME", EIGHT, "é").not_observed("declared as 8bit", &["\u{fffd}", "BODY=8BITMIME"]);
    }

    #[test]
    fn no_question() {
        seen("", EIGHT, "é").not_applicable("no BODY=8BITMIME");
        seen(" BODY=8BITMIME", EIGHT, "e").undetermined("no octet above 127");
    }
}
