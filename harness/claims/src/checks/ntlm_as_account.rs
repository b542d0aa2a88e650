//! Whom does NTLM prove?

use smtp::ntlm::{self, Authenticate, Proof, ResponseKind};
use smtp::sasl::proof::{self, Verdict};
use smtp::timeline::{Authentication, Located, NtlmExchange};

use super::{names_account, ntlm_messages};
use crate::chain::hello;
use crate::given::{Account, Mode};
use crate::leaks::login::known_name;
use crate::subject::outcome_word;
use crate::{Check, Evidence, Finding, Given, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "ntlm-as-account",
    observed_when: "the AUTHENTICATE message names the service account, and its response is that account's",
    trigger: "an AUTHENTICATE message with a user name crossed the wire, and the account is known",
    method: "Domain and user are read from the AUTHENTICATE message and compared with the account that the host \
             instance runs under, without regard to case. Where the account's password is known, the NTLMv2 (or \
             NTLMv1) response is computed anew from challenge and password and compared in constant time. An anonymous \
             exchange, or one between processes of one machine, shows nothing, and neither does a configured user name that is \
             the account's, unless the password tells them apart. Where the account is not known and passwords of some \
             accounts are, the response must be made with that of the one it names.",
    references: &["MS-NLMP 2.2.1.3", "MS-NLMP 3.3.2", "MS-SMTPNTLM 3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.other_mode(Mode::Ntlm) {
        return finding;
    }
    let mut gravest: Option<Finding> = None;
    for (authentication, exchange, message) in ntlm_messages(subject.timeline()) {
        let finding = judge(subject, authentication, exchange, message);
        match finding.observation {
            Observation::NotObserved => return finding,
            Observation::Observed => gravest = Some(finding),
            _ => gravest = gravest.or(Some(finding)),
        }
    }
    let nothing = || {
        let blind = subject.blind();
        Finding::undetermined(
            blind.unwrap_or_else(|| "no AUTHENTICATE message was sent".to_owned()),
        )
    };
    gravest.unwrap_or_else(nothing)
}

/// What one AUTHENTICATE message shows.
fn judge(
    subject: &Subject<'_>,
    authentication: &Authentication,
    exchange: &NtlmExchange,
    message: &Located<Authenticate>,
) -> Finding {
    let who = &message.value;
    let kind = who.response_kind();
    let evidence = vec![Evidence::bytes(subject.timeline(), message.span, "AUTHENTICATE message")];
    if who.user.is_empty() || matches!(kind, ResponseKind::Anonymous | ResponseKind::Local) {
        return Finding::undetermined("the NTLM exchange is anonymous").with(evidence);
    }
    let seen = format!("{}\\{} from {}", who.domain, who.user, who.workstation);
    let given = subject.given();
    let Some(account) = given.account_of(hello(subject.timeline())) else {
        return by_known_accounts(subject, authentication, &seen).with(evidence);
    };
    let same = account.user.eq_ignore_ascii_case(&who.user)
        && account.domain.eq_ignore_ascii_case(&who.domain);
    if !same {
        let reason = format!("NTLM names {seen}, not {}\\{}", account.domain, account.user);
        return Finding::not_observed(reason, evidence);
    }
    let end = outcome_word(authentication);
    match prove(account, exchange, who) {
        Some(Proof::Invalid) => Finding::not_observed(
            format!(
                "NTLM names {seen}, but the {} response is not made with that account's password; {end}",
                kind.name()
            ),
            evidence,
        ),
        Some(Proof::NotVerifiable(why)) => {
            let reason = format!("NTLM names {seen}; the response was not verified: {why}; {end}");
            Finding::undetermined(reason).with(evidence)
        }
        proof if indistinct(given, account, proof) => {
            let reason = format!(
                "NTLM names {seen}, which is the configured UserName too: it cannot be told which was used"
            );
            Finding::undetermined(reason).with(evidence)
        }
        Some(Proof::Valid) => Finding::observed(
            format!("NTLM names {seen}; the {} response is that account's; {end}", kind.name()),
            evidence,
        ),
        None => Finding::observed(
            format!(
                "NTLM names {seen}; the response was not verified: the account's password is not known; {end}"
            ),
            evidence,
        ),
    }
}

/// The finding where it is not known which account the sender has, and passwords of some are.
fn by_known_accounts(subject: &Subject<'_>, authentication: &Authentication, seen: &str) -> Finding {
    let known = &subject.given().accounts;
    let tested = proof::test(authentication, known);
    let Some(account) = tested.account.and_then(|number| known.get(number)) else {
        let reason = format!("NTLM names {seen}; which account the sender runs under is not known");
        return Finding::undetermined(reason);
    };
    let name = known_name(account);
    let end = outcome_word(authentication);
    match tested.verdict {
        Verdict::Proven => Finding::observed(
            format!("NTLM names {seen}; the response is made with the known password of {name}; {end}"),
            Vec::new(),
        ),
        Verdict::Contradicted => Finding::not_observed(
            format!("NTLM names {seen}, but the response is not made with the known password of {name}; {end}"),
            Vec::new(),
        ),
        Verdict::NotTestable(why) => {
            Finding::undetermined(format!("NTLM names {seen}; the response was not verified: {why}; {end}"))
        }
    }
}

/// Judges the response by the account's password; `None` where that is not known.
fn prove(account: &Account, exchange: &NtlmExchange, who: &Authenticate) -> Option<Proof> {
    let password = account.password.as_ref()?;
    let Some(challenge) = &exchange.challenge else {
        return Some(Proof::NotVerifiable("the CHALLENGE message was not captured"));
    };
    let negotiate = exchange.negotiate.as_ref().map(|n| n.value.raw.as_slice());
    Some(ntlm::verify(negotiate, &challenge.value, who, password).proof)
}

/// Whether the configured user name is the account's, and the proof does not tell the two apart by their passwords.
fn indistinct(given: &Given, account: &Account, proof: Option<Proof>) -> bool {
    let same_name = given.username.as_ref().is_some_and(|name| names_account(name, account));
    let other_password =
        given.password.as_ref().is_some_and(|password| Some(password) != account.password.as_ref());
    same_name && !(other_password && proof == Some(Proof::Valid))
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
    use smtp::Secret;
    use smtp::ntlm::AuthenticateParts;
    use smtp::sasl::proof::KnownAccount;

    use super::super::testing::{Seen, Talk, authenticate_line, find, ntlm_messages, plain};
    use super::*;

    fn given(password: Option<&str>) -> Given {
        Given {
            mode: Some(Mode::Ntlm),
            account: Some(Account {
                domain: "CORP".to_owned(),
                user: "svc".to_owned(),
                password: password.map(|p| Secret::new(p.as_bytes())),
            }),
            ..Given::default()
        }
    }

    #[test]
    fn inside_spnego() {
        let talk = Talk::ehlo(&["AUTH GSS-SPNEGO"]).spnego("CORP", "svc", "account-pw", "235 ok").quit();
        let unknown = Given { mode: None, ..given(Some("account-pw")) };
        let line = authenticate_line("CORP", "svc", "account-pw");
        find(&CHECK, talk, unknown).observed("response is that account's", &[&line]);
    }

    #[test]
    fn where_passwords_of_some_accounts_are_known_and_not_whose_it_is() {
        let known = |user: &str, password: &str| Given {
            accounts: vec![KnownAccount {
                domain: Some("CORP".to_owned()),
                user: user.to_owned(),
                password: Secret::new(password.as_bytes()),
            }],
            ..Given::default()
        };
        let talk = || offered().ntlm("CORP", "svc", "account-pw", "235 ok").quit();
        let line = authenticate_line("CORP", "svc", "account-pw");
        let proven = find(&CHECK, talk(), known("svc", "account-pw"));
        proven.observed("made with the known password of CORP\\svc; accepted", &[&line]);
        assert!(!format!("{proven:?}").contains("account-pw"));
        find(&CHECK, talk(), known("svc", "other-pw")).not_observed("is not made with the known", &[&line]);
        find(&CHECK, talk(), known("other", "account-pw")).undetermined("runs under is not known");
        let both = Given { accounts: known("svc", "other-pw").accounts, ..given(Some("account-pw")) };
        find(&CHECK, talk(), both).observed("response is that account's", &[&line]);
    }

    fn offered() -> Talk {
        Talk::ehlo(&["AUTH NTLM"])
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, given(Some("account-pw")))
    }

    /// An exchange whose AUTHENTICATE message has this user and this NT response.
    fn odd(user: &str, response: &[u8]) -> Talk {
        let [first, second, _] = ntlm_messages("CORP", user, "x");
        let third = AuthenticateParts {
            flags: ntlm::CLIENT_FLAGS & !2,
            domain: "CORP",
            user,
            workstation: "HOST01",
            lm_response: &Secret::new([]),
            nt_response: &Secret::new(response),
            session_key: &Secret::new([]),
            version: None,
            mic: None,
        };
        let third = third.encode().expect("short names");
        offered()
            .cs(&format!("AUTH NTLM {}", BASE64.encode(first)), &format!("334 {}", BASE64.encode(second)))
            .cs(&BASE64.encode(third), "535 no")
    }

    #[test]
    fn the_account_proves_itself() {
        let line = authenticate_line("corp", "SVC", "account-pw");
        let talk = offered().ntlm("corp", "SVC", "account-pw", "235 ok").gap().quit();
        seen(talk).observed("corp\\SVC from HOST01; the NTLMv2 with LMv2 response is", &[&line]);
        let line = authenticate_line("CORP", "svc", "any");
        let talk = offered().ntlm("CORP", "svc", "any", "535 no").quit();
        let unverified = find(&CHECK, talk, given(None));
        unverified.observed("the account's password is not known; refused with 535", &[&line]);
    }

    #[test]
    fn another_account_domain_or_password() {
        for (domain, user, password, reason) in [
            ("CORP", "other", "account-pw", "NTLM names CORP\\other from HOST01, not CORP\\svc"),
            ("ELSE", "svc", "account-pw", "not CORP\\svc"),
            ("CORP", "svc", "other-pw", "not made with that account's password"),
        ] {
            let line = authenticate_line(domain, user, password);
            let talk = offered().ntlm(domain, user, password, "535 no").quit();
            seen(talk).not_observed(reason, &[&line]);
        }
    }

    #[test]
    fn a_second_exchange_as_somebody_else_is_seen() {
        let talk = offered().ntlm("CORP", "svc", "account-pw", "535 no");
        let line = authenticate_line("CORP", "other", "x");
        seen(talk.ntlm("CORP", "other", "x", "235 ok").quit()).not_observed("other", &[&line]);
    }

    #[test]
    fn an_anonymous_or_malformed_response_shows_nothing() {
        seen(odd("", &[]).quit()).undetermined("anonymous");
        seen(odd("svc", &[]).quit()).undetermined("anonymous");
        seen(odd("svc", &[1; 9]).quit()).undetermined("not verified");
    }

    #[test]
    fn the_configured_user_must_not_be_the_account() {
        let talk = offered().ntlm("CORP", "svc", "account-pw", "235 ok").quit();
        let same = |password: &str| Given {
            username: Some("CORP\\svc".to_owned()),
            password: Some(Secret::new(password.as_bytes())),
            ..given(Some("account-pw"))
        };
        find(&CHECK, talk.clone(), same("account-pw")).undetermined("configured UserName too");
        let line = authenticate_line("CORP", "svc", "account-pw");
        find(&CHECK, talk, same("configured-pw")).observed("that account's", &[&line]);
    }

    #[test]
    fn what_is_not_known_or_not_captured() {
        let talk = offered().ntlm("CORP", "svc", "account-pw", "235 ok").quit();
        let unknown = find(&CHECK, talk, Given::default());
        unknown.undetermined("which account the sender runs under is not known");
        seen(offered().message(&plain("", "x")).quit()).undetermined("no AUTHENTICATE message");
        seen(offered().gap().quit()).undetermined("does not hold");
        let [first, second, third] = ntlm_messages("CORP", "svc", "account-pw").map(|m| BASE64.encode(m));
        let holed = offered()
            .c(&format!("AUTH NTLM {first}"))
            .turn("?S", format!("334 {second}\r\n"))
            .cs(&third, "235 ok");
        seen(holed.quit()).undetermined("");
    }

    #[test]
    fn another_mode() {
        let talk = offered().ntlm("CORP", "svc", "account-pw", "235 ok").quit();
        let basic = Given { mode: Some(Mode::Basic), ..given(None) };
        find(&CHECK, talk, basic).not_applicable("about mode NTLM");
    }
}
