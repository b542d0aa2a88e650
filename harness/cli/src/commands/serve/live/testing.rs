//! A session that was made up.

use std::collections::BTreeMap;

use claims::Verdict;
use evidence::index::{Exposed, Judged, Kind, Login, Session};

/// One with a login whose password was read, and an exposure of its own.
pub(in crate::commands::serve) fn session(number: u64) -> Session {
    let judged = |claim: &str, verdict, reason: &str| Judged {
        claim: claim.to_owned(),
        verdict,
        reason: reason.to_owned(),
        packets: vec![number],
    };
    Session {
        name: format!("S1/{number}"),
        client: format!("192.0.2.1:{}", 1000 + number),
        server: "192.0.2.25:25".to_owned(),
        protocol: "smtp".to_owned(),
        began: format!("2026-11-26T10:00:{:02}Z", number % 60),
        ended: format!("2026-11-26T10:00:{:02}.5Z", number % 60),
        packets: Some((number, number + 9)),
        octets: [100, 200, 0],
        helo: Some("client.example".to_owned()),
        tls: None,
        messages: 1,
        accepted: 1,
        more_mails: 0,
        mails: Vec::new(),
        logins: vec![Login {
            mechanism: "PLAIN".to_owned(),
            user: Some("u1".to_owned()),
            domain: Some("CORP".to_owned()),
            workstation: None,
            claimed_os: None,
            response: None,
            outcome: "accepted".to_owned(),
            exposure: "recoverable",
            under_tls: false,
            packet: Some(number),
        }],
        exposures: vec![Exposed {
            kind: Kind::Password,
            what: format!("u{number}"),
            place: "PLAIN".to_owned(),
            packet: Some(number),
        }],
        counts: BTreeMap::from([(Verdict::Pass, 1), (Verdict::Fail, 1)]),
        verdicts: vec![
            judged("X-1", Verdict::Pass, "it holds"),
            judged("X-2", Verdict::Fail, "it was read"),
        ],
    }
}
