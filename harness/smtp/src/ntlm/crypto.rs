//! The old primitives that NTLM is made of. None of them is fit for anything else.

use des::cipher::BlockCipherEncrypt;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md4::{Digest as _, Md4};
use md5::Md5;

/// MD4 (RFC 1320).
pub(super) fn md4(data: &[u8]) -> [u8; 16] {
    Md4::digest(data).into()
}

/// MD5 (RFC 1321) over the concatenation of `parts`.
pub(super) fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// HMAC-MD5 (RFC 2104) over the concatenation of `parts`.
pub(super) fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// DES of one block under 56 key bits, spread over eight bytes as DES wants them (its parity bits are ignored).
pub(super) fn des(key: [u8; 7], block: [u8; 8]) -> [u8; 8] {
    let bits = key
        .iter()
        .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let spread: [u8; 8] =
        std::array::from_fn(|i| u8::try_from(bits >> (49 - 7 * i) & 0x7f).unwrap_or_default() << 1);
    let mut block = block.into();
    ::des::Des::new(&spread.into()).encrypt_block(&mut block);
    block.into()
}

/// `DESL` of MS-NLMP section 6: one block under the three keys that a 16-byte hash, padded with zeros, makes.
pub(super) fn desl(hash: [u8; 16], block: [u8; 8]) -> [u8; 24] {
    let mut padded = [0; 21];
    padded[..16].copy_from_slice(&hash);
    let mut out = [0; 24];
    for (key, chunk) in padded
        .as_chunks::<7>()
        .0
        .iter()
        .zip(out.as_chunks_mut::<8>().0)
    {
        *chunk = des(*key, block);
    }
    out
}

/// RC4 with a 16-byte key, over 16 bytes: all that the key exchange needs (MS-NLMP section 3.1.5.1.2).
pub(super) fn rc4(key: [u8; 16], data: [u8; 16]) -> [u8; 16] {
    let mut state: [u8; 256] = std::array::from_fn(|i| u8::try_from(i).unwrap_or_default());
    let mut j = 0_u8;
    for i in 0..256 {
        j = j.wrapping_add(state[i]).wrapping_add(key[i % 16]);
        state.swap(i, usize::from(j));
    }
    let (mut i, mut j) = (0_u8, 0_u8);
    data.map(|byte| {
        i = i.wrapping_add(1);
        j = j.wrapping_add(state[usize::from(i)]);
        state.swap(usize::from(i), usize::from(j));
        byte ^ state[usize::from(state[usize::from(i)].wrapping_add(state[usize::from(j)]))]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rc4_matches_rfc_6229() {
        let key: [u8; 16] = std::array::from_fn(|i| u8::try_from(i + 1).unwrap());
        assert_eq!(
            hex::encode(rc4(key, [0; 16])),
            "9ac7cc9a609d1ef7b2932899cde41b97"
        );
    }

    #[test]
    fn md4_of_nothing() {
        assert_eq!(hex::encode(md4(b"")), "31d6cfe0d16ae931b73c59d7e0c089c0");
    }

    #[test]
    fn hmac_md5_matches_rfc_2202() {
        assert_eq!(
            hex::encode(hmac_md5(b"Jefe", &[b"what do ya ", b"want for nothing?"])),
            "750c783e6ab0b503eaa86e310a5db738"
        );
    }
}
