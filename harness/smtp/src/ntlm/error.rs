//! What can be wrong with an NTLMSSP message.

/// Why a message could not be read or made. Texts name fields and offsets, never contents.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The eight bytes `NTLMSSP\0` are missing.
    #[error("not an NTLMSSP message: the signature at offset 0 is missing")]
    Signature,
    /// The message is of another type.
    #[error("message type {found} at offset 8 where type {wanted} belongs")]
    Type {
        /// The type that was asked for.
        wanted: u32,
        /// The type on the wire.
        found: u32,
    },
    /// The message ends inside a part that every message of its type has.
    #[error("the message ends at offset {len}, inside {field} at offset {offset}")]
    Short {
        /// The part.
        field: &'static str,
        /// Where the part begins.
        offset: usize,
        /// Length of the message.
        len: usize,
    },
    /// A descriptor points past the end of the message.
    #[error(
        "{field} (descriptor at offset {offset}) lies at {start}..{end}, past the end at {len}"
    )]
    Outside {
        /// The field.
        field: &'static str,
        /// Where its descriptor stands.
        offset: usize,
        /// First byte of the payload.
        start: usize,
        /// One past its last byte.
        end: usize,
        /// Length of the message.
        len: usize,
    },
    /// A descriptor points into the fixed part of the message.
    #[error(
        "{field} (descriptor at offset {offset}) begins at {start}, inside the header that ends at {header}"
    )]
    InsideHeader {
        /// The field.
        field: &'static str,
        /// Where its descriptor stands.
        offset: usize,
        /// First byte of the payload.
        start: usize,
        /// End of the fixed part.
        header: usize,
    },
    /// Two payloads share bytes.
    #[error("{first} and {second} overlap at offset {offset}")]
    Overlap {
        /// The field that begins first.
        first: &'static str,
        /// The field that begins inside it.
        second: &'static str,
        /// Where the second begins.
        offset: usize,
    },
    /// A list of attribute pairs has no closing pair (MS-NLMP section 2.2.2.1).
    #[error("{field}: the attribute list ends at offset {offset} without a closing pair")]
    Unterminated {
        /// The field that holds the list.
        field: &'static str,
        /// Where the list breaks off.
        offset: usize,
    },
    /// UTF-16 text of an odd number of bytes.
    #[error(
        "{field} at offset {offset} is declared as UTF-16 and has an odd number of bytes ({len})"
    )]
    OddUtf16 {
        /// The field.
        field: &'static str,
        /// Where its text begins.
        offset: usize,
        /// Its length in bytes.
        len: usize,
    },
    /// A value is longer than the 65535 bytes that a descriptor can state.
    #[error("{field} is longer than 65535 bytes; shorten it")]
    TooLong {
        /// The field.
        field: &'static str,
    },
    /// Text outside ASCII for a peer that did not agree to Unicode.
    #[error(
        "{field} has characters outside ASCII, and the peer did not agree to Unicode; use an ASCII name"
    )]
    NeedsUnicode {
        /// The field.
        field: &'static str,
    },
    /// The password is not UTF-8, so its UTF-16 form is unknown.
    #[error("the password is not UTF-8; give it as UTF-8 text")]
    PasswordEncoding,
}
