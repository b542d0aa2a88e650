//! `[client]` and the tables in it.

use super::super::client::{AUTH_MODES, MECHANISMS, TLS_USES};
use super::super::client_parts::{
    CERTIFICATES, CIPHERS, DIGESTS, ENCODINGS, KEY_TRANSPORTS, RECIPIENT_NAMINGS, RECIPIENTS,
    SIGNATURES, SIGNERS, UNASSIGNED, VERSIONS,
};
use super::keys::{Shape, TableKeys, key, words};
use crate::adapter::Twin;

/// `[client]`.
pub(super) const CLIENT: TableKeys = TableKeys {
    name: "[client]",
    one_of: &[],
    list: &[
        key(
            "auth",
            Shape::Words(|| words(&AUTH_MODES)),
            "The authentication mode.",
        ),
        key(
            "mechanism",
            Shape::Words(|| words(&MECHANISMS)),
            "What Basic means.",
        ),
        key(
            "initial_response",
            Shape::Boolean,
            "Whether AUTH carries the first response.",
        ),
        key("username", Shape::Text, "For Basic; a canary by default."),
        key("password", Shape::Text, "For Basic; a canary by default."),
        key(
            "account",
            Shape::Table("account"),
            "For NTLM: the account of the host.",
        ),
        key(
            "tls",
            Shape::Words(|| words(&TLS_USES)),
            "What the client is told to do about TLS.",
        ),
        key(
            "default_auth",
            Shape::Boolean,
            "Whether authentication is left alone on handler and port.",
        ),
        key(
            "backup",
            Shape::Table("[client.backup]"),
            "How the backup transport differs from the first.",
        ),
        key(
            "second_host",
            Shape::Table("account"),
            "The account of another host instance, which sends a message of its own by the same port.",
        ),
        key(
            "handler",
            Shape::Table("[client.handler]"),
            "What the send handler sets; the other keys are the port's.",
        ),
        key(
            "context",
            Shape::Table("[client.context]"),
            "What is set on the context of the message.",
        ),
        key(
            "dynamic",
            Shape::Like("^[Mm][Aa][Ii][Ll][Tt][Oo]:[^?]+@[^?]+$"),
            "The port is a dynamic one with this address.",
        ),
        key(
            "readings",
            Shape::Table("[client.readings]"),
            "How contradictions of the documentation are read.",
        ),
        key(
            "smtp_host",
            Shape::Text,
            "SMTPHost: where `[servers]` has other servers, it decides which is talked to; else it is only checked.",
        ),
        key(
            "unlimited",
            Shape::Boolean,
            "Whether the documented limits are not kept.",
        ),
        key("from", Shape::Text, "The sender."),
        key("to", Shape::List(&Shape::Text), "The recipients."),
        key("cc", Shape::List(&Shape::Text), "Recipients of copies."),
        key(
            "bcc",
            Shape::List(&Shape::Text),
            "Recipients of blind copies.",
        ),
        key(
            "subject",
            Shape::Text,
            "Subject; canaries and macros are filled in.",
        ),
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
        key("body_text", Shape::Text, "The configured body text."),
        key(
            "body_text_charset",
            Shape::Text,
            "The character set of the body text; empty for none.",
        ),
        key(
            "body_file_charset",
            Shape::Text,
            "What the body file is said to be in.",
        ),
        key(
            "body_file",
            Shape::Either(&[Shape::Text, Shape::Table("attachments")]),
            "The configured body, out of a file.",
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
        key(
            "encoder",
            Shape::Table("[client.encoder]"),
            "The send pipeline has an S/MIME encoder.",
        ),
        key(
            "retry",
            Shape::Table("[client.retry]"),
            "How often a message is tried again.",
        ),
        key(
            "pipelining",
            Shape::Boolean,
            "Whether the envelope goes in one group where PIPELINING is offered.",
        ),
        key(
            "chunking",
            Shape::Boolean,
            "Whether the message goes in chunks where CHUNKING is offered.",
        ),
        key(
            "require_tls_onward",
            Shape::Boolean,
            "Whether the message may only go on under TLS (REQUIRETLS).",
        ),
        key(
            "declare_size",
            Shape::Boolean,
            "Whether MAIL declares the length of the message where SIZE is offered.",
        ),
        key("timeout", Shape::Duration, "How long the client waits."),
        key(
            "payload",
            Shape::Table("[client.payload]"),
            "The message out of the MessageBox.",
        ),
        key(
            "wrong_password",
            Shape::Boolean,
            "The client has another password than the server's accounts.",
        ),
        key(
            "twins",
            Shape::List(&Shape::Words(|| {
                Twin::ALL.iter().map(|twin| twin.name()).collect()
            })),
            "How the client misbehaves.",
        ),
        key(
            "control",
            Shape::Boolean,
            "A well-configured message goes first.",
        ),
        key(
            "other_host",
            Shape::Boolean,
            "Another host of the same group sends a message of its own first.",
        ),
    ],
};

/// `account`.
pub(super) const ACCOUNT: TableKeys = TableKeys {
    name: "account",
    one_of: &[],
    list: &[
        key("domain", Shape::Text, "NetBIOS domain."),
        key("user", Shape::Text, "Account name."),
        key("password", Shape::Text, "A canary by default."),
        key(
            "workstation",
            Shape::Text,
            "NetBIOS name of the client's computer.",
        ),
    ],
};

/// `[client.encoder]`.
pub(super) const ENCODER: TableKeys = TableKeys {
    name: "[client.encoder]",
    one_of: &[],
    list: &[
        key(
            "encrypt",
            Shape::Boolean,
            "Whether the message is enveloped.",
        ),
        key(
            "cipher",
            Shape::Words(|| words(&CIPHERS)),
            "The content cipher.",
        ),
        key(
            "signature",
            Shape::Words(|| words(&SIGNATURES)),
            "How the message is signed.",
        ),
        key(
            "transfer_encoding",
            Shape::Words(|| words(&ENCODINGS)),
            "The content transfer encoding.",
        ),
        key(
            "certificate",
            Shape::Words(|| words(&CERTIFICATES)),
            "Whether the recipient's certificate is found, and good.",
        ),
        key(
            "version",
            Shape::Words(|| words(&VERSIONS)),
            "The product's version, which decides the default cipher.",
        ),
        key(
            "unassigned",
            Shape::Words(|| words(&UNASSIGNED)),
            "What follows where no certificate is assigned.",
        ),
        key(
            "add_signing_certificate",
            Shape::Boolean,
            "Whether signatures carry the signer's certificate.",
        ),
        key(
            "check_revocation",
            Shape::Boolean,
            "Whether a revoked certificate is refused.",
        ),
        key(
            "body_as_attachment",
            Shape::Boolean,
            "Whether the body part is an attachment.",
        ),
        key(
            "attachments_added",
            Shape::Boolean,
            "Whether attachments are added after the pipeline.",
        ),
        key(
            "key_transport",
            Shape::Words(|| words(&KEY_TRANSPORTS)),
            "How the content key is encrypted with an RSA key.",
        ),
        key(
            "recipients",
            Shape::List(&Shape::Words(|| words(&RECIPIENTS))),
            "Who can open the message.",
        ),
        key(
            "recipient_naming",
            Shape::Words(|| words(&RECIPIENT_NAMINGS)),
            "How the message names them.",
        ),
        key(
            "digest",
            Shape::Words(|| words(&DIGESTS)),
            "The digest of the signature.",
        ),
        key(
            "signer",
            Shape::Words(|| words(&SIGNERS)),
            "Whose key signs.",
        ),
    ],
};

/// `[client.retry]`.
pub(super) const RETRY: TableKeys = TableKeys {
    name: "[client.retry]",
    one_of: &[],
    list: &[
        key(
            "count",
            Shape::Number(0, u32::MAX as i64),
            "Tries after the first.",
        ),
        key("interval", Shape::Duration, "Time between two tries."),
    ],
};

/// `[client.backup]`.
pub(super) const BACKUP: TableKeys = TableKeys {
    name: "[client.backup]",
    one_of: &[],
    list: &[
        key(
            "auth",
            Shape::Words(|| words(&AUTH_MODES)),
            "The authentication mode.",
        ),
        key(
            "tls",
            Shape::Words(|| words(&TLS_USES)),
            "What the client is told to do about TLS.",
        ),
        key(
            "retry",
            Shape::Table("[client.retry]"),
            "Its own retries; those of the first transport by default.",
        ),
    ],
};

/// `[client.payload]`.
pub(super) const PAYLOAD: TableKeys = TableKeys {
    name: "[client.payload]",
    one_of: &[],
    list: &[
        key(
            "body",
            Shape::Text,
            "The body part; canaries are filled in.",
        ),
        key(
            "repeat",
            Shape::Number(0, u32::MAX as i64),
            "How often the body comes, one behind the other.",
        ),
        key("content_type", Shape::Text, "Its content type."),
        key("source_party", Shape::Text, "A context property."),
        key("source_party_qualifier", Shape::Text, "A context property."),
        key("destination_party", Shape::Text, "A context property."),
        key(
            "destination_party_qualifier",
            Shape::Text,
            "A context property.",
        ),
        key(
            "parts",
            Shape::List(&Shape::Table("parts")),
            "Other parts than the body part.",
        ),
        key(
            "mime",
            Shape::Table("[client.payload.mime]"),
            "MIME properties of the body part.",
        ),
    ],
};

/// `[client.payload.mime]`.
pub(super) const MIME: TableKeys = TableKeys {
    name: "[client.payload.mime]",
    one_of: &[],
    list: &[
        key("file_name", Shape::Text, "FileName."),
        key("content_id", Shape::Text, "ContentID."),
        key("content_description", Shape::Text, "ContentDescription."),
        key("content_location", Shape::Text, "ContentLocation."),
        key(
            "transfer_encoding",
            Shape::Words(|| words(&ENCODINGS)),
            "The transfer encoding of the part, over the encoder's.",
        ),
        key(
            "is_mime_encoded",
            Shape::Boolean,
            "The body is a MIME entity already.",
        ),
        key(
            "is_multipart_related",
            Shape::Boolean,
            "The body goes in a multipart/related.",
        ),
    ],
};

/// `attachments`, and `body_file` where it is a table.
pub(super) const ATTACHMENTS: TableKeys = TableKeys {
    name: "attachments",
    one_of: &[],
    list: &[
        key("name", Shape::Text, "File name, with `text`."),
        key("text", Shape::Text, "Content; canaries are filled in."),
        key(
            "path",
            Shape::Text,
            "A file of this machine, instead of both.",
        ),
    ],
};
