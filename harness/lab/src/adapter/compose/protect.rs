//! What the encoder of the send pipeline does to the mail, and what the twins make of it.

use super::super::config::{Certificate, Config, Encoder, SignatureType, TransferEncoding};
use super::super::environment::Environment;
use super::super::refusal::Refusal;
use super::super::smime::{ContentCipher, Form, encrypt, sign};
use super::super::twin::{Twin, Twins};
use super::entity::{Boundaries, Entity};

/// What to do to the entity, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Protection {
    signature: SignatureType,
    encryption: Option<ContentCipher>,
    /// A signed blob in the place, and with the labels, of an encrypted one.
    pretends: bool,
    transfer_encoding: TransferEncoding,
}

impl Protection {
    /// Whether the content is encrypted, or is said to be.
    pub(super) fn encrypts(self) -> bool {
        self.encryption.is_some()
    }
}

/// Decides how the message is protected.
///
/// # Errors
/// The two documented reasons for suspension: no certificate in the store, and `ClearSign` with encryption.
pub(super) fn decide(config: &Config, twins: &Twins) -> Result<Protection, Refusal> {
    let encoder = config.encoder.clone();
    let forced =
        twins.has(Twin::AlwaysEncrypts) || (encoder.is_some() && twins.has(Twin::EncoderEncrypts));
    let encoder = encoder.unwrap_or_default();
    let Encoder {
        encrypt,
        cipher,
        mut signature,
        transfer_encoding,
        certificate,
    } = encoder;
    if encrypt && signature == SignatureType::ClearSign {
        return Err(Refusal::ClearSignWithEncryption);
    }
    if signature == SignatureType::ClearSign && twins.has(Twin::BlobInsteadOfClear) {
        signature = SignatureType::BlobSign;
    }
    let mut encrypt = encrypt || forced;
    if signature == SignatureType::BlobSign && twins.has(Twin::EncryptsInsteadOfSigning) {
        signature = SignatureType::NoSign;
        encrypt = true;
    }
    if encrypt && certificate == Certificate::NotFound {
        if !twins.has(Twin::FailsOpen) {
            return Err(Refusal::CertificateNotFound);
        }
        encrypt = false;
    }
    let odd = twins.has(Twin::OddCipher);
    let cipher = if odd {
        ContentCipher::Aes256Gcm
    } else {
        ContentCipher::Cbc(cipher)
    };
    Ok(Protection {
        signature,
        encryption: encrypt.then_some(cipher),
        pretends: twins.has(Twin::SignsInsteadOfEncrypting),
        transfer_encoding,
    })
}

/// Signs, then encrypts.
pub(super) fn apply(
    protection: Protection,
    entity: Entity,
    boundaries: &mut Boundaries,
    environment: &mut Environment,
) -> Result<Entity, Refusal> {
    let signed = apply_signature(protection, entity, boundaries, environment)?;
    let Some(cipher) = protection.encryption else {
        return Ok(signed);
    };
    let smime_type = match cipher {
        ContentCipher::Cbc(_) => "enveloped-data",
        ContentCipher::Aes256Gcm => "authEnveloped-data",
    };
    let content = signed.bytes();
    let der = if protection.pretends {
        sign(
            &content,
            Form::Opaque,
            environment.clock.now(),
            &environment.keys,
        )?
    } else {
        encrypt(&content, cipher, &environment.keys, &mut environment.rng)?
    };
    Ok(Entity::blob(smime_type, protection.transfer_encoding, &der))
}

fn apply_signature(
    protection: Protection,
    entity: Entity,
    boundaries: &mut Boundaries,
    environment: &Environment,
) -> Result<Entity, Refusal> {
    let now = environment.clock.now();
    match protection.signature {
        SignatureType::NoSign => Ok(entity),
        SignatureType::BlobSign => {
            let der = sign(&entity.bytes(), Form::Opaque, now, &environment.keys)?;
            Ok(Entity::blob(
                "signed-data",
                protection.transfer_encoding,
                &der,
            ))
        }
        SignatureType::ClearSign => {
            let der = sign(&entity.bytes(), Form::Detached, now, &environment.keys)?;
            let kind = "signed; protocol=\"application/x-pkcs7-signature\";\r\n\tmicalg=sha-256";
            Ok(Entity::multipart(
                kind,
                &boundaries.next(),
                &[entity, Entity::signature(&der)],
            ))
        }
    }
}
