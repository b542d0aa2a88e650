//! Does the sender take a weaker mechanism than it could have?

use smtp::timeline::Authentication;

use crate::leaks::{is_under_tls, login};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "weaker-mechanism-chosen",
    observed_when: "in clear, the sender logs in with a mechanism that shows more of its secret than another on offer",
    trigger: "mechanisms of different strength were on offer in clear, and the sender logged in with one of them",
    method: "Mechanisms are ranked by what they give to a reader of the packets: PLAIN and LOGIN the password; CRAM-MD5, \
             DIGEST-MD5 and NTLM a fast guess; SCRAM a slow one; GSSAPI and EXTERNAL neither. Tokens are not ranked: who \
             has one may have nothing else. Under TLS the rank does not matter.",
    references: &["RFC 4422 3.2", "RFC 4422 6.1.2", "RFC 5802 9"],
    run,
};

/// Logins of one conversation that are looked at.
const MOST: usize = 64;

/// How little a mechanism gives away; `None` for one that is not ranked.
fn rank(mechanism: &str) -> Option<u8> {
    match mechanism {
        "PLAIN" | "LOGIN" => Some(0),
        "CRAM-MD5" | "DIGEST-MD5" | "NTLM" => Some(1),
        "GSSAPI" | "GSS-SPNEGO" | "EXTERNAL" => Some(3),
        scram if scram.starts_with("SCRAM-") => Some(2),
        _ => None,
    }
}

/// The rank of a login: what stands inside GSSAPI decides.
fn shown(login: &Authentication, name: &str) -> Option<u8> {
    let ntlm = login.identity.ntlm().and_then(|_| rank("NTLM"));
    ntlm.or_else(|| rank(name))
}

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let mut best = None;
    let clear = timeline.authentications.iter().filter(|a| !is_under_tls(timeline, a.mechanism.span));
    for a in clear.take(MOST) {
        let name = login::mechanism(a);
        // The list that the client had last read when it chose.
        let before = timeline.capabilities.partition_point(|c| c.exchange < a.exchange);
        let offered = before.checked_sub(1).and_then(|last| timeline.capabilities.get(last));
        let (Some(chosen), Some(offered)) = (shown(a, &name), offered) else { continue };
        let ranks = offered.mechanisms().into_iter().filter_map(|m| Some((rank(&m)?, m)));
        let ranks: Vec<_> = ranks.collect();
        let Some((_, strongest)) = ranks.iter().find(|(rank, other)| *rank > chosen && *other != name) else {
            let choice = ranks.iter().any(|(rank, _)| *rank < chosen);
            best = best.or(choice.then_some((a, name)));
            continue;
        };
        let mut evidence = vec![Evidence::bytes(timeline, a.mechanism.span, format!("AUTH {name}"))];
        evidence.extend(offered.get("AUTH").map(|line| {
            Evidence::bytes(timeline, line.span, "the mechanisms on offer")
        }));
        return Finding::observed(format!("{name} was chosen although {strongest} was on offer"), evidence);
    }
    if let Some(reason) = subject.hidden_in_clear() {
        return Finding::undetermined(reason);
    }
    match best {
        Some((a, name)) => Finding::not_observed(
            format!("{name} was chosen; only weaker ones were on offer beside it"),
            vec![Evidence::bytes(timeline, a.mechanism.span, format!("AUTH {name}"))],
        ),
        None if !timeline.authentications.iter().any(|a| !is_under_tls(timeline, a.mechanism.span)) => {
            Finding::undetermined("the sender did not log in in clear")
        }
        None => Finding::undetermined("there was nothing to choose between"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    #[test]
    fn the_weaker_one() {
        let talk = Talk::ehlo(&["AUTH LOGIN PLAIN SCRAM-SHA-256"]).cs("AUTH PLAIN AGEAYg==", "235 ok");
        seen(talk).observed("PLAIN was chosen although SCRAM-SHA-256", &["PLAIN", "250 AUTH LOGIN PLAIN SCRAM-SHA-256\r\n"]);
        let talk = Talk::ehlo(&["AUTH NTLM GSSAPI"]).ntlm("D", "u", "pw", "235 ok");
        seen(talk).observed("NTLM was chosen although GSSAPI", &["NTLM"]);
    }

    #[test]
    fn ntlm_inside_spnego_is_no_stronger_than_ntlm() {
        let talk = Talk::ehlo(&["AUTH GSS-SPNEGO SCRAM-SHA-256"]).spnego("D", "u", "pw", "235 ok");
        seen(talk).observed("GSS-SPNEGO was chosen although SCRAM-SHA-256", &["GSS-SPNEGO"]);
    }

    #[test]
    fn the_strongest_one() {
        let talk = Talk::ehlo(&["AUTH LOGIN NTLM"]).ntlm("D", "u", "pw", "235 ok");
        seen(talk).not_observed("NTLM was chosen; only weaker", &["NTLM"]);
    }

    #[test]
    fn no_choice_no_login_or_a_hole() {
        let talk = Talk::ehlo(&["AUTH LOGIN PLAIN"]).cs("AUTH PLAIN AGEAYg==", "235 ok");
        seen(talk).undetermined("nothing to choose");
        seen(Talk::ehlo(&["AUTH LOGIN NTLM"])).undetermined("did not log in");
        seen(Talk::ehlo(&["AUTH LOGIN NTLM"]).gap()).undetermined("does not hold");
        let blind = Talk::silent().s("220 mx").cs("HELO a", "250 mx").cs("AUTH PLAIN AGEAYg==", "235 ok");
        seen(blind).undetermined("nothing to choose");
    }
}
