//! What is known beforehand of the documented properties of a sender. None of it is evidence.

/// Where the text of the mail comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFrom {
    /// The body part of the message.
    Part,
    /// A fixed text.
    Text,
    /// A file.
    File,
    /// The body part, which is a mail itself (`message/rfc822`).
    Message,
}

/// Why a message must not leave, other than for want of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A macro in an address has no value.
    Macro,
    /// A body text has no character set.
    BodyCharset,
    /// The server's name holds what is forbidden in it.
    Host,
    /// A property is longer than it may be.
    Length,
    /// A property holds a line break.
    LineBreak,
}

impl Missing {
    /// What is the matter, after "although".
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Macro => "a macro in an address has no value",
            Self::BodyCharset => "the body text has no character set",
            Self::Host => "the configured name of the server holds a forbidden character",
            Self::Length => "a property is longer than documented",
            Self::LineBreak => "a property holds a line break",
        }
    }
}

/// A property with a documented length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Length {
    /// Its name: `Subject`.
    pub property: &'static str,
    /// Its value. That of a list of addresses has a semicolon between two.
    pub value: String,
    /// The documented length.
    pub most: usize,
    /// How long the value is, by what the documentation counts.
    pub length: usize,
}

/// The properties, as far as they are known.
#[derive(Clone, Debug, Default)]
pub struct Configured {
    /// Where the text comes from.
    pub body_from: Option<BodyFrom>,
    /// The macros that take their value from the message, without percent signs, each with its value if it has one.
    pub macros: Vec<(String, Option<String>)>,
    /// `ReplyBy`, in seconds since 1970-01-01 UTC.
    pub reply_by: Option<i64>,
    /// Properties that are set and have a documented length.
    pub lengths: Vec<Length>,
    /// Recipients that stand in the To field of a body part that is a mail itself, and are not configured.
    pub embedded_to: Vec<String>,
    /// Set where the case is about a message that must not leave.
    pub missing: Option<Missing>,
}
