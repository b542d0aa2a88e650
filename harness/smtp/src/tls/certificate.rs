//! What a server's certificate says (RFC 5280).

use std::net::IpAddr;

use cms::der::Decode;
use cms::der::asn1::{BitString, ObjectIdentifier};
use cms::der::oid::db::DB;
use rsa::pkcs1::RsaPublicKeyRef;
use sha2::{Digest, Sha256};
use wire::Timestamp;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectAltName, SubjectKeyIdentifier};
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::Time;

/// How many alternative names are kept.
const MOST_NAMES: usize = 100;
const RSA: &str = "1.2.840.113549.1.1.1";
const RSA_PSS: &str = "1.2.840.113549.1.1.10";
const EC: &str = "1.2.840.10045.2.1";
/// Signature algorithms over MD2, MD4, MD5 and SHA-1: RSA, DSA and ECDSA.
const WEAK_DIGESTS: [(&str, &str); 8] = [
    ("1.2.840.113549.1.1.2", "MD2"),
    ("1.2.840.113549.1.1.3", "MD4"),
    ("1.2.840.113549.1.1.4", "MD5"),
    ("1.2.840.113549.1.1.5", "SHA-1"),
    ("1.3.14.3.2.29", "SHA-1"),
    ("1.2.840.10040.4.3", "SHA-1"),
    ("1.3.14.3.2.27", "SHA-1"),
    ("1.2.840.10045.4.1", "SHA-1"),
];

/// A certificate. Nothing is said about whether to trust it: no chain is built and no signature is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of its DER, in hexadecimal: the usual fingerprint.
    pub sha256: String,
    /// The subject, as RFC 4514 writes names.
    pub subject: String,
    /// The issuer.
    pub issuer: String,
    /// The serial number, in hexadecimal.
    pub serial: String,
    /// Alternative names: DNS names, addresses, mail addresses. At most a hundred.
    pub names: Vec<String>,
    /// Valid from then on.
    pub not_before: Timestamp,
    /// Valid until then.
    pub not_after: Timestamp,
    /// The algorithm of its key: `RSA`, the name of a curve, or another registered name or object identifier.
    pub key: String,
    /// Size of the key in bits; `None` where it is not known for this algorithm.
    pub key_bits: Option<usize>,
    /// The algorithm of its signature: a registered name such as `sha256WithRSAEncryption`, or an object identifier.
    pub signature: String,
    /// The digest in that algorithm, where it is one that can be forged: `MD5`, `SHA-1`.
    pub weak_digest: Option<&'static str>,
    /// Whether it names itself as its issuer. That the signature is its own is not checked.
    pub self_signed: bool,
}

/// Whether a certificate was valid at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It was.
    Valid,
    /// Its time had not begun.
    NotYet,
    /// Its time was over.
    Expired,
}

impl Certificate {
    /// Reads DER; `None` where it is no certificate of RFC 5280.
    pub fn read(der: &[u8]) -> Option<Self> {
        let certificate = x509_cert::Certificate::from_der(der).ok()?;
        let tbs = certificate.tbs_certificate();
        let signature = certificate.signature_algorithm().oid;
        let weak = WEAK_DIGESTS
            .iter()
            .find(|(oid, _)| signature.to_string() == *oid);
        let (key, key_bits) = key(tbs.subject_public_key_info());
        Some(Self {
            sha256: hex::encode(Sha256::digest(der)),
            subject: tbs.subject().to_string(),
            issuer: tbs.issuer().to_string(),
            serial: hex::encode(tbs.serial_number().as_bytes()),
            names: names(tbs),
            not_before: time(tbs.validity().not_before),
            not_after: time(tbs.validity().not_after),
            key,
            key_bits,
            signature: algorithm(&signature),
            weak_digest: weak.map(|(_, digest)| *digest),
            self_signed: tbs.subject() == tbs.issuer() && !has_another_issuer(tbs),
        })
    }

    /// Whether it was valid at `at`.
    pub fn validity(&self, at: Timestamp) -> Validity {
        if at < self.not_before {
            Validity::NotYet
        } else if at > self.not_after {
            Validity::Expired
        } else {
            Validity::Valid
        }
    }
}

type Tbs = x509_cert::certificate::TbsCertificate;

/// Whether its issuer has another key, though perhaps the same name.
fn has_another_issuer(tbs: &Tbs) -> bool {
    let own = tbs.get_extension::<SubjectKeyIdentifier>();
    let issuer = tbs.get_extension::<AuthorityKeyIdentifier>();
    let (Ok(Some((_, own))), Ok(Some((_, issuer)))) = (own, issuer) else {
        return false;
    };
    issuer.key_identifier.is_some_and(|issuer| issuer != own.0)
}

fn names(tbs: &Tbs) -> Vec<String> {
    let Ok(Some((_, names))) = tbs.get_extension::<SubjectAltName>() else {
        return Vec::new();
    };
    let known = names.0.iter().filter_map(|name| match name {
        GeneralName::DnsName(name)
        | GeneralName::Rfc822Name(name)
        | GeneralName::UniformResourceIdentifier(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => address(bytes.as_bytes()).map(|ip| ip.to_string()),
        _ => None,
    });
    known.take(MOST_NAMES).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

fn time(time: Time) -> Timestamp {
    let nanos = time.to_unix_duration().as_nanos();
    Timestamp::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn algorithm(oid: &ObjectIdentifier) -> String {
    DB.by_oid(oid)
        .map_or_else(|| oid.to_string(), str::to_owned)
}

/// The algorithm of a key, and its size in bits.
fn key(info: &SubjectPublicKeyInfoOwned) -> (String, Option<usize>) {
    match info.algorithm.oid.to_string().as_str() {
        RSA | RSA_PSS => ("RSA".to_owned(), modulus_bits(&info.subject_public_key)),
        EC => {
            let parameters = info.algorithm.parameters.as_ref();
            let curve = parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
            let name = curve.map_or_else(|| "EC".to_owned(), |oid| algorithm(&oid));
            let bits = match name.as_str() {
                "secp192r1" | "prime192v1" => Some(192),
                "secp224r1" => Some(224),
                "secp256r1" | "prime256v1" | "secp256k1" | "brainpoolP256r1" => Some(256),
                "secp384r1" | "brainpoolP384r1" => Some(384),
                "secp521r1" => Some(521),
                _ => None,
            };
            (name, bits)
        }
        "1.3.101.112" => ("Ed25519".to_owned(), Some(256)),
        "1.3.101.113" => ("Ed448".to_owned(), Some(456)),
        _ => (algorithm(&info.algorithm.oid), None),
    }
}

fn modulus_bits(key: &BitString) -> Option<usize> {
    let key = key.as_bytes()?;
    let key = RsaPublicKeyRef::from_der(key).ok()?;
    let modulus = key.modulus.as_bytes();
    let bits = modulus.len().checked_mul(8)?;
    bits.checked_sub(usize::try_from(modulus.first()?.leading_zeros()).ok()?)
}
