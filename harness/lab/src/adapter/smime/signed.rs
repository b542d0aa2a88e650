//! Signing: `SignedData` (RFC 5652 section 5), SHA-256 with RSA PKCS #1 v1.5 (RFC 5754 section 3.2).

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
use sha2::{Digest, Sha256};

use super::super::keys::{Keys, issuer_and_serial};
use super::{ID_DATA, RSA_ENCRYPTION, SmimeError, any, content_info};

const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
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
    keys: &Keys,
) -> Result<Vec<u8>, SmimeError> {
    let econtent = match form {
        Form::Opaque => Some(any(&OctetString::new(content)?)?),
        Form::Detached => None,
    };
    let certificates = if keys.adds_signer {
        let own = CertificateChoices::Certificate(keys.signer.clone());
        Some(CertificateSet::try_from(vec![own])?)
    } else {
        None
    };
    let data = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from([sha256()])?,
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: ID_DATA,
            econtent,
        },
        certificates,
        crls: None,
        signer_infos: SignerInfos::try_from(vec![signer_info(content, now, keys)?])?,
    };
    content_info(ID_SIGNED_DATA, &data)
}

fn signer_info(content: &[u8], now: Timestamp, keys: &Keys) -> Result<SignerInfo, SmimeError> {
    let attributes = attributes(content, now)?;
    // What is signed is the DER encoding with the tag of a SET OF (RFC 5652 section 5.4).
    let signature = keys
        .signer_key
        .pkcs1v15_sign::<Sha256>(&attributes.to_der()?)
        .map_err(|_| SmimeError::Rsa("sign the attributes"))?;
    Ok(SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(issuer_and_serial(&keys.signer)),
        digest_alg: sha256(),
        signed_attrs: Some(attributes),
        signature_algorithm: AlgorithmIdentifierOwned {
            oid: RSA_ENCRYPTION,
            parameters: Some(Any::null()),
        },
        signature: OctetString::new(signature)?,
        unsigned_attrs: None,
    })
}

/// Content type, time of signing and digest (RFC 5652 section 11), sorted as DER sorts a SET OF.
fn attributes(content: &[u8], now: Timestamp) -> Result<SignedAttributes, SmimeError> {
    let seconds = u64::try_from(now.as_second()).map_err(|_| SmimeError::SigningTime)?;
    let time = UtcTime::from_unix_duration(Duration::from_secs(seconds))
        .map_err(|_| SmimeError::SigningTime)?;
    let digest = OctetString::new(Sha256::digest(content).to_vec())?;
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

/// SHA-256 without parameters, as RFC 5754 section 2 wants generated.
fn sha256() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid: SHA_256,
        parameters: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_in_the_order_of_their_encodings() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let attributes = attributes(b"content", now).unwrap();
        let encodings: Vec<Vec<u8>> = attributes.iter().map(|one| one.to_der().unwrap()).collect();
        assert_eq!(encodings.len(), 3);
        assert!(encodings.is_sorted(), "{encodings:02x?}");
    }

    #[test]
    fn a_time_outside_of_utc_time_is_an_error() {
        let late: Timestamp = "2090-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(attributes(b"", late).unwrap_err(), SmimeError::SigningTime);
    }
}
