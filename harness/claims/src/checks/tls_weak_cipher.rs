//! Is the cipher suite one that protects too little?

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "tls-weak-cipher",
    observed_when: "the server chose a suite without encryption or authentication, or with an export key, RC4, DES or 3DES",
    trigger: "the ServerHello was captured",
    method: "The number of the suite in the ServerHello is looked up in a list of those that RFC 9325 forbids, or whose \
             cipher has a key of less than 128 bits. A suite that is not on the list is taken for a good one.",
    references: &["RFC 9325 4.1", "RFC 7465", "RFC 8314 4.1"],
    run,
};

/// Suite numbers of the TLS registry, by what is wrong with them.
const WEAK: [(&str, &[u16]); 6] = [
    (
        "no encryption",
        &[
            0x0000, 0x0001, 0x0002, 0x002c, 0x002d, 0x002e, 0x003b, 0x00b0, 0x00b1, 0x00b4, 0x00b5, 0x00b8, 0x00b9,
            0xc001, 0xc006, 0xc00b, 0xc010, 0xc015, 0xc039, 0xc03a, 0xc03b,
        ],
    ),
    (
        "an export key",
        &[
            0x0003, 0x0006, 0x0008, 0x000b, 0x000e, 0x0011, 0x0014, 0x0017, 0x0019, 0x0026, 0x0027, 0x0028, 0x0029,
            0x002a, 0x002b,
        ],
    ),
    (
        "no authentication of the server",
        &[
            0x0018, 0x001a, 0x001b, 0x0034, 0x003a, 0x0046, 0x006c, 0x006d, 0x0089, 0x009b, 0x00a6, 0x00a7, 0x00bf,
            0x00c5, 0xc016, 0xc017, 0xc018, 0xc019,
        ],
    ),
    (
        "RC4",
        &[
            0x0004, 0x0005, 0x0020, 0x0024, 0x008a, 0x008e, 0x0092, 0xc002, 0xc007, 0xc00c, 0xc011, 0xc033,
        ],
    ),
    ("DES", &[0x0009, 0x000c, 0x000f, 0x0012, 0x0015, 0x001e, 0x0022]),
    (
        "3DES",
        &[
            0x000a, 0x000d, 0x0010, 0x0013, 0x0016, 0x001f, 0x0023, 0x008b, 0x008f, 0x0093, 0xc003, 0xc008, 0xc00d,
            0xc012, 0xc01a, 0xc01b, 0xc01c, 0xc034,
        ],
    ),
];

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let Some(tls) = &timeline.tls else {
        return Finding::not_applicable("about TLS; none was spoken");
    };
    let Some(hello) = &tls.server_hello else {
        return Finding::undetermined("the ServerHello was not captured whole");
    };
    let suite = hello.value.cipher_suite;
    let evidence = vec![Evidence::bytes(timeline, hello.span, "ServerHello")];
    match WEAK.iter().find(|(_, suites)| suites.contains(&suite)) {
        Some((what, _)) => Finding::observed(format!("the server chose suite {suite:#06x}: {what}"), evidence),
        None => Finding::not_observed(format!("the server chose suite {suite:#06x}"), evidence),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, client_hello, find, plain};
    use super::*;
    use crate::Given;

    #[test]
    fn each_kind_of_weakness() {
        for (suite, what) in [
            (0x003b, "no encryption"),
            (0x0014, "an export key"),
            (0xc018, "no authentication"),
            (0x0005, "RC4"),
            (0x0009, "DES"),
            (0xc012, "3DES"),
        ] {
            let seen = find(&CHECK, Talk::silent().tls_as(0x0303, suite), Given::default());
            seen.observed(what, &["\u{16}…"]);
        }
    }

    #[test]
    fn good_suites() {
        for suite in [0x1301, 0x1302, 0xc02f, 0xcca8] {
            let seen = find(&CHECK, Talk::silent().tls_as(0x0303, suite), Given::default());
            seen.not_observed("the server chose suite", &["\u{16}…"]);
        }
    }

    #[test]
    fn each_number_is_listed_once() {
        let mut seen = std::collections::HashSet::new();
        assert!(WEAK.iter().flat_map(|(_, suites)| *suites).all(|suite| seen.insert(suite)));
    }

    #[test]
    fn without_a_server_hello() {
        let half = Talk::silent().turn("C", client_hello());
        find(&CHECK, half, Given::default()).undetermined("not captured whole");
        let clear = Talk::ehlo(&[]).message(&plain("", "x")).quit();
        find(&CHECK, clear, Given::default()).not_applicable("none was spoken");
    }
}
