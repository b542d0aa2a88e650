//! What the encoder of the send pipeline does to the mail, and what the twins make of it.

use super::super::config::{
    Certificate, Cipher, CmsChoices, Config, Digest, Encoder, SignatureType, TransferEncoding,
};
use super::super::environment::Environment;
use super::super::refusal::Refusal;
use super::super::smime::{Form, encrypt, sign};
use super::super::twin::{Twin, Twins};
use super::entity::{Boundaries, Entity};

/// What to do to the entity, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Protection {
    signature: SignatureType,
    encryption: Option<Cipher>,
    /// A signed blob in the place, and with the labels, of an encrypted one.
    pretends: bool,
    transfer_encoding: TransferEncoding,
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
        cms,
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
    let cipher = if odd { Cipher::Aes256Gcm } else { cipher };
    Ok(Protection {
        signature,
        encryption: encrypt.then_some(cipher),
        pretends: twins.has(Twin::SignsInsteadOfEncrypting),
        transfer_encoding,
        cms,
    })
}

/// Signs, then encrypts.
pub(super) fn apply(
    protection: &Protection,
    entity: Entity,
    boundaries: &mut Boundaries,
    environment: &mut Environment,
) -> Result<Entity, Refusal> {
    let signed = apply_signature(protection, entity, boundaries, environment)?;
    let Some(cipher) = protection.encryption else {
        return Ok(signed);
    };
    let smime_type = if cipher.is_authenticated() {
        "authEnveloped-data"
    } else {
        "enveloped-data"
    };
    let content = signed.bytes();
    let cms = &protection.cms;
    let der = if protection.pretends {
        let now = environment.clock.now();
        sign(&content, Form::Opaque, now, cms, &environment.keys)?
    } else {
        let (keys, rng) = (&environment.keys, &mut environment.rng);
        encrypt(&content, cipher, cms, keys, rng)?
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
    let (cms, keys) = (&protection.cms, &environment.keys);
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
