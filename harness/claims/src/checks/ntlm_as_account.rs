//! Whom does NTLM prove?

use smtp::ntlm::{self, Proof, ResponseKind};

use crate::given::Mode;
use crate::subject::outcome_word;
use crate::{Check, Evidence, Finding, Subject};

use super::ntlm_messages;

pub(super) static CHECK: Check = Check {
    id: "ntlm-as-account",
    observed_when: "the AUTHENTICATE message names the service account, and its response is that account's",
    trigger: "an AUTHENTICATE message with a user name crossed the wire, and the account is known",
    method: "Domain and user are read from the AUTHENTICATE message and compared with the account that the host \
             instance runs under, without regard to case. Where the account's password is known, the NTLMv2 (or \
             NTLMv1) response is computed anew from challenge and password and compared in constant time. An anonymous \
             exchange, or one between processes of one machine, shows nothing.",
    references: &["MS-NLMP 2.2.1.3", "MS-NLMP 3.3.2", "MS-SMTPNTLM 3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.other_mode(Mode::Ntlm) {
        return finding;
    }
    let timeline = subject.timeline();
    let Some((authentication, exchange, message)) = ntlm_messages(timeline).next() else {
        return subject
            .blind()
            .map_or_else(|| Finding::undetermined("no AUTHENTICATE message was sent"), Finding::undetermined);
    };
    let who = &message.value;
    let kind = who.response_kind();
    if who.user.is_empty() || kind == ResponseKind::Anonymous {
        return Finding::undetermined("the NTLM exchange is anonymous");
    }
    let evidence = vec![Evidence::bytes(timeline, message.span, "AUTHENTICATE message")];
    let seen = format!("{}\\{} from {}", who.domain, who.user, who.workstation);
    let Some(account) = &subject.given().account else {
        return Finding::undetermined(format!("NTLM names {seen}; which account the sender runs under is not known"))
            .with(evidence);
    };
    let same = account.user.eq_ignore_ascii_case(&who.user) && account.domain.eq_ignore_ascii_case(&who.domain);
    if !same {
        return Finding::not_observed(
            format!("NTLM names {seen}, not {}\\{}", account.domain, account.user),
            evidence,
        );
    }
    let proof = match (&account.password, &exchange.challenge) {
        (Some(password), Some(challenge)) => {
            let negotiate = exchange.negotiate.as_ref().map(|n| n.value.raw.as_slice());
            ntlm::verify(negotiate, &challenge.value, who, password).proof
        }
        (None, _) => Proof::NotVerifiable("the account's password is not known"),
        (_, None) => Proof::NotVerifiable("the CHALLENGE message was not captured"),
    };
    let end = outcome_word(authentication);
    match proof {
        Proof::Valid => Finding::observed(format!("NTLM names {seen}; the {} response is that account's; {end}", kind.name()), evidence),
        Proof::Invalid => Finding::not_observed(
            format!("NTLM names {seen}, but the {} response is not made with that account's password; {end}", kind.name()),
            evidence,
        ),
        Proof::NotVerifiable(why) => {
            Finding::observed(format!("NTLM names {seen}; the response was not verified: {why}; {end}"), evidence)
        }
    }
}
