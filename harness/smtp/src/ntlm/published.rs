//! The examples of MS-NLMP section 4.2, whole: each AUTHENTICATE message is made again byte for byte, read, and verified
//! against its CHALLENGE. The hashes behind them are in `tests`.

use rstest::rstest;

use super::proof::{self, Blob, V1Exchange};
use super::*;

/// The common values of section 4.2.1.
const SERVER: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
const CLIENT: [u8; 8] = [0xaa; 8];
const RANDOM_KEY: [u8; 16] = [0x55; 16];
const SERVER_VERSION: Version = Version {
    major: 6,
    minor: 0,
    build: 6000,
    revision: 15,
};
const CLIENT_VERSION: Version = Version {
    major: 5,
    minor: 1,
    build: 2600,
    revision: 15,
};

fn password() -> Secret {
    Secret::new(*b"Password")
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    hex::decode(digits).expect("hexadecimal")
}

/// One of the three examples, with the keys that it names.
struct Example {
    challenge: &'static str,
    authenticate: &'static str,
    lm: &'static str,
    nt: &'static str,
    session_key: &'static str,
    kind: ResponseKind,
}

/// Section 4.2.2: NTLMv1 with an LM response, and a key exchange.
const V1: Example = Example {
    challenge: "4e544c4d53535000 02000000 0c000c0038000000 338202e2 0123456789abcdef 0000000000000000
        0000000000000000 060070170000000f 530065007200760065007200",
    authenticate: "4e544c4d53535000 03000000 180018006c000000 1800180084000000 0c000c0048000000 0800080054000000
        100010005c000000 100010009c000000 358280e2 0501280a0000000f 44006f006d00610069006e00 5500730065007200
        43004f004d00500055005400450052 00 98def7b87f88aa5dafe2df779688a172def11c7d5ccdef13
        67c43011f30298a2ad35ece64f16331c44bdbed927841f94 518822b1b3f350c8958682ecbb3e3cb7",
    lm: "98def7b87f88aa5dafe2df779688a172def11c7d5ccdef13",
    nt: "67c43011f30298a2ad35ece64f16331c44bdbed927841f94",
    session_key: "518822b1b3f350c8958682ecbb3e3cb7",
    kind: ResponseKind::NtlmV1,
};

/// Section 4.2.3: NTLMv1 with extended session security, without a key exchange.
const ESS: Example = Example {
    challenge: "4e544c4d53535000 02000000 0c000c0038000000 33820a82 0123456789abcdef 0000000000000000
        0000000000000000 060070170000000f 530065007200760065007200",
    authenticate: "4e544c4d53535000 03000000 180018006c000000 1800180084000000 0c000c0048000000 0800080054000000
        100010005c000000 000000009c000000 35820882 0501280a0000000f 44006f006d00610069006e00 5500730065007200
        43004f004d00500055005400450052 00 aaaaaaaaaaaaaaaa00000000000000000000000000000000
        7537f803ae367128ca458204bde7caf81e97ed2683267232",
    lm: "aaaaaaaaaaaaaaaa00000000000000000000000000000000",
    nt: "7537f803ae367128ca458204bde7caf81e97ed2683267232",
    session_key: "",
    kind: ResponseKind::NtlmV1Ess,
};

/// Section 4.2.4: NTLMv2 with LMv2, and a key exchange.
const V2: Example = Example {
    challenge: "4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000
        2400240044000000 060070170000000f 530065007200760065007200 02000c0044006f006d00610069006e00
        01000c00530065007200760065007200 00000000",
    authenticate: "4e544c4d53535000 03000000 180018006c000000 5400540084000000 0c000c0048000000 0800080054000000
        100010005c000000 10001000d8000000 358288e2 0501280a0000000f 44006f006d00610069006e00 5500730065007200
        43004f004d00500055005400450052 00 86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa
        68cd0ab851e51c96aabc927bebef6a1c 0101000000000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000
        02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000 00000000
        c5dad2544fc9799094ce1ce90bc9d03e",
    lm: "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa",
    nt: "68cd0ab851e51c96aabc927bebef6a1c01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000
        02000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000",
    session_key: "c5dad2544fc9799094ce1ce90bc9d03e",
    kind: ResponseKind::NtlmV2 { lmv2: true },
};

#[rstest]
#[case::v1(&V1)]
#[case::ess(&ESS)]
#[case::v2(&V2)]
fn the_example_is_read_and_verified(#[case] example: &Example) {
    let challenge = Challenge::parse(&bytes(example.challenge)).expect("a challenge");
    assert_eq!(
        (challenge.server_challenge, challenge.version),
        (SERVER, Some(SERVER_VERSION))
    );
    assert_eq!(challenge.target_name, "Server");
    let message = bytes(example.authenticate);
    let read = Authenticate::parse(&message).expect("a message");
    assert_eq!(
        (&*read.domain, &*read.user, &*read.workstation),
        ("Domain", "User", "COMPUTER")
    );
    assert_eq!(read.lm_response.expose(), bytes(example.lm));
    assert_eq!(read.nt_response.expose(), bytes(example.nt));
    assert_eq!(read.session_key.expose(), bytes(example.session_key));
    assert_eq!(read.version, Some(CLIENT_VERSION));
    assert_eq!(read.mic, None, "the examples have no code");

    let found = verify(None, &challenge, &read, &password());
    let (mic, kind) = (Mic::Absent, example.kind);
    let proof = Proof::Valid;
    assert_eq!(found, Verification { proof, mic, kind });
    assert!(found.is_accepted());
    let wrong = verify(None, &challenge, &read, &Secret::new(*b"password"));
    assert_eq!(wrong.proof, Proof::Invalid);
    assert!(!wrong.is_accepted());
}

#[rstest]
#[case::v1(&V1)]
#[case::ess(&ESS)]
#[case::v2(&V2)]
fn the_example_is_made_again_from_its_values(#[case] example: &Example) {
    let hash = proof::ntowf_v1(&password()).expect("ASCII");
    let lm_hash = proof::lmowf_v1(&password());
    let v1_key = |flags, lm_response: &[u8]| {
        let exchange = V1Exchange {
            flags,
            lm_response,
            server_challenge: SERVER,
            lm_hash,
        };
        proof::v1_key_exchange_key(&exchange, proof::v1_session_base_key(hash)).expect("a key")
    };
    let read = Authenticate::parse(&bytes(example.authenticate)).expect("a message");
    let (lm, nt, key) = match example.kind {
        ResponseKind::NtlmV1 => {
            let lm = proof::v1_response(lm_hash.expect("a short password"), SERVER);
            let nt = proof::v1_response(hash, SERVER).to_vec();
            (lm, nt, v1_key(read.flags, &lm))
        }
        ResponseKind::NtlmV1Ess => {
            let mut lm = [0; 24];
            lm[..8].copy_from_slice(&CLIENT);
            let nt = proof::ess_response(hash, SERVER, CLIENT).to_vec();
            (lm, nt, v1_key(read.flags, &lm))
        }
        _ => {
            let key = proof::ntowf_v2(&password(), "User", "Domain").expect("ASCII");
            let blob = Blob {
                timestamp: FileTime(0),
                client_challenge: CLIENT,
                target_info: Challenge::parse(&bytes(example.challenge))
                    .expect("a challenge")
                    .target_info,
            };
            let blob = blob.encode().expect("short");
            let sent = proof::v2_proof(key, SERVER, &blob);
            let lm = proof::lmv2_response(key, SERVER, CLIENT);
            let nt = [&sent[..], &blob].concat();
            (lm, nt, proof::v2_session_base_key(key, sent))
        }
    };
    let wrapped = if read.flags & flags::NEGOTIATE_KEY_EXCH == 0 {
        Vec::new()
    } else {
        proof::exchange_key(key, RANDOM_KEY).to_vec()
    };
    let parts = AuthenticateParts {
        flags: read.flags,
        domain: "Domain",
        user: "User",
        workstation: "COMPUTER",
        lm_response: &Secret::new(lm),
        nt_response: &Secret::new(nt),
        session_key: &Secret::new(wrapped),
        version: Some(CLIENT_VERSION),
        mic: None,
    };
    assert_eq!(
        hex::encode(parts.encode().expect("short")),
        hex::encode(bytes(example.authenticate))
    );
}

#[rstest]
#[case::v1(&V1)]
#[case::v2(&V2)]
fn the_challenge_of_the_example_is_made_again(#[case] example: &Example) {
    let read = Challenge::parse(&bytes(example.challenge)).expect("a challenge");
    let info = &read.target_info;
    let version = Some(SERVER_VERSION);
    let mut made = Challenge::encode(read.flags, "Server", SERVER, info, version).expect("short");
    if info.is_empty() {
        // Where there is no target information, the example leaves its offset zero.
        made[40..48].fill(0);
    }
    assert_eq!(hex::encode(made), hex::encode(bytes(example.challenge)));
}

/// The same exchange as section 4.2.4, with what the section leaves out: a time from the server, and a code under the
/// exchanged session key.
#[test]
fn a_code_under_an_exchanged_key_is_verified_and_its_absence_told() {
    let target = Target {
        netbios_domain: "Domain".into(),
        netbios_computer: "Server".into(),
        dns_domain: "domain.example".into(),
        dns_computer: "server.domain.example".into(),
    };
    let negotiate = Negotiate::encode(
        CLIENT_FLAGS | flags::NEGOTIATE_KEY_EXCH,
        None,
        None,
        Some(CLIENT_VERSION),
    )
    .expect("short");
    let offered = Negotiate::parse(&negotiate).expect("NEGOTIATE").flags;
    let second = challenge(offered, &target, SERVER, Some(FileTime(9))).expect("short");
    let second = Challenge::parse(&second).expect("a challenge");
    assert_ne!(second.flags & flags::NEGOTIATE_KEY_EXCH, 0);

    let key = proof::ntowf_v2(&password(), "User", "Domain").expect("ASCII");
    let mut target_info = second.target_info.clone();
    target_info.push(AvPair {
        id: av::FLAGS,
        value: av::FLAG_MIC_PRESENT.to_le_bytes().to_vec(),
    });
    let blob = Blob {
        timestamp: FileTime(9),
        client_challenge: CLIENT,
        target_info,
    };
    let blob = blob.encode().expect("short");
    let sent = proof::v2_proof(key, SERVER, &blob);
    let base = proof::v2_session_base_key(key, sent);
    let make = |mic| {
        let parts = AuthenticateParts {
            flags: second.flags,
            domain: "Domain",
            user: "User",
            workstation: "COMPUTER",
            lm_response: &Secret::new([0; 24]),
            nt_response: &Secret::new([&sent[..], &blob].concat()),
            session_key: &Secret::new(proof::exchange_key(base, RANDOM_KEY)),
            version: Some(CLIENT_VERSION),
            mic,
        };
        parts.encode().expect("short")
    };
    let judged = |message: &[u8]| {
        let read = Authenticate::parse(message).expect("a message");
        let found = verify(Some(&negotiate), &second, &read, &password());
        assert_eq!(found.proof, Proof::Valid);
        (found.mic, found.is_accepted())
    };
    let zeroed = make(Some([0; 16]));
    let mic = |key| proof::mic(key, &negotiate, &second.raw, &zeroed);
    assert_eq!(judged(&make(Some(mic(RANDOM_KEY)))), (Mic::Valid, true));
    // Under the key that was not exchanged, or left at zeros, or left out although it is promised.
    assert_eq!(judged(&make(Some(mic(base)))), (Mic::Invalid, false));
    assert_eq!(judged(&zeroed), (Mic::Invalid, false));
    assert_eq!(judged(&make(None)), (Mic::Missing, false));
}
