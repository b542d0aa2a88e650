//! Is the cipher suite one that protects too little?

use smtp::tls::WeaknessKind;

use crate::leaks::suite;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "tls-weak-cipher",
    observed_when: "the server chose a suite without encryption or authentication, or with an export key, RC4, DES or 3DES",
    trigger: "the ServerHello was captured",
    method: "The number of the suite in the ServerHello is looked up in a list of those that RFC 9325 forbids, or whose \
             cipher has blocks of 64 bits. A suite that is not on the list is taken for a good one.",
    references: &["RFC 9325 4.1", "RFC 7465", "RFC 8314 4.1"],
    run,
};

/// What makes a suite weak.
const WEAK: [WeaknessKind; 6] = [
    WeaknessKind::NullCipher,
    WeaknessKind::Anonymous,
    WeaknessKind::Export,
    WeaknessKind::Rc4,
    WeaknessKind::SmallBlocks,
    WeaknessKind::Md5Mac,
];

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let Some(tls) = &timeline.tls else {
        return Finding::not_applicable("about TLS; none was spoken");
    };
    let Some(hello) = &tls.server_hello else {
        return Finding::undetermined("the ServerHello was not captured whole");
    };
    let weak = tls.weaknesses(timeline.start).into_iter().find(|weakness| WEAK.contains(&weakness.kind));
    if let Some(weak) = weak {
        return Finding::observed(weak.text, vec![Evidence::bytes(timeline, weak.span, "ServerHello")]);
    }
    Finding::not_observed(
        format!("the server chose {}", suite(hello.value.cipher_suite)),
        vec![Evidence::bytes(timeline, hello.span, "ServerHello")],
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, client_hello, find, plain};
    use super::*;
    use crate::Given;

    #[test]
    fn each_kind_of_weakness() {
        // NULL, export, anonymous, RC4, DES, 3DES.
        for suite in [0x003b, 0x0014, 0xc018, 0x0005, 0x0009, 0xc012] {
            let seen = find(&CHECK, Talk::silent().tls_as(0x0303, suite), Given::default());
            seen.observed("", &["\u{16}…"]);
        }
    }

    #[test]
    fn good_suites() {
        for suite in [0x1301, 0x1302, 0xc02f, 0xcca8] {
            let seen = find(&CHECK, Talk::silent().tls_as(0x0303, suite), Given::default());
            seen.not_observed("the server chose TLS_", &["\u{16}…"]);
        }
    }

    #[test]
    fn without_a_server_hello() {
        let half = Talk::silent().turn("C", client_hello());
        find(&CHECK, half, Given::default()).undetermined("not captured whole");
        let clear = Talk::ehlo(&[]).message(&plain("", "x")).quit();
        find(&CHECK, clear, Given::default()).not_applicable("none was spoken");
    }
}
