//! Is the server's certificate one that protects too little?

use smtp::tls::WeaknessKind;

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "tls-weak-certificate",
    observed_when: "a certificate of the server had expired, was not valid yet, has a short key, or a forgeable signature",
    trigger: "the server's certificates were captured and can be read: before TLS 1.3, or with a key log",
    method: "Validity is held to the time of the capture. An RSA key of less than 2048 bits is short; signatures over MD5 \
             and SHA-1 can be forged. Whether the client trusts the issuer, and whether the name is the right one, cannot \
             be told from packets, so a certificate that issued itself is not held against the server here.",
    references: &["RFC 8314 4.4", "RFC 9325 4.5", "RFC 5280 6.1"],
    run,
};

const WEAK: [WeaknessKind; 4] = [
    WeaknessKind::Expired,
    WeaknessKind::NotYetValid,
    WeaknessKind::ShortKey,
    WeaknessKind::WeakCertificateSignature,
];

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let Some(tls) = &timeline.tls else {
        return Finding::not_applicable("about TLS; none was spoken");
    };
    let weak = tls.weaknesses(timeline.start).into_iter().find(|weakness| WEAK.contains(&weakness.kind));
    if let Some(weak) = weak {
        return Finding::observed(weak.text, vec![Evidence::bytes(timeline, weak.span, "certificate of the server")]);
    }
    match tls.handshake.certificates.first() {
        Some(first) if tls.handshake.unreadable_certificates == 0 => Finding::not_observed(
            "every certificate of the server is in its time, with a long key and a good signature",
            vec![Evidence::bytes(timeline, first.span, "certificate of the server")],
        ),
        Some(_) => Finding::undetermined("not every certificate could be read"),
        None => Finding::undetermined("no certificate of the server can be read: TLS 1.3 hides it, as does a resumed session"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CERTIFIED, Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    #[test]
    fn out_of_its_time() {
        seen(Talk::silent().tls_certified()).observed("was not valid yet", &["\u{16}…"]);
    }

    #[test]
    fn in_its_time() {
        seen(Talk::silent().tls_certified().at(CERTIFIED)).not_observed("in its time", &["\u{16}…"]);
    }

    #[test]
    fn not_to_be_seen() {
        seen(Talk::silent().tls_as(0x0304, 0x1301)).undetermined("no certificate");
        seen(Talk::ehlo(&[]).message(&plain("", "x")).quit()).not_applicable("none was spoken");
    }
}
