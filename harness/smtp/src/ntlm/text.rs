//! The two character sets of NTLMSSP: UTF-16LE and "OEM".

use super::Error;

/// UTF-16LE of `text`.
pub(super) fn utf16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Text of UTF-16LE bytes; unpaired surrogates are replaced.
pub(super) fn from_utf16le(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|pair| u16::from_le_bytes(*pair))
        .collect();
    String::from_utf16_lossy(&units)
}

/// Text of OEM bytes. The code page is not on the wire: UTF-8 is taken where it fits, else each byte as Latin-1.
pub(super) fn from_oem(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(
        |_| bytes.iter().copied().map(char::from).collect(),
        str::to_owned,
    )
}

/// Bytes of `text` in the negotiated character set. OEM is limited to ASCII, the part that all code pages share.
pub(super) fn encode(field: &'static str, text: &str, unicode: bool) -> Result<Vec<u8>, Error> {
    if unicode {
        Ok(utf16le(text))
    } else if text.is_ascii() {
        Ok(text.as_bytes().to_vec())
    } else {
        Err(Error::NeedsUnicode { field })
    }
}

/// Upper case as Windows makes it: character by character, and only where the result is a single character.
pub(super) fn upper(text: &str) -> String {
    text.chars()
        .map(|c| {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(single), None) => single,
                _ => c,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_case_keeps_the_length() {
        assert_eq!(upper("Müßig"), "MÜßIG");
    }

    #[test]
    fn utf16_round_trip() {
        assert_eq!(from_utf16le(&utf16le("Dömäne 🦀")), "Dömäne 🦀");
    }

    #[test]
    fn oem_outside_ascii() {
        assert_eq!(from_oem(b"M\xfcller"), "Müller");
        assert_eq!(
            encode("user", "Müller", false),
            Err(Error::NeedsUnicode { field: "user" })
        );
    }
}
