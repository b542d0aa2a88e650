//! Does the sender use an authentication mechanism outside the three modes?

use crate::subject::mode_of;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "undocumented-mechanism",
    observed_when: "the sender authenticates with a mechanism other than LOGIN, PLAIN and NTLM",
    trigger: "the server offered a mechanism outside these three",
    method: "The argument of every AUTH command is compared with the mechanisms that the documented modes can mean: \
             none, LOGIN or PLAIN for Basic, NTLM. A server that offers nothing else gives no occasion to stray.",
    references: &["RFC 4954 4", "MS-SMTPNTLM 2.2.1", "MS-XLOGIN 2.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let strayed: Vec<_> = timeline
        .authentications
        .iter()
        .filter(|a| mode_of(&a.mechanism.value).is_none())
        .collect();
    if let Some(first) = strayed.first() {
        let evidence =
            strayed.iter().map(|a| Evidence::bytes(timeline, a.span(), format!("AUTH {}", a.mechanism.value))).collect();
        return Finding::observed(format!("the sender used {}", first.mechanism.value), evidence);
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let others: Vec<_> = subject.offered_mechanisms().into_iter().filter(|m| mode_of(m).is_none()).collect();
    if others.is_empty() {
        return Finding::undetermined("the server offered no mechanism outside the documented ones");
    }
    if timeline.commands().all(|(_, _, command)| !matches!(command.verb.as_str(), "AUTH" | "MAIL")) {
        return Finding::undetermined("the sender left before it had to choose");
    }
    let used = timeline.authentications.first().map_or("none", |a| a.mechanism.value.as_str());
    let mut evidence: Vec<_> = subject.offer("AUTH").into_iter().collect();
    evidence.extend(
        timeline.authentications.iter().map(|a| Evidence::bytes(timeline, a.mechanism.span, format!("AUTH {}", a.mechanism.value))),
    );
    Finding::not_observed(format!("{} on offer; used: {used}", others.join(", ")), evidence)
}
