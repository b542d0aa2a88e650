//! Do the headers of an encrypted message stay in clear?

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "headers-readable-when-encrypted",
    observed_when: "the message is encrypted, and the known texts in its header fields and envelope are read in clear",
    trigger: "the message is encrypted, and texts that stand in its header are known",
    method: "Known texts of Subject, From, To and Cc are looked for in the outer header, and the addresses of From and \
             the recipients in MAIL and RCPT. A Subject that is merely a message id had nothing to hide, so it is not \
             counted. Header protection (RFC 9788) would replace the outer fields.",
    references: &["RFC 8551 3.1", "RFC 9788", "RFC 5321 2.3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let Some(sent) = subject.sent().next() else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no message was sent".to_owned()));
    };
    if sent.encrypted().is_none() {
        return Finding::not_applicable("about an encrypted message; this one is not encrypted");
    }
    let given = subject.given();
    if !given.headers.iter().any(|(name, _)| name == "Subject") {
        return Finding::undetermined("the Subject holds no known text: nothing sensitive was at stake");
    }
    let mut evidence = Vec::new();
    let mut fields = Vec::new();
    for (name, text) in &given.headers {
        let Some(field) = sent.message.headers(name).find(|field| field.value.contains(text.as_str())) else {
            let seen: Vec<_> =
                sent.message.headers(name).map(|field| sent.evidence(field.range.clone(), format!("{name} field"))).collect();
            return Finding::not_observed(format!("{name} does not show what was configured"), seen);
        };
        evidence.push(sent.evidence(field.range.clone(), format!("{name} field in clear")));
        fields.push(name.as_str());
    }
    let mail = &sent.transaction.reverse_path;
    evidence.push(Evidence::bytes(sent.timeline, mail.span, "reverse-path in clear"));
    for recipient in &sent.transaction.recipients {
        evidence.push(Evidence::bytes(sent.timeline, recipient.address.span, "forward-path in clear"));
    }
    Finding::observed(format!("beside the encrypted body, {} and the envelope are readable", fields.join(", ")), evidence)
}
