//! Does a password or token cross where anybody can read it?

use smtp::timeline::Authentication;
use wire::Span;

use super::exposure;
use crate::leaks::{Exposure, is_under_tls, login};
use crate::subject::outcome_word;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "secret-recoverable",
    observed_when: "a login in clear carries its password or token behind nothing but base64, or a known password stands in clear",
    trigger: "the sender logged in, or all that it said crossed under TLS",
    method: "The SASL lines of every AUTH command are decoded, whatever became of it: a refused password has crossed \
             too. Passwords that the auditor knows are looked for in every line and message as well. Neither a challenge with its response nor a login under TLS counts.",
    references: &["RFC 4954 4", "RFC 4616 5", "RFC 8314 3"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let clear: Vec<_> = timeline
        .authentications
        .iter()
        .filter(|a| !is_under_tls(timeline, a.mechanism.span))
        .map(|a| (a, login::exposure(timeline, a)))
        .collect();
    if let Some((a, _)) = clear.iter().find(|(_, exposure)| *exposure == Exposure::Recoverable) {
        let mechanism = login::mechanism(a);
        return Finding::observed(
            format!("AUTH {mechanism} shows its secret; {}", outcome_word(a)),
            vec![Evidence::bytes(timeline, place(a), format!("secret of AUTH {mechanism}"))],
        );
    }
    let mut known = exposure::of_known_passwords(subject);
    known.retain(|evidence| evidence.bytes.is_none_or(|span| !is_under_tls(timeline, span)));
    if let Some(first) = known.first() {
        return Finding::observed(first.what.clone(), known);
    }
    if let Some(reason) = subject.hidden_in_clear().or_else(|| unsearched(subject)) {
        return Finding::undetermined(reason);
    }
    if clear.iter().any(|(_, exposure)| *exposure == Exposure::Unknown) {
        return Finding::undetermined("a login was not decoded");
    }
    if let Some((a, _)) = clear.first() {
        let how = format!("AUTH {}", login::mechanism(a));
        return Finding::not_observed(
            format!("{how} does not show its secret"),
            vec![Evidence::bytes(timeline, a.span(), how)],
        );
    }
    match timeline.tls.as_ref().filter(|tls| tls.established) {
        Some(tls) => Finding::not_observed(
            "no login was said in clear before TLS",
            vec![Evidence::bytes(timeline, tls.client, "TLS records of the sender")],
        ),
        None => subject.nothing_said().unwrap_or_else(|| Finding::undetermined("the sender did not log in")),
    }
}

/// Why a known password may stand in clear where it was not found.
fn unsearched(subject: &Subject<'_>) -> Option<String> {
    let known = subject.given().accounts.len();
    if known == 0 {
        return None;
    }
    let clear = subject.sent().find_map(|sent| sent.unkept().filter(|_| !sent.under_tls()));
    let many = known > exposure::MOST_KNOWN;
    clear.or_else(|| many.then(|| "more passwords are known than are looked for in one conversation".to_owned()))
}

/// Where the secret stands.
fn place(authentication: &Authentication) -> Span {
    let secret = authentication.identity.readable();
    secret.map_or_else(|| authentication.span(), |(_, secret)| secret.span)
}

#[cfg(test)]
mod tests {
    use smtp::Secret;
    use smtp::sasl::proof::KnownAccount;
    use smtp::timeline::Keep;

    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn offered() -> Talk {
        Talk::ehlo(&["STARTTLS", "AUTH LOGIN PLAIN NTLM"])
    }

    #[test]
    fn a_password_in_clear_whatever_became_of_it() {
        // `user` and `secret`.
        let login = offered().cs("AUTH LOGIN", "334 a").cs("dXNlcg==", "334 b").cs("c2VjcmV0", "535 no");
        seen(login.quit()).observed("AUTH LOGIN shows its secret; refused with 535", &["c2VjcmV0"]);
        // `user=u^Aauth=Bearer secret^A^A`
        let token = "dXNlcj11AWF1dGg9QmVhcmVyIHNlY3JldAEB";
        let bearer = Talk::ehlo(&["AUTH XOAUTH2"]).cs(&format!("AUTH XOAUTH2 {token}"), "235 ok");
        seen(bearer.quit()).observed("AUTH XOAUTH2 shows its secret", &[token]);
        let plain = offered().cs("AUTH PLAIN AHVzZXIAc2VjcmV0", "235 ok");
        seen(plain.quit()).observed("AUTH PLAIN shows its secret", &["AHVzZXIAc2VjcmV0"]);
    }

    #[test]
    fn a_challenge_and_its_response_or_tls() {
        seen(offered().ntlm("CONTOSO", "svc", "pw", "235 ok").quit()).not_observed("AUTH NTLM does not", &["NTLM…"]);
        seen(offered().cs("STARTTLS", "220 go").tls()).not_observed("before TLS", &["\u{16}…"]);
        seen(Talk::silent().tls()).not_observed("before TLS", &["\u{16}…"]);
    }

    #[test]
    fn a_known_password_in_a_message() {
        let given = || Given {
            accounts: vec![KnownAccount {
                domain: Some("CORP".to_owned()),
                user: "svc".to_owned(),
                password: Secret::new(*b"account-pw"),
            }],
            ..Given::default()
        };
        let text = plain("Subject: new password\n", "it is account-pw now");
        let clear = offered().ntlm("CORP", "svc", "account-pw", "235 ok");
        let found = find(&CHECK, clear.clone().message(&text).quit(), given());
        found.observed("the known password of CORP\\svc is readable in part 1", &["account-pw"]);
        find(&CHECK, clear.clone().quit(), given()).not_observed("AUTH NTLM does not", &["NTLM…"]);
        let long = format!("{}account-pw\n", "0123456789\n".repeat(1000));
        let lean = clear.clone().kept(Keep::LEAN).message(&plain("", &long));
        find(&CHECK, lean.clone().quit(), given()).undetermined("only the first bytes of long parts");
        find(&CHECK, lean.quit(), Given::default()).not_observed("AUTH NTLM does not", &["NTLM…"]);
        let many = Given { accounts: vec![given().accounts[0].clone(); 17], ..Given::default() };
        find(&CHECK, clear.clone().quit(), many).undetermined("more passwords are known");
        let hidden = offered().cs("STARTTLS", "220 go").opened().again(&[]).message(&text);
        find(&CHECK, hidden.quit(), given()).not_observed("before TLS", &["EHLO…"]);
    }

    #[test]
    fn no_login_or_a_hole() {
        seen(offered().quit()).undetermined("did not log in");
        seen(offered().gap().quit()).undetermined("does not hold");
        seen(offered().gap().cs("STARTTLS", "220 go").tls()).undetermined("does not hold");
        seen(Talk::silent()).undetermined("without a word");
        seen(offered().cs("AUTH PLAIN !!!!", "501 what").quit()).undetermined("not decoded");
    }
}
