//! What is wrong with algorithms and keys today (RFC 8551 sections 2 and appendix B, RFC 8301).

use super::{Algorithm, CertificateInfo, Cms, Enveloped, Recipient, Signed, Signer, oid};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// Sound, with something to know about it.
    Remark,
    /// Not to be used for new messages (S/MIME 4.0 calls it historic).
    Historic,
    /// Within reach of an attacker with means.
    Weak,
    /// Within reach of anybody.
    Broken,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weakness {
    /// How bad it is.
    pub grade: Grade,
    /// One sentence, which names the algorithm.
    pub why: &'static str,
}

/// The least RSA modulus that S/MIME 4.0 wants, in bits.
const LEAST_RSA: usize = 2048;

impl Algorithm {
    /// What is wrong with the algorithm, whatever it is used for.
    pub fn weakness(&self) -> Option<Weakness> {
        let (grade, why) = match self.oid.as_str() {
            oid::RC2_CBC => match self.key_bits {
                Some(0..=64) => (
                    Grade::Broken,
                    "RC2 with a key of 64 bits or less is broken by trying all keys",
                ),
                _ => (
                    Grade::Historic,
                    "RC2 is historic: 64-bit blocks, and a key length that only its parameter tells",
                ),
            },
            oid::RC4 => (Grade::Broken, "RC4 is broken: its key stream is biased"),
            oid::DES_CBC => (
                Grade::Broken,
                "DES is broken: its 56-bit keys can all be tried",
            ),
            oid::DES3_CBC => (
                Grade::Historic,
                "Triple DES is historic: 64-bit blocks and 112 bits of strength; for old mail only",
            ),
            oid::AES128_CBC | oid::AES192_CBC | oid::AES256_CBC => (
                Grade::Remark,
                "AES-CBC hides the content and does not protect it against change; AES-GCM does both",
            ),
            oid::MD2 | oid::MD2_RSA => (Grade::Broken, "MD2 is broken"),
            oid::MD4 | oid::MD4_RSA => (
                Grade::Broken,
                "MD4 is broken: two contents with one digest are made by hand",
            ),
            oid::MD5 | oid::MD5_RSA | oid::OIW_MD5_RSA => (
                Grade::Broken,
                "MD5 is broken: two contents with one digest are made in seconds",
            ),
            oid::SHA1
            | oid::SHA1_RSA
            | oid::OIW_SHA1_RSA
            | oid::SHA1_ECDSA
            | oid::SHA1_DSA
            | oid::OIW_SHA1_DSA => (
                Grade::Historic,
                "SHA-1 is historic: two contents with one digest have been made",
            ),
            oid::DSA => (Grade::Historic, "DSA is historic: S/MIME 4.0 dropped it"),
            oid::ESDH => (
                Grade::Historic,
                "Diffie-Hellman key agreement is historic: S/MIME 4.0 dropped it for elliptic curves",
            ),
            _ => return None,
        };
        Some(Weakness { grade, why })
    }
}

impl Recipient {
    /// Size of the recipient's RSA key in bits; `None` where the key is not encrypted with RSA.
    pub fn rsa_bits(&self) -> Option<usize> {
        let rsa = [oid::RSA, oid::RSA_OAEP].contains(&self.key_encryption.oid.as_str());
        (rsa && self.encrypted_key_length > 0).then(|| self.encrypted_key_length * 8)
    }

    /// What is wrong with the way in which the content key is encrypted.
    pub fn weaknesses(&self) -> Vec<Weakness> {
        let padding = Weakness {
            grade: Grade::Remark,
            why: "RSA PKCS#1 v1.5 key transport has a history of padding oracles; OAEP or ECDH is preferred",
        };
        let all = [
            self.key_encryption.weakness(),
            (self.key_encryption.oid == oid::RSA).then_some(padding),
            self.rsa_bits().and_then(short_rsa),
        ];
        all.into_iter().flatten().collect()
    }
}

fn short_rsa(bits: usize) -> Option<Weakness> {
    let (grade, why) = match bits {
        LEAST_RSA.. => return None,
        1024.. => (Grade::Weak, "an RSA key of less than 2048 bits is weak"),
        _ => (
            Grade::Broken,
            "RSA keys of less than 1024 bits have been factored",
        ),
    };
    Some(Weakness { grade, why })
}

impl Enveloped {
    /// What is wrong with the cipher and with the way to any recipient, the worst first, each once.
    pub fn weaknesses(&self) -> Vec<Weakness> {
        let recipients = self.recipients.iter().flat_map(Recipient::weaknesses);
        sorted(self.cipher.weakness().into_iter().chain(recipients))
    }
}

impl Signer {
    /// What is wrong with digest and signature.
    pub fn weaknesses(&self) -> Vec<Weakness> {
        sorted(
            [self.digest.weakness(), self.signature.weakness()]
                .into_iter()
                .flatten(),
        )
    }
}

impl CertificateInfo {
    /// What is wrong with the key in the certificate, and with the signature on it. The signature on a certificate that
    /// signs itself is worth nothing either way and is passed over.
    pub fn weaknesses(&self) -> Vec<Weakness> {
        let rsa = self.key_bits.filter(|_| self.key.oid == oid::RSA);
        let signature = self
            .signature
            .weakness()
            .filter(|_| self.subject != self.issuer);
        let all = [self.key.weakness(), rsa.and_then(short_rsa), signature];
        sorted(all.into_iter().flatten())
    }
}

impl Signed {
    /// What is wrong with any signature and any certificate, the worst first, each once.
    pub fn weaknesses(&self) -> Vec<Weakness> {
        let signers = self.signers.iter().flat_map(Signer::weaknesses);
        let certificates = self
            .certificates
            .iter()
            .flat_map(CertificateInfo::weaknesses);
        let digests = self.digests.iter().filter_map(Algorithm::weakness);
        sorted(signers.chain(digests).chain(certificates))
    }
}

impl Cms {
    /// What is wrong with the algorithms and keys of the message, the worst first, each once.
    pub fn weaknesses(&self) -> Vec<Weakness> {
        match self {
            Self::Enveloped(data) | Self::AuthEnveloped(data) => data.weaknesses(),
            Self::Signed(data) => data.weaknesses(),
            Self::Compressed | Self::Other(_) => Vec::new(),
        }
    }
}

fn sorted(all: impl Iterator<Item = Weakness>) -> Vec<Weakness> {
    let mut all: Vec<_> = all.collect();
    all.sort_unstable_by(|one, other| other.cmp(one));
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn algorithm(oid: &str, key_bits: Option<u16>) -> Algorithm {
        Algorithm {
            oid: oid.to_owned(),
            name: String::new(),
            key_bits,
        }
    }

    #[rstest]
    #[case(oid::RC2_CBC, Some(40), Some(Grade::Broken))]
    #[case(oid::RC2_CBC, Some(64), Some(Grade::Broken))]
    #[case(oid::RC2_CBC, Some(128), Some(Grade::Historic))]
    #[case(oid::RC2_CBC, None, Some(Grade::Historic))]
    #[case(oid::DES_CBC, Some(56), Some(Grade::Broken))]
    #[case(oid::DES3_CBC, None, Some(Grade::Historic))]
    #[case(oid::MD5, None, Some(Grade::Broken))]
    #[case(oid::MD2_RSA, None, Some(Grade::Broken))]
    #[case(oid::MD4, None, Some(Grade::Broken))]
    #[case(oid::OIW_SHA1_RSA, None, Some(Grade::Historic))]
    #[case(oid::SHA1_RSA, None, Some(Grade::Historic))]
    #[case(oid::AES128_CBC, None, Some(Grade::Remark))]
    #[case(oid::AES128_GCM, None, None)]
    #[case(oid::SHA256, None, None)]
    #[case(oid::RSA, None, None)]
    fn grades(#[case] oid: &str, #[case] bits: Option<u16>, #[case] grade: Option<Grade>) {
        assert_eq!(algorithm(oid, bits).weakness().map(|w| w.grade), grade);
    }

    #[rstest]
    #[case(oid::RSA, 64, &[Grade::Remark, Grade::Broken])]
    #[case(oid::RSA, 128, &[Grade::Remark, Grade::Weak])]
    #[case(oid::RSA_OAEP, 128, &[Grade::Weak])]
    #[case(oid::RSA, 256, &[Grade::Remark])]
    #[case(oid::RSA_OAEP, 256, &[])]
    #[case(oid::ESDH, 40, &[Grade::Historic])]
    fn key_transport(#[case] oid: &str, #[case] length: usize, #[case] grades: &[Grade]) {
        let recipient = Recipient {
            id: super::super::Identifier::Password,
            key_encryption: algorithm(oid, None),
            encrypted_key_length: length,
        };
        let found: Vec<_> = recipient.weaknesses().iter().map(|w| w.grade).collect();
        assert_eq!(found, grades);
    }
}
