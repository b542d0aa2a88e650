//! Signing: `SignedData` (RFC 5652 section 5) with RSA PKCS #1 v1.5 (RFC 5754 section 3.2) or ECDSA (section 3.3).

use std::time::Duration;

use cms::cert::CertificateChoices;
use cms::content_info::CmsVersion;
use cms::der::asn1::{ObjectIdentifier, OctetString, SetOfVec, UtcTime};
use cms::der::{Any, Encode};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedAttributes, SignedData, SignerIdentifier,
    SignerInfo, SignerInfos,
};
use cms::spki::AlgorithmIdentifierOwned;
use cms::x509_cert::attr::Attribute;
use jiff::Timestamp;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use super::super::config::{CmsChoices, Digest};
use super::super::keys::{Keys, Signatory, SigningKey, issuer_and_serial};
use super::{ID_DATA, RSA_ENCRYPTION, SHA_256, SmimeError, any, content_info};

const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const ECDSA_SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");
const ECDSA_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");

/// Whether the signed content is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Form {
    /// It is: an opaque blob.
    Opaque,
    /// It is not: a signature to stand beside it.
    Detached,
}

/// Signs `content`. Returns a `ContentInfo` as DER. The signer's certificate is included, unless
/// the keys say that it is to be left out.
pub(in super::super) fn sign(
    content: &[u8],
    form: Form,
    now: Timestamp,
    cms: &CmsChoices,
    keys: &Keys,
) -> Result<Vec<u8>, SmimeError> {
    let signer = keys.signer(cms.signer).ok_or(SmimeError::NoSuchParty)?;
    let econtent = match form {
        Form::Opaque => Some(any(&OctetString::new(content)?)?),
        Form::Detached => None,
    };
    let certificates = if keys.adds_signer {
        let own = CertificateChoices::Certificate(signer.certificate.clone());
        Some(CertificateSet::try_from(vec![own])?)
    } else {
        None
    };
    let data = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from([algorithm(cms.digest)])?,
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: ID_DATA,
            econtent,
        },
        certificates,
        crls: None,
        signer_infos: SignerInfos::try_from(vec![signer_info(content, now, cms.digest, signer)?])?,
    };
    content_info(ID_SIGNED_DATA, &data)
}

fn signer_info(
    content: &[u8],
    now: Timestamp,
    digest: Digest,
    signer: &Signatory,
) -> Result<SignerInfo, SmimeError> {
    let attributes = attributes(content, now, digest)?;
    // What is signed is the DER encoding with the tag of a SET OF (RFC 5652 section 5.4).
    let (signature_algorithm, signature) = signature(&attributes.to_der()?, digest, &signer.key)?;
    Ok(SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(issuer_and_serial(&signer.certificate)),
        digest_alg: algorithm(digest),
        signed_attrs: Some(attributes),
        signature_algorithm,
        signature: OctetString::new(signature)?,
        unsigned_attrs: None,
    })
}

/// The signature over the attributes, and the algorithm that is named for it.
fn signature(
    signed: &[u8],
    digest: Digest,
    key: &SigningKey,
) -> Result<(AlgorithmIdentifierOwned, Vec<u8>), SmimeError> {
    match key {
        SigningKey::Rsa(key) => {
            let made = match digest {
                Digest::Sha1 => key.pkcs1v15_sign::<Sha1>(signed),
                Digest::Sha256 => key.pkcs1v15_sign::<Sha256>(signed),
                Digest::Sha384 => key.pkcs1v15_sign::<Sha384>(signed),
                Digest::Sha512 => key.pkcs1v15_sign::<Sha512>(signed),
            };
            let algorithm = AlgorithmIdentifierOwned {
                oid: RSA_ENCRYPTION,
                parameters: Some(Any::null()),
            };
            let made = made.map_err(|_| SmimeError::Rsa("sign the attributes"))?;
            Ok((algorithm, made))
        }
        SigningKey::P256(key) => {
            let made: p256::ecdsa::Signature = key
                .sign_prehash(&digest_of(digest, signed))
                .map_err(|_| SmimeError::Ecdsa)?;
            let oid = match digest {
                Digest::Sha1 => ECDSA_SHA_1,
                Digest::Sha256 => ECDSA_SHA_256,
                Digest::Sha384 => ECDSA_SHA_384,
                Digest::Sha512 => ECDSA_SHA_512,
            };
            let algorithm = AlgorithmIdentifierOwned {
                oid,
                parameters: None,
            };
            Ok((algorithm, made.to_der().as_bytes().to_vec()))
        }
    }
}

fn digest_of(digest: Digest, bytes: &[u8]) -> Vec<u8> {
    use sha2::Digest as _;
    match digest {
        Digest::Sha1 => Sha1::digest(bytes).to_vec(),
        Digest::Sha256 => Sha256::digest(bytes).to_vec(),
        Digest::Sha384 => Sha384::digest(bytes).to_vec(),
        Digest::Sha512 => Sha512::digest(bytes).to_vec(),
    }
}

/// Content type, time of signing and digest (RFC 5652 section 11), sorted as DER sorts a SET OF.
fn attributes(
    content: &[u8],
    now: Timestamp,
    digest: Digest,
) -> Result<SignedAttributes, SmimeError> {
    let seconds = u64::try_from(now.as_second()).map_err(|_| SmimeError::SigningTime)?;
    let time = UtcTime::from_unix_duration(Duration::from_secs(seconds))
        .map_err(|_| SmimeError::SigningTime)?;
    let digest = OctetString::new(digest_of(digest, content))?;
    let all = [
        (CONTENT_TYPE, any(&ID_DATA)?),
        (SIGNING_TIME, any(&time)?),
        (MESSAGE_DIGEST, any(&digest)?),
    ];
    let mut attributes = Vec::with_capacity(all.len());
    for (oid, value) in all {
        attributes.push(Attribute {
            oid,
            values: SetOfVec::try_from([value])?,
        });
    }
    Ok(SetOfVec::try_from(attributes)?)
}

/// A digest without parameters, as RFC 5754 section 2 wants generated, and RFC 3370 section 2.1 for SHA-1.
fn algorithm(digest: Digest) -> AlgorithmIdentifierOwned {
    let oid = match digest {
        Digest::Sha1 => SHA_1,
        Digest::Sha256 => SHA_256,
        Digest::Sha384 => SHA_384,
        Digest::Sha512 => SHA_512,
    };
    AlgorithmIdentifierOwned {
        oid,
        parameters: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_in_the_order_of_their_encodings() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let attributes = attributes(b"content", now, Digest::Sha256).unwrap();
        let encodings: Vec<Vec<u8>> = attributes.iter().map(|one| one.to_der().unwrap()).collect();
        assert_eq!(encodings.len(), 3);
        assert!(encodings.is_sorted(), "{encodings:02x?}");
    }

    #[test]
    fn a_time_outside_of_utc_time_is_an_error() {
        let late: Timestamp = "2090-01-01T00:00:00Z".parse().unwrap();
        let refused = attributes(b"", late, Digest::Sha256).unwrap_err();
        assert_eq!(refused, SmimeError::SigningTime);
    }
}
