//! Where properties stand: the tables of handler, port and context, in a scenario and in a file of settings alike.

use super::client::{AUTH_MODES, parts, time};
use super::client_parts::{attachment, file, secret};
use super::decode::{Problems, Table, Value};
use super::values::{boolean, canary_text, choice, list, plain, text};
use super::{Code, Spanned};
use crate::adapter::config::Part;
use crate::adapter::readings::{
    BodyTextCharset, FromMacro, HostReading, Readings, ReplyByField, Rfc822Payload, SubjectDefault,
    UnresolvedMacro,
};
use crate::adapter::settings::{Handler, Properties, mailto};

/// Reads the keys of a handler. The caller opens and finishes the table.
pub(crate) fn handler_keys(table: &mut Table<'_, '_>, problems: &mut Problems) -> Handler {
    let value = |text: Option<Spanned<String>>| text.map(|text| text.value);
    Handler {
        smtp_host: value(table.optional("smtp_host", problems, text)),
        from: value(table.optional("from", problems, canary_text)),
        authenticate: table
            .optional("auth", problems, choice(&AUTH_MODES))
            .map(|mode| mode.value),
        username: value(table.optional("username", problems, text)),
        password: table
            .optional("password", problems, secret)
            .map(|password| password.value),
    }
}

/// The keys of a static port.
pub(crate) const OF_A_PORT: [&str; 16] = [
    "smtp_host",
    "auth",
    "username",
    "password",
    "from",
    "to",
    "cc",
    "subject",
    "read_receipt",
    "delivery_receipt",
    "body_text",
    "body_text_charset",
    "body_file",
    "body_file_charset",
    "attachments",
    "message_parts_attachments",
];

/// Reads the keys that a static port and a context share: all but `to` and `reply_by`.
pub(crate) fn property_keys(table: &mut Table<'_, '_>, problems: &mut Problems) -> Properties {
    Properties {
        over_handler: handler_keys(table, problems),
        ..message_keys(table, problems)
    }
}

/// Those of them that no handler has.
pub(super) fn message_keys(table: &mut Table<'_, '_>, problems: &mut Problems) -> Properties {
    Properties {
        cc: table.optional("cc", problems, list(canary_text)).map(plain),
        subject: value(table.optional("subject", problems, canary_text)),
        read_receipt: value(table.optional("read_receipt", problems, boolean)),
        delivery_receipt: value(table.optional("delivery_receipt", problems, boolean)),
        body_text: value(table.optional("body_text", problems, canary_text)),
        body_text_charset: value(table.optional("body_text_charset", problems, text)),
        body_file: value(table.optional("body_file", problems, file)),
        body_file_charset: value(table.optional("body_file_charset", problems, text)),
        attachments: table
            .optional("attachments", problems, list(attachment))
            .map(plain),
        message_parts_attachments: value(table.optional(
            "message_parts_attachments",
            problems,
            parts,
        )),
        ..Properties::default()
    }
}

fn value<T>(spanned: Option<Spanned<T>>) -> Option<T> {
    spanned.map(|spanned| spanned.value)
}

/// Reads the keys of a context.
pub(crate) fn context_keys(table: &mut Table<'_, '_>, problems: &mut Problems) -> Properties {
    let mut properties = property_keys(table, problems);
    properties.reply_by = value(table.optional("reply_by", problems, time));
    properties
}

/// The address of a dynamic port, out of its `mailto:`.
pub(crate) fn dynamic(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<String>> {
    let uri = text(value, problems)?;
    match mailto(&uri.value) {
        Ok(address) => Some(Spanned {
            value: address,
            span: uri.span,
        }),
        Err(error) => {
            problems.add(Code::BadValue, uri.span, error.to_string());
            None
        }
    }
}

/// A part of a message: `{ name = …, content_type = …, text = … }`.
pub(super) fn message_part(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<Part>> {
    let mut table = Table::open("parts", value, problems)?;
    let name = table.optional("name", problems, text);
    let content_type = table.optional("content_type", problems, text);
    let content = table.optional("text", problems, canary_text);
    table.finish(problems);
    Some(Spanned {
        value: Part {
            name: name.map_or_else(|| "part.txt".to_owned(), |name| name.value),
            content_type: content_type.map_or_else(|| "text/plain".to_owned(), |it| it.value),
            bytes: content
                .map(|text| text.value.into_bytes())
                .unwrap_or_default(),
        },
        span: value.span(),
    })
}

/// The tables as a scenario has them.
pub(super) mod in_scenario {
    use super::{Handler, Problems, Properties, Spanned, Table, Value, context_keys, handler_keys};

    /// `[client.handler]`.
    pub(in super::super) fn handler(
        value: &Value<'_>,
        problems: &mut Problems,
    ) -> Option<Spanned<Handler>> {
        let mut table = Table::open("[client.handler]", value, problems)?;
        let handler = handler_keys(&mut table, problems);
        table.finish(problems);
        Some(Spanned {
            value: handler,
            span: value.span(),
        })
    }

    /// `upstream` or `pipeline`.
    pub(super) fn context(
        value: &Value<'_>,
        problems: &mut Problems,
    ) -> Option<Spanned<Properties>> {
        let mut table = Table::open("context", value, problems)?;
        let properties = context_keys(&mut table, problems);
        table.finish(problems);
        Some(Spanned {
            value: properties,
            span: value.span(),
        })
    }
}

/// `[client.context]`.
#[derive(Clone, Debug, Default)]
pub struct ContextTable {
    /// `upstream`: set in an orchestration or a receive pipeline.
    pub upstream: Option<Spanned<Properties>>,
    /// `pipeline`: set in the send pipeline.
    pub pipeline: Option<Spanned<Properties>>,
}

impl ContextTable {
    pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        let mut table = Table::open("[client.context]", value, problems)?;
        let context = Self {
            upstream: table.optional("upstream", problems, in_scenario::context),
            pipeline: table.optional("pipeline", problems, in_scenario::context),
        };
        table.finish(problems);
        Some(context)
    }
}

/// `[client.readings]`, or `[readings]` in a file of settings.
#[derive(Clone, Debug, Default)]
pub struct ReadingsTable {
    subject_default: Option<Spanned<SubjectDefault>>,
    unresolved_macro: Option<Spanned<UnresolvedMacro>>,
    from_macro: Option<Spanned<FromMacro>>,
    body_text_charset: Option<Spanned<BodyTextCharset>>,
    reply_by: Option<Spanned<ReplyByField>>,
    smtp_host: Option<Spanned<HostReading>>,
    rfc822: Option<Spanned<Rfc822Payload>>,
}

impl ReadingsTable {
    pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        let mut table = Table::open("[client.readings]", value, problems)?;
        let readings = Self::keys(&mut table, problems);
        table.finish(problems);
        Some(readings)
    }

    /// Reads the keys of an open table.
    pub(crate) fn keys(table: &mut Table<'_, '_>, problems: &mut Problems) -> Self {
        Self {
            subject_default: table.optional(
                "subject_default",
                problems,
                choice(SubjectDefault::WORDS),
            ),
            unresolved_macro: table.optional(
                "unresolved_macro",
                problems,
                choice(UnresolvedMacro::WORDS),
            ),
            from_macro: table.optional("from_macro", problems, choice(FromMacro::WORDS)),
            body_text_charset: table.optional(
                "body_text_charset",
                problems,
                choice(BodyTextCharset::WORDS),
            ),
            reply_by: table.optional("reply_by", problems, choice(ReplyByField::WORDS)),
            smtp_host: table.optional("smtp_host", problems, choice(HostReading::WORDS)),
            rfc822: table.optional("rfc822", problems, choice(Rfc822Payload::WORDS)),
        }
    }

    /// Puts what is chosen over the defaults.
    pub fn apply(&self, readings: &mut Readings) {
        fn set<T: Copy>(reading: &mut T, chosen: Option<&Spanned<T>>) {
            if let Some(chosen) = chosen {
                *reading = chosen.value;
            }
        }
        set(&mut readings.subject_default, self.subject_default.as_ref());
        set(
            &mut readings.unresolved_macro,
            self.unresolved_macro.as_ref(),
        );
        set(&mut readings.from_macro, self.from_macro.as_ref());
        set(
            &mut readings.body_text_charset,
            self.body_text_charset.as_ref(),
        );
        set(&mut readings.reply_by, self.reply_by.as_ref());
        set(&mut readings.smtp_host, self.smtp_host.as_ref());
        set(&mut readings.rfc822, self.rfc822.as_ref());
    }
}
