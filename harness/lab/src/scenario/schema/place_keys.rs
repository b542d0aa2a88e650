//! The tables of the places where a property can be set, and of the readings.

use super::super::client::AUTH_MODES;
use super::keys::{Shape, TableKeys, key, words};
use crate::adapter::readings::{
    BodyTextCharset, FromMacro, HostReading, ReplyByField, Rfc822Payload, SubjectDefault,
    UnresolvedMacro,
};

/// `[client.handler]`.
pub(super) const HANDLER: TableKeys = TableKeys {
    name: "[client.handler]",
    one_of: &[],
    list: &[
        key("smtp_host", Shape::Text, "SMTPHost."),
        key("from", Shape::Text, "The sender."),
        key(
            "auth",
            Shape::Words(|| words(&AUTH_MODES)),
            "The authentication mode.",
        ),
        key("username", Shape::Text, "For Basic."),
        key("password", Shape::Text, "For Basic."),
    ],
};

/// `[client.context]`.
pub(super) const CONTEXT: TableKeys = TableKeys {
    name: "[client.context]",
    one_of: &[],
    list: &[
        key(
            "upstream",
            Shape::Table("context"),
            "Set in an orchestration or a receive pipeline: weaker than a static port.",
        ),
        key(
            "pipeline",
            Shape::Table("context"),
            "Set in the send pipeline: stronger than any port.",
        ),
    ],
};

/// `upstream` and `pipeline`.
pub(super) const PROPERTIES: TableKeys = TableKeys {
    name: "context",
    one_of: &[],
    list: &[
        key("smtp_host", Shape::Text, "SMTPHost."),
        key("from", Shape::Text, "The sender."),
        key(
            "auth",
            Shape::Words(|| words(&AUTH_MODES)),
            "The authentication mode.",
        ),
        key("username", Shape::Text, "For Basic."),
        key("password", Shape::Text, "For Basic."),
        key("cc", Shape::List(&Shape::Text), "Recipients of copies."),
        key("subject", Shape::Text, "Subject; macros are filled in."),
        key(
            "read_receipt",
            Shape::Boolean,
            "Whether a read receipt is asked for.",
        ),
        key(
            "delivery_receipt",
            Shape::Boolean,
            "Whether a delivery receipt is asked for.",
        ),
        key("body_text", Shape::Text, "The body text."),
        key(
            "body_text_charset",
            Shape::Text,
            "The character set of the body text.",
        ),
        key(
            "body_file",
            Shape::Either(&[Shape::Text, Shape::Table("attachments")]),
            "The body, out of a file.",
        ),
        key(
            "body_file_charset",
            Shape::Text,
            "What the body file is said to be in.",
        ),
        key(
            "attachments",
            Shape::List(&Shape::Table("attachments")),
            "Files that are attached.",
        ),
        key(
            "message_parts_attachments",
            Shape::Number(0, 2),
            "0 attaches nothing of the payload, 1 the body part, 2 all parts.",
        ),
        key("reply_by", Shape::Text, "An RFC 3339 time."),
    ],
};

/// `[client.readings]`.
pub(super) const READINGS: TableKeys = TableKeys {
    name: "[client.readings]",
    one_of: &[],
    list: &[
        key(
            "subject_default",
            Shape::Words(|| words(SubjectDefault::WORDS)),
            "What a Subject that is not set is.",
        ),
        key(
            "unresolved_macro",
            Shape::Words(|| words(UnresolvedMacro::WORDS)),
            "What becomes of a macro without a value in an address.",
        ),
        key(
            "from_macro",
            Shape::Words(|| words(FromMacro::WORDS)),
            "Whether a macro works in From.",
        ),
        key(
            "body_text_charset",
            Shape::Words(|| words(BodyTextCharset::WORDS)),
            "What a body text without a character set is sent in.",
        ),
        key(
            "reply_by",
            Shape::Words(|| words(ReplyByField::WORDS)),
            "Which field ReplyBy fills.",
        ),
        key(
            "smtp_host",
            Shape::Words(|| words(HostReading::WORDS)),
            "What a colon in SMTPHost is.",
        ),
        key(
            "rfc822",
            Shape::Words(|| words(Rfc822Payload::WORDS)),
            "What is sent of a part that is a message.",
        ),
    ],
};

/// `parts`.
pub(super) const PARTS: TableKeys = TableKeys {
    name: "parts",
    one_of: &[],
    list: &[
        key("name", Shape::Text, "The name that it is attached under."),
        key("content_type", Shape::Text, "Its content type."),
        key("text", Shape::Text, "Its content."),
    ],
};
