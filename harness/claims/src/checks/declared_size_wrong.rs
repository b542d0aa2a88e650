//! Is the length that MAIL declares that of the message?

use super::each;
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "declared-size-wrong",
    observed_when: "the SIZE of MAIL is less than the octets of the message, or counts what belongs to its transport: the doubled dots and the \
                    end of the data",
    trigger: "a message was sent whose MAIL has SIZE",
    method: "Header, body and line ends count, as they are without dot-stuffing. More than that is an estimate, which is to be on the \
             large side; exactly what crossed, dots and end included, is no estimate.",
    references: &["RFC 1870 6"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, judge)
}

fn judge(sent: &Sent<'_>) -> Finding {
    let Some(size) = sent.transaction.parameter("SIZE") else {
        return Finding::not_applicable("MAIL has no SIZE");
    };
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let evidence = vec![Evidence::bytes(sent.timeline, size.span, "SIZE"), sent.all("the message")];
    let Some(declared) = size.value.value.as_deref().and_then(|value| value.parse::<u64>().ok()) else {
        return Finding::observed("the value of SIZE is no number", evidence);
    };
    let octets = sent.data.content.octets();
    let crossed = sent.data.span.end - sent.data.span.start;
    if declared < octets {
        return Finding::observed(format!("MAIL declares {declared} octets, and the message has {octets}"), evidence);
    }
    if declared == crossed && declared != octets {
        let reason = format!("MAIL declares {declared} octets, which counts {} of the transport", declared - octets);
        return Finding::observed(reason, evidence);
    }
    Finding::not_observed(format!("MAIL declares {declared} octets, and the message has {octets}"), evidence)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find};
    use super::*;
    use crate::Given;

    /// 33 octets, and 37 as they cross: a dot more, and the end.
    const TEXT: &str = "Subject: x\n\n.dotted\nthe last\n";

    fn seen(parameters: &str) -> Seen {
        let talk = Talk::ehlo(&["SIZE"]).sent(&format!("<{FROM}>{parameters}"), &[&format!("<{TO}>")], TEXT);
        find(&CHECK, talk.quit(), Given::default())
    }

    #[test]
    fn too_little_or_the_transport() {
        let evidence = ["SIZE=…", "Subject: …"];
        seen(" SIZE=32").observed("declares 32 octets, and the message has 33", &evidence);
        seen(" SIZE=37").observed("counts 4 of the transport", &evidence);
        seen(" SIZE=0").observed("declares 0 octets", &evidence);
        seen(" SIZE=many").observed("no number", &evidence);
    }

    #[test]
    fn enough() {
        for size in [33, 34, 36, 4000] {
            seen(&format!(" SIZE={size}")).not_observed("the message has 33", &["SIZE=…", "Subject: …"]);
        }
    }

    #[test]
    fn nothing_declared() {
        seen("").not_applicable("no SIZE");
        let torn = Talk::ehlo(&[]).torn("Subject: x\n\nxy\n", "y");
        find(&CHECK, torn, Given::default()).not_applicable("no SIZE");
    }
}
