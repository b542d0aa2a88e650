//! Does a password or token cross where anybody can read it?

use smtp::timeline::{Authentication, Tls};
use wire::Span;

use crate::leaks::{Exposure, is_under_tls, login};
use crate::subject::outcome_word;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "secret-recoverable",
    observed_when: "a login in clear carries its password or token behind nothing but base64",
    trigger: "the sender logged in, or all that it said crossed under TLS",
    method: "The SASL lines of every AUTH command are decoded, whatever became of it: a refused password has crossed \
             too. Neither a challenge with its response nor a login under TLS counts.",
    references: &["RFC 4954 4", "RFC 4616 6", "RFC 8314 3"],
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
    if let Some(reason) = subject.blind().filter(|_| timeline.tls.is_none()) {
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
    let before = |tls: &Tls| {
        let hidden = |gap: &Span| gap.direction == tls.client.direction && gap.start < tls.client.start;
        !timeline.gaps.iter().any(hidden)
    };
    match timeline.tls.as_ref().filter(|tls| tls.established && before(tls)) {
        Some(tls) => Finding::not_observed(
            "no login was said in clear before TLS",
            vec![Evidence::bytes(timeline, tls.client, "TLS records of the sender")],
        ),
        None => subject.nothing_said().unwrap_or_else(|| Finding::undetermined("the sender did not log in")),
    }
}

/// Where the secret stands.
fn place(authentication: &Authentication) -> Span {
    let secret = authentication.identity.readable();
    secret.map_or_else(|| authentication.span(), |(_, secret)| secret.span)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
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
    fn no_login_or_a_hole() {
        seen(offered().quit()).undetermined("did not log in");
        seen(offered().gap().quit()).undetermined("does not hold");
        seen(offered().gap().cs("STARTTLS", "220 go").tls()).undetermined("did not log in");
        seen(Talk::silent()).undetermined("without a word");
        seen(offered().cs("AUTH PLAIN !!!!", "501 what").quit()).undetermined("not decoded");
    }
}
