//! What a cipher suite asks for, for the suites that can be opened.

use tls_parser::{TlsCipherEnc, TlsCipherEncMode, TlsCipherMac, TlsCipherSuite, TlsPRF};

use super::secrets::Hash;

/// How records are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Gcm,
    ChaCha,
    Cbc(Block, Hash),
}

/// A block cipher in CBC mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Aes,
    TripleDes,
}

impl Block {
    /// Length of a block in bytes.
    pub(super) const fn length(self) -> usize {
        match self {
            Self::Aes => 16,
            Self::TripleDes => 8,
        }
    }
}

/// The numbers of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suite {
    pub(super) method: Method,
    /// Length of the key in bytes.
    pub(super) key: usize,
    /// The hash of the PRF of TLS 1.2, or of HKDF.
    pub(super) prf: Hash,
}

impl Suite {
    /// `None` for a suite that is not known, or not supported.
    pub(super) fn find(number: u16) -> Option<Self> {
        let suite = TlsCipherSuite::from_id(number)?;
        let key = usize::from(suite.enc_size / 8);
        let (method, key) = match (suite.enc, suite.enc_mode) {
            (TlsCipherEnc::Aes, TlsCipherEncMode::Gcm) => (Method::Gcm, key),
            (TlsCipherEnc::Chacha20_Poly1305, _) => (Method::ChaCha, 32),
            (TlsCipherEnc::Aes, TlsCipherEncMode::Cbc) => {
                (Method::Cbc(Block::Aes, mac(suite.mac)?), key)
            }
            // The registry counts the key without its parity bits.
            (TlsCipherEnc::TripleDes, TlsCipherEncMode::Cbc) => {
                (Method::Cbc(Block::TripleDes, mac(suite.mac)?), 24)
            }
            _ => return None,
        };
        let prf = match suite.prf {
            TlsPRF::Default | TlsPRF::Sha256 => Hash::Sha256,
            TlsPRF::Sha384 => Hash::Sha384,
            _ => return None,
        };
        Some(Self { method, key, prf })
    }

    /// Whether the suite belongs to TLS 1.3, and to nothing before it.
    pub(super) const fn is_tls13(number: u16) -> bool {
        number >> 8 == 0x13
    }
}

fn mac(mac: TlsCipherMac) -> Option<Hash> {
    match mac {
        TlsCipherMac::HmacMd5 => Some(Hash::Md5),
        TlsCipherMac::HmacSha1 => Some(Hash::Sha1),
        TlsCipherMac::HmacSha256 => Some(Hash::Sha256),
        TlsCipherMac::HmacSha384 => Some(Hash::Sha384),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0x1301, Some((Method::Gcm, 16, Hash::Sha256)))]
    #[case(0x1302, Some((Method::Gcm, 32, Hash::Sha384)))]
    #[case(0x1303, Some((Method::ChaCha, 32, Hash::Sha256)))]
    #[case(0xc030, Some((Method::Gcm, 32, Hash::Sha384)))]
    #[case(0xcca8, Some((Method::ChaCha, 32, Hash::Sha256)))]
    #[case(0x002f, Some((Method::Cbc(Block::Aes, Hash::Sha1), 16, Hash::Sha256)))]
    #[case(0xc028, Some((Method::Cbc(Block::Aes, Hash::Sha384), 32, Hash::Sha384)))]
    #[case(0x003d, Some((Method::Cbc(Block::Aes, Hash::Sha256), 32, Hash::Sha256)))]
    #[case(0x000a, Some((Method::Cbc(Block::TripleDes, Hash::Sha1), 24, Hash::Sha256)))]
    #[case(0x1304, None)]
    #[case(0x0005, None)]
    #[case(0xfefe, None)]
    fn suites(#[case] number: u16, #[case] expected: Option<(Method, usize, Hash)>) {
        let found = Suite::find(number).map(|suite| (suite.method, suite.key, suite.prf));
        assert_eq!(found, expected);
    }
}
