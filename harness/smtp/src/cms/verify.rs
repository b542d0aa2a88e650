//! Whether a signature covers what was sent (RFC 5652 sections 5.4 and 5.6).

use cms::der::asn1::OctetStringRef;
use cms::der::{Decode, Encode};
use cms::signed_data::{SignedData, SignerInfo};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::pkcs8::DecodePublicKey;
use rsa::{Pkcs1v15Sign, PublicKey};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};
use x509_cert::Certificate;

use super::content::set_of;
use super::read::{
    attribute, certificates, content, content_info, is_meant, object_identifier, signer_id,
};
use super::{Error, oid};

/// What a signature is worth. Nothing is said about who the certificate belongs to, or whether to trust it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureCheck {
    /// Every signer's signature covers the content.
    Valid,
    /// A signature does not cover the content; what is wrong.
    Invalid(&'static str),
    /// It cannot be told; the reason.
    NotVerifiable(String),
}

/// Checks the signatures of SignedData (DER or BER) with the certificates inside it.
///
/// `detached` is the content of a detached signature: for `multipart/signed` all bytes of the first part, header
/// included, with CR LF line ends. It is not used where the content is inside. RSA with PKCS#1 v1.5 and ECDSA on P-256 and
/// P-384, with SHA-1 or SHA-2, are supported.
pub fn verify_signature(bytes: &[u8], detached: Option<&[u8]>) -> SignatureCheck {
    let data = match read(bytes) {
        Ok(data) => data,
        Err(error) => return SignatureCheck::NotVerifiable(error.to_string()),
    };
    let inside = data
        .encap_content_info
        .econtent
        .as_ref()
        .map(cms::der::Any::value);
    let Some(signed) = inside.or(detached) else {
        return SignatureCheck::NotVerifiable(
            "the signed content is not in the message".to_owned(),
        );
    };
    let mut check = SignatureCheck::NotVerifiable("there is no signer".to_owned());
    for info in data.signer_infos.0.iter() {
        check = signer(&data, info, signed);
        if check != SignatureCheck::Valid {
            return check;
        }
    }
    check
}

fn read(bytes: &[u8]) -> Result<SignedData, Error> {
    let info = content_info(bytes)?;
    if oid::is(&info.content_type, oid::SIGNED_DATA) {
        content(&info, "SignedData")
    } else {
        Err(Error::Structure {
            structure: "SignedData",
            reason: "the content type is another one".to_owned(),
        })
    }
}

/// Whether a signature algorithm goes with a digest algorithm: it names no other, or the same.
fn agree(signature: &str, digest: &str) -> bool {
    matches!(
        (signature, digest),
        (oid::RSA | oid::EC, _)
            | (oid::SHA1_RSA | oid::SHA1_ECDSA, oid::SHA1)
            | (oid::SHA256_RSA | oid::SHA256_ECDSA, oid::SHA256)
            | (oid::SHA384_RSA | oid::SHA384_ECDSA, oid::SHA384)
            | (oid::SHA512_RSA | oid::SHA512_ECDSA, oid::SHA512)
    )
}

fn signer(data: &SignedData, info: &SignerInfo, signed: &[u8]) -> SignatureCheck {
    let digest = info.digest_alg.oid.to_string();
    let signature = info.signature_algorithm.oid.to_string();
    if !agree(&signature, &digest) {
        let [signature, digest] =
            [&info.signature_algorithm, &info.digest_alg].map(|a| oid::algorithm(a).name);
        return SignatureCheck::NotVerifiable(format!(
            "signature algorithm {signature} with digest {digest}"
        ));
    }
    let id = signer_id(&info.sid);
    let Some(certificate) = certificates(data).find(|certificate| is_meant(&id, certificate))
    else {
        return SignatureCheck::NotVerifiable(
            "the signer's certificate is not in the message".to_owned(),
        );
    };
    let key = SignerKey::of(certificate).filter(|key| key.is_for(&signature));
    let Some(key) = key else {
        return SignatureCheck::NotVerifiable(
            "the signer's key is not one of RSA of a supported size, P-256 or P-384, or does not fit the algorithm"
                .to_owned(),
        );
    };
    let covered = match covered(data, info) {
        Ok(covered) => covered,
        Err(check) => return check,
    };
    let hashed = match digest.as_str() {
        oid::SHA1 => hashed::<Sha1>(signed, covered),
        oid::SHA256 => hashed::<Sha256>(signed, covered),
        oid::SHA384 => hashed::<Sha384>(signed, covered),
        oid::SHA512 => hashed::<Sha512>(signed, covered),
        _ => Err(SignatureCheck::NotVerifiable(format!(
            "digest algorithm {}",
            oid::algorithm(&info.digest_alg).name
        ))),
    };
    match hashed {
        Ok(hashed) if key.verifies(&digest, &hashed, info.signature.as_bytes()) => {
            SignatureCheck::Valid
        }
        Ok(_) => SignatureCheck::Invalid("the signature does not fit the signer's key"),
        Err(check) => check,
    }
}

/// The public key of a signer.
enum SignerKey {
    Rsa(Box<PublicKey>),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
}

impl SignerKey {
    fn of(certificate: &Certificate) -> Option<Self> {
        let key = certificate.tbs_certificate().subject_public_key_info();
        let der = key.to_der().ok()?;
        if let Ok(key) = PublicKey::from_public_key_der(&der) {
            return Some(Self::Rsa(Box::new(key)));
        }
        if let Ok(key) = p256::PublicKey::from_public_key_der(&der) {
            return Some(Self::P256(key.into()));
        }
        let key = p384::PublicKey::from_public_key_der(&der).ok()?;
        Some(Self::P384(key.into()))
    }

    fn is_for(&self, signature: &str) -> bool {
        const RSA: [&str; 5] = [
            oid::RSA,
            oid::SHA1_RSA,
            oid::SHA256_RSA,
            oid::SHA384_RSA,
            oid::SHA512_RSA,
        ];
        RSA.contains(&signature) == matches!(self, Self::Rsa(_))
    }

    fn verifies(&self, digest: &str, hashed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa(key) => {
                let scheme = match digest {
                    oid::SHA1 => Pkcs1v15Sign::new::<Sha1>(),
                    oid::SHA256 => Pkcs1v15Sign::new::<Sha256>(),
                    oid::SHA384 => Pkcs1v15Sign::new::<Sha384>(),
                    oid::SHA512 => Pkcs1v15Sign::new::<Sha512>(),
                    _ => return false,
                };
                key.verify(scheme, hashed, signature).is_ok()
            }
            Self::P256(key) => p256::ecdsa::Signature::from_der(signature).is_ok_and(|signature| {
                key.verify_prehash(&as_long(hashed, 32), &signature).is_ok()
            }),
            Self::P384(key) => p384::ecdsa::Signature::from_der(signature).is_ok_and(|signature| {
                key.verify_prehash(&as_long(hashed, 48), &signature).is_ok()
            }),
        }
    }
}

/// A digest as a number of at least so many octets: the library refuses those that are much shorter than the curve.
fn as_long(digest: &[u8], octets: usize) -> Vec<u8> {
    let mut long = vec![0; octets.saturating_sub(digest.len())];
    long.extend_from_slice(digest);
    long
}

/// What a signature with signed attributes is over.
struct Attributes {
    /// The attributes as they were signed: a set in DER.
    der: Vec<u8>,
    /// The digest of the content that they state.
    digest: Vec<u8>,
}

/// The signed attributes; `None` where there are none and the signature is over the content itself.
fn covered(data: &SignedData, info: &SignerInfo) -> Result<Option<Attributes>, SignatureCheck> {
    let Some(attributes) = &info.signed_attrs else {
        return Ok(None);
    };
    let stated =
        attribute(info, oid::ATTRIBUTE_CONTENT_TYPE).and_then(|der| object_identifier(&der));
    if stated != Some(data.encap_content_info.econtent_type) {
        return Err(SignatureCheck::Invalid(
            "the signed content type is missing or another one",
        ));
    }
    let digest = attribute(info, oid::ATTRIBUTE_MESSAGE_DIGEST).and_then(|der| {
        <&OctetStringRef>::from_der(&der)
            .ok()
            .map(|digest| digest.as_bytes().to_vec())
    });
    let Some(digest) = digest else {
        return Err(SignatureCheck::Invalid(
            "the signed attributes have no message digest",
        ));
    };
    let encoded: Result<Vec<_>, _> = attributes.iter().map(Encode::to_der).collect();
    match encoded {
        Ok(encoded) => Ok(Some(Attributes {
            der: set_of(encoded),
            digest,
        })),
        Err(error) => Err(SignatureCheck::NotVerifiable(error.to_string())),
    }
}

/// The digest that the signature is made from.
fn hashed<D: Digest>(
    signed: &[u8],
    covered: Option<Attributes>,
) -> Result<Vec<u8>, SignatureCheck> {
    let content_digest = D::digest(signed);
    match covered {
        Some(attributes) if attributes.digest != content_digest.as_slice() => Err(
            SignatureCheck::Invalid("the content is not the one that was signed"),
        ),
        Some(attributes) => Ok(D::digest(attributes.der).to_vec()),
        None => Ok(content_digest.to_vec()),
    }
}
