//! Do the MIME properties of a part that is not encrypted stand in its header?

use smtp::message::Part;

use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Given, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "mime-properties-readable",
    observed_when: "every MIME property with a known text (FileName, ContentDescription, ContentID, ContentLocation) stands in \
                    the header of a part that is not encrypted",
    trigger: "such a property is set, and the message is not encrypted",
    method: "FileName is looked for as the file name that a part states, the others in the fields of their name, encoded words \
             undone, in the parts of the message and in those of an opaque signature. Base64 of the body hides none of them.",
    references: &["RFC 2183 2.3", "RFC 2045 7", "RFC 2045 8", "RFC 2557 4.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given();
    if given.pipeline.properties.is_empty() {
        return Finding::undetermined("no MIME property with a known text is set");
    }
    each::message(subject, Observation::NotObserved, |sent| judge(given, sent))
}

fn judge(given: &Given, sent: &Sent<'_>) -> Finding {
    if sent.encrypted().is_some() {
        return Finding::not_applicable("about a part that is not encrypted; the message is");
    }
    let parts = all_parts(sent);
    let properties = &given.pipeline.properties;
    let mut evidence = Vec::new();
    for (property, text) in properties {
        let place = parts.iter().find(|(part, _)| states(part, property, text));
        let Some((_, range)) = place else {
            if let Some(reason) = sent.incomplete().or_else(|| sent.unlisted()) {
                return Finding::undetermined(reason);
            }
            let reason = format!("{property} is set, and no part has it in its header");
            return Finding::not_observed(reason, vec![sent.all("the message")]);
        };
        evidence.push(sent.evidence(range.clone(), format!("{property} in the header of a part")));
    }
    let names: Vec<_> = properties.iter().map(|(property, _)| property.as_str()).collect();
    let place = if sent.under_tls() { "under TLS" } else { "in clear" };
    Finding::observed(format!("{} stand in the header of a part, {place}", names.join(", ")), evidence)
}

/// The parts that open without a key, each with the place of its header on the wire.
fn all_parts<'a>(sent: &Sent<'a>) -> Vec<(&'a Part, std::ops::Range<usize>)> {
    let mut found = Vec::new();
    for part in sent.message.parts() {
        found.push((part, part.header.clone()));
        let mut inner: Vec<_> = part.inner.iter().collect();
        while let Some(message) = inner.pop() {
            for nested in message.parts() {
                found.push((nested, part.body.clone()));
                inner.extend(nested.inner.iter());
            }
        }
    }
    found
}

fn states(part: &Part, property: &str, text: &str) -> bool {
    let field = match property {
        "FileName" => return part.file_name().is_some_and(|name| name == text),
        "ContentID" => "Content-ID",
        "ContentDescription" => "Content-Description",
        "ContentLocation" => "Content-Location",
        _ => return false,
    };
    part.fields.iter().any(|one| one.is(field) && one.decoded.contains(text))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain, smime};
    use super::*;
    use crate::given::Pipeline;

    fn given(properties: &[(&str, &str)]) -> Given {
        let properties = properties.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Given { pipeline: Pipeline { properties, ..Pipeline::default() }, ..Given::default() }
    }

    const ALL: [(&str, &str); 4] = [
        ("FileName", "Canary-Öl.xml"),
        ("ContentID", "canary-id@x"),
        ("ContentDescription", "Canary Description"),
        ("ContentLocation", "http://canary.example/"),
    ];

    fn seen(text: &str) -> Seen {
        find(&CHECK, Talk::ehlo(&[]).message(text).quit(), given(&ALL))
    }

    fn named(left_out: &str) -> String {
        let fields = "Content-Type: text/xml\nContent-Transfer-Encoding: base64\n\
                      Content-Disposition: inline; filename*=utf-8''Canary-%C3%96l.xml\n\
                      Content-ID: <canary-id@x>\nContent-Description: =?utf-8?Q?Canary_Description?=\n\
                      Content-Location: http://canary.example/\n";
        let kept = fields.split_inclusive('\n').filter(|line| left_out.is_empty() || !line.starts_with(left_out));
        plain(&kept.collect::<String>(), "PGEvPg==")
    }

    #[test]
    fn they_stand_in_the_header() {
        let names = "FileName, ContentID, ContentDescription, ContentLocation stand";
        seen(&named("")).observed(names, &["From: …"]);
        let part = named("").split_once("Content-Type").expect("a type").1.to_owned();
        let nested = format!("From: a@b\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type{part}--x--\n");
        seen(&nested).observed(names, &["Content-Type: text/xml…"]);
    }

    #[test]
    fn one_of_them_does_not() {
        for (field, name) in [
            ("Content-Disposition", "FileName"),
            ("Content-ID", "ContentID"),
            ("Content-Description", "ContentDescription"),
            ("Content-Location", "ContentLocation"),
        ] {
            seen(&named(field)).not_observed(&format!("{name} is set, and no part"), &["From: …"]);
        }
        let second = Talk::ehlo(&[]).message(&named("")).message(&plain("", "Canary-Öl.xml"));
        find(&CHECK, second.quit(), given(&ALL)).not_observed("FileName is set", &["From: …"]);
    }

    #[test]
    fn what_is_not_known() {
        find(&CHECK, Talk::ehlo(&[]).message(&named("")).quit(), Given::default()).undetermined("no MIME property");
        find(&CHECK, Talk::ehlo(&[]).quit(), given(&ALL)).undetermined("no message was sent");
        let torn = Talk::ehlo(&[]).torn(&plain("", "some lost text"), "lost").quit();
        find(&CHECK, torn, given(&ALL)).undetermined("the whole message");
        seen(&smime("", "enveloped-aes128.der")).not_applicable("the message is");
    }
}
