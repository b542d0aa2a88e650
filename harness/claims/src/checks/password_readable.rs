//! Can the Basic password be read off the wire?

use smtp::sasl::proof::{self, Verdict};
use smtp::timeline::{Authentication, Identity};

use crate::given::Mode;
use crate::leaks::is_under_tls;
use crate::leaks::login::known_name;
use crate::subject::outcome_word;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "password-readable",
    observed_when: "user name and password are recovered from the capture by base64 alone",
    trigger: "the sender authenticates in mode Basic and gets as far as sending its password",
    method: "The SASL lines of AUTH PLAIN and AUTH LOGIN are decoded. Where the configured user name and password are \
             known, what was recovered must equal them; the password itself is never reported. A digest mechanism in \
             their place means that the password did not cross in clear, and so does TLS around them, though the key \
             may be at hand.",
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
    let (mut others, mut hidden) = (None, None);
    for authentication in &timeline.authentications {
        let Some((finding, configured)) = recovered(subject, authentication) else {
            continue;
        };
        if is_under_tls(timeline, authentication.mechanism.span) {
            hidden.get_or_insert_with(|| under_tls(subject, authentication));
        } else if configured {
            return finding;
        } else {
            others.get_or_insert(finding);
        }
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    if let Some(finding) = others.or(hidden) {
        return finding;
    }
    if let Some(a) = timeline.authentications.iter().find(|a| is_hidden(a)) {
        let how = format!("AUTH {}", a.mechanism.value);
        if subject.given().mode.is_none() {
            return Finding::undetermined(format!("{how} belongs to no documented mode, and which is configured is not known"));
        }
        return Finding::not_observed(
            format!("{how} does not show the password"),
            vec![Evidence::bytes(timeline, a.span(), how)],
        );
    }
    let offered = subject.offered_mechanisms();
    if !offered.iter().any(|m| m == "LOGIN" || m == "PLAIN") {
        return Finding::undetermined("neither LOGIN nor PLAIN was offered");
    }
    Finding::undetermined("no password was sent")
}

/// The finding on a mechanism that shows the password to whoever has the keys of the session.
fn under_tls(subject: &Subject<'_>, authentication: &Authentication) -> Finding {
    let how = format!("AUTH {}", authentication.mechanism.value);
    Finding::not_observed(
        format!("{how} crossed under TLS, and without the keys of the session its password cannot be read"),
        vec![Evidence::bytes(subject.timeline(), authentication.span(), format!("{how}, under TLS"))],
    )
}

/// User name and password of a mechanism that shows them, and whether they are the configured ones.
fn recovered(subject: &Subject<'_>, authentication: &Authentication) -> Option<(Finding, bool)> {
    let timeline = subject.timeline();
    let given = subject.given();
    let mechanism = &authentication.mechanism.value;
    let (user, password) = match &authentication.identity {
        Identity::Plain { authcid, password, .. } => (authcid, password),
        Identity::Login { user: Some(user), password: Some(password) } => (user, password),
        _ => return None,
    };
    let evidence = vec![
        Evidence::bytes(timeline, user.span, format!("user name of AUTH {mechanism}")),
        Evidence::bytes(timeline, password.span, format!("password of AUTH {mechanism}")),
    ];
    let configured = given.username.as_ref().is_none_or(|known| *known == user.value)
        && given.password.as_ref().is_none_or(|known| *known == password.value);
    let finding = if configured {
        Finding::observed(
            format!(
                "AUTH {mechanism}: user name and password ({} bytes{}) decode from base64; {}",
                password.value.len(),
                known(subject, authentication),
                outcome_word(authentication)
            ),
            evidence,
        )
    } else {
        let reason = format!("AUTH {mechanism} carried other credentials than the configured ones");
        Finding::not_observed(reason, evidence)
    };
    Some((finding, configured))
}

/// What the known passwords say of the one that was sent.
fn known(subject: &Subject<'_>, authentication: &Authentication) -> String {
    let accounts = &subject.given().accounts;
    let tested = proof::test(authentication, accounts);
    let Some(account) = tested.account.and_then(|number| accounts.get(number)) else {
        return String::new();
    };
    let name = known_name(account);
    match tested.verdict {
        Verdict::Proven => format!(", those known for {name}"),
        Verdict::Contradicted => format!(", not those known for {name}"),
        Verdict::NotTestable(_) => String::new(),
    }
}

/// Whether the client proved itself with a mechanism that does not show the password. One that was refused before the
/// proof was sent shows nothing either way.
fn is_hidden(authentication: &Authentication) -> bool {
    match &authentication.identity {
        Identity::Undecoded | Identity::External { .. } | Identity::Bearer(_) => {
            !authentication.responses.is_empty()
        }
        identity => identity.has_hidden_proof(),
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
    use smtp::Secret;
    use smtp::sasl::proof::KnownAccount;

    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn given() -> Given {
        Given {
            mode: Some(Mode::Basic),
            username: Some("svc".to_owned()),
            password: Some(Secret::new(*b"S3cret-pw")),
            ..Given::default()
        }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, given())
    }

    fn offered() -> Talk {
        Talk::ehlo(&["AUTH LOGIN PLAIN CRAM-MD5 NTLM"])
    }

    fn login(talk: Talk, user: &str, password: &str, end: &str) -> Talk {
        talk.cs(&format!("AUTH LOGIN {}", BASE64.encode(user)), "334 UGFzc3dvcmQ6")
            .cs(&BASE64.encode(password), end)
    }

    fn cram(talk: Talk) -> Talk {
        let digest = BASE64.encode("svc 0123456789abcdef0123456789abcdef");
        talk.cs("AUTH CRAM-MD5", "334 PDFAbXg+").cs(&digest, "535 no")
    }

    #[test]
    fn plain_and_login_show_both() {
        let token = BASE64.encode(b"\0svc\0S3cret-pw");
        let plain = offered().cs(&format!("AUTH PLAIN {token}"), "235 ok").gap().quit();
        seen(plain).observed("(9 bytes) decode from base64; accepted", &[&token, &token]);
        let pair = login(offered(), "svc", "S3cret-pw", "535 no").quit();
        let found = seen(pair.clone());
        found.observed("AUTH LOGIN", &["c3Zj", "UzNjcmV0LXB3"]);
        assert!(found.finding.reason.ends_with("refused with 535"));
        assert!(!format!("{found:?}").contains("S3cret"));
        find(&CHECK, pair, Given::default()).observed("AUTH LOGIN", &["c3Zj", "UzNjcmV0LXB3"]);
    }

    #[test]
    fn no_mode_is_read_from_mail_whose_beginning_is_missing() {
        let mail = || Talk::ehlo(&["AUTH LOGIN"]).message(&plain("", "x")).quit();
        let none = find(&CHECK, mail(), Given::default());
        none.not_applicable("this sender is in mode None");
        let gap = Talk::ehlo(&["AUTH LOGIN"]).gap().message(&plain("", "x")).quit();
        find(&CHECK, gap, Given::default()).undetermined("does not hold");
        let late = Talk::silent().message(&plain("", "x")).quit().midstream();
        find(&CHECK, late, Given::default()).undetermined("starts inside the conversation");
    }

    #[test]
    fn a_later_exchange_shows_what_an_earlier_one_did_not() {
        let talk = login(cram(offered()), "svc", "S3cret-pw", "235 ok").quit();
        seen(talk).observed("AUTH LOGIN", &["c3Zj", "UzNjcmV0LXB3"]);
        let twice = login(offered(), "svc", "old-pw", "535 no");
        seen(login(twice, "svc", "S3cret-pw", "235 ok").quit()).observed("accepted", &["c3Zj"]);
    }

    #[test]
    fn a_digest_or_other_credentials() {
        seen(cram(offered()).quit()).not_observed("AUTH CRAM-MD5", &["CRAM-MD5\r\nc3Zj…"]);
        find(&CHECK, cram(offered()).quit(), Given::default()).undetermined("belongs to no documented mode");
        let ntlm = offered().ntlm("CORP", "svc", "S3cret-pw", "235 ok").quit();
        seen(ntlm).not_observed("AUTH NTLM does not show", &["NTLM\r\n…"]);
        let other = login(offered(), "svc", "other-pw", "235 ok").quit();
        seen(other).not_observed("other credentials", &["c3Zj", "b3RoZXItcHc="]);
    }

    #[test]
    fn refused_before_the_password() {
        seen(offered().cs("AUTH LOGIN c3Zj", "535 no").quit()).undetermined("no password was sent");
        seen(offered().cs("AUTH CRAM-MD5", "504 no").quit()).undetermined("no password was sent");
        seen(offered().cs("AUTH NTLM", "504 no").quit()).undetermined("no password was sent");
        seen(Talk::ehlo(&["AUTH NTLM"]).quit()).undetermined("neither LOGIN nor PLAIN");
        seen(Talk::ehlo(&[]).quit()).undetermined("neither LOGIN nor PLAIN");
    }

    #[test]
    fn a_known_password_is_known_again() {
        let known = |password: &str| Given {
            accounts: vec![KnownAccount {
                domain: None,
                user: "svc".to_owned(),
                password: Secret::new(password.as_bytes()),
            }],
            ..Given::default()
        };
        let talk = || login(offered(), "svc", "S3cret-pw", "235 ok").quit();
        let found = find(&CHECK, talk(), known("S3cret-pw"));
        found.observed("(9 bytes, those known for svc)", &["c3Zj", "UzNjcmV0LXB3"]);
        find(&CHECK, talk(), known("other-pw")).observed("(9 bytes, not those known for svc)", &["c3Zj"]);
    }

    #[test]
    fn a_gap_may_hide_it() {
        seen(offered().gap().quit()).undetermined("does not hold");
        seen(cram(offered()).gap().quit()).undetermined("does not hold");
    }

    #[test]
    fn another_mode() {
        let ntlm = offered().ntlm("CORP", "svc", "pw", "235 ok").quit();
        find(&CHECK, ntlm, Given::default()).not_applicable("about mode Basic");
    }
}
