//! The NTLM peer against every kind of response: which it lets in, and on what.

use rstest::rstest;
use smtp::ntlm::proof::{self, Blob};
use smtp::ntlm::{AuthenticateParts, AvPair, av, flags};

use super::*;

const CLIENT: [u8; 8] = *b"abcdefgh";
const KEY: [u8; 16] = *b"exported-session";

/// What a response is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lm,
    LmV2,
    V1WithLm,
    V1Alone,
    V1Ess,
    V2,
    V2WithLmV2,
    Anonymous,
    Local,
}

/// How the integrity code is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Code {
    NotPromised,
    Right,
    /// Right, under a session key that is exchanged.
    RightExchanged,
    Wrong,
    Zeros,
    /// Promised, and the header has no room for it.
    Missing,
}

/// LM and NT response to a challenge.
fn responses(kind: Kind, challenge: &Challenge, password: &Secret, code: Code) -> [Vec<u8>; 2] {
    let server = challenge.server_challenge;
    let v1 = proof::v1_response(proof::ntowf_v1(password).expect("ASCII"), server).to_vec();
    let lm = proof::v1_response(proof::lmowf_v1(password).expect("short"), server).to_vec();
    let v2 = proof::ntowf_v2(password, "svc", "CORP").expect("ASCII");
    let lmv2 = proof::lmv2_response(v2, server, CLIENT).to_vec();
    let mut target_info = challenge.target_info.clone();
    if code != Code::NotPromised {
        target_info.push(AvPair {
            id: av::FLAGS,
            value: av::FLAG_MIC_PRESENT.to_le_bytes().to_vec(),
        });
    }
    let blob = Blob {
        timestamp: FileTime(1),
        client_challenge: CLIENT,
        target_info,
    };
    let blob = blob.encode().expect("short");
    let nt = [&proof::v2_proof(v2, server, &blob)[..], &blob].concat();
    match kind {
        Kind::Lm => [lm, Vec::new()],
        Kind::LmV2 => [lmv2, Vec::new()],
        Kind::V1WithLm => [lm, v1],
        Kind::V1Alone => [v1.clone(), v1],
        Kind::V1Ess => {
            let hash = proof::ntowf_v1(password).expect("ASCII");
            let ess = proof::ess_response(hash, server, CLIENT);
            [[&CLIENT[..], &[0; 16]].concat(), ess.to_vec()]
        }
        Kind::V2 => [vec![0; 24], nt],
        Kind::V2WithLmV2 => [lmv2, nt],
        Kind::Anonymous => [vec![0], Vec::new()],
        Kind::Local => [Vec::new(), Vec::new()],
    }
}

/// The AUTHENTICATE message that a client makes of the last reply.
fn message(replies: &[String], negotiate: &[u8], kind: Kind, password: &str, code: Code) -> String {
    let bytes = STANDARD
        .decode(&replies.last().expect("a reply")[4..])
        .expect("base64");
    let challenge = Challenge::parse(&bytes).expect("a challenge");
    let password = Secret::new(password);
    let [lm, nt] = responses(kind, &challenge, &password, code);
    let v2 = proof::ntowf_v2(&password, "svc", "CORP").expect("ASCII");
    let sent = nt.first_chunk().copied().unwrap_or_default();
    let base = proof::v2_session_base_key(v2, sent);
    let exchanged = code == Code::RightExchanged;
    let mut all = flags::NEGOTIATE_UNICODE | flags::NEGOTIATE_NTLM;
    if exchanged {
        all |= flags::NEGOTIATE_KEY_EXCH;
    }
    if kind == Kind::Local {
        all |= flags::NEGOTIATE_LOCAL_CALL;
    }
    let nobody = matches!(kind, Kind::Anonymous | Kind::Local);
    let wrapped = if exchanged {
        proof::exchange_key(base, KEY).to_vec()
    } else {
        Vec::new()
    };
    let mut parts = AuthenticateParts {
        flags: all,
        domain: if nobody { "" } else { "CORP" },
        user: if nobody { "" } else { "svc" },
        workstation: "HOST",
        lm_response: &Secret::new(lm),
        nt_response: &Secret::new(nt),
        session_key: &Secret::new(wrapped),
        version: None,
        mic: (!matches!(code, Code::NotPromised | Code::Missing)).then_some([0; 16]),
    };
    let zeroed = parts.encode().expect("short");
    let key = if exchanged { KEY } else { base };
    let mut mic = proof::mic(key, negotiate, &bytes, &zeroed);
    mic[0] ^= u8::from(code == Code::Wrong);
    if matches!(code, Code::Right | Code::RightExchanged | Code::Wrong) {
        parts.mic = Some(mic);
    }
    STANDARD.encode(parts.encode().expect("short"))
}

fn reply(kind: Kind, password: &str, code: Code) -> String {
    let negotiate = ntlm::negotiate(None);
    let last = |replies: &[String]| message(replies, &negotiate, kind, password, code);
    let opening = format!("NTLM {}", STANDARD.encode(&negotiate));
    let mut replies = run(&server(AcceptAuth::Given), &opening, &[&last]);
    replies.pop().expect("a reply")
}

#[rstest]
#[case::lm(Kind::Lm)]
#[case::lmv2(Kind::LmV2)]
#[case::v1_with_lm(Kind::V1WithLm)]
#[case::v1_alone(Kind::V1Alone)]
#[case::v1_with_ess(Kind::V1Ess)]
#[case::v2(Kind::V2)]
#[case::v2_with_lmv2(Kind::V2WithLmV2)]
fn every_kind_of_response_is_verified(#[case] kind: Kind) {
    let right = reply(kind, "canary", Code::NotPromised);
    assert!(right.starts_with("235 "), "{right}");
    let wrong = reply(kind, "another", Code::NotPromised);
    assert!(wrong.starts_with("535 5.7.3 "), "{wrong}");
}

#[rstest]
#[case::anonymous(Kind::Anonymous)]
#[case::local(Kind::Local)]
fn who_proves_nothing_is_refused(#[case] kind: Kind) {
    let reply = reply(kind, "canary", Code::NotPromised);
    assert!(reply.starts_with("535 5.7.3 "), "{reply}");
}

#[rstest]
#[case::right(Code::Right, "235 ")]
#[case::right_under_an_exchanged_key(Code::RightExchanged, "235 ")]
#[case::wrong(Code::Wrong, "535 5.7.3 ")]
#[case::zeros(Code::Zeros, "535 5.7.3 ")]
#[case::promised_and_missing(Code::Missing, "535 5.7.3 ")]
#[case::not_promised(Code::NotPromised, "235 ")]
fn the_integrity_code_counts_where_it_is_promised(#[case] code: Code, #[case] start: &str) {
    let reply = reply(Kind::V2, "canary", code);
    assert!(reply.starts_with(start), "{reply}");
}
