//! ClientHello and ServerHello.

use tls_parser::{parse_tls_handshake_client_hello, parse_tls_handshake_server_hello};

use super::cursor::{Cursor, numbers};
use crate::lenient::lossy;

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const ENCRYPT_THEN_MAC: u16 = 22;
const PRE_SHARED_KEY: u16 = 41;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;
/// SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a ClientHello tells (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2). GREASE values (RFC 8701) are left out
/// of every list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// `legacy_version` on the wire, e.g. 0x0303.
    pub legacy_version: u16,
    /// The client's random number; key logs name connections by it.
    pub random: [u8; 32],
    /// `legacy_session_id`; empty where none was sent.
    pub session_id: Vec<u8>,
    /// Versions in `supported_versions`, in order; empty where the extension is absent.
    pub supported_versions: Vec<u16>,
    /// `server_name`, where sent.
    pub server_name: Option<String>,
    /// Cipher suites, in order.
    pub cipher_suites: Vec<u16>,
    /// Types of the extensions, in order.
    pub extensions: Vec<u16>,
    /// Names of application protocols (ALPN), in order.
    pub protocols: Vec<Vec<u8>>,
    /// `supported_groups`, in order.
    pub groups: Vec<u16>,
    /// `signature_algorithms`, in order.
    pub signature_schemes: Vec<u16>,
    /// Whether it came in the form of SSL 2.0 (RFC 5246 appendix E.2).
    pub ssl2: bool,
}

impl ClientHello {
    /// Reads the body of the handshake message.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let (_, hello) = parse_tls_handshake_client_hello(body).ok()?;
        let mut read = Self {
            legacy_version: hello.version.0,
            random: hello.random.try_into().ok()?,
            session_id: hello.session_id.unwrap_or_default().to_vec(),
            cipher_suites: not_grease(hello.ciphers.iter().map(|suite| suite.0)),
            ..Self::default()
        };
        for (kind, content) in extensions(hello.ext) {
            if !is_grease(kind) {
                read.extensions.push(kind);
                // One odd extension must not hide the next.
                read.extension(kind, Cursor(content)).unwrap_or_default();
            }
        }
        Some(read)
    }

    fn extension(&mut self, kind: u16, mut content: Cursor<'_>) -> Option<()> {
        match kind {
            SERVER_NAME => {
                let mut names = Cursor(content.vector16()?);
                // 0 is the one type of name there is.
                if names.u8()? == 0 {
                    self.server_name = Some(lossy(names.vector16()?));
                }
            }
            SUPPORTED_VERSIONS => {
                self.supported_versions = not_grease(numbers(content.vector8()?));
            }
            SUPPORTED_GROUPS => self.groups = not_grease(numbers(content.vector16()?)),
            SIGNATURE_ALGORITHMS => {
                self.signature_schemes = not_grease(numbers(content.vector16()?));
            }
            ALPN => self.protocols = protocols(content)?,
            _ => {}
        }
        Some(())
    }

    /// Reads a hello in the form of SSL 2.0, from its length on.
    pub(super) fn read_ssl2(message: &[u8]) -> Option<Self> {
        let mut rest = Cursor(message);
        let length = rest.u16()? & 0x7fff;
        let mut rest = Cursor(rest.take(length.into())?);
        if rest.u8()? != 1 {
            return None;
        }
        let legacy_version = rest.u16()?;
        let [specs, session, challenge] = [rest.u16()?, rest.u16()?, rest.u16()?];
        let specs = rest.take(specs.into())?;
        let session_id = rest.take(session.into())?.to_vec();
        let challenge = rest.take(challenge.into())?;
        // The challenge is the random number, with zeros in front (RFC 5246 appendix E.2).
        let mut random = [0; 32];
        let place = 32_usize.checked_sub(challenge.len())?;
        random[place..].copy_from_slice(challenge);
        let suites = specs.chunks_exact(3).filter(|spec| spec[0] == 0);
        Some(Self {
            legacy_version,
            random,
            session_id,
            cipher_suites: not_grease(suites.map(|spec| u16::from_be_bytes([spec[1], spec[2]]))),
            ssl2: true,
            ..Self::default()
        })
    }

    /// The newest version that the client offers.
    pub fn newest_version(&self) -> u16 {
        let newest = self.supported_versions.iter().copied().max();
        newest.unwrap_or(self.legacy_version)
    }

    /// Whether data was announced to come before the handshake ends (RFC 8446 section 4.2.10).
    pub(super) fn has_early_data(&self) -> bool {
        self.extensions.contains(&EARLY_DATA)
    }
}

/// Whether the client's stream begins with a ClientHello in the form of SSL 2.0: what it states about its parts agrees
/// with its length. Eleven bytes are needed for a yes.
pub fn is_ssl2_hello(bytes: &[u8]) -> bool {
    let &[high, low, 1, major, minor, s1, s0, i1, i0, c1, c0, ..] = bytes else {
        return false;
    };
    let number = |high, low| usize::from(u16::from_be_bytes([high, low]));
    let [specs, session, challenge] = [number(s1, s0), number(i1, i0), number(c1, c0)];
    high & 0x80 != 0
        && matches!((major, minor), (0, 2) | (3, 0..=4))
        && specs > 0
        && specs % 3 == 0
        && matches!(session, 0 | 16 | 32)
        && (16..=32).contains(&challenge)
        && number(high & 0x7f, low) == 9 + specs + session + challenge
}

/// How many bytes at the beginning of a line tell whether TLS begins there: three for a record, eleven where a hello in
/// the form of SSL 2.0 is still possible.
pub(crate) fn bytes_to_tell(bytes: &[u8]) -> usize {
    match *bytes {
        [high, _, 1, ..] if high & 0x80 != 0 => 11,
        _ => 3,
    }
}

/// What a ServerHello tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerHello {
    /// The version really chosen: `supported_versions` where present, else the legacy field.
    pub version: u16,
    /// The server's random number.
    pub random: [u8; 32],
    /// The session it names; in TLS 1.3 an echo of the client's.
    pub session_id: Vec<u8>,
    /// The cipher suite chosen.
    pub cipher_suite: u16,
    /// The compression method chosen; 0 is none.
    pub compression: u8,
    /// Types of the extensions, in order.
    pub extensions: Vec<u16>,
    /// The application protocol chosen (ALPN), where it is in clear.
    pub protocol: Option<Vec<u8>>,
    /// The group of the key exchange, in TLS 1.3.
    pub group: Option<u16>,
}

/// What the last bytes of a server's random number say about newer versions (RFC 8446 section 4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sentinel {
    /// The server can do TLS 1.3 and was not asked for it, as far as it saw.
    Tls13,
    /// The server can do TLS 1.2 or newer and was not asked for it, as far as it saw.
    Tls12,
}

impl ServerHello {
    /// Reads the body of the handshake message.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let (_, hello) = parse_tls_handshake_server_hello(body).ok()?;
        let mut read = Self {
            version: hello.version.0,
            random: hello.random.try_into().ok()?,
            session_id: hello.session_id.unwrap_or_default().to_vec(),
            cipher_suite: hello.cipher.0,
            compression: hello.compression.0,
            ..Self::default()
        };
        for (kind, content) in extensions(hello.ext) {
            read.extensions.push(kind);
            let mut content = Cursor(content);
            match kind {
                SUPPORTED_VERSIONS => read.version = content.u16().unwrap_or(read.version),
                KEY_SHARE => read.group = content.u16(),
                ALPN => read.protocol = protocols(content).and_then(|all| all.into_iter().next()),
                _ => {}
            }
        }
        Some(read)
    }

    /// Whether it asks for another ClientHello (RFC 8446 section 4.1.4).
    pub fn is_retry(&self) -> bool {
        self.random == RETRY
    }

    /// The mark that newer servers leave when they are asked for an old version.
    pub fn sentinel(&self) -> Option<Sentinel> {
        match self.random.last_chunk::<8>() {
            Some(b"DOWNGRD\x01") => Some(Sentinel::Tls13),
            Some(b"DOWNGRD\x00") => Some(Sentinel::Tls12),
            _ => None,
        }
    }

    /// Whether the MAC covers the ciphertext (RFC 7366).
    pub(super) fn encrypts_then_macs(&self) -> bool {
        self.extensions.contains(&ENCRYPT_THEN_MAC)
    }

    /// Whether a pre-shared key was chosen: in practice a session resumed (RFC 8446 section 4.2.11).
    pub(super) fn chose_shared_key(&self) -> bool {
        self.extensions.contains(&PRE_SHARED_KEY)
    }
}

fn protocols(mut content: Cursor<'_>) -> Option<Vec<Vec<u8>>> {
    let mut names = Cursor(content.vector16()?);
    let mut all = Vec::new();
    while !names.is_empty() {
        all.push(names.vector8()?.to_vec());
    }
    Some(all)
}

/// Extensions: type and content.
fn extensions(block: Option<&[u8]>) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = Cursor(block.unwrap_or_default());
    std::iter::from_fn(move || Some((rest.u16()?, rest.vector16()?)))
}

fn not_grease(values: impl Iterator<Item = u16>) -> Vec<u16> {
    values.filter(|value| !is_grease(*value)).collect()
}

/// Reserved values that clients sprinkle in to keep servers tolerant (RFC 8701).
const fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::testing::{CLIENT_12, CLIENT_13, SERVER_12, SERVER_13, bytes};
    use super::*;

    /// The body of the one handshake message in the one record of a flight.
    fn body(flight: &str) -> Vec<u8> {
        bytes(flight)[9..].to_vec()
    }

    #[test]
    fn a_client_of_tls_1_3() {
        let hello = ClientHello::read(&body(CLIENT_13)).unwrap();
        assert_eq!(hello.legacy_version, 0x0303);
        assert_eq!(hello.supported_versions, [0x0304, 0x0303, 0x0302, 0x0301]);
        assert_eq!(hello.newest_version(), 0x0304);
        assert_eq!(hello.server_name.as_deref(), Some("mail.example.test"));
        assert_eq!(hello.cipher_suites, [0x1301, 0xc02f, 0x00ff]);
        assert_eq!(hello.groups, [29]);
        assert_eq!(hello.signature_schemes, [0x0401]);
        assert_eq!(hello.extensions, [0, 11, 10, 35, 22, 23, 13, 43, 45, 51]);
        assert_eq!(hello.random[..2], [0x0a, 0xaf]);
        assert_eq!(hello.session_id.len(), 32);
        assert!(!hello.has_early_data() && !hello.ssl2);
    }

    #[test]
    fn a_client_of_tls_1_2() {
        let hello = ClientHello::read(&body(CLIENT_12)).unwrap();
        assert!(hello.supported_versions.is_empty());
        assert_eq!(hello.newest_version(), 0x0303);
        assert_eq!(hello.server_name, None);
        assert_eq!(hello.cipher_suites, [0xc02f, 0x00ff]);
    }

    #[rstest]
    #[case(SERVER_13, 0x0304, 0x1302, Some(29), None)]
    #[case(SERVER_12, 0x0303, 0xc030, None, Some(Sentinel::Tls13))]
    fn servers(
        #[case] flight: &str,
        #[case] version: u16,
        #[case] suite: u16,
        #[case] group: Option<u16>,
        #[case] sentinel: Option<Sentinel>,
    ) {
        let hello = ServerHello::read(&body(flight)).unwrap();
        assert_eq!((hello.version, hello.cipher_suite), (version, suite));
        assert_eq!(hello.group, group);
        assert_eq!(hello.sentinel(), sentinel);
        assert!(!hello.is_retry() && hello.compression == 0);
    }

    #[test]
    fn grease_is_left_out() {
        let mut message = body(CLIENT_13);
        let at = |message: &[u8], part: &[u8]| {
            let found = message.windows(part.len()).position(|bytes| bytes == part);
            found.unwrap()
        };
        let suite = at(&message, &[0x13, 0x01]);
        message[suite..suite + 2].copy_from_slice(&[0xda, 0xda]);
        let version = at(&message, &[0x08, 0x03]) + 1;
        message[version..version + 2].copy_from_slice(&[0x1a, 0x1a]);
        let hello = ClientHello::read(&message).unwrap();
        assert_eq!(hello.cipher_suites, [0xc02f, 0x00ff]);
        assert_eq!(hello.supported_versions, [0x0303, 0x0302, 0x0301]);
        assert!(!is_grease(0x1a2a));
    }

    #[test]
    fn an_odd_extension_does_not_hide_the_next() {
        let mut message = body(CLIENT_13);
        // supported_groups states more bytes than it has.
        let groups = message
            .windows(4)
            .position(|part| part == [0, 0x0a, 0, 4])
            .unwrap();
        message[groups + 5] = 0xff;
        let hello = ClientHello::read(&message).unwrap();
        assert!(hello.groups.is_empty());
        assert_eq!(hello.supported_versions.len(), 4);
    }

    #[rstest]
    #[case(b"DOWNGRD\x01", Some(Sentinel::Tls13))]
    #[case(b"DOWNGRD\x00", Some(Sentinel::Tls12))]
    #[case(b"DOWNGRD\x02", None)]
    fn sentinels(#[case] end: &[u8], #[case] sentinel: Option<Sentinel>) {
        let mut message = body(SERVER_12);
        message[26..34].copy_from_slice(end);
        assert_eq!(ServerHello::read(&message).unwrap().sentinel(), sentinel);
    }

    #[test]
    fn a_hello_in_the_form_of_ssl_2() {
        let mut hello = vec![0x80, 0x1f, 1, 3, 1, 0, 6, 0, 0, 0, 16];
        hello.extend([0, 0, 0x2f, 7, 0, 0xc0]);
        hello.extend([5; 16]);
        assert!(is_ssl2_hello(&hello));
        let read = ClientHello::read_ssl2(&hello).unwrap();
        assert!(read.ssl2);
        assert_eq!(read.newest_version(), 0x0301);
        assert_eq!(read.cipher_suites, [0x2f]);
        assert_eq!(read.random[..16], [0; 16]);
        assert_eq!(read.random[16..], [5; 16]);
        for wrong in 0..11 {
            let mut other = hello.clone();
            other[wrong] ^= 0x84;
            assert!(!is_ssl2_hello(&other), "byte {wrong}");
        }
        assert!(!is_ssl2_hello(&hello[..10]));
        assert_eq!(ClientHello::read_ssl2(&hello[..30]), None);
    }
}
