//! Messages: envelope, header, attachments.

use serde::{Deserialize, Serialize};
use smtp::message::{Field, Part};
use smtp::timeline::Transaction;

use super::body::{self, Body, CmsObject};
use super::opened::{self, WithKey};
use super::{MAX_ENTRIES, MAX_MAILS, View, is_under_tls};
use crate::capped::Capped;
use crate::subject::Sent;

/// Fields whose values are shown. Of the others only the name is.
const SHOWN: [&str; 14] = [
    "From",
    "Sender",
    "To",
    "Cc",
    "Bcc",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "User-Agent",
    "X-Mailer",
    "X-Originating-IP",
    "In-Reply-To",
    "Organization",
];

/// Attachments that are listed for one message.
pub(super) const MAX_ATTACHMENTS: usize = 32;

/// One mail transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct Mail {
    /// The reverse-path, without angle brackets.
    pub reverse_path: String,
    /// The forward-paths.
    pub recipients: Capped<Recipient>,
    /// Whether the server took the message; `None` where that was not seen, or none was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    /// The fields of the message header.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub header: Capped<Header>,
    /// Parts with a file name, or that are no text.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub attachments: Capped<Attachment>,
    /// Octets of the content on the wire.
    #[serde(default, skip_serializing_if = "crate::capped::is_zero")]
    pub octets: u64,
    /// Whether the body can be read; `None` where no content was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// CMS objects, outermost first.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub cms: Capped<CmsObject>,
    /// What the auditor's keys show of the encrypted parts. Nobody without the key can see any of it.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub opened: Capped<WithKey>,
    /// The time zone of the Date field, as `+0100`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Whether it crossed under TLS, and is only read because the key is at hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_tls: bool,
    /// Packet of the MAIL command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
}

/// One recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Recipient {
    /// The forward-path, without angle brackets.
    pub address: String,
    /// Whether the server took it; `None` where that was not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
}

/// One header field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value with encoded words decoded, for the fields that an auditor wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its packet, where the value is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
}

/// One attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct Attachment {
    /// The file name, with RFC 2231 and RFC 2047 undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The type that it is said to have.
    pub content_type: String,
    /// Packet of its header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
}

/// The transactions of a conversation.
pub(super) fn mails(view: &View<'_>, all: &[(&Transaction, Option<Sent<'_>>)]) -> Capped<Mail> {
    let mut mails = Capped::default();
    for (transaction, sent) in all {
        if mails.items.len() < MAX_MAILS {
            mails.push(mail(view, transaction, sent.as_ref()), MAX_MAILS);
        } else {
            mails.left_out += 1;
        }
    }
    mails
}

fn mail(view: &View<'_>, transaction: &Transaction, sent: Option<&Sent<'_>>) -> Mail {
    let recipient = |one: &smtp::timeline::Recipient| Recipient {
        address: view.text(&one.address.value),
        accepted: one.accepted,
    };
    let mut recipients = Capped::of(
        transaction
            .recipients
            .iter()
            .take(MAX_ENTRIES)
            .map(recipient),
        MAX_ENTRIES,
    );
    recipients.left_out = transaction.recipients.len().saturating_sub(MAX_ENTRIES) as u64;
    let start = view
        .timeline
        .request(transaction.mail)
        .map(|event| event.span);
    let mut mail = Mail {
        reverse_path: view.text(&transaction.reverse_path.value),
        recipients,
        accepted: None,
        header: Capped::default(),
        attachments: Capped::default(),
        octets: 0,
        body: None,
        cms: Capped::default(),
        opened: Capped::default(),
        zone: None,
        under_tls: start.is_some_and(|span| is_under_tls(view.timeline, span)),
        packet: start.and_then(|span| view.packet(span)),
    };
    if let Some(sent) = sent {
        mail.content(view, sent);
    }
    mail
}

impl Mail {
    fn content(&mut self, view: &View<'_>, sent: &Sent<'_>) {
        self.accepted = sent.data.accepted;
        self.octets = sent.data.span.len();
        self.body = Some(Body::of(sent));
        for field in sent.message.fields() {
            self.header.insert(header(view, sent, field), MAX_ENTRIES);
        }
        self.zone = sent
            .message
            .header("Date")
            .and_then(|date| zone(&date.value))
            .map(str::to_owned);
        let leaves = sent.message.parts().filter(|part| {
            part.children.is_empty() && !part.content_type.starts_with("multipart/")
        });
        for part in leaves {
            if let Some(mut found) = attachment(view, part) {
                found.packet = view.packet(sent.span(part.header.clone()));
                self.attachments.push(found, MAX_ATTACHMENTS);
            }
        }
        for blob in sent.blobs() {
            if self.cms.items.len() < MAX_ENTRIES {
                self.cms.push(body::object(view, &blob), MAX_ENTRIES);
            } else {
                self.cms.left_out += 1;
            }
        }
        self.opened = opened::all(view, sent);
    }
}

fn header(view: &View<'_>, sent: &Sent<'_>, field: &Field) -> Header {
    let shown = SHOWN.iter().any(|name| field.is(name));
    Header {
        name: view.text(&field.name),
        value: shown.then(|| view.text(&field.decoded)),
        packet: shown
            .then(|| view.packet(sent.span(field.range.clone())))
            .flatten(),
    }
}

/// The zone at the end of a Date value: `+0100`, or a name as older programs write it.
fn zone(date: &str) -> Option<&str> {
    let end = date.find('(').unwrap_or(date.len());
    let last = date.get(..end)?.split_ascii_whitespace().last()?;
    let offset = last.len() == 5
        && last.starts_with(['+', '-'])
        && last.bytes().skip(1).all(|byte| byte.is_ascii_digit());
    let name = last.len() <= 5 && last.bytes().all(|byte| byte.is_ascii_uppercase());
    (offset || name).then_some(last)
}

/// A part as an attachment, if it is one. Its packet is left open.
pub(super) fn attachment(view: &View<'_>, part: &Part) -> Option<Attachment> {
    let name = part.file_name();
    is_attachment(part, name.as_ref()).then(|| Attachment {
        name: name.and_then(|name| view.some(&name)),
        content_type: view.text(&part.content_type),
        packet: None,
    })
}

/// Whether a part is an attachment: it says so, has a file name, or is no text.
fn is_attachment(part: &Part, name: Option<&String>) -> bool {
    let disposition = part.field("Content-Disposition");
    let attached = disposition.is_some_and(|field| {
        let word = field.value.get(..10);
        word.is_some_and(|word| word.eq_ignore_ascii_case("attachment"))
    });
    attached || name.is_some() || !part.content_type.starts_with("text/")
}
