//! TLS as a passive reader sees it: record boundaries, ClientHello and ServerHello.

use tls_parser::{
    TlsExtension, parse_tls_client_hello_extension, parse_tls_handshake_client_hello,
    parse_tls_handshake_server_hello, parse_tls_server_hello_extension,
};

/// Longest record body: 2^14 bytes and 2048 for compression and encryption (RFC 5246 section 6.2.3).
const MAX_RECORD: usize = (1 << 14) + 2048;
const HANDSHAKE: u8 = 22;
const SERVER_NAME: u16 = 0;
const SUPPORTED_VERSIONS: u16 = 43;

/// What a ClientHello tells (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// `legacy_version` on the wire, e.g. 0x0303.
    pub legacy_version: u16,
    /// Versions in `supported_versions`, in order; empty where the extension is absent. GREASE values left out.
    pub supported_versions: Vec<u16>,
    /// `server_name`, where sent.
    pub server_name: Option<String>,
    /// Cipher suites, in order. GREASE values left out.
    pub cipher_suites: Vec<u16>,
}

/// What a ServerHello tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHello {
    /// The version really chosen: `supported_versions` where present, else the legacy field.
    pub version: u16,
    /// The cipher suite chosen.
    pub cipher_suite: u16,
}

/// Whether a TLS record begins here: a known content type, a version of SSL 3.0 to TLS 1.3, a possible length.
///
/// Three bytes are enough for a yes; the length is looked at where it is there. No SMTP line begins like this, since the
/// first byte is a control character. The SSL 2.0 form of ClientHello is not recognised.
pub fn is_record_start(bytes: &[u8]) -> bool {
    let &[content_type, 3, minor, ref rest @ ..] = bytes else {
        return false;
    };
    let plausible_length = match *rest {
        [high, low, ..] => (1..=MAX_RECORD).contains(&usize::from(u16::from_be_bytes([high, low]))),
        [high] => usize::from(high) << 8 <= MAX_RECORD,
        [] => true,
    };
    matches!(content_type, 20..=24) && minor <= 4 && plausible_length
}

/// The ClientHello at the start of a client's TLS stream; `None` where it is not there whole, or does not parse.
pub fn client_hello(stream: &[u8]) -> Option<ClientHello> {
    let message = first_handshake(stream, 1)?;
    let (_, hello) = parse_tls_handshake_client_hello(&message).ok()?;
    let mut read = ClientHello {
        legacy_version: hello.version.0,
        supported_versions: Vec::new(),
        server_name: None,
        cipher_suites: hello
            .ciphers
            .iter()
            .map(|suite| suite.0)
            .filter(|suite| !is_grease(*suite))
            .collect(),
    };
    for (_, extension) in
        extensions(hello.ext).filter(|(kind, _)| matches!(*kind, SERVER_NAME | SUPPORTED_VERSIONS))
    {
        match parse_tls_client_hello_extension(extension) {
            Ok((_, TlsExtension::SNI(names))) => {
                read.server_name = names
                    .first()
                    .map(|(_, name)| String::from_utf8_lossy(name).into_owned());
            }
            Ok((_, TlsExtension::SupportedVersions(versions))) => {
                let known = versions
                    .iter()
                    .map(|version| version.0)
                    .filter(|version| !is_grease(*version));
                read.supported_versions = known.collect();
            }
            _ => {}
        }
    }
    Some(read)
}

/// The ServerHello at the start of a server's TLS stream; `None` where it is not there whole, or does not parse.
///
/// A TLS 1.3 HelloRetryRequest has the form of a ServerHello and is read as one.
pub fn server_hello(stream: &[u8]) -> Option<ServerHello> {
    let message = first_handshake(stream, 2)?;
    let (_, hello) = parse_tls_handshake_server_hello(&message).ok()?;
    let chosen = extensions(hello.ext)
        .filter(|(kind, _)| *kind == SUPPORTED_VERSIONS)
        .find_map(
            |(_, extension)| match parse_tls_server_hello_extension(extension) {
                Ok((_, TlsExtension::SupportedVersions(versions))) => {
                    versions.first().map(|version| version.0)
                }
                _ => None,
            },
        );
    Some(ServerHello {
        version: chosen.unwrap_or(hello.version.0),
        cipher_suite: hello.cipher.0,
    })
}

/// What people call a protocol version: `TLS 1.2` for 0x0303. Unknown numbers are shown in hexadecimal.
pub fn version_name(version: u16) -> String {
    match version {
        0x0002 => "SSL 2.0".to_owned(),
        0x0300 => "SSL 3.0".to_owned(),
        0x0301..=0x0304 => format!("TLS 1.{}", version - 0x0301),
        0x7f00..=0x7fff => format!("TLS 1.3 draft {}", version & 0xff),
        _ => format!("version {version:#06x}"),
    }
}

/// The body of the first handshake message, if it is of the wanted type. Messages may be cut anywhere by record ends.
fn first_handshake(stream: &[u8], wanted: u8) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let mut rest = stream;
    loop {
        if let Some(([kind, length @ ..], body)) = message.split_first_chunk::<4>() {
            let length =
                usize::try_from(u32::from_be_bytes([0, length[0], length[1], length[2]])).ok()?;
            if *kind != wanted {
                return None;
            }
            if let Some(body) = body.get(..length) {
                return Some(body.to_vec());
            }
        }
        let (&[content_type, _, _, high, low], tail) = rest.split_first_chunk::<5>()?;
        if content_type != HANDSHAKE || !is_record_start(rest) {
            return None;
        }
        let (fragment, next) =
            tail.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        message.extend_from_slice(fragment);
        rest = next;
    }
}

/// Extensions with their type, each with its four-byte header. One odd extension must not hide the next.
fn extensions(block: Option<&[u8]>) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = block.unwrap_or_default();
    std::iter::from_fn(move || {
        let &[kind_high, kind_low, high, low] = rest.first_chunk()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (extension, next) = rest.split_at_checked(4 + length)?;
        rest = next;
        Some((u16::from_be_bytes([kind_high, kind_low]), extension))
    })
}

/// Reserved values that clients sprinkle in to keep servers tolerant (RFC 8701).
const fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    // First flights of OpenSSL 3.0, recorded on loopback for these tests.
    const CLIENT_13: &str = "16030100ce010000ca03030aafbfc313fae4a8ae5f83faa0e0573237b94d93c1ac42da3402993db38dccf720b4d3\
        0722399f4d33d6a1e7004c6a85d93dbf307f38924e0b1ee0cb3f166b4d7900061301c02f00ff0100007b0000001600140000116d61696c2e\
        6578616d706c652e74657374000b000403000102000a00040002001d002300000016000000170000000d000400020401002b000908030403\
        0303020301002d00020101003300260024001d00200e82d4ef262596ba51d25708b3ea170252d86c57cd56f3388e43eb45a96f795c";
    const CLIENT_12: &str = "16030100550100005103034a2e0fab1dbe56160ecc3df1139a6910d517f7d7bb53b4c0fadf8a8b5a96a815000004\
        c02f00ff01000024000b000403000102000a00040002001d002300000016000000170000000d000400020401";
    const SERVER_13: &str = "160303007a020000760303174a6889fd9585f1f0fe01c5be379b2897311c35d91870f2da47443608a6f22c2063ed\
        bcdba17414bf599a57c742616e23c28a2687143954e7e3392d05036f184f130200002e002b0002030400330024001d002084ebe393d62255\
        2e90451cbc7f45eeb708ff50b5abe7d435f45f399b16cc2242";
    const SERVER_12: &str = "16030300410200003d0303c6006e11ef4874a26d63a3b0c46c3ab6a16744e05cb651cc444f574e4752440100c030\
        000015ff01000100000b0004030001020023000000170000";

    fn bytes(hex: &str) -> Vec<u8> {
        hex::decode(hex).unwrap()
    }

    #[test]
    fn a_client_of_tls_1_3() {
        let hello = client_hello(&bytes(CLIENT_13)).unwrap();
        assert_eq!(hello.legacy_version, 0x0303);
        assert_eq!(hello.supported_versions, [0x0304, 0x0303, 0x0302, 0x0301]);
        assert_eq!(hello.server_name.as_deref(), Some("mail.example.test"));
        assert_eq!(hello.cipher_suites, [0x1301, 0xc02f, 0x00ff]);
    }

    #[test]
    fn a_client_of_tls_1_2() {
        let hello = client_hello(&bytes(CLIENT_12)).unwrap();
        assert!(hello.supported_versions.is_empty());
        assert_eq!(hello.server_name, None);
        assert_eq!(hello.cipher_suites, [0xc02f, 0x00ff]);
    }

    #[rstest]
    #[case(SERVER_13, 0x0304, 0x1302)]
    #[case(SERVER_12, 0x0303, 0xc030)]
    fn servers(#[case] flight: &str, #[case] version: u16, #[case] cipher_suite: u16) {
        assert_eq!(
            server_hello(&bytes(flight)),
            Some(ServerHello {
                version,
                cipher_suite
            })
        );
        assert_eq!(client_hello(&bytes(flight)), None);
    }

    #[test]
    fn grease_is_left_out() {
        let mut stream = bytes(CLIENT_13);
        let suite = stream
            .windows(2)
            .position(|pair| pair == [0x13, 0x01])
            .unwrap();
        stream[suite..suite + 2].copy_from_slice(&[0xda, 0xda]);
        let version = stream
            .windows(2)
            .position(|pair| pair == [0x08, 0x03])
            .unwrap()
            + 1;
        stream[version..version + 2].copy_from_slice(&[0x1a, 0x1a]);
        let hello = client_hello(&stream).unwrap();
        assert_eq!(hello.cipher_suites, [0xc02f, 0x00ff]);
        assert_eq!(hello.supported_versions, [0x0303, 0x0302, 0x0301]);
        assert!(!is_grease(0x1a2a));
    }

    #[test]
    fn an_odd_extension_does_not_hide_the_next() {
        let mut stream = bytes(CLIENT_13);
        // supported_groups states more bytes than it has.
        let groups = stream
            .windows(4)
            .position(|part| part == [0, 0x0a, 0, 4])
            .unwrap();
        stream[groups + 5] = 0xff;
        assert_eq!(client_hello(&stream).unwrap().supported_versions.len(), 4);
    }

    #[test]
    fn a_cut_stream_is_no_hello() {
        let stream = bytes(CLIENT_13);
        for end in 0..stream.len() {
            assert_eq!(client_hello(&stream[..end]), None);
        }
    }

    #[rstest]
    #[case(&[22, 3, 1], true)]
    #[case(&[23, 3, 3, 0x40], true)]
    #[case(&[23, 3, 3, 0x40, 0x11], true)]
    #[case(&[23, 3, 3, 0x50], false)]
    #[case(&[22, 3, 3, 0, 0], false)]
    #[case(&[22, 3], false)]
    #[case(&[22, 4, 0, 0, 1], false)]
    #[case(&[25, 3, 3, 0, 1], false)]
    #[case(b"EHLO", false)]
    fn record_starts(#[case] bytes: &[u8], #[case] yes: bool) {
        assert_eq!(is_record_start(bytes), yes);
    }

    #[rstest]
    #[case(0x0300, "SSL 3.0")]
    #[case(0x0301, "TLS 1.0")]
    #[case(0x0304, "TLS 1.3")]
    #[case(0x7f1c, "TLS 1.3 draft 28")]
    #[case(0x0505, "version 0x0505")]
    fn names(#[case] version: u16, #[case] name: &str) {
        assert_eq!(version_name(version), name);
    }

    proptest! {
        #[test]
        fn record_ends_may_fall_anywhere(sizes in proptest::collection::vec(1_usize..80, 1..20)) {
            let stream = bytes(CLIENT_13);
            let mut rest = &stream[5..];
            let mut cut = Vec::new();
            for size in sizes.iter().copied().chain(std::iter::repeat(50)) {
                if rest.is_empty() {
                    break;
                }
                let (part, next) = rest.split_at(size.min(rest.len()));
                cut.extend([22, 3, 1]);
                cut.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
                cut.extend(part);
                rest = next;
            }
            prop_assert_eq!(client_hello(&cut), client_hello(&stream));
        }

        #[test]
        fn no_bytes_make_it_panic(at in 0_usize..220, value in any::<u8>(), noise in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut stream = bytes(CLIENT_13);
            if let Some(byte) = stream.get_mut(at) {
                *byte = value;
            }
            let _ = client_hello(&stream);
            let _ = server_hello(&noise);
            let _ = client_hello(&noise);
        }
    }
}
