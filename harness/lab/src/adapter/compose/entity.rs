//! MIME entities: a few header fields and an encoded body (RFC 2045, RFC 2046).

use rand::Rng;
use rand::rngs::StdRng;

use super::super::config::{MimeProperties, TransferEncoding};
use super::super::refusal::Refusal;
use super::encoding::{
    base64_lines, canonical, quoted_data, quoted_printable, travels_as_is, uuencoded,
};
use super::headers::{Headers, check, file_name_parameter, unstructured};

/// Room for the header of an entity and a boundary, which spares copies of a large body.
const ROOM: usize = 1024;

/// Header fields and an encoded body with CR LF line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Entity {
    headers: Headers,
    body: Vec<u8>,
    form: Form,
}

/// What of the body is unlike seven-bit text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Form {
    /// It holds bytes over 127.
    eight_bit: bool,
    /// It is of any bytes, in lines of any length.
    binary: bool,
    /// It begins with its own header.
    ready: bool,
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
            form: Form::default(),
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
            form: Form::default(),
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
            form: Form::default(),
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
            form: Form::default(),
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
            TransferEncoding::QuotedPrintable => ("quoted-printable", quoted_data(bytes)),
            TransferEncoding::SevenBit => ("7bit", canonical(bytes)),
            TransferEncoding::EightBit => ("8bit", canonical(bytes)),
            TransferEncoding::Binary => ("binary", bytes.to_vec()),
            TransferEncoding::UuEncode => ("x-uuencode", uuencoded(bytes)),
        };
        let eight_bit = encoding == TransferEncoding::EightBit;
        let binary = encoding == TransferEncoding::Binary;
        if !binary && !travels_as_is(&body, !eight_bit) {
            return Err(Refusal::TransferEncoding(name));
        }
        let mut headers = Headers::default();
        headers.push("Content-Type", content_type);
        headers.push("Content-Transfer-Encoding", name);
        let eight_bit = eight_bit && !body.is_ascii();
        let form = Form {
            eight_bit,
            binary,
            ready: false,
        };
        Ok(Self {
            headers,
            body,
            form,
        })
    }

    /// What is a MIME entity already: its fields all begin with `Content-`, and one is the type.
    ///
    /// # Errors
    /// [`Refusal::NotAnEntity`]; [`Refusal::TransferEncoding`] where it is not in lines that mail can carry.
    pub(super) fn ready(bytes: &[u8]) -> Result<Self, Refusal> {
        let body = canonical(bytes);
        let end = memchr::memmem::find(&body, b"\r\n\r\n").ok_or(Refusal::NotAnEntity)?;
        let header = std::str::from_utf8(body.get(..end).unwrap_or_default())
            .map_err(|_| Refusal::NotAnEntity)?;
        let mut typed = false;
        for (at, line) in header.split("\r\n").enumerate() {
            let name = line.split(':').next().unwrap_or_default();
            let own = name
                .get(..8)
                .is_some_and(|start| start.eq_ignore_ascii_case("Content-"));
            let field = own
                && line.contains(':')
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            let folded = at > 0 && line.starts_with([' ', '\t']);
            if !field && !folded {
                return Err(Refusal::NotAnEntity);
            }
            typed |= field && name.eq_ignore_ascii_case("Content-Type");
        }
        if !typed {
            return Err(Refusal::NotAnEntity);
        }
        if !travels_as_is(&body, false) {
            return Err(Refusal::TransferEncoding("of its own"));
        }
        let form = Form {
            eight_bit: !body.is_ascii(),
            binary: false,
            ready: true,
        };
        Ok(Self {
            headers: Headers::default(),
            body,
            form,
        })
    }

    /// The same with the MIME properties of a message part in its header.
    ///
    /// # Errors
    /// [`Refusal::ControlCharacter`] where one of them would break the header.
    pub(super) fn described(
        mut self,
        mime: &MimeProperties,
        as_attachment: bool,
    ) -> Result<Self, Refusal> {
        let disposition = if as_attachment {
            "attachment"
        } else {
            "inline"
        };
        if let Some(name) = &mime.file_name {
            check("FileName", name)?;
            let parameter = file_name_parameter("filename", name);
            self.headers.push(
                "Content-Disposition",
                format!("{disposition};\r\n\t{parameter}"),
            );
        } else if as_attachment {
            self.headers.push("Content-Disposition", disposition);
        }
        if let Some(id) = &mime.content_id {
            check("ContentID", id)?;
            let bare = id.trim().trim_start_matches('<').trim_end_matches('>');
            let id = format!("<{bare}>");
            self.headers
                .push("Content-ID", unstructured("Content-ID", &id));
        }
        let texts = [
            (
                "ContentDescription",
                "Content-Description",
                &mime.content_description,
            ),
            (
                "ContentLocation",
                "Content-Location",
                &mime.content_location,
            ),
        ];
        for (property, field, text) in texts {
            if let Some(text) = text {
                check(property, text)?;
                self.headers.push(field, unstructured(field, text));
            }
        }
        Ok(self)
    }

    /// The same with a copy of header fields of the message, marked as such (RFC 9788 section 2.1). What only a bad twin
    /// writes.
    pub(super) fn with_header(mut self, fields: Headers) -> Self {
        self.headers.add_parameter("Content-Type", "hp=\"cipher\"");
        self.headers.append(fields);
        self
    }

    /// A message with these fields around the entity (RFC 8551 section 3.1). What only a bad twin writes.
    pub(super) fn wrapped(self, fields: &Headers) -> Self {
        let mut body = Vec::new();
        fields.write(&mut body);
        body.extend_from_slice(&self.bytes());
        let mut headers = Headers::default();
        headers.push("Content-Type", "message/rfc822; forwarded=no");
        Self {
            headers,
            body,
            form: self.form,
        }
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
            quoted_data(der)
        } else {
            base64_lines(der)
        };
        Self {
            headers,
            body,
            form: Form::default(),
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
            form: Form::default(),
        }
    }

    /// Several entities as one. `kind` is the subtype with its parameters, such as `mixed`.
    pub(super) fn multipart(kind: &str, boundary: &str, parts: &[Self]) -> Self {
        let mut headers = Headers::default();
        headers.push(
            "Content-Type",
            format!("multipart/{kind};\r\n\tboundary=\"{boundary}\""),
        );
        let form = Form {
            eight_bit: parts.iter().any(|part| part.form.eight_bit),
            binary: parts.iter().any(|part| part.form.binary),
            ready: false,
        };
        if form.binary {
            headers.push("Content-Transfer-Encoding", "binary");
        } else if form.eight_bit {
            headers.push("Content-Transfer-Encoding", "8bit");
        }
        let room: usize = parts.iter().map(|part| part.body.len() + ROOM).sum();
        let mut body = Vec::with_capacity(room + ROOM);
        body.extend_from_slice(b"This is a multi-part message in MIME format.\r\n");
        for part in parts {
            body.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
            part.write_head(&mut body);
            body.extend_from_slice(&part.body);
        }
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        Self {
            headers,
            body,
            form,
        }
    }

    /// The entity as it is signed, encrypted or put into a message.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len() + ROOM);
        self.write_head(&mut out);
        out.extend_from_slice(&self.body);
        out
    }

    /// Appends the header fields and the empty line behind them.
    pub(super) fn write_head(&self, out: &mut Vec<u8>) {
        self.headers.write(out);
        if !self.form.ready {
            out.extend_from_slice(b"\r\n");
        }
    }

    /// What comes after them.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether it holds bytes over 127, which MAIL has to announce (RFC 6152).
    pub(super) fn eight_bit(&self) -> bool {
        self.form.eight_bit
    }

    /// Whether it can only go as it is, in binary (RFC 3030).
    pub(super) fn is_binary(&self) -> bool {
        self.form.binary
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
