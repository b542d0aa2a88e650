//! MIME entities: a few header fields and an encoded body (RFC 2045, RFC 2046).

use rand::Rng;
use rand::rngs::StdRng;

use super::super::config::TransferEncoding;
use super::super::refusal::Refusal;
use super::encoding::{base64_lines, canonical, quoted_printable, travels_as_is};
use super::headers::{Headers, file_name_parameter};

/// Header fields and an encoded body with CR LF line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Entity {
    headers: Headers,
    body: Vec<u8>,
    eight_bit: bool,
}

impl Entity {
    /// Text in UTF-8. It travels as it is where it can, and quoted-printable otherwise.
    pub(super) fn text(subtype: &'static str, text: &[u8]) -> Self {
        Self::text_in(subtype, "utf-8", text)
    }

    /// As [`Entity::text`], in a character set in which CR and LF are the octets that they are in ASCII. `charset` is a token.
    pub(super) fn text_in(subtype: &'static str, charset: &str, text: &[u8]) -> Self {
        let text = canonical(text);
        let as_is = travels_as_is(&text, true);
        let mut headers = Headers::default();
        headers.push("Content-Type", format!("text/{subtype}; charset={charset}"));
        headers.push(
            "Content-Transfer-Encoding",
            if as_is { "7bit" } else { "quoted-printable" },
        );
        let body = if as_is {
            text
        } else {
            quoted_printable(&text, true)
        };
        Self {
            headers,
            body,
            eight_bit: false,
        }
    }

    /// Plain text that a bad twin sends without looking at it.
    pub(super) fn as_it_is(text: &[u8]) -> Self {
        let mut headers = Headers::default();
        headers.push("Content-Type", "text/plain; charset=utf-8");
        headers.push("Content-Transfer-Encoding", "7bit");
        Self {
            headers,
            body: text.to_vec(),
            eight_bit: false,
        }
    }

    /// Bytes of a given type in base64.
    pub(super) fn binary(content_type: &str, bytes: &[u8]) -> Self {
        let mut headers = Headers::default();
        headers.push("Content-Type", content_type);
        headers.push("Content-Transfer-Encoding", "base64");
        Self {
            headers,
            body: base64_lines(bytes),
            eight_bit: false,
        }
    }

    /// An attachment in base64.
    pub(super) fn attachment(content_type: &str, name: &str, bytes: &[u8]) -> Self {
        let mut headers = Headers::default();
        headers.push(
            "Content-Type",
            format!("{content_type};\r\n\t{}", file_name_parameter("name", name)),
        );
        headers.push("Content-Transfer-Encoding", "base64");
        headers.push(
            "Content-Disposition",
            format!("attachment;\r\n\t{}", file_name_parameter("filename", name)),
        );
        Self {
            headers,
            body: base64_lines(bytes),
            eight_bit: false,
        }
    }

    /// Bytes of a given type in the transfer encoding that the encoder is told to use.
    ///
    /// # Errors
    /// [`Refusal::TransferEncoding`] where `7bit` or `8bit` cannot carry the bytes.
    pub(super) fn encoded(
        content_type: &str,
        encoding: TransferEncoding,
        bytes: &[u8],
    ) -> Result<Self, Refusal> {
        let (name, body) = match encoding {
            TransferEncoding::Base64 => ("base64", base64_lines(bytes)),
            TransferEncoding::QuotedPrintable if is_text(bytes) => (
                "quoted-printable",
                quoted_printable(&canonical(bytes), true),
            ),
            TransferEncoding::QuotedPrintable => {
                ("quoted-printable", quoted_printable(bytes, false))
            }
            TransferEncoding::SevenBit => ("7bit", canonical(bytes)),
            TransferEncoding::EightBit => ("8bit", canonical(bytes)),
        };
        let eight_bit = encoding == TransferEncoding::EightBit;
        if !travels_as_is(&body, !eight_bit) {
            return Err(Refusal::TransferEncoding(name));
        }
        let mut headers = Headers::default();
        headers.push("Content-Type", content_type);
        headers.push("Content-Transfer-Encoding", name);
        let eight_bit = eight_bit && !body.is_ascii();
        Ok(Self {
            headers,
            body,
            eight_bit,
        })
    }

    /// An S/MIME blob (RFC 8551 section 3.2). A blob is never text, so all but quoted-printable means base64.
    pub(super) fn blob(smime_type: &str, encoding: TransferEncoding, der: &[u8]) -> Self {
        let quoted = encoding == TransferEncoding::QuotedPrintable;
        let mut headers = Headers::default();
        headers.push(
            "Content-Type",
            format!("application/pkcs7-mime; smime-type={smime_type};\r\n\tname=\"smime.p7m\""),
        );
        headers.push(
            "Content-Transfer-Encoding",
            if quoted { "quoted-printable" } else { "base64" },
        );
        headers.push("Content-Disposition", "attachment; filename=\"smime.p7m\"");
        let body = if quoted {
            quoted_printable(der, false)
        } else {
            base64_lines(der)
        };
        Self {
            headers,
            body,
            eight_bit: false,
        }
    }

    /// The detached signature of a `multipart/signed` (RFC 8551 section 3.5.3.2).
    ///
    /// The documentation does not give its media type. It is written in the early form (RFC 2311 appendix C), as mail
    /// components of Windows wrote it; readers take both.
    pub(super) fn signature(der: &[u8]) -> Self {
        let mut headers = Headers::default();
        headers.push(
            "Content-Type",
            "application/x-pkcs7-signature; name=\"smime.p7s\"",
        );
        headers.push("Content-Transfer-Encoding", "base64");
        headers.push("Content-Disposition", "attachment; filename=\"smime.p7s\"");
        Self {
            headers,
            body: base64_lines(der),
            eight_bit: false,
        }
    }

    /// Several entities as one. `kind` is the subtype with its parameters, such as `mixed`.
    pub(super) fn multipart(kind: &str, boundary: &str, parts: &[Self]) -> Self {
        let mut headers = Headers::default();
        headers.push(
            "Content-Type",
            format!("multipart/{kind};\r\n\tboundary=\"{boundary}\""),
        );
        let eight_bit = parts.iter().any(|part| part.eight_bit);
        if eight_bit {
            headers.push("Content-Transfer-Encoding", "8bit");
        }
        let mut body = b"This is a multi-part message in MIME format.\r\n".to_vec();
        for part in parts {
            body.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
            body.extend_from_slice(&part.bytes());
        }
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        Self {
            headers,
            body,
            eight_bit,
        }
    }

    /// The entity as it is signed, encrypted or put into a message.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len() + 256);
        self.headers.write(&mut out);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
        out
    }

    /// Whether it holds bytes over 127, which MAIL has to announce (RFC 6152).
    pub(super) fn eight_bit(&self) -> bool {
        self.eight_bit
    }
}

/// Whether bytes are text: UTF-8 without control characters other than TAB, CR, LF and form feed.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        !text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\n' | '\u{c}'))
    })
}

/// Boundaries in the form that MimeOLE gives them, each with its number and the same two random words.
#[derive(Debug)]
pub(super) struct Boundaries {
    next: u16,
    /// Absent where they tell nothing at all, as a bad twin has them.
    words: Option<[u32; 2]>,
}

impl Boundaries {
    pub(super) fn new(rng: &mut StdRng) -> Self {
        Self {
            next: 0,
            words: Some([rng.next_u32(), rng.next_u32()]),
        }
    }

    pub(super) fn plain() -> Self {
        Self {
            next: 0,
            words: None,
        }
    }

    pub(super) fn next(&mut self) -> String {
        let boundary = match self.words {
            Some([high, low]) => {
                format!("----=_NextPart_000_{:04X}_{high:08X}.{low:08X}", self.next)
            }
            None => format!("part-{}", self.next),
        };
        self.next = self.next.wrapping_add(1);
        boundary
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rstest::rstest;

    use super::*;

    #[rstest]
    // Base64 carries the bytes as they are: their line ends are not touched.
    #[case(TransferEncoding::Base64, "ccOpCmI=\r\n", false)]
    #[case(TransferEncoding::QuotedPrintable, "q=C3=A9\r\nb", false)]
    #[case(TransferEncoding::EightBit, "qé\r\nb", true)]
    fn transfer_encodings(
        #[case] encoding: TransferEncoding,
        #[case] expected: &str,
        #[case] eight_bit: bool,
    ) {
        let text = "qé\nb";
        let entity = Entity::encoded("text/xml", encoding, text.as_bytes()).unwrap();
        assert_eq!(entity.eight_bit(), eight_bit);
        let bytes = String::from_utf8(entity.bytes()).unwrap();
        let body = bytes.split_once("\r\n\r\n").unwrap().1;
        assert_eq!(body, expected);
    }

    #[test]
    fn seven_bits_refuse_what_they_cannot_carry() {
        let refused =
            |bytes: &[u8], encoding| Entity::encoded("text/plain", encoding, bytes).unwrap_err();
        assert_eq!(
            refused("é".as_bytes(), TransferEncoding::SevenBit),
            Refusal::TransferEncoding("7bit")
        );
        assert_eq!(
            refused(b"a\0b", TransferEncoding::EightBit),
            Refusal::TransferEncoding("8bit")
        );
    }

    #[test]
    fn boundaries_have_the_documented_form_and_differ() {
        let mut boundaries = Boundaries::new(&mut StdRng::seed_from_u64(1));
        let (one, two) = (boundaries.next(), boundaries.next());
        assert_ne!(one, two);
        let rest = one.strip_prefix("----=_NextPart_000_0000_").unwrap();
        assert_eq!(rest.len(), 17);
        assert!(rest.bytes().enumerate().all(|(at, b)| if at == 8 {
            b == b'.'
        } else {
            b.is_ascii_hexdigit()
        }));
    }
}
