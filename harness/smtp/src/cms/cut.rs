//! CMS whose end is missing: captures are snapped, and of long messages only the beginning is kept.
//!
//! What identifies the protection stands at the beginning: the content type, then either the recipients and the cipher or
//! the digests, and only then the content. A signature stands at the end, so a cut message never has a valid one.

use cms::cert::CertificateChoices;
use cms::der::Decode;
use cms::der::asn1::ObjectIdentifier;
use cms::enveloped_data::RecipientInfo;
use cms::signed_data::SignerInfo;
use cms::spki::AlgorithmIdentifierOwned;

use super::ber::{self, CutValue};
use super::{Algorithm, Cms, Enveloped, Signed, oid, read};
use crate::tlv::{Element, child, elements};

const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// Where a message breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CutPlace {
    /// Before anything but the content type.
    Beginning,
    /// Among the recipients: there may be more of them.
    Recipients,
    /// Between the recipients and the encrypted content; the cipher may be missing.
    Cipher,
    /// In the content, encrypted or signed.
    Content,
    /// Among the certificates of a signature: there may be more of them.
    Certificates,
    /// Among the signers: there may be more of them.
    Signers,
    /// After the encrypted content.
    End,
}

/// What is missing from a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cut {
    /// Where it breaks off.
    pub place: CutPlace,
    /// How many bytes of it are there.
    pub octets: usize,
}

impl Cut {
    /// Whether every algorithm and every recipient of `cms` stands before the cut: so with an encrypted message that is cut
    /// in its content. The signers of a signed message stand behind it, so nothing good may be said of a cut one.
    pub const fn spares_algorithms(&self, cms: &Cms) -> bool {
        cms.is_encrypted() && matches!(self.place, CutPlace::Content | CutPlace::End)
    }
}

/// The content type that the first bytes promise, in dotted form, if they begin a `ContentInfo` of a type that S/MIME
/// uses (RFC 5652, RFC 5083, RFC 3274). Looks at no more than 32 bytes, so it may be asked of anything.
pub fn sniff(bytes: &[u8]) -> Option<&'static str> {
    const PREFIX: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1];
    let (&SEQUENCE, rest) = bytes.split_first()? else {
        return None;
    };
    let (&length, rest) = rest.split_first()?;
    let rest = match length {
        0x81..=0x84 => rest.get(usize::from(length & 0x7f)..)?,
        0x85.. => return None,
        _ => rest,
    };
    let (&[OBJECT_IDENTIFIER, length], rest) = rest.split_first_chunk()? else {
        return None;
    };
    match rest.get(..usize::from(length))?.strip_prefix(PREFIX)? {
        [7, 2] => Some(oid::SIGNED_DATA),
        [7, 3] => Some(oid::ENVELOPED_DATA),
        [9, 16, 1, 23] => Some(oid::AUTH_ENVELOPED_DATA),
        [9, 16, 1, 9] => Some(oid::COMPRESSED_DATA),
        _ => None,
    }
}

/// Reads as much of a cut `ContentInfo` (DER or BER) as is there, and says where it breaks off.
///
/// What the cut goes through is not guessed at. Where the cipher is missing, it is [`Algorithm::unread`]; a list may be
/// shorter than it was. `None` where the bytes are not the beginning of a message that S/MIME uses, and where nothing is
/// missing: then [`Cms::read`] is the reader.
pub fn read_cut(bytes: &[u8]) -> Option<(Cms, Cut)> {
    let content_type = sniff(bytes)?;
    let (der, cut) = ber::definite_cut(bytes).ok()?;
    let cut = cut?;
    let info = child(&der, SEQUENCE)?;
    let content = child(info, 0xa0).and_then(|content| child(content, SEQUENCE));
    let content = content.unwrap_or_default();
    let (cms, place) = match content_type {
        oid::ENVELOPED_DATA => {
            let (data, place) = enveloped(content, cut);
            (Cms::Enveloped(data), place)
        }
        oid::AUTH_ENVELOPED_DATA => {
            let (data, place) = enveloped(content, cut);
            (Cms::AuthEnveloped(data), place)
        }
        oid::SIGNED_DATA => {
            let (data, place) = signed(content)?;
            (Cms::Signed(data), place)
        }
        _ => (Cms::Compressed, CutPlace::Content),
    };
    let octets = bytes.len();
    Some((cms, Cut { place, octets }))
}

impl Algorithm {
    /// In place of an algorithm that was not captured: no object identifier, and a name that says so.
    pub fn unread() -> Self {
        Self {
            oid: String::new(),
            name: "not captured".to_owned(),
            key_bits: None,
        }
    }

    /// Whether the message was cut before its name.
    pub fn is_unread(&self) -> bool {
        self.oid.is_empty()
    }
}

fn enveloped(content: &[u8], cut: CutValue) -> (Enveloped, CutPlace) {
    let mut data = Enveloped {
        cipher: Algorithm::unread(),
        recipients: Vec::new(),
        inner_content_type: String::new(),
        content_length: None,
        iv_length: None,
    };
    let mut place = CutPlace::Beginning;
    let mut open = false;
    for element in elements(content) {
        match (element.tag, place) {
            (SET, CutPlace::Beginning) => {
                open = recipients(element.value, &mut data);
                place = CutPlace::Recipients;
            }
            (SEQUENCE, CutPlace::Recipients) => {
                place = encrypted(element.value, cut, &mut data);
            }
            (_, CutPlace::Content) => place = CutPlace::End,
            _ => {}
        }
    }
    if place == CutPlace::Recipients && open {
        last_recipient(cut, &mut data);
    }
    (data, place)
}

/// Returns whether the last one reads as key transport, so that only its encrypted key can be cut.
fn recipients(set: &[u8], data: &mut Enveloped) -> bool {
    let mut last = false;
    for element in elements(set) {
        let info = RecipientInfo::from_ber(element.raw);
        last = matches!(info, Ok(RecipientInfo::Ktri(_)));
        data.recipients
            .extend(info.iter().flat_map(read::recipients));
    }
    last
}

/// The cut may go through the encrypted key of the last recipient, whose length is told before it begins.
fn last_recipient(cut: CutValue, data: &mut Enveloped) {
    let Some(last) = data.recipients.last_mut() else {
        return;
    };
    if cut.tag == OCTET_STRING
        && let Some(length) = cut.length
        && last.encrypted_key_length < length
    {
        last.encrypted_key_length = length;
    }
}

/// `EncryptedContentInfo`; returns where the cut is if nothing follows.
fn encrypted(info: &[u8], cut: CutValue, data: &mut Enveloped) -> CutPlace {
    let mut place = CutPlace::Cipher;
    let mut algorithm = None;
    for Element { tag, value, raw } in elements(info) {
        match tag {
            OBJECT_IDENTIFIER => {
                let oid = ObjectIdentifier::from_bytes(value);
                data.inner_content_type = oid.map(|oid| oid.to_string()).unwrap_or_default();
            }
            SEQUENCE => algorithm = AlgorithmIdentifierOwned::from_ber(raw).ok(),
            0x80 => {
                place = CutPlace::Content;
                data.content_length = match (cut.tag, cut.length) {
                    (0x80, length) => length,
                    // In pieces, of which nobody knows how many there were; or whole, with the cut behind it.
                    (OCTET_STRING, _) => None,
                    _ => Some(value.len()),
                };
            }
            _ => {}
        }
    }
    if let Some(algorithm) = algorithm {
        data.cipher = oid::algorithm(&algorithm);
        // A cut that goes through the parameters leaves an incomplete initialisation vector.
        if place == CutPlace::Content {
            data.iv_length = oid::iv_length(&algorithm);
        }
    }
    place
}

/// `None` where not even the place of the content is known: then nobody can say whether it is inside.
fn signed(content: &[u8]) -> Option<(Signed, CutPlace)> {
    let mut data = Signed {
        digests: Vec::new(),
        signers: Vec::new(),
        certificates: Vec::new(),
        inner_content_type: String::new(),
        content: None,
    };
    let mut place = CutPlace::Beginning;
    let mut parts = elements(content).peekable();
    while let Some(element) = parts.next() {
        let last = parts.peek().is_none();
        match (element.tag, place) {
            (SET, CutPlace::Beginning) => {
                let all = elements(element.value);
                let all = all.filter_map(|e| AlgorithmIdentifierOwned::from_ber(e.raw).ok());
                data.digests = all.map(|read| oid::algorithm(&read)).collect();
            }
            (SEQUENCE, CutPlace::Beginning) => {
                place = CutPlace::Content;
                let oid = ObjectIdentifier::from_bytes(child(element.value, OBJECT_IDENTIFIER)?);
                data.inner_content_type = oid.ok()?.to_string();
                data.content = child(element.value, 0xa0)
                    .and_then(|explicit| child(explicit, OCTET_STRING))
                    .map(<[u8]>::to_vec);
                // Where nothing follows, the cut may have taken the content.
                if last && data.content.is_none() {
                    return None;
                }
            }
            (0xa0, _) => {
                place = CutPlace::Certificates;
                for element in elements(element.value) {
                    if let Ok(CertificateChoices::Certificate(certificate)) =
                        CertificateChoices::from_ber(element.raw)
                    {
                        data.certificates.push(read::certificate(&certificate));
                    }
                }
            }
            (SET, _) => {
                place = CutPlace::Signers;
                signers(element.value, &mut data);
            }
            _ => {}
        }
    }
    (place != CutPlace::Beginning).then_some((data, place))
}

/// The signers before the one that the cut goes through. Its signature would be no signature.
fn signers(set: &[u8], data: &mut Signed) {
    let all: Vec<_> = elements(set).collect();
    let whole = all.split_last().map_or(&[][..], |(_, whole)| whole);
    for element in whole {
        if let Ok(info) = SignerInfo::from_ber(element.raw) {
            data.signers.push(read::signer(&info));
        }
    }
}

#[cfg(test)]
mod tests;
