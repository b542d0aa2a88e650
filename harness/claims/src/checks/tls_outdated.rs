//! Is the TLS version one that is no longer to be used?

use smtp::tls::version_name;

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "tls-outdated",
    observed_when: "the server chose a version before TLS 1.2",
    trigger: "the ServerHello was captured",
    method: "The version is that of supported_versions in the ServerHello, else that of its legacy field. What the \
             client merely offered does not count.",
    references: &["RFC 8996 4", "RFC 8996 5", "RFC 8997 3", "RFC 8314 4.1"],
    run,
};

const TLS_1_2: u16 = 0x0303;

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let Some(tls) = &timeline.tls else {
        return Finding::not_applicable("about TLS; none was spoken");
    };
    let Some(hello) = &tls.server_hello else {
        return Finding::undetermined("the ServerHello was not captured whole");
    };
    let name = version_name(hello.value.version);
    let evidence = vec![Evidence::bytes(timeline, hello.span, "ServerHello")];
    if hello.value.version < TLS_1_2 {
        Finding::observed(format!("the server chose {name}"), evidence)
    } else {
        Finding::not_observed(format!("the server chose {name}"), evidence)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, client_hello, find, plain};
    use super::*;
    use crate::Given;

    #[test]
    fn versions() {
        for (version, outdated) in [(0x0300, true), (0x0301, true), (0x0302, true), (0x0303, false), (0x0304, false)] {
            let seen = find(&CHECK, Talk::silent().tls_as(version, 0xc02f), Given::default());
            let reason = format!("the server chose {}", version_name(version));
            if outdated {
                seen.observed(&reason, &["\u{16}…"]);
            } else {
                seen.not_observed(&reason, &["\u{16}…"]);
            }
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
