//! Whether a signature covers what was sent (RFC 5652 sections 5.4 and 5.6).

use cms::der::asn1::OctetStringRef;
use cms::der::{Decode, Encode};
use cms::signed_data::{SignedData, SignerInfo};
use rsa::pkcs8::DecodePublicKey;
use rsa::{Pkcs1v15Sign, PublicKey};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};
use x509_cert::Certificate;

use super::open::set_of;
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
/// included, with CR LF line ends. It is not used where the content is inside. RSA with PKCS#1 v1.5 and SHA-1 or SHA-2
/// is supported.
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

fn signer(data: &SignedData, info: &SignerInfo, signed: &[u8]) -> SignatureCheck {
    let digest = info.digest_alg.oid.to_string();
    let signature = info.signature_algorithm.oid.to_string();
    let matches = matches!(
        (signature.as_str(), digest.as_str()),
        (oid::RSA, _)
            | (oid::SHA1_RSA, oid::SHA1)
            | (oid::SHA256_RSA, oid::SHA256)
            | (oid::SHA384_RSA, oid::SHA384)
            | (oid::SHA512_RSA, oid::SHA512)
    );
    if !matches {
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
    let Some(key) = public_key(certificate) else {
        return SignatureCheck::NotVerifiable(
            "the signer's key is not an RSA key of a supported size".to_owned(),
        );
    };
    let covered = match covered(data, info) {
        Ok(covered) => covered,
        Err(check) => return check,
    };
    match digest.as_str() {
        oid::SHA1 => compare::<Sha1>(&key, Pkcs1v15Sign::new::<Sha1>(), info, signed, covered),
        oid::SHA256 => {
            compare::<Sha256>(&key, Pkcs1v15Sign::new::<Sha256>(), info, signed, covered)
        }
        oid::SHA384 => {
            compare::<Sha384>(&key, Pkcs1v15Sign::new::<Sha384>(), info, signed, covered)
        }
        oid::SHA512 => {
            compare::<Sha512>(&key, Pkcs1v15Sign::new::<Sha512>(), info, signed, covered)
        }
        _ => SignatureCheck::NotVerifiable(format!(
            "digest algorithm {}",
            oid::algorithm(&info.digest_alg).name
        )),
    }
}

fn public_key(certificate: &Certificate) -> Option<PublicKey> {
    let der = certificate
        .tbs_certificate()
        .subject_public_key_info()
        .to_der()
        .ok()?;
    PublicKey::from_public_key_der(&der).ok()
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

fn compare<D: Digest>(
    key: &PublicKey,
    scheme: Pkcs1v15Sign,
    info: &SignerInfo,
    signed: &[u8],
    covered: Option<Attributes>,
) -> SignatureCheck {
    let content_digest = D::digest(signed);
    let hashed = match covered {
        Some(attributes) if attributes.digest != content_digest.as_slice() => {
            return SignatureCheck::Invalid("the content is not the one that was signed");
        }
        Some(attributes) => D::digest(attributes.der),
        None => content_digest,
    };
    if key
        .verify(scheme, &hashed, info.signature.as_bytes())
        .is_ok()
    {
        SignatureCheck::Valid
    } else {
        SignatureCheck::Invalid("the signature does not fit the signer's key")
    }
}
