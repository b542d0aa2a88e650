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
