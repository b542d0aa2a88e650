//! Programs that name themselves, or that their habits name.

use serde::{Deserialize, Serialize};
use smtp::timeline::Transaction;
use wire::Span;

use super::{MAX_ENTRIES, MAX_MAILS, View};
use crate::brief;
use crate::capped::Capped;
use crate::subject::Sent;

/// Fields in which a program names itself.
const FIELDS: [&str; 6] = [
    "User-Agent",
    "X-Mailer",
    "X-MimeOLE",
    "X-Newsreader",
    "X-Library",
    "X-PHP-Originating-Script",
];

/// How the boundaries of well-known programs begin.
const BOUNDARIES: [(&str, &str); 9] = [
    ("----=_NextPart_", "Microsoft MIME boundary"),
    ("----=_Part_", "JavaMail MIME boundary"),
    ("===============", "Python email MIME boundary"),
    ("--_NmP-", "nodemailer MIME boundary"),
    ("----=_MIME_BOUNDARY_", "swaks MIME boundary"),
    ("Apple-Mail", "Apple Mail MIME boundary"),
    ("------------", "Mozilla MIME boundary"),
    ("b1_", "PHPMailer MIME boundary"),
    ("_000_", "Microsoft Exchange MIME boundary"),
];

/// A program.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Software {
    /// What it says of itself, or what its habits say of it.
    pub name: String,
    /// Where: `greeting`, a header field, `boundary`.
    pub place: String,
    /// Whether it crossed under TLS, and is only read because the key is at hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_tls: bool,
    /// Its packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
}

impl PartialEq for Software {
    /// The same program in the same kind of place is told once, with its first packet.
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place && self.name == other.name
    }
}

impl Eq for Software {}

/// The programs of a conversation.
pub(super) fn software(
    view: &View<'_>,
    mails: &[(&Transaction, Option<Sent<'_>>)],
) -> Capped<Software> {
    let mut found = Capped::default();
    let mut add = |name: String, place: &str, span: Span| {
        let program = Software {
            name,
            place: place.to_owned(),
            under_tls: view.under_tls(span),
            packet: view.packet(span),
        };
        found.insert(program, MAX_ENTRIES);
    };
    if let Some((text, span)) = greeting(view) {
        add(text, "greeting", span);
    }
    for sent in mails
        .iter()
        .take(MAX_MAILS)
        .filter_map(|(_, sent)| sent.as_ref())
    {
        for field in sent.message.fields() {
            if let Some(name) = FIELDS.iter().find(|name| field.is(name)) {
                add(
                    view.text(&field.decoded),
                    name,
                    sent.span(field.range.clone()),
                );
            }
        }
        let root = &sent.message.root;
        let style = root.parameter("boundary").and_then(|boundary| {
            let known = BOUNDARIES
                .iter()
                .find(|(start, _)| boundary.starts_with(start));
            known.map(|(_, name)| *name)
        });
        if let Some(style) = style {
            add(style.to_owned(), "boundary", sent.span(root.header.clone()));
        }
    }
    found
}

/// What follows the name in the greeting.
fn greeting(view: &View<'_>) -> Option<(String, Span)> {
    let (event, reply) = brief::greeting(view.timeline)?;
    let (_, text) = reply.lines.first()?.trim().split_once(' ')?;
    Some((view.some(text)?, event.span))
}
