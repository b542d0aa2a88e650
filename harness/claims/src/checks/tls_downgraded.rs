//! Did somebody talk the two sides down to an older TLS?

use smtp::tls::WeaknessKind;

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "tls-downgraded",
    observed_when: "an older version was chosen although both sides can do a newer one, or the client says that it fell back",
    trigger: "both hellos were captured",
    method: "A server that can do more marks the end of its random number (RFC 8446 section 4.1.3); a client that tries again \
             with less says so by a suite number (RFC 7507). Without a mark an older version says nothing: the server may \
             know no better.",
    references: &["RFC 8446 4.1.3", "RFC 7507 3"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let Some(tls) = &timeline.tls else {
        return Finding::not_applicable("about TLS; none was spoken");
    };
    let signs = [WeaknessKind::Downgrade, WeaknessKind::Fallback];
    let sign = tls.weaknesses(timeline.start).into_iter().find(|weakness| signs.contains(&weakness.kind));
    if let Some(sign) = sign {
        return Finding::observed(sign.text, vec![Evidence::bytes(timeline, sign.span, "hello with the sign")]);
    }
    let (Some(client), Some(server)) = (&tls.client_hello, &tls.server_hello) else {
        return Finding::undetermined("not both hellos were captured whole");
    };
    Finding::not_observed(
        "neither hello has a sign of it",
        vec![
            Evidence::bytes(timeline, server.span, "ServerHello"),
            Evidence::bytes(timeline, client.span, "ClientHello"),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, client_hello, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    #[test]
    fn a_server_that_can_do_more() {
        seen(Talk::silent().tls_downgraded()).observed("though the client offers TLS 1.3", &["\u{16}…"]);
    }

    #[test]
    fn no_sign() {
        seen(Talk::silent().tls()).not_observed("neither hello", &["\u{16}…", "\u{16}…"]);
    }

    #[test]
    fn not_to_be_seen() {
        seen(Talk::silent().turn("C", client_hello())).undetermined("not both hellos");
        seen(Talk::ehlo(&[]).message(&plain("", "x")).quit()).not_applicable("none was spoken");
    }
}
