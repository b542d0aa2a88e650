//! The published vectors of MS-NLMP section 4.2, both halves against each other, and hostile input.

use proptest::prelude::*;
use rstest::rstest;

use super::proof::{self, Blob, V1Exchange};
use super::*;

const SERVER: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
const CLIENT: [u8; 8] = [0xaa; 8];
const RANDOM_KEY: [u8; 16] = [0x55; 16];
const NOW: FileTime = FileTime(133_000_000_000_000_000);

fn password() -> Secret {
    Secret::new(*b"Password")
}

#[test]
fn hashes_of_section_4_2() {
    assert_eq!(
        hex::encode(proof::ntowf_v1(&password()).unwrap()),
        "a4f49c406510bdcab6824ee7c30fd852"
    );
    assert_eq!(
        hex::encode(proof::lmowf_v1(&password()).unwrap()),
        "e52cac67419a9a224a3b108f3fa6cb6d"
    );
    let v2 = proof::ntowf_v2(&password(), "User", "Domain").unwrap();
    assert_eq!(hex::encode(v2), "0c868a403bfd7a93a3001ef22ef02e3f");
}

#[test]
fn version_1_of_section_4_2_2() {
    let nt = proof::ntowf_v1(&password()).unwrap();
    let lm = proof::lmowf_v1(&password()).unwrap();
    let lm_response = proof::v1_response(lm, SERVER);
    assert_eq!(
        hex::encode(proof::v1_response(nt, SERVER)),
        "67c43011f30298a2ad35ece64f16331c44bdbed927841f94"
    );
    assert_eq!(
        hex::encode(lm_response),
        "98def7b87f88aa5dafe2df779688a172def11c7d5ccdef13"
    );
    let base = proof::v1_session_base_key(nt);
    assert_eq!(hex::encode(base), "d87262b0cde4b1cb7499becccdf10784");

    let exchange = |flags| {
        let lm_response = &lm_response;
        let exchange = V1Exchange {
            flags,
            lm_response,
            server_challenge: SERVER,
            lm_hash: Some(lm),
        };
        let key = proof::v1_key_exchange_key(&exchange, base).unwrap();
        (
            hex::encode(key),
            hex::encode(proof::exchange_key(key, RANDOM_KEY)),
        )
    };
    let (key, wrapped) = exchange(0);
    assert_eq!(key, "d87262b0cde4b1cb7499becccdf10784");
    assert_eq!(wrapped, "518822b1b3f350c8958682ecbb3e3cb7");
    let (_, wrapped) = exchange(flags::REQUEST_NON_NT_SESSION_KEY);
    assert_eq!(wrapped, "7452ca55c225a1ca04b48fae32cf56fc");
    let (_, wrapped) = exchange(flags::NEGOTIATE_LM_KEY);
    assert_eq!(wrapped, "4cd7bb57d697ef9b549f02b8f9b37864");
}

#[test]
fn extended_session_security_of_section_4_2_3() {
    let nt = proof::ntowf_v1(&password()).unwrap();
    let response = proof::ess_response(nt, SERVER, CLIENT);
    assert_eq!(
        hex::encode(response),
        "7537f803ae367128ca458204bde7caf81e97ed2683267232"
    );
    let exchange = V1Exchange {
        flags: flags::NEGOTIATE_EXTENDED_SESSIONSECURITY,
        lm_response: &CLIENT,
        server_challenge: SERVER,
        lm_hash: None,
    };
    let key = proof::v1_key_exchange_key(&exchange, proof::v1_session_base_key(nt)).unwrap();
    assert_eq!(hex::encode(key), "eb93429a8bd952f8b89c55b87f475edc");
}

#[test]
fn version_2_of_section_4_2_4() {
    let key = proof::ntowf_v2(&password(), "User", "Domain").unwrap();
    let target_info = vec![
        AvPair::from_text(av::NB_DOMAIN_NAME, "Domain"),
        AvPair::from_text(av::NB_COMPUTER_NAME, "Server"),
    ];
    let blob = Blob {
        timestamp: FileTime(0),
        client_challenge: CLIENT,
        target_info,
    };
    let nt_proof = proof::v2_proof(key, SERVER, &blob.encode().unwrap());
    assert_eq!(hex::encode(nt_proof), "68cd0ab851e51c96aabc927bebef6a1c");
    let lm = proof::lmv2_response(key, SERVER, CLIENT);
    assert_eq!(
        hex::encode(lm),
        "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa"
    );
    let base = proof::v2_session_base_key(key, nt_proof);
    assert_eq!(hex::encode(base), "8de40ccadbc14a82f15cb0ad0de95ca3");
    assert_eq!(
        hex::encode(proof::exchange_key(base, RANDOM_KEY)),
        "c5dad2544fc9799094ce1ce90bc9d03e"
    );
}

fn target() -> Target {
    Target {
        netbios_domain: "CONTOSO".into(),
        netbios_computer: "MAIL".into(),
        dns_domain: "contoso.example".into(),
        dns_computer: "mail.contoso.example".into(),
    }
}

/// Type 1 as sent, type 2 as read, type 3 as sent.
fn conversation(timestamp: Option<FileTime>, secret: &Secret) -> (Vec<u8>, Challenge, Vec<u8>) {
    let version = Some(Version {
        major: 10,
        minor: 0,
        build: 20348,
        revision: 15,
    });
    let first = negotiate(version);
    let offer = Negotiate::parse(&first).unwrap();
    assert_eq!(offer.version, version);
    let second =
        Challenge::parse(&challenge(offer.flags, &target(), SERVER, timestamp).unwrap()).unwrap();
    let identity = ClientIdentity {
        domain: "CONTOSO",
        user: "svc-bts",
        password: secret,
        workstation: "BTS01",
    };
    let third = respond(&first, &second, &identity, CLIENT, NOW).unwrap();
    (first, second, third)
}

#[rstest]
#[case(Some(NOW), Mic::Valid, false)]
#[case(None, Mic::Absent, true)]
fn the_halves_agree(#[case] timestamp: Option<FileTime>, #[case] mic: Mic, #[case] lmv2: bool) {
    let (first, second, third) = conversation(timestamp, &password());
    let read = Authenticate::parse(&third).unwrap();
    assert_eq!(
        (&*read.domain, &*read.user, &*read.workstation),
        ("CONTOSO", "svc-bts", "BTS01")
    );
    assert_eq!(second.target_name, "CONTOSO");
    assert_eq!(second.timestamp(), timestamp);
    let found = verify(Some(&first), &second, &read, &password());
    assert_eq!(
        found,
        Verification {
            proof: Proof::Valid,
            mic,
            kind: ResponseKind::NtlmV2 { lmv2 }
        }
    );
}

#[test]
fn the_mic_needs_the_first_message() {
    let (_, second, third) = conversation(Some(NOW), &password());
    let found = verify(
        None,
        &second,
        &Authenticate::parse(&third).unwrap(),
        &password(),
    );
    assert_eq!((found.proof, found.mic), (Proof::Valid, Mic::NotVerifiable));
}

#[test]
fn another_password_is_refused() {
    let (first, second, third) = conversation(Some(NOW), &Secret::new(*b"Other"));
    let found = verify(
        Some(&first),
        &second,
        &Authenticate::parse(&third).unwrap(),
        &password(),
    );
    assert_eq!(
        (found.proof, found.mic),
        (Proof::Invalid, Mic::NotVerifiable)
    );
}

#[test]
fn a_changed_message_breaks_the_mic_and_not_the_proof() {
    let (mut first, second, mut third) = conversation(Some(NOW), &password());
    first[12] ^= 0x10;
    let read = Authenticate::parse(&third).unwrap();
    assert_eq!(
        verify(Some(&first), &second, &read, &password()).mic,
        Mic::Invalid
    );
    first[12] ^= 0x10;
    third[80] ^= 1;
    let found = verify(
        Some(&first),
        &second,
        &Authenticate::parse(&third).unwrap(),
        &password(),
    );
    assert_eq!((found.proof, found.mic), (Proof::Valid, Mic::Invalid));
}

#[test]
fn a_zeroed_mic_that_was_promised_is_invalid() {
    let (first, second, mut third) = conversation(Some(NOW), &password());
    third[72..88].fill(0);
    let found = verify(
        Some(&first),
        &second,
        &Authenticate::parse(&third).unwrap(),
        &password(),
    );
    assert_eq!(found.mic, Mic::Invalid);
}

/// Type 3 with the given responses.
fn with_responses(flags: u32, lm: &[u8], nt: &[u8]) -> Authenticate {
    let parts = AuthenticateParts {
        flags,
        domain: "Domain",
        user: "User",
        workstation: "COMPUTER",
        lm_response: &Secret::new(lm),
        nt_response: &Secret::new(nt),
        session_key: &Secret::new([]),
        version: None,
        mic: None,
    };
    Authenticate::parse(&parts.encode().unwrap()).unwrap()
}

#[test]
fn version_1_responses_are_verified_whatever_the_flags_say() {
    let second =
        Challenge::parse(&challenge(CLIENT_FLAGS, &target(), SERVER, None).unwrap()).unwrap();
    let nt = proof::v1_response(proof::ntowf_v1(&password()).unwrap(), SERVER);
    let lm = proof::v1_response(proof::lmowf_v1(&password()).unwrap(), SERVER);
    let ess = proof::ess_response(proof::ntowf_v1(&password()).unwrap(), SERVER, CLIENT);
    let mut padded = [0; 24];
    padded[..8].copy_from_slice(&CLIENT);
    let cases: [(&[u8], &[u8], ResponseKind); 4] = [
        (&lm, &nt, ResponseKind::NtlmV1),
        (&nt, &nt, ResponseKind::NtlmV1WithoutLm),
        (&lm, &[], ResponseKind::Lm),
        (&padded, &ess, ResponseKind::NtlmV1Ess),
    ];
    for (lm, nt, kind) in cases {
        for flags in [
            0x1,
            flags::NEGOTIATE_OEM,
            0x1 | flags::NEGOTIATE_EXTENDED_SESSIONSECURITY,
        ] {
            let read = with_responses(flags, lm, nt);
            let found = verify(None, &second, &read, &password());
            assert_eq!(
                found,
                Verification {
                    proof: Proof::Valid,
                    mic: Mic::Absent,
                    kind
                }
            );
            assert_eq!(
                verify(None, &second, &read, &Secret::new(*b"password!")).proof,
                Proof::Invalid
            );
        }
    }
}

#[test]
fn an_lmv2_response_alone_is_verified() {
    let second =
        Challenge::parse(&challenge(CLIENT_FLAGS, &target(), SERVER, None).unwrap()).unwrap();
    // Section 4.2.4.2.1.
    let lmv2 = hex::decode("86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa").unwrap();
    let read = with_responses(1, &lmv2, &[]);
    let found = verify(None, &second, &read, &password());
    assert_eq!(
        (found.kind, found.proof),
        (ResponseKind::LmV2, Proof::Valid)
    );
    let long = Secret::new(*b"another password");
    assert!(matches!(
        verify(None, &second, &read, &long).proof,
        Proof::NotVerifiable(_)
    ));
}

#[test]
fn a_mic_is_present_by_promise_and_by_room() {
    let (_, _, third) = conversation(Some(NOW), &password());
    let read = Authenticate::parse(&third).unwrap();
    assert_eq!(read.mic_presence(), MicPresence::Present);
    assert_eq!(
        read.client_target().map(|target| target.timestamp),
        Some(NOW)
    );
    let (_, _, third) = conversation(None, &password());
    let without = Authenticate::parse(&third).unwrap();
    assert_eq!(without.mic_presence(), MicPresence::Absent);
    // The same response in a message whose header is too short for the code it promises.
    let moved = with_responses(1, read.lm_response.expose(), read.nt_response.expose());
    assert_eq!(moved.mic_presence(), MicPresence::Missing);
    let parts = AuthenticateParts {
        flags: 1,
        domain: "Domain",
        user: "User",
        workstation: "COMPUTER",
        lm_response: &Secret::new([]),
        nt_response: &Secret::new([9; 24]),
        session_key: &Secret::new([]),
        version: None,
        mic: Some([0; 16]),
    };
    let room = Authenticate::parse(&parts.encode().unwrap()).unwrap();
    assert_eq!(room.mic_presence(), MicPresence::NotPromised);
    assert!(room.client_target().is_none());
}

#[test]
fn an_anonymous_client_proves_nothing() {
    let second =
        Challenge::parse(&challenge(CLIENT_FLAGS, &target(), SERVER, None).unwrap()).unwrap();
    let found = verify(None, &second, &with_responses(1, &[0], &[]), &password());
    assert_eq!(found.kind, ResponseKind::Anonymous);
    assert!(matches!(found.proof, Proof::NotVerifiable(_)));
    assert!(!found.is_accepted());
    let local = with_responses(1 | flags::NEGOTIATE_LOCAL_CALL, &[], &[]);
    let found = verify(None, &second, &local, &password());
    assert_eq!(found.kind, ResponseKind::Local);
    assert!(matches!(found.proof, Proof::NotVerifiable(_)));
    assert!(!found.is_accepted());
}

#[test]
fn flags_of_zero_fall_back() {
    let (_, _, mut third) = conversation(None, &password());
    third[60..64].fill(0);
    assert_eq!(Authenticate::parse(&third).unwrap().user, "svc-bts");
    let unicode = Authenticate::parse_with(&third, Some(flags::NEGOTIATE_UNICODE)).unwrap();
    assert_eq!(unicode.user, "svc-bts");
    let oem = Authenticate::parse_with(&third, Some(flags::NEGOTIATE_OEM)).unwrap();
    assert_eq!(oem.user.len(), 14);
}

#[test]
fn the_header_ends_where_the_payload_begins() {
    // Session key, flags and version are absent: the first payload byte stands at 52.
    let mut bytes = b"NTLMSSP\0\x03\0\0\0".to_vec();
    bytes.extend([0; 24]);
    bytes.extend([4, 0, 4, 0, 52, 0, 0, 0]);
    bytes.extend([0; 8]);
    bytes.extend(b"User");
    let read = Authenticate::parse(&bytes).unwrap();
    assert_eq!(
        (read.flags, read.version, read.mic, &*read.user),
        (0, None, None, "User")
    );
}

#[test]
fn descriptors_are_not_believed() {
    let (_, _, third) = conversation(Some(NOW), &password());
    let change = |at: usize, bytes: &[u8]| {
        let mut copy = third.clone();
        copy[at..at + bytes.len()].copy_from_slice(bytes);
        Authenticate::parse(&copy).unwrap_err()
    };
    let len = third.len();
    assert_eq!(
        change(40, &[0xff, 0xff, 0xff, 0xff]),
        Error::Outside {
            field: "user",
            offset: 36,
            start: 0xffff_ffff,
            end: 0xffff_ffff + 14,
            len
        }
    );
    assert_eq!(
        change(40, &[20, 0, 0, 0]),
        Error::InsideHeader {
            field: "user",
            offset: 36,
            start: 20,
            header: 52
        }
    );
    // The domain moves onto the last bytes of the user name.
    let user = u32::from_le_bytes(third[40..44].try_into().unwrap());
    assert_eq!(
        change(32, &(user + 2).to_le_bytes()),
        Error::Overlap {
            first: "user",
            second: "domain",
            offset: usize::try_from(user).unwrap() + 2
        }
    );
    assert_eq!(
        change(36, &[13, 0]),
        Error::OddUtf16 {
            field: "user",
            offset: usize::try_from(user).unwrap(),
            len: 13
        }
    );
    assert_eq!(
        change(8, &[2]),
        Error::Type {
            wanted: 3,
            found: 2
        }
    );
    assert_eq!(
        Authenticate::parse(b"NTLMSSQ\0").unwrap_err(),
        Error::Signature
    );
}

#[test]
fn names_in_the_first_message() {
    let bytes = Negotiate::encode(CLIENT_FLAGS, Some("CONTOSO"), Some("BTS01"), None).unwrap();
    let read = Negotiate::parse(&bytes).unwrap();
    assert_eq!(
        (read.domain.as_deref(), read.workstation.as_deref()),
        (Some("CONTOSO"), Some("BTS01"))
    );
    assert_eq!(read.version, None);
    assert_ne!(read.flags & flags::NEGOTIATE_OEM_DOMAIN_SUPPLIED, 0);
    let short = Negotiate::parse(&bytes[..16]).unwrap();
    assert_eq!((short.domain, short.workstation), (None, None));
    assert!(matches!(
        Negotiate::parse(&bytes[..15]),
        Err(Error::Short { field: "flags", .. })
    ));
}

#[test]
fn file_time_and_unix_time() {
    let time = wire::Timestamp::from_nanos(1_179_174_780_000_000_000);
    assert_eq!(
        FileTime::from_timestamp(time),
        FileTime(128_236_483_800_000_000)
    );
    assert_eq!(FileTime::from_timestamp(time).timestamp(), Some(time));
    assert_eq!(FileTime(0).timestamp(), None);
    assert_eq!(FileTime(u64::MAX).timestamp(), None);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(kind in 1_u8..4, tail in proptest::collection::vec(any::<u8>(), 0..160)) {
        let mut bytes = b"NTLMSSP\0".to_vec();
        bytes.extend([kind, 0, 0, 0]);
        bytes.extend(tail);
        let _ = Negotiate::parse(&bytes);
        let _ = Challenge::parse(&bytes);
        let _ = Authenticate::parse(&bytes);
        let _ = Blob::parse(&bytes);
    }

    #[test]
    fn no_damage_makes_it_panic_or_verify(at in 0_usize..200, value in any::<u8>(), cut in 0_usize..400) {
        let (first, second, mut third) = conversation(Some(NOW), &password());
        let whole = third.clone();
        if let Some(byte) = third.get_mut(at) {
            *byte = value;
        }
        third.truncate(cut.max(60));
        if let Ok(read) = Authenticate::parse(&third) {
            let found = verify(Some(&first), &second, &read, &password());
            prop_assert!(found.mic != Mic::Valid || third == whole);
        }
    }

    #[test]
    fn what_was_written_is_read(domain in "[A-Z]{0,15}", user in "\\PC{0,20}", workstation in "[A-Z0-9]{0,15}") {
        let parts = AuthenticateParts {
            flags: flags::NEGOTIATE_UNICODE,
            domain: &domain,
            user: &user,
            workstation: &workstation,
            lm_response: &Secret::new([1; 24]),
            nt_response: &Secret::new([2; 24]),
            session_key: &Secret::new([3; 16]),
            version: None,
            mic: None,
        };
        let read = Authenticate::parse(&parts.encode().unwrap()).unwrap();
        prop_assert_eq!((read.domain, read.user, read.workstation), (domain, user, workstation));
        prop_assert_eq!(read.session_key, Secret::new([3; 16]));
    }
}
