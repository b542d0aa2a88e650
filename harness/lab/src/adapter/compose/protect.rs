//! What the encoder of the send pipeline does to the mail, and what the twins make of it.

use super::super::config::{
    Certificate, Cipher, CmsChoices, Config, Digest, Encoder, Recipient, SignatureType,
    TransferEncoding, Unassigned,
};
use super::super::environment::Environment;
use super::super::keys::Keys;
use super::super::refusal::Refusal;
use super::super::smime::{Flaw, Form, check, encrypt, sign};
use super::super::twin::{Twin, Twins};
use super::entity::{Boundaries, Entity};
use super::headers::{Headers, addresses, unstructured};

/// What to do to the entity.
#[derive(Clone, Debug)]
pub(super) struct Protection {
    signature: SignatureType,
    encryption: Option<Cipher>,
    /// A signed blob in the place, and with the labels, of an encrypted one.
    pretends: bool,
    /// Encrypted first and signed then, which no documented configuration does.
    signs_last: bool,
    transfer_encoding: TransferEncoding,
    /// Whom to encrypt to, and as whom to sign.
    keys: Keys,
    /// What the documentation leaves open.
    cms: CmsChoices,
}

impl Protection {
    /// Whether the content is encrypted, or is said to be.
    pub(super) fn encrypts(&self) -> bool {
        self.encryption.is_some()
    }
}

/// Decides how the message is protected.
///
/// # Errors
/// The reasons for suspension: `ClearSign` with encryption, and an encryption certificate that is not there or no longer
/// good.
pub(super) fn decide(
    config: &Config,
    twins: &Twins,
    environment: &Environment,
) -> Result<Protection, Refusal> {
    let forced = twins.has(Twin::AlwaysEncrypts)
        || (config.encoder.is_some() && twins.has(Twin::EncoderEncrypts));
    let encoder = config.encoder.clone().unwrap_or_default();
    let mut signature = encoder.signature;
    if encoder.encrypt && signature == SignatureType::ClearSign {
        return Err(Refusal::ClearSignWithEncryption);
    }
    if signature == SignatureType::ClearSign && twins.has(Twin::BlobInsteadOfClear) {
        signature = SignatureType::BlobSign;
    }
    let mut encrypts = encoder.encrypt || forced;
    if signature == SignatureType::BlobSign && twins.has(Twin::EncryptsInsteadOfSigning) {
        signature = SignatureType::NoSign;
        encrypts = true;
    }
    let keys = keys(&encoder, twins, environment);
    if encrypts {
        encrypts = has_certificate(&encoder, twins)?;
    }
    if encrypts {
        is_good(&encoder, twins, environment, &keys)?;
        signature = inside(signature, twins);
    }
    let base64 = encoder.transfer_encoding == TransferEncoding::Base64;
    Ok(Protection {
        signature,
        encryption: encrypts.then(|| cipher(&encoder, twins)),
        pretends: twins.has(Twin::SignsInsteadOfEncrypting),
        signs_last: encrypts && twins.has(Twin::SignsOutside),
        transfer_encoding: if base64 && twins.has(Twin::QuotedByDefault) {
            TransferEncoding::QuotedPrintable
        } else {
            encoder.transfer_encoding
        },
        keys: if twins.has(Twin::EncryptsToAnother) {
            keys.to_another()
        } else {
            keys
        },
        cms: choices(encoder.cms, twins),
    })
}

fn choices(mut cms: CmsChoices, twins: &Twins) -> CmsChoices {
    if twins.has(Twin::ExtraRecipient) {
        cms.recipients.push(Recipient::P256);
    }
    if twins.has(Twin::OtherDigest) {
        cms.digest = match cms.digest {
            Digest::Sha1 => Digest::Sha256,
            Digest::Sha256 | Digest::Sha384 | Digest::Sha512 => Digest::Sha1,
        };
    }
    cms
}

fn cipher(encoder: &Encoder, twins: &Twins) -> Cipher {
    let default = Cipher::default_of(encoder.generation);
    if twins.has(Twin::OddCipher) {
        Cipher::Aes256Gcm
    } else if twins.has(Twin::AuthenticatesContent) {
        Cipher::Aes128Gcm
    } else if twins.has(Twin::OtherDefaultCipher) && encoder.cipher == default {
        Cipher::Aes256
    } else {
        encoder.cipher
    }
}

/// How what is encrypted is signed before.
fn inside(signature: SignatureType, twins: &Twins) -> SignatureType {
    match signature {
        SignatureType::BlobSign if twins.has(Twin::ClearSignsInside) => SignatureType::ClearSign,
        SignatureType::NoSign if twins.has(Twin::SignsUnasked) => SignatureType::BlobSign,
        other => other,
    }
}

fn keys(encoder: &Encoder, twins: &Twins, environment: &Environment) -> Keys {
    let mut keys = environment.keys.in_state(encoder.certificate);
    if twins.has(Twin::SignsAsAnother) {
        keys = keys.as_another();
    }
    keys.adds_signer = encoder.add_signing_certificate && !twins.has(Twin::LeavesCertificateOut);
    keys
}

/// Whether there is a certificate to encrypt to; without one the message goes in clear text, or not at all.
fn has_certificate(encoder: &Encoder, twins: &Twins) -> Result<bool, Refusal> {
    let refusal = match encoder.certificate {
        Certificate::Found | Certificate::Expired | Certificate::Revoked => return Ok(true),
        Certificate::NotFound => Refusal::CertificateNotFound,
        Certificate::NotAssigned if encoder.unassigned == Unassigned::SendsInClear => {
            return Ok(false);
        }
        Certificate::NotAssigned => Refusal::CertificateNotAssigned,
    };
    if twins.has(Twin::FailsOpen) {
        return Ok(false);
    }
    Err(refusal)
}

/// Refuses a certificate that is no longer good.
///
/// The pages name the property that has revocation lists checked, and do not say what follows. A certificate that fails a
/// check that was asked for is taken here for one that is not there.
fn is_good(
    encoder: &Encoder,
    twins: &Twins,
    environment: &Environment,
    keys: &Keys,
) -> Result<(), Refusal> {
    let lists = encoder.check_revocation.then_some(&keys.lists);
    let Some(port) = keys.recipient(Recipient::Port) else {
        return Err(Refusal::CertificateNotFound);
    };
    let now = environment.clock.now();
    let (refusal, ignored) = match check(&port.certificate, now, lists) {
        Ok(()) => return Ok(()),
        Err(Flaw::OutOfTime) => (Refusal::CertificateOutOfTime, Twin::IgnoresExpiry),
        Err(Flaw::Revoked) => (Refusal::CertificateRevoked, Twin::IgnoresRevocation),
        Err(Flaw::Unknown) => (Refusal::RevocationUnknown, Twin::IgnoresRevocation),
    };
    if twins.has(ignored) {
        Ok(())
    } else {
        Err(refusal)
    }
}

/// What a bad twin puts beside the body before it is encrypted: a copy of the header.
pub(super) fn header_inside(
    config: &Config,
    twins: &Twins,
    protection: &Protection,
    entity: Entity,
) -> Entity {
    let copies = twins.has(Twin::ProtectsHeader);
    if !protection.encrypts() || !(copies || twins.has(Twin::WrapsMessage)) {
        return entity;
    }
    let mut fields = Headers::default();
    fields.push("From", config.from.clone());
    fields.push("To", addresses("To", &config.to));
    let subject = config.subject.as_deref().unwrap_or_default();
    fields.push("Subject", unstructured("Subject", subject));
    if copies {
        entity.with_header(fields)
    } else {
        entity.wrapped(&fields)
    }
}

/// Signs, then encrypts.
pub(super) fn apply(
    protection: &Protection,
    entity: Entity,
    boundaries: &mut Boundaries,
    environment: &mut Environment,
) -> Result<Entity, Refusal> {
    if protection.signs_last {
        let encrypted = apply_encryption(protection, entity, environment)?;
        return apply_signature(protection, encrypted, boundaries, environment);
    }
    let signed = apply_signature(protection, entity, boundaries, environment)?;
    apply_encryption(protection, signed, environment)
}

fn apply_encryption(
    protection: &Protection,
    entity: Entity,
    environment: &mut Environment,
) -> Result<Entity, Refusal> {
    let Some(cipher) = protection.encryption else {
        return Ok(entity);
    };
    let smime_type = if cipher.is_authenticated() {
        "authEnveloped-data"
    } else {
        "enveloped-data"
    };
    let content = entity.bytes();
    let (cms, keys) = (&protection.cms, &protection.keys);
    let der = if protection.pretends {
        let now = environment.clock.now();
        sign(&content, Form::Opaque, now, cms, keys)?
    } else {
        encrypt(&content, cipher, cms, keys, &mut environment.rng)?
    };
    Ok(Entity::blob(smime_type, protection.transfer_encoding, &der))
}

fn apply_signature(
    protection: &Protection,
    entity: Entity,
    boundaries: &mut Boundaries,
    environment: &Environment,
) -> Result<Entity, Refusal> {
    let now = environment.clock.now();
    let (cms, keys) = (&protection.cms, &protection.keys);
    match protection.signature {
        SignatureType::NoSign => Ok(entity),
        SignatureType::BlobSign => {
            let der = sign(&entity.bytes(), Form::Opaque, now, cms, keys)?;
            Ok(Entity::blob(
                "signed-data",
                protection.transfer_encoding,
                &der,
            ))
        }
        SignatureType::ClearSign => {
            let der = sign(&entity.bytes(), Form::Detached, now, cms, keys)?;
            let micalg = micalg(cms.digest);
            let kind =
                format!("signed; protocol=\"application/x-pkcs7-signature\";\r\n\tmicalg={micalg}");
            Ok(Entity::multipart(
                &kind,
                &boundaries.next(),
                &[entity, Entity::signature(&der)],
            ))
        }
    }
}

/// What the parameter `micalg` calls a digest (RFC 8551 section 3.5.3.2).
const fn micalg(digest: Digest) -> &'static str {
    match digest {
        Digest::Sha1 => "sha-1",
        Digest::Sha256 => "sha-256",
        Digest::Sha384 => "sha-384",
        Digest::Sha512 => "sha-512",
    }
}
