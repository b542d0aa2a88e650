//! What is weak about TLS on a connection, as facts.

use wire::{Span, Timestamp};

use super::certificate::{Certificate, Validity};
use super::hello::{ClientHello, Sentinel, ServerHello};
use super::names::{group_name, signature_scheme_name, version_name};
use super::suite::{FALLBACK, Faults, faults, suite_name};
use crate::timeline::{Located, Tls};

/// The shortest RSA keys and Diffie-Hellman primes that are not called short (NIST SP 800-131A: 112 bits of security).
const SHORTEST_MODULUS: usize = 2048;

/// One weakness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weakness {
    /// Which.
    pub kind: WeaknessKind,
    /// What was seen, in a sentence without a full stop.
    pub text: String,
    /// The bytes that show it.
    pub span: Span,
}

/// The kinds of [`Weakness`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WeaknessKind {
    /// A version before TLS 1.2 was chosen (RFC 8996).
    OldVersion,
    /// An older version was chosen though both sides can do a newer one: somebody between them may have changed the
    /// hellos (RFC 8446 section 4.1.3).
    Downgrade,
    /// The cipher suite does not encrypt.
    NullCipher,
    /// The cipher suite authenticates nobody, so that anybody between can read.
    Anonymous,
    /// A cipher made weak for export.
    Export,
    /// RC4 (RFC 7465).
    Rc4,
    /// A cipher with blocks of 64 bits: 3DES, DES, RC2, IDEA.
    SmallBlocks,
    /// Whoever gets the server's key later can read what was recorded.
    NoForwardSecrecy,
    /// The records are authenticated with HMAC-MD5.
    Md5Mac,
    /// Data is compressed before it is encrypted (CRIME).
    Compression,
    /// A Diffie-Hellman prime below 2048 bits, or an elliptic curve below 224.
    ShortPrime,
    /// The handshake is signed over MD5 or SHA-1.
    WeakHandshakeSignature,
    /// The server's certificate was no longer valid.
    Expired,
    /// The server's certificate was not yet valid.
    NotYetValid,
    /// The server's certificate is issued by itself.
    SelfSigned,
    /// An RSA key below 2048 bits in the server's chain.
    ShortKey,
    /// A certificate of the server's chain is signed over MD5, SHA-1 or older.
    WeakCertificateSignature,
    /// The client offers suites without encryption, without authentication or for export.
    WeakOffer,
    /// The client says that it tries an older version because a newer one failed (RFC 7507).
    Fallback,
    /// The client says hello in the form of SSL 2.0.
    Ssl2Hello,
}

impl WeaknessKind {
    /// A short name that does not change, for reports: `no-forward-secrecy`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::OldVersion => "old-version",
            Self::Downgrade => "downgrade",
            Self::NullCipher => "null-cipher",
            Self::Anonymous => "anonymous",
            Self::Export => "export",
            Self::Rc4 => "rc4",
            Self::SmallBlocks => "small-blocks",
            Self::NoForwardSecrecy => "no-forward-secrecy",
            Self::Md5Mac => "md5-mac",
            Self::Compression => "compression",
            Self::ShortPrime => "short-prime",
            Self::WeakHandshakeSignature => "weak-handshake-signature",
            Self::Expired => "certificate-expired",
            Self::NotYetValid => "certificate-not-yet-valid",
            Self::SelfSigned => "certificate-self-signed",
            Self::ShortKey => "short-key",
            Self::WeakCertificateSignature => "weak-certificate-signature",
            Self::WeakOffer => "weak-offer",
            Self::Fallback => "fallback",
            Self::Ssl2Hello => "ssl2-hello",
        }
    }
}

impl Tls {
    /// What is weak, as far as it can be seen; sorted by where it was decided. Nothing here means only that nothing was
    /// seen: without a ServerHello little can be said, and certificates are hidden in TLS 1.3. `at` is when the handshake
    /// was captured; the start of the connection will do. Certificates are held to it.
    pub fn weaknesses(&self, at: Timestamp) -> Vec<Weakness> {
        let mut all = Vec::new();
        if let Some(client) = &self.client_hello {
            of_client(client, &mut all);
        }
        if let Some(server) = &self.server_hello {
            let client = self.client_hello.as_ref().map(|client| &client.value);
            of_version(client, server, &mut all);
            of_suite(server, &mut all);
            self.of_key_exchange(server.span, &mut all);
        }
        of_chain(&self.handshake.certificates, at, &mut all);
        all
    }

    fn of_key_exchange(&self, span: Span, all: &mut Vec<Weakness>) {
        let exchange = &self.handshake.key_exchange;
        if let Some(bits) = exchange.prime_bits.filter(|bits| *bits < SHORTEST_MODULUS) {
            let text = format!("the Diffie-Hellman prime has {bits} bits");
            all.push(weakness(WeaknessKind::ShortPrime, text, span));
        }
        if let Some(scheme) = exchange.signature_scheme
            && matches!(scheme >> 8, 1 | 2)
        {
            let name = signature_scheme_name(scheme);
            let text = format!("the server signs the handshake with {name}");
            all.push(weakness(WeaknessKind::WeakHandshakeSignature, text, span));
        }
        if let Some(group @ (1..=5 | 15..=19)) = exchange.group {
            let text = format!(
                "the key exchange uses the small group {}",
                group_name(group)
            );
            all.push(weakness(WeaknessKind::ShortPrime, text, span));
        }
    }
}

fn weakness(kind: WeaknessKind, text: impl Into<String>, span: Span) -> Weakness {
    Weakness {
        kind,
        text: text.into(),
        span,
    }
}

fn of_client(client: &Located<ClientHello>, all: &mut Vec<Weakness>) {
    if client.value.ssl2 {
        let text = "the client says hello in the form of SSL 2.0";
        all.push(weakness(WeaknessKind::Ssl2Hello, text, client.span));
    }
    if client.value.cipher_suites.contains(&FALLBACK) {
        let text = "the client tries an older version because a newer one failed";
        all.push(weakness(WeaknessKind::Fallback, text, client.span));
    }
    let weak: Vec<String> = client
        .value
        .cipher_suites
        .iter()
        .filter(|suite| {
            let faults = faults(**suite);
            faults.null || faults.anonymous || faults.export
        })
        .map(|suite| named(*suite))
        .collect();
    if let Some(first) = weak.first() {
        let text = match weak.len() {
            1 => format!("the client offers {first}"),
            more => format!("the client offers {first} and {} more like it", more - 1),
        };
        all.push(weakness(WeaknessKind::WeakOffer, text, client.span));
    }
}

fn named(suite: u16) -> String {
    suite_name(suite).map_or_else(|| format!("cipher suite {suite:#06x}"), str::to_owned)
}

fn of_version(
    client: Option<&ClientHello>,
    server: &Located<ServerHello>,
    all: &mut Vec<Weakness>,
) {
    let chosen = server.value.version;
    let name = version_name(chosen);
    if chosen < 0x0303 {
        let text = format!("the version is {name}, which must not be used any more");
        all.push(weakness(WeaknessKind::OldVersion, text, server.span));
    }
    let newer = match server.value.sentinel() {
        Some(Sentinel::Tls13) if chosen < 0x0304 => 0x0304,
        Some(Sentinel::Tls12) if chosen < 0x0303 => 0x0303,
        _ => return,
    };
    // Without the mark of the server a client that offers more tells nothing: the server may know no better.
    if client.is_some_and(|client| client.newest_version() >= newer) {
        let text = format!(
            "the version is {name} though the client offers {newer} and the server marks that it can do it",
            newer = version_name(newer)
        );
        all.push(weakness(WeaknessKind::Downgrade, text, server.span));
    }
}

fn of_suite(server: &Located<ServerHello>, all: &mut Vec<Weakness>) {
    let name = named(server.value.cipher_suite);
    let Faults {
        null,
        anonymous,
        export,
        rc4,
        small_blocks,
        no_forward_secrecy,
        md5,
    } = faults(server.value.cipher_suite);
    let found = [
        (null, WeaknessKind::NullCipher, "does not encrypt"),
        (anonymous, WeaknessKind::Anonymous, "authenticates nobody"),
        (export, WeaknessKind::Export, "was made weak for export"),
        (rc4, WeaknessKind::Rc4, "uses RC4, which is broken"),
        (
            small_blocks,
            WeaknessKind::SmallBlocks,
            "uses a cipher with blocks of 64 bits",
        ),
        (
            no_forward_secrecy,
            WeaknessKind::NoForwardSecrecy,
            "has no forward secrecy: whoever gets the key later reads this",
        ),
        (md5, WeaknessKind::Md5Mac, "authenticates records with MD5"),
    ];
    for (_, kind, what) in found.into_iter().filter(|(yes, ..)| *yes) {
        all.push(weakness(kind, format!("{name} {what}"), server.span));
    }
    if server.value.compression != 0 {
        let text = "data is compressed before it is encrypted";
        all.push(weakness(WeaknessKind::Compression, text, server.span));
    }
}

fn of_chain(chain: &[Located<Certificate>], at: Timestamp, all: &mut Vec<Weakness>) {
    for (number, located) in chain.iter().enumerate() {
        let certificate = &located.value;
        let which = if number == 0 {
            "the server's certificate"
        } else {
            "a certificate of the server's chain"
        };
        let found = match certificate.validity(at) {
            Validity::Valid => None,
            Validity::Expired => Some((WeaknessKind::Expired, "had expired")),
            Validity::NotYet => Some((WeaknessKind::NotYetValid, "was not valid yet")),
        };
        if let Some((kind, what)) = found {
            all.push(weakness(kind, format!("{which} {what}"), located.span));
        }
        if number == 0 && certificate.self_signed {
            let text = format!("{which} is issued by itself");
            all.push(weakness(WeaknessKind::SelfSigned, text, located.span));
        }
        if let (Some(bits), "RSA") = (certificate.key_bits, certificate.key.as_str())
            && bits < SHORTEST_MODULUS
        {
            let text = format!("{which} has an RSA key of {bits} bits");
            all.push(weakness(WeaknessKind::ShortKey, text, located.span));
        }
        // Nobody checks the signature of a root on itself.
        if let Some(digest) = certificate.weak_digest
            && (number == 0 || !certificate.self_signed)
        {
            let text = format!("{which} is signed over {digest}");
            all.push(weakness(
                WeaknessKind::WeakCertificateSignature,
                text,
                located.span,
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use wire::Direction;

    use super::super::Handshake;
    use super::*;
    use crate::timeline::TlsStart;
    use WeaknessKind as Kind;

    fn located<T>(value: T, direction: Direction) -> Located<T> {
        Located::new(value, Span::new(direction, 0, 9))
    }

    fn certificate() -> Certificate {
        Certificate {
            sha256: String::new(),
            subject: "CN=mx.example.test".to_owned(),
            issuer: "CN=Example CA".to_owned(),
            serial: "01".to_owned(),
            names: Vec::new(),
            not_before: Timestamp::from_nanos(10),
            not_after: Timestamp::from_nanos(20),
            key: "RSA".to_owned(),
            key_bits: Some(2048),
            signature: "sha256WithRSAEncryption".to_owned(),
            weak_digest: None,
            self_signed: false,
        }
    }

    /// A root that signs itself over SHA-1, which nobody checks.
    fn root() -> Certificate {
        Certificate {
            weak_digest: Some("SHA-1"),
            self_signed: true,
            ..certificate()
        }
    }

    /// Nothing is weak about this one.
    fn good() -> Tls {
        let client = ClientHello {
            legacy_version: 0x0303,
            supported_versions: vec![0x0303],
            cipher_suites: vec![0xc02f, 0x00ff],
            ..ClientHello::default()
        };
        let mut server = ServerHello {
            version: 0x0303,
            cipher_suite: 0xc02f,
            ..ServerHello::default()
        };
        server.random[24..].copy_from_slice(b"DOWNGRD\x01");
        let mut handshake = Handshake::default();
        handshake.key_exchange.group = Some(29);
        handshake.key_exchange.signature_scheme = Some(0x0804);
        handshake.certificates = [certificate(), root()]
            .map(|one| located(one, Direction::Server))
            .into();
        Tls {
            start: TlsStart::Implicit,
            client: Span::new(Direction::Client, 0, 9),
            server: Span::new(Direction::Server, 0, 9),
            client_hello: Some(located(client, Direction::Client)),
            server_hello: Some(located(server, Direction::Server)),
            handshake,
            established: true,
            opened: None,
        }
    }

    fn client(tls: &mut Tls) -> &mut ClientHello {
        &mut tls.client_hello.as_mut().expect("there").value
    }

    fn server(tls: &mut Tls) -> &mut ServerHello {
        &mut tls.server_hello.as_mut().expect("there").value
    }

    fn kinds(tls: &Tls, at: u64) -> Vec<Kind> {
        let found = tls.weaknesses(Timestamp::from_nanos(at));
        found.into_iter().map(|one| one.kind).collect()
    }

    #[test]
    fn a_sound_connection_has_none() {
        assert_eq!(kinds(&good(), 15), []);
    }

    #[rstest]
    #[case(|tls: &mut Tls| server(tls).version = 0x0302, Kind::OldVersion)]
    #[case(|tls: &mut Tls| client(tls).supported_versions.push(0x0304), Kind::Downgrade)]
    #[case(|tls: &mut Tls| server(tls).cipher_suite = 0xc010, Kind::NullCipher)]
    #[case(|tls: &mut Tls| server(tls).cipher_suite = 0xc018, Kind::Anonymous)]
    #[case(|tls: &mut Tls| server(tls).cipher_suite = 0xc011, Kind::Rc4)]
    #[case(|tls: &mut Tls| server(tls).cipher_suite = 0xc012, Kind::SmallBlocks)]
    #[case(|tls: &mut Tls| server(tls).cipher_suite = 0x009c, Kind::NoForwardSecrecy)]
    #[case(|tls: &mut Tls| server(tls).compression = 1, Kind::Compression)]
    #[case(|tls: &mut Tls| tls.handshake.key_exchange.prime_bits = Some(1024), Kind::ShortPrime)]
    #[case(|tls: &mut Tls| tls.handshake.key_exchange.group = Some(19), Kind::ShortPrime)]
    #[case(|tls: &mut Tls| tls.handshake.key_exchange.signature_scheme = Some(0x0201), Kind::WeakHandshakeSignature)]
    #[case(|tls: &mut Tls| tls.handshake.certificates[0].value.not_after = Timestamp::from_nanos(14), Kind::Expired)]
    #[case(|tls: &mut Tls| tls.handshake.certificates[1].value.not_before = Timestamp::from_nanos(16), Kind::NotYetValid)]
    #[case(|tls: &mut Tls| tls.handshake.certificates[0].value.self_signed = true, Kind::SelfSigned)]
    #[case(|tls: &mut Tls| tls.handshake.certificates[1].value.key_bits = Some(1024), Kind::ShortKey)]
    #[case(|tls: &mut Tls| tls.handshake.certificates[0].value.weak_digest = Some("MD5"), Kind::WeakCertificateSignature)]
    #[case(|tls: &mut Tls| client(tls).cipher_suites.push(0x0003), Kind::WeakOffer)]
    #[case(|tls: &mut Tls| client(tls).cipher_suites.push(0x5600), Kind::Fallback)]
    #[case(|tls: &mut Tls| client(tls).ssl2 = true, Kind::Ssl2Hello)]
    fn each_is_found_alone(#[case] spoil: fn(&mut Tls), #[case] kind: Kind) {
        let mut tls = good();
        spoil(&mut tls);
        assert_eq!(kinds(&tls, 15), [kind]);
    }

    #[rstest]
    #[case(0x0003, &[Kind::Export, Kind::Rc4, Kind::NoForwardSecrecy, Kind::Md5Mac])]
    #[case(0x0019, &[Kind::Anonymous, Kind::Export, Kind::SmallBlocks])]
    fn one_suite_may_have_many(#[case] suite: u16, #[case] expected: &[Kind]) {
        let mut tls = good();
        server(&mut tls).cipher_suite = suite;
        assert_eq!(kinds(&tls, 15), expected);
    }

    #[test]
    fn a_key_of_another_kind_is_not_measured_as_rsa() {
        let mut tls = good();
        let certificate = &mut tls.handshake.certificates[0].value;
        (certificate.key, certificate.key_bits) = ("secp256r1".to_owned(), Some(256));
        assert_eq!(kinds(&tls, 15), []);
    }

    #[test]
    fn what_was_not_seen_is_not_called_weak() {
        let mut tls = good();
        server(&mut tls).version = 0x0300;
        tls.client_hello = None;
        assert_eq!(kinds(&tls, 15), [Kind::OldVersion]);
        tls.server_hello = None;
        tls.handshake = Handshake::default();
        assert_eq!(kinds(&tls, 15), []);
    }

    #[test]
    fn the_words() {
        let mut tls = good();
        client(&mut tls).cipher_suites.extend([0x0003, 0x0006]);
        client(&mut tls).supported_versions.push(0x0304);
        let found = tls.weaknesses(Timestamp::from_nanos(15));
        let texts: Vec<_> = found.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "the client offers TLS_RSA_EXPORT_WITH_RC4_40_MD5 and 1 more like it",
                "the version is TLS 1.2 though the client offers TLS 1.3 and the server marks that it can do it",
            ]
        );
    }
}
