//! What CMS shows without a key.

use cms::authenveloped_data::AuthEnvelopedData;
use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::ContentInfo;
use cms::der::asn1::{Ia5StringRef, ObjectIdentifier};
use cms::der::{self, Decode, Encode, EncodingRules};
use cms::enveloped_data::{
    EncryptedContentInfo, EnvelopedData, KeyAgreeRecipientIdentifier, RecipientIdentifier,
    RecipientInfo,
};
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use cms::spki::AlgorithmIdentifierOwned;
use x509_cert::Certificate;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{SubjectAltName, SubjectKeyIdentifier};
use x509_cert::time::Time;

use super::{
    Algorithm, CertificateInfo, Cms, Enveloped, Error, Identifier, Recipient, Signed, Signer, ber,
    oid,
};
use crate::tlv;

impl Cms {
    /// Reads a `ContentInfo` in DER or BER. What follows it is ignored.
    ///
    /// # Errors
    /// [`Error::Asn1`] where the bytes are not BER, [`Error::Structure`] where they are not CMS.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let info = content_info(bytes)?;
        let is = |text| oid::is(&info.content_type, text);
        if is(oid::ENVELOPED_DATA) {
            let data: EnvelopedData = content(&info, "EnvelopedData")?;
            Ok(Self::Enveloped(enveloped(
                data.recip_infos.0.iter(),
                &data.encrypted_content,
            )))
        } else if is(oid::AUTH_ENVELOPED_DATA) {
            let data: AuthEnvelopedData = content(&info, "AuthEnvelopedData")?;
            Ok(Self::AuthEnveloped(enveloped(
                data.recip_infos.0.iter(),
                &data.auth_encrypted_content_info,
            )))
        } else if is(oid::SIGNED_DATA) {
            Ok(Self::Signed(signed(&content(&info, "SignedData")?)))
        } else if is(oid::COMPRESSED_DATA) {
            Ok(Self::Compressed)
        } else {
            Ok(Self::Other(info.content_type.to_string()))
        }
    }

    /// The object identifier of the content type, in dotted form.
    pub fn content_type_oid(&self) -> &str {
        match self {
            Self::Enveloped(_) => oid::ENVELOPED_DATA,
            Self::AuthEnveloped(_) => oid::AUTH_ENVELOPED_DATA,
            Self::Signed(_) => oid::SIGNED_DATA,
            Self::Compressed => oid::COMPRESSED_DATA,
            Self::Other(oid) => oid,
        }
    }

    /// Whether nobody without a key can read the content.
    pub const fn is_encrypted(&self) -> bool {
        matches!(self, Self::Enveloped(_) | Self::AuthEnveloped(_))
    }
}

/// The outermost structure.
pub(super) fn content_info(bytes: &[u8]) -> Result<ContentInfo, Error> {
    let der = ber::definite(bytes)?;
    ContentInfo::from_ber(&der).map_err(|error| structure("ContentInfo", error))
}

/// The structure inside. It is decoded from its own bytes with the rules of BER, which leave the order of sets free.
pub(super) fn content<T>(info: &ContentInfo, name: &'static str) -> Result<T, Error>
where
    T: for<'a> der::Choice<'a> + for<'a> der::DecodeValue<'a, Error = der::Error>,
{
    info.content
        .decode_as_encoding(EncodingRules::Ber)
        .map_err(|error| structure(name, error))
}

pub(super) fn structure(structure: &'static str, error: der::Error) -> Error {
    Error::Structure {
        structure,
        reason: error.to_string(),
    }
}

fn enveloped<'a>(
    infos: impl Iterator<Item = &'a RecipientInfo>,
    encrypted: &EncryptedContentInfo,
) -> Enveloped {
    Enveloped {
        cipher: oid::algorithm(&encrypted.content_enc_alg),
        recipients: infos.flat_map(recipients).collect(),
        inner_content_type: encrypted.content_type.to_string(),
        content_length: encrypted
            .encrypted_content
            .as_ref()
            .map(|content| content.as_bytes().len()),
        iv_length: oid::iv_length(&encrypted.content_enc_alg),
    }
}

/// One entry can name several recipients: key agreement shares its parameters among them.
pub(super) fn recipients(info: &RecipientInfo) -> Vec<Recipient> {
    let one = |id, algorithm, length| {
        vec![Recipient {
            id,
            key_encryption: oid::algorithm(algorithm),
            encrypted_key_length: length,
        }]
    };
    match info {
        RecipientInfo::Ktri(to) => one(
            recipient_id(&to.rid),
            &to.key_enc_alg,
            to.enc_key.as_bytes().len(),
        ),
        RecipientInfo::Kari(to) => {
            let each = to.recipient_enc_keys.iter().flat_map(|key| {
                let id = agreement_id(&key.rid);
                one(id, &to.key_enc_alg, key.enc_key.as_bytes().len())
            });
            each.collect()
        }
        RecipientInfo::Kekri(to) => {
            let id = Identifier::SharedKey(hex::encode(to.kek_id.kek_identifier.as_bytes()));
            one(id, &to.key_enc_alg, to.encrypted_key.as_bytes().len())
        }
        RecipientInfo::Pwri(to) => one(
            Identifier::Password,
            &to.key_enc_alg,
            to.enc_key.as_bytes().len(),
        ),
        RecipientInfo::Ori(to) => {
            let kind = AlgorithmIdentifierOwned {
                oid: to.ori_type,
                parameters: None,
            };
            one(Identifier::Other(to.ori_type.to_string()), &kind, 0)
        }
    }
}

/// Who a key-transport recipient is.
pub(super) fn recipient_id(id: &RecipientIdentifier) -> Identifier {
    match id {
        RecipientIdentifier::IssuerAndSerialNumber(id) => issuer_and_serial(id),
        RecipientIdentifier::SubjectKeyIdentifier(id) => {
            Identifier::KeyIdentifier(hex::encode(id.0.as_bytes()))
        }
    }
}

/// Who a recipient of a key agreement is.
pub(super) fn agreement_id(id: &KeyAgreeRecipientIdentifier) -> Identifier {
    match id {
        KeyAgreeRecipientIdentifier::IssuerAndSerialNumber(id) => issuer_and_serial(id),
        KeyAgreeRecipientIdentifier::RKeyId(id) => {
            Identifier::KeyIdentifier(hex::encode(id.subject_key_identifier.0.as_bytes()))
        }
    }
}

/// Who a signer is.
pub(super) fn signer_id(id: &SignerIdentifier) -> Identifier {
    match id {
        SignerIdentifier::IssuerAndSerialNumber(id) => issuer_and_serial(id),
        SignerIdentifier::SubjectKeyIdentifier(id) => {
            Identifier::KeyIdentifier(hex::encode(id.0.as_bytes()))
        }
    }
}

fn issuer_and_serial(id: &IssuerAndSerialNumber) -> Identifier {
    Identifier::IssuerAndSerial {
        issuer: id.issuer.to_string(),
        serial: hex::encode(id.serial_number.as_bytes()),
    }
}

fn signed(data: &SignedData) -> Signed {
    let encapsulated = &data.encap_content_info;
    Signed {
        digests: data.digest_algorithms.iter().map(oid::algorithm).collect(),
        signers: data.signer_infos.0.iter().map(signer).collect(),
        certificates: certificates(data).map(certificate).collect(),
        inner_content_type: encapsulated.econtent_type.to_string(),
        content: encapsulated
            .econtent
            .as_ref()
            .map(|content| content.value().to_vec()),
    }
}

/// The X.509 certificates in the message.
pub(super) fn certificates(data: &SignedData) -> impl Iterator<Item = &Certificate> {
    data.certificates
        .iter()
        .flat_map(|set| set.0.iter())
        .filter_map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(certificate),
            CertificateChoices::Other(_) => None,
        })
}

pub(super) fn signer(info: &SignerInfo) -> Signer {
    Signer {
        id: signer_id(&info.sid),
        digest: oid::algorithm(&info.digest_alg),
        signature: oid::algorithm(&info.signature_algorithm),
        signing_time: signing_time(info),
        capabilities: capabilities(info),
    }
}

/// `SMIMECapabilities`, each of which has the shape of an algorithm (RFC 8551 section 2.5.2).
fn capabilities(info: &SignerInfo) -> Vec<Algorithm> {
    let list = attribute(info, oid::ATTRIBUTE_CAPABILITIES)
        .and_then(|der| Vec::<AlgorithmIdentifierOwned>::from_der(&der).ok());
    list.iter().flatten().map(oid::algorithm).collect()
}

/// The one value of a signed attribute, as DER.
pub(super) fn attribute(info: &SignerInfo, wanted: &str) -> Option<Vec<u8>> {
    let attribute = info
        .signed_attrs
        .as_ref()?
        .iter()
        .find(|attribute| oid::is(&attribute.oid, wanted))?;
    attribute.values.iter().next()?.to_der().ok()
}

fn signing_time(info: &SignerInfo) -> Option<wire::Timestamp> {
    let time = Time::from_der(&attribute(info, oid::ATTRIBUTE_SIGNING_TIME)?).ok()?;
    let nanos = u64::try_from(time.to_unix_duration().as_nanos()).ok()?;
    Some(wire::Timestamp::from_nanos(nanos))
}

pub(super) fn certificate(certificate: &Certificate) -> CertificateInfo {
    let tbs = certificate.tbs_certificate();
    let mut emails: Vec<String> = Vec::new();
    let mut add = |text: &str| {
        if !emails.iter().any(|known| known == text) {
            emails.push(text.to_owned());
        }
    };
    for part in tbs
        .subject()
        .iter()
        .filter(|part| oid::is(&part.oid, oid::EMAIL_ADDRESS))
    {
        if let Ok(text) = part.value.decode_as::<Ia5StringRef<'_>>() {
            add(text.as_str());
        }
    }
    if let Ok(Some((_, names))) = tbs.get_extension::<SubjectAltName>() {
        for name in &names.0 {
            if let GeneralName::Rfc822Name(text) = name {
                add(text.as_str());
            }
        }
    }
    CertificateInfo {
        subject: tbs.subject().to_string(),
        issuer: tbs.issuer().to_string(),
        serial: hex::encode(tbs.serial_number().as_bytes()),
        emails,
        key_identifier: key_identifier(certificate),
        key: oid::algorithm(&tbs.subject_public_key_info().algorithm),
        key_bits: rsa_bits(certificate),
        signature: oid::algorithm(certificate.signature_algorithm()),
    }
}

/// The subject key identifier, in lower-case hexadecimal.
fn key_identifier(certificate: &Certificate) -> Option<String> {
    let (_, id) = certificate
        .tbs_certificate()
        .get_extension::<SubjectKeyIdentifier>()
        .ok()??;
    Some(hex::encode(id.0.as_bytes()))
}

/// Size of the modulus of an RSA key (RFC 8017 appendix A.1.1), read by itself: libraries refuse the odd sizes that an
/// audit is after.
fn rsa_bits(certificate: &Certificate) -> Option<usize> {
    let key = certificate.tbs_certificate().subject_public_key_info();
    if !oid::is(&key.algorithm.oid, oid::RSA) {
        return None;
    }
    let fields = tlv::child(key.subject_public_key.raw_bytes(), 0x30)?;
    let modulus = tlv::child(fields, 0x02)?;
    let first = modulus.iter().position(|byte| *byte != 0)?;
    let rest = modulus.get(first..)?;
    let zeros = rest.first()?.leading_zeros();
    Some(rest.len() * 8 - usize::try_from(zeros).ok()?)
}

/// Whether `certificate` is the one that `id` means.
pub(super) fn is_meant(id: &Identifier, certificate: &Certificate) -> bool {
    let tbs = certificate.tbs_certificate();
    match id {
        Identifier::IssuerAndSerial { issuer, serial } => {
            *issuer == tbs.issuer().to_string()
                && *serial == hex::encode(tbs.serial_number().as_bytes())
        }
        Identifier::KeyIdentifier(id) => key_identifier(certificate).as_ref() == Some(id),
        _ => false,
    }
}

/// The object identifier that a DER value holds.
pub(super) fn object_identifier(der: &[u8]) -> Option<ObjectIdentifier> {
    ObjectIdentifier::from_der(der).ok()
}
