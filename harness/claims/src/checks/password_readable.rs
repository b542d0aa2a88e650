//! Can the Basic password be read off the wire?

use smtp::timeline::Identity;

use crate::given::Mode;
use crate::subject::outcome_word;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "password-readable",
    observed_when: "user name and password are recovered from the capture by base64 alone",
    trigger: "the sender authenticates in mode Basic and gets as far as sending its password",
    method: "The SASL lines of AUTH PLAIN and AUTH LOGIN are decoded. Where the configured user name and password are \
             known, what was recovered must equal them; the password itself is never reported. A digest mechanism in \
             their place means that the password did not cross in clear.",
    references: &["RFC 4616 2", "MS-XLOGIN 2.2", "RFC 4954 4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.other_mode(Mode::Basic) {
        return finding;
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let given = subject.given();
    let mut hidden = None;
    for authentication in &timeline.authentications {
        let mechanism = &authentication.mechanism.value;
        let (user, password) = match &authentication.identity {
            Identity::Plain { authcid, password, .. } => (authcid, password),
            Identity::Login { user: Some(user), password: Some(password) } => (user, password),
            Identity::Login { .. } | Identity::Malformed(_) => continue,
            Identity::CramMd5 { .. } | Identity::Ntlm(_) | Identity::Undecoded => {
                hidden.get_or_insert(authentication);
                continue;
            }
        };
        let evidence = vec![
            Evidence::bytes(timeline, user.span, format!("user name of AUTH {mechanism}")),
            Evidence::bytes(timeline, password.span, format!("password of AUTH {mechanism}")),
        ];
        let matches_given = given.username.as_ref().is_none_or(|known| *known == user.value)
            && given.password.as_ref().is_none_or(|known| *known == password.value);
        if !matches_given {
            return Finding::not_observed(
                format!("AUTH {mechanism} carried other credentials than the configured ones"),
                evidence,
            );
        }
        return Finding::observed(
            format!(
                "AUTH {mechanism}: user name and password ({} bytes) decode from base64; {}",
                password.value.len(),
                outcome_word(authentication)
            ),
            evidence,
        );
    }
    if let Some(authentication) = hidden {
        return Finding::not_observed(
            format!("AUTH {} does not show the password", authentication.mechanism.value),
            vec![Evidence::bytes(timeline, authentication.span(), format!("AUTH {}", authentication.mechanism.value))],
        );
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let offered = subject.offered_mechanisms();
    if !offered.iter().any(|m| m == "LOGIN" || m == "PLAIN") {
        return Finding::undetermined("neither LOGIN nor PLAIN was offered");
    }
    Finding::undetermined("no password was sent")
}
