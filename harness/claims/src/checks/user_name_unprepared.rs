//! Is a user name prepared before it is sent?

use smtp::timeline::{Identity, Located};

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "user-name-unprepared",
    observed_when: "a login by PLAIN, LOGIN or CRAM-MD5 carries a user name with a character that SASLprep maps to nothing or to a space",
    trigger: "the configured user name has such a character, and a login carried a user name",
    method: "The soft hyphen and its like are mapped to nothing, and every space outside ASCII to the one in ASCII. What SASLprep makes of \
             other characters (their compatibility forms) is not looked at.",
    references: &["RFC 4954 4", "RFC 4013 2.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if !subject.given().username.as_ref().is_some_and(|name| name.chars().any(is_mapped)) {
        return Finding::undetermined("the configured user name needs no preparation, or is not known");
    }
    let timeline = subject.timeline();
    let mut prepared = Vec::new();
    for name in timeline.authentications.iter().filter_map(|one| user(&one.identity)) {
        if name.value.chars().any(is_mapped) {
            let evidence = vec![Evidence::bytes(timeline, name.span, "user name")];
            return Finding::observed("the user name crosses with characters that SASLprep takes out or replaces", evidence);
        }
        if !name.value.is_empty() {
            prepared.push(Evidence::bytes(timeline, name.span, "user name"));
        }
    }
    match subject.blind() {
        Some(reason) => Finding::undetermined(reason),
        None if prepared.is_empty() => Finding::undetermined("no login carried a user name"),
        None => Finding::not_observed("the user name crosses prepared", prepared),
    }
}

fn user(identity: &Identity) -> Option<&Located<String>> {
    match identity {
        Identity::Plain { authcid, .. } => Some(authcid),
        Identity::Login { user, .. } | Identity::CramMd5 { user, .. } => user.as_ref(),
        _ => None,
    }
}

/// RFC 3454 tables B.1 and C.1.2.
fn is_mapped(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{1806}' | '\u{180b}'..='\u{180d}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};

    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(told: &str, crossed: &str) -> Seen {
        let given = Given { username: Some(told.to_owned()), ..Given::default() };
        let plain = BASE64.encode(format!("\0{crossed}\0secret"));
        let talk = Talk::ehlo(&["AUTH PLAIN"]).cs(&format!("AUTH PLAIN {plain}"), "235 ok");
        find(&CHECK, talk.quit(), given)
    }

    #[test]
    fn as_given() {
        for name in ["svc\u{a0}biztalk", "svc\u{ad}biztalk", "svc\u{3000}biztalk"] {
            seen(name, name).observed("takes out or replaces", &["AHN2Y…"]);
        }
    }

    #[test]
    fn prepared() {
        seen("svc\u{a0}biz\u{ad}talk", "svc biztalk").not_observed("crosses prepared", &["AHN2Y…"]);
    }

    #[test]
    fn no_question() {
        seen("svc-biztalk", "svc-biztalk").undetermined("needs no preparation");
        let given = Given { username: Some("svc\u{a0}biztalk".to_owned()), ..Given::default() };
        find(&CHECK, Talk::ehlo(&[]).quit(), given).undetermined("no login");
    }
}
