//! What `CompressedData` holds (RFC 3274): anybody can unpack it.

use std::io::Read;

use cms::compressed_data::CompressedData;
use cms::der::asn1::OctetStringRef;
use flate2::read::ZlibDecoder;

use super::read::{content, content_info};
use super::{Error, oid};

/// What was unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inflated {
    /// The content, or its beginning.
    pub bytes: Vec<u8>,
    /// Whether that is all of it: neither longer than was asked for, nor damaged behind these bytes.
    pub whole: bool,
}

/// Unpacks `CompressedData` (DER or BER) up to `most` bytes: a kilobyte can hold a megabyte.
///
/// # Errors
/// Where the bytes are no such message, its content is not inside, or it is packed in another way than zlib's.
pub fn inflate(bytes: &[u8], most: usize) -> Result<Inflated, Error> {
    let info = content_info(bytes)?;
    if !oid::is(&info.content_type, oid::COMPRESSED_DATA) {
        return Err(Error::Structure {
            structure: "CompressedData",
            reason: "the content type is another one".to_owned(),
        });
    }
    let data: CompressedData = content(&info, "CompressedData")?;
    if !oid::is(&data.compression_alg.oid, oid::ZLIB) {
        return Err(Error::Unsupported {
            what: "compression",
            name: oid::algorithm(&data.compression_alg).name,
        });
    }
    let packed = data.encap_content_info.econtent.as_ref();
    let packed = packed.and_then(|any| any.decode_as::<&OctetStringRef>().ok());
    let Some(packed) = packed.map(OctetStringRef::as_bytes) else {
        return Err(Error::Structure {
            structure: "CompressedData",
            reason: "the content is not inside".to_owned(),
        });
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = ZlibDecoder::new(packed).take(limit).read_to_end(&mut bytes);
    let whole = read.is_ok() && bytes.len() <= most;
    bytes.truncate(most);
    Ok(Inflated { bytes, whole })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::super::ber;
    use super::*;

    /// `CompressedData` around bytes, with the last arc of the algorithm to choose.
    fn compressed(content: &[u8], algorithm: u8) -> Vec<u8> {
        const SMIME: [u8; 9] = [42, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16];

        let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
        packer.write_all(content).unwrap();
        let content = packer.finish().unwrap();
        let element = |tag: u8, value: &[u8]| {
            let mut out = Vec::new();
            ber::write(&mut out, &[tag], value);
            out
        };
        let smime = |arcs: [u8; 2]| element(6, &[&SMIME[..], &arcs].concat());
        let data = [42, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
        let inside = element(0xa0, &element(4, &content));
        let fields = [
            vec![2, 1, 0],
            element(0x30, &smime([3, algorithm])),
            element(0x30, &[element(6, &data), inside].concat()),
        ];
        let body = element(0xa0, &element(0x30, &fields.concat()));
        element(0x30, &[smime([1, 9]), body].concat())
    }

    #[test]
    fn what_is_inside_comes_out() {
        let read = inflate(&compressed(b"the canary", 8), 100).unwrap();
        assert_eq!(
            (read.bytes.as_slice(), read.whole),
            (&b"the canary"[..], true)
        );
        assert!(inflate(&compressed(b"the canary", 8), 10).unwrap().whole);
        let cut = inflate(&compressed(b"the canary", 8), 9).unwrap();
        assert_eq!(
            (cut.bytes.as_slice(), cut.whole),
            (&b"the canar"[..], false)
        );
    }

    #[test]
    fn a_bomb_is_cut() {
        let bomb = compressed(&vec![b'a'; 4 << 20], 8);
        assert!(bomb.len() < 8192, "{}", bomb.len());
        let read = inflate(&bomb, 1000).unwrap();
        assert_eq!((read.bytes.len(), read.whole), (1000, false));
        assert!(read.bytes.capacity() < 8192, "{}", read.bytes.capacity());
    }

    #[test]
    fn what_cannot_be_unpacked() {
        let other = inflate(&compressed(b"x", 9), 100);
        assert!(matches!(other, Err(Error::Unsupported { .. })), "{other:?}");
        let data = [
            0x30, 0x0f, 6, 9, 42, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1, 0xa0, 2, 4, 0,
        ];
        assert!(matches!(inflate(&data, 9), Err(Error::Structure { .. })));
        let mut damaged = compressed(b"the canary stands here", 8);
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        // The checksum stands at the end.
        assert!(!inflate(&damaged, 100).unwrap().whole);
    }
}
