//! Does a system account of the machine authenticate?

use smtp::ntlm::{Authenticate, ResponseKind};

use super::ntlm_messages;
use crate::given::Mode;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "machine-account-used",
    observed_when: "the account in the AUTHENTICATE message is LocalSystem, NetworkService, LocalService, or the machine's own",
    trigger: "an AUTHENTICATE message with a user name crossed the wire",
    method: "LocalSystem and NetworkService reach the network as the account of their machine, whose name is the workstation's with a dollar \
             sign behind it. Another name that ends so is a managed service account, which is allowed. A message without a workstation \
             leaves such a name undecided, and an anonymous one, as LocalService sends it, names nobody.",
    references: &["MS-NLMP 2.2.1.3"],
    run,
};

/// Names under which the three appear, with and without their domain.
const SYSTEM: [&str; 6] = ["system", "localsystem", "network service", "networkservice", "local service", "localservice"];

/// What a user name tells.
enum Kind {
    User,
    Managed,
    System,
    Undecided,
}

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.other_mode(Mode::Ntlm) {
        return finding;
    }
    let timeline = subject.timeline();
    let mut seen = None;
    let mut unclear = None;
    for (_, _, message) in ntlm_messages(timeline) {
        let who = &message.value;
        let evidence = || vec![Evidence::bytes(timeline, message.span, "AUTHENTICATE message")];
        let name = format!("{}\\{} from {}", who.domain, who.user, who.workstation);
        match kind(who) {
            None => unclear = Some("the NTLM exchange is anonymous, as one of LocalService would be".to_owned()),
            Some(Kind::Undecided) => unclear = Some(format!("NTLM names {name}: the machine's account, or a managed one")),
            Some(Kind::System) => return Finding::observed(format!("NTLM names {name}: an account of the machine itself"), evidence()),
            Some(Kind::Managed) => {
                seen.get_or_insert_with(|| Finding::not_observed(format!("NTLM names {name}: a managed service account"), evidence()));
            }
            Some(Kind::User) => {
                seen.get_or_insert_with(|| Finding::not_observed(format!("NTLM names {name}: a user account"), evidence()));
            }
        }
    }
    if let Some(reason) = unclear {
        return Finding::undetermined(reason);
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    let nothing = || subject.blind().unwrap_or_else(|| "no AUTHENTICATE message was sent".to_owned());
    seen.unwrap_or_else(|| Finding::undetermined(nothing()))
}

/// What the user of a message is; `None` for nobody.
fn kind(who: &Authenticate) -> Option<Kind> {
    if who.user.is_empty() || who.response_kind() == ResponseKind::Anonymous {
        return None;
    }
    let user = who.user.to_lowercase();
    let of_system = who.domain.eq_ignore_ascii_case("NT AUTHORITY") || who.domain.is_empty() || who.domain == who.workstation;
    if of_system && SYSTEM.contains(&user.as_str()) {
        return Some(Kind::System);
    }
    let Some(machine) = user.strip_suffix('$') else {
        return Some(Kind::User);
    };
    // A name of NetBIOS has 15 letters at most (MS-NBTE); that of an account keeps them.
    let workstation = who.workstation.to_lowercase();
    let short: String = workstation.split('.').next().unwrap_or_default().chars().take(15).collect();
    Some(match (short.is_empty(), machine == short || machine == workstation) {
        (true, _) => Kind::Undecided,
        (false, true) => Kind::System,
        (false, false) => Kind::Managed,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::testing::{Seen, Talk, authenticate_line, find};
    use super::*;
    use crate::Given;

    fn seen(domain: &str, user: &str) -> Seen {
        let talk = Talk::ehlo(&["AUTH NTLM"]).ntlm(domain, user, "pw", "235 ok").quit();
        find(&CHECK, talk, Given::default())
    }

    #[rstest]
    #[case("CORP", "HOST01$", "an account of the machine itself")]
    #[case("CORP", "host01$", "an account of the machine itself")]
    #[case("NT AUTHORITY", "SYSTEM", "an account of the machine itself")]
    #[case("", "Network Service", "an account of the machine itself")]
    fn of_the_machine(#[case] domain: &str, #[case] user: &str, #[case] reason: &str) {
        seen(domain, user).observed(reason, &[&authenticate_line(domain, user, "pw")]);
    }

    #[rstest]
    #[case("CORP", "svc-biztalk", "a user account")]
    #[case("CORP", "gmsa-bts$", "a managed service account")]
    #[case("CORP", "system", "a user account")]
    fn of_nobody_but_its_user(#[case] domain: &str, #[case] user: &str, #[case] reason: &str) {
        seen(domain, user).not_observed(reason, &[&authenticate_line(domain, user, "pw")]);
    }

    #[test]
    fn nobody_is_named() {
        seen("CORP", "").undetermined("anonymous");
        find(&CHECK, Talk::ehlo(&[]).quit(), Given::default()).undetermined("no AUTHENTICATE");
        let holed = Talk::ehlo(&["AUTH NTLM"]).ntlm("CORP", "svc", "pw", "235 ok").gap().quit();
        find(&CHECK, holed, Given::default()).undetermined("does not hold");
        let basic = Given { mode: Some(Mode::Basic), ..Given::default() };
        find(&CHECK, Talk::ehlo(&[]).quit(), basic).not_applicable("mode NTLM");
    }
}
