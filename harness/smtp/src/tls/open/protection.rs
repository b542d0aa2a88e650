//! Undoing the protection of records in one direction (RFC 8446 section 5.2, RFC 5246 section 6.2.3, RFC 7366).

use std::fmt;

use aes::{Aes128, Aes256};
use aes_gcm::aead::{AeadInOut, Nonce};
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyIvInit};
use chacha20poly1305::ChaCha20Poly1305;
use des::TdesEde3;

use super::super::record::Record;
use super::secrets::Hash;
use super::suite::{Block, Method};
use crate::Secret;

/// Most bytes of content in a record.
const MAX_PLAIN: usize = 1 << 14;
/// Bytes of the tag of an AEAD cipher.
const TAG: usize = 16;
/// Bytes of the nonce that AES-GCM sends with each record before TLS 1.3 (RFC 5288 section 3).
const EXPLICIT_NONCE: usize = 8;

/// Content of a record.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) kind: u8,
    pub(super) bytes: Vec<u8>,
    /// Bytes of the body that stand before the ciphertext of the first byte.
    pub(super) lead: usize,
}

/// Why a record does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not authentic under this key.
    NotAuthentic,
    /// It has not the form that the cipher or the version demands.
    Malformed(&'static str),
}

/// The keys of one direction, from a change of keys to the next.
pub(super) struct Keys {
    pub(super) key: Secret,
    /// The fixed part of the nonce, or the first initialisation vector of CBC in TLS 1.0.
    pub(super) iv: Secret,
    /// The key of the MAC; empty with AEAD.
    pub(super) mac: Secret,
}

/// The state of one direction.
pub(super) struct Protection {
    cipher: Cipher,
    iv: Secret,
    sequence: u64,
    tls13: bool,
}

enum Cipher {
    Aes128(Box<Aes128Gcm>),
    Aes256(Box<Aes256Gcm>),
    ChaCha(Box<ChaCha20Poly1305>),
    Cbc(Cbc),
}

struct Cbc {
    block: Block,
    key: Secret,
    hash: Hash,
    mac: Secret,
    /// The MAC covers the ciphertext.
    over_ciphertext: bool,
    /// Each record brings its initialisation vector (TLS 1.1 on).
    explicit: bool,
    /// The last block before, which is the next initialisation vector in TLS 1.0.
    chained: Vec<u8>,
}

impl Protection {
    /// `None` where the key is not as long as the method demands.
    pub(super) fn new(method: Method, keys: Keys, version: u16, etm: bool) -> Option<Self> {
        let key = keys.key.expose();
        let cipher = match method {
            Method::Gcm if key.len() == 16 => {
                Cipher::Aes128(Box::new(Aes128Gcm::new_from_slice(key).ok()?))
            }
            Method::Gcm => Cipher::Aes256(Box::new(Aes256Gcm::new_from_slice(key).ok()?)),
            Method::ChaCha => Cipher::ChaCha(Box::new(ChaCha20Poly1305::new_from_slice(key).ok()?)),
            Method::Cbc(block, hash) => Cipher::Cbc(Cbc {
                block,
                key: keys.key,
                hash,
                mac: keys.mac,
                over_ciphertext: etm,
                explicit: version >= 0x0302,
                chained: keys.iv.expose().to_vec(),
            }),
        };
        Some(Self {
            cipher,
            iv: keys.iv,
            sequence: 0,
            tls13: version >= 0x0304,
        })
    }

    /// Whether no record was opened yet.
    pub(super) const fn is_fresh(&self) -> bool {
        self.sequence == 0
    }

    pub(super) const fn is_tls13(&self) -> bool {
        self.tls13
    }

    /// Opens the next record. After a fault the state is as before, except for CBC in TLS 1.0.
    pub(super) fn open(&mut self, record: &Record) -> Result<Content, Fault> {
        let sequence = self.sequence.to_be_bytes();
        let mut content = match &mut self.cipher {
            Cipher::Cbc(cbc) => cbc.open(record, sequence)?,
            Cipher::Aes128(cipher) => {
                Sealed::new(record, self.tls13, true)?.open(&**cipher, &self.iv, sequence)?
            }
            Cipher::Aes256(cipher) => {
                Sealed::new(record, self.tls13, true)?.open(&**cipher, &self.iv, sequence)?
            }
            Cipher::ChaCha(cipher) => {
                Sealed::new(record, self.tls13, false)?.open(&**cipher, &self.iv, sequence)?
            }
        };
        if self.tls13 {
            // The content is followed by its type, and that by zeros.
            let end = content.bytes.iter().rposition(|byte| *byte != 0);
            let end = end.ok_or(Fault::Malformed("a record has no content type"))?;
            content.kind = content.bytes[end];
            content.bytes.truncate(end);
        }
        if content.bytes.len() > MAX_PLAIN {
            return Err(Fault::Malformed("a record holds more than 16 KiB"));
        }
        let next = self.sequence.checked_add(1);
        self.sequence = next.ok_or(Fault::Malformed("too many records"))?;
        Ok(content)
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protection(record {})", self.sequence)
    }
}

/// A record of an AEAD cipher.
struct Sealed<'a> {
    record: &'a Record,
    tls13: bool,
    /// What the record brings of the nonce.
    nonce: &'a [u8],
    /// Ciphertext and tag.
    bytes: &'a [u8],
}

impl<'a> Sealed<'a> {
    fn new(record: &'a Record, tls13: bool, gcm: bool) -> Result<Self, Fault> {
        let explicit = if gcm && !tls13 { EXPLICIT_NONCE } else { 0 };
        let body = record.body.as_deref().unwrap_or_default();
        let (nonce, bytes) = body
            .split_at_checked(explicit)
            .filter(|(_, sealed)| sealed.len() >= TAG)
            .ok_or(Fault::Malformed("a record is shorter than its tag"))?;
        Ok(Self {
            record,
            tls13,
            nonce,
            bytes,
        })
    }

    fn open<C: AeadInOut>(
        &self,
        cipher: &C,
        iv: &Secret,
        sequence: [u8; 8],
    ) -> Result<Content, Fault> {
        let mut nonce = iv.expose().to_vec();
        if self.nonce.is_empty() {
            let place = nonce.len().saturating_sub(sequence.len());
            for (byte, number) in nonce[place..].iter_mut().zip(sequence) {
                *byte ^= number;
            }
        } else {
            nonce.extend_from_slice(self.nonce);
        }
        let nonce = Nonce::<C>::try_from(nonce.as_slice())
            .map_err(|_| Fault::Malformed("a nonce has the wrong length"))?;
        let header = self.record.header;
        let associated = if self.tls13 {
            header.to_vec()
        } else {
            associated(sequence, header, self.bytes.len() - TAG)
        };
        let mut bytes = self.bytes.to_vec();
        cipher
            .decrypt_in_place(&nonce, &associated, &mut bytes)
            .map_err(|_| Fault::NotAuthentic)?;
        Ok(Content {
            kind: header[0],
            bytes,
            lead: self.nonce.len(),
        })
    }
}

/// What is authenticated besides the content before TLS 1.3: number, type, version and length.
fn associated(sequence: [u8; 8], [kind, major, minor, ..]: [u8; 5], length: usize) -> Vec<u8> {
    let [.., high, low] = length.to_be_bytes();
    [sequence.as_slice(), &[kind, major, minor, high, low]].concat()
}

impl Cbc {
    fn open(&mut self, record: &Record, sequence: [u8; 8]) -> Result<Content, Fault> {
        let short = Fault::Malformed("a record is shorter than its MAC and padding");
        let mut body = record.body.as_deref().unwrap_or_default();
        if self.over_ciphertext {
            let length = body.len().checked_sub(self.hash.length()).ok_or(short)?;
            let (sealed, mac) = body.split_at(length);
            let head = associated(sequence, record.header, length);
            if self.hash.hmac(self.mac.expose(), &[&head, sealed]) != mac {
                return Err(Fault::NotAuthentic);
            }
            body = sealed;
        }
        let mut iv = self.chained.as_slice();
        let mut lead = 0;
        if self.explicit {
            lead = self.block.length();
            (iv, body) = body.split_at_checked(lead).ok_or(short)?;
        }
        let mut bytes = match (self.block, self.key.len()) {
            (Block::TripleDes, _) => decrypted::<TdesEde3>(self.key.expose(), iv, body),
            (Block::Aes, 16) => decrypted::<Aes128>(self.key.expose(), iv, body),
            (Block::Aes, _) => decrypted::<Aes256>(self.key.expose(), iv, body),
        }
        .ok_or(Fault::Malformed("a record is no whole number of blocks"))?;
        if !self.explicit {
            let last = body.len().saturating_sub(self.block.length());
            self.chained = body[last..].to_vec();
        }
        self.unpad(&mut bytes, record, sequence)?;
        Ok(Content {
            kind: record.kind(),
            bytes,
            lead,
        })
    }

    /// Takes padding and MAC off. Before RFC 7366 a wrong padding is not told from a wrong MAC.
    fn unpad(&self, bytes: &mut Vec<u8>, record: &Record, sequence: [u8; 8]) -> Result<(), Fault> {
        let padding = bytes.last().copied().ok_or(Fault::NotAuthentic)?;
        let length = bytes.len().checked_sub(usize::from(padding) + 1);
        let length = length.ok_or(Fault::NotAuthentic)?;
        if bytes[length..].iter().any(|byte| *byte != padding) {
            return Err(Fault::NotAuthentic);
        }
        bytes.truncate(length);
        if self.over_ciphertext {
            return Ok(());
        }
        let length = length
            .checked_sub(self.hash.length())
            .ok_or(Fault::NotAuthentic)?;
        let mac = bytes.split_off(length);
        let head = associated(sequence, record.header, length);
        if self.hash.hmac(self.mac.expose(), &[&head, bytes]) == mac {
            Ok(())
        } else {
            Err(Fault::NotAuthentic)
        }
    }
}

fn decrypted<C>(key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>>
where
    C: BlockCipherDecrypt + KeyInit,
    cbc::Decryptor<C>: KeyIvInit + BlockModeDecrypt,
{
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    cipher.decrypt_padded_vec::<NoPadding>(ciphertext).ok()
}

#[cfg(test)]
mod tests {
    use cbc::cipher::BlockModeEncrypt;
    use rstest::rstest;

    use super::*;

    /// A record of TLS 1.2 with 3DES and HMAC-SHA1, as RFC 5246 section 6.2.3.2 makes it.
    fn triple_des(text: &[u8], sequence: u64, padding: u8, over_ciphertext: bool) -> Record {
        let iv = [9; 8];
        let mac = |length: usize, covered: &[u8]| {
            let head = associated(sequence.to_be_bytes(), [23, 3, 3, 0, 0], length);
            Hash::Sha1.hmac(&[7; 20], &[&head, covered])
        };
        let mut plain = text.to_vec();
        if !over_ciphertext {
            plain.extend(mac(text.len(), text));
        }
        plain.extend(vec![padding; usize::from(padding) + 1]);
        let cipher = cbc::Encryptor::<TdesEde3>::new_from_slices(&[5; 24], &iv).unwrap();
        let mut body = iv.to_vec();
        body.extend(cipher.encrypt_padded_vec::<NoPadding>(&plain));
        if over_ciphertext {
            let mac = mac(body.len(), &body);
            body.extend(mac);
        }
        let [high, low] = u16::try_from(body.len()).unwrap().to_be_bytes();
        Record {
            header: [23, 3, 3, high, low],
            start: 0,
            body: Some(body),
        }
    }

    fn protection(over_ciphertext: bool) -> Protection {
        let keys = Keys {
            key: Secret::new([5; 24]),
            iv: Secret::new([]),
            mac: Secret::new([7; 20]),
        };
        let method = Method::Cbc(Block::TripleDes, Hash::Sha1);
        Protection::new(method, keys, 0x0303, over_ciphertext).unwrap()
    }

    #[rstest]
    #[case(false, b"twelve bytes", 7)]
    #[case(false, b"twelve bytes", 255)]
    #[case(true, b"MAIL FROM:<>", 3)]
    fn triple_des_opens(#[case] etm: bool, #[case] text: &[u8], #[case] padding: u8) {
        let mut protection = protection(etm);
        for sequence in 0..3 {
            let content = protection
                .open(&triple_des(text, sequence, padding, etm))
                .unwrap();
            assert_eq!((content.bytes.as_slice(), content.lead), (text, 8));
        }
    }

    #[rstest]
    #[case(false)]
    #[case(true)]
    fn no_changed_byte_and_no_repeated_record_opens(#[case] etm: bool) {
        let record = triple_des(b"twelve bytes", 0, if etm { 3 } else { 7 }, etm);
        for at in 0..record.length() {
            let mut changed = triple_des(b"twelve bytes", 0, if etm { 3 } else { 7 }, etm);
            changed.body.as_mut().unwrap()[at] ^= 0x40;
            let fault = protection(etm).open(&changed).unwrap_err();
            assert_eq!(fault, Fault::NotAuthentic, "byte {at}");
        }
        let mut protection = protection(etm);
        protection.open(&record).unwrap();
        assert_eq!(protection.open(&record).unwrap_err(), Fault::NotAuthentic);
    }

    #[rstest]
    #[case(Method::Gcm, 16)]
    #[case(Method::Gcm, 32)]
    #[case(Method::ChaCha, 32)]
    #[case(Method::Cbc(Block::Aes, Hash::Sha256), 16)]
    fn a_record_of_any_length_is_no_panic(#[case] method: Method, #[case] key: usize) {
        for (version, iv) in [(0x0304, 12), (0x0303, 4), (0x0301, 16)] {
            for length in 0..80 {
                let keys = Keys {
                    key: Secret::new(vec![1; key]),
                    iv: Secret::new(vec![2; iv]),
                    mac: Secret::new([3; 32]),
                };
                let record = Record {
                    header: [23, 3, 3, 0, length],
                    start: 0,
                    body: Some(vec![4; length.into()]),
                };
                let protection = Protection::new(method, keys, version, false);
                assert!(protection.unwrap().open(&record).is_err());
            }
        }
    }
}
