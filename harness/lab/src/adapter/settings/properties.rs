//! The documented properties, each set or not, at one place where they can be set.

use smtp::Secret;

use super::super::config::{AuthMode, Config, FileSource};

/// What a send handler sets. A port or a context that says nothing of one of these leaves it to the handler.
#[derive(Clone, Debug, Default)]
pub struct Handler {
    /// `SMTPHost`.
    pub smtp_host: Option<String>,
    /// `From`.
    pub from: Option<String>,
    /// `SMTPAuthenticate`; NTLM where not set.
    pub authenticate: Option<AuthMode>,
    /// `UserName`.
    pub username: Option<String>,
    /// `Password`.
    pub password: Option<Secret>,
}

/// What a static port or a message context sets.
#[derive(Clone, Debug, Default)]
pub struct Properties {
    /// The five that a handler has too. Authentication "(Default)" is one that is not set.
    pub over_handler: Handler,
    /// `To`, each address by itself. No context has it.
    pub to: Option<Vec<String>>,
    /// `CC`, each address by itself.
    pub cc: Option<Vec<String>>,
    /// `Subject`, macros unexpanded.
    pub subject: Option<String>,
    /// `ReadReceipt`.
    pub read_receipt: Option<bool>,
    /// `DeliveryReceipt`.
    pub delivery_receipt: Option<bool>,
    /// `EmailBodyText`.
    pub body_text: Option<String>,
    /// `EmailBodyTextCharset`.
    pub body_text_charset: Option<String>,
    /// `EmailBodyFile`.
    pub body_file: Option<FileSource>,
    /// `EmailBodyFileCharset`.
    pub body_file_charset: Option<String>,
    /// `Attachments`.
    pub attachments: Option<Vec<FileSource>>,
    /// `MessagePartsAttachments`.
    pub message_parts_attachments: Option<u8>,
    /// `ReplyBy`, an RFC 3339 time. No port has it.
    pub reply_by: Option<String>,
}

impl Handler {
    /// Puts what is set over a configuration. An empty text is not set.
    pub fn apply(&self, config: &mut Config) {
        let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(host) = some(&self.smtp_host) {
            config.smtp_host = Some(host);
        }
        if let Some(from) = some(&self.from) {
            config.from = from;
        }
        if let Some(mode) = self.authenticate {
            config.auth = mode;
        }
        if let Some(name) = some(&self.username) {
            config.username = Some(name);
        }
        if let Some(password) = self.password.as_ref().filter(|it| !it.expose().is_empty()) {
            config.password = Some(password.clone());
        }
    }
}

impl Properties {
    /// Puts what is set over a configuration.
    pub fn apply(&self, config: &mut Config) {
        self.over_handler.apply(config);
        set(&mut config.to, self.to.as_ref());
        set(&mut config.cc, self.cc.as_ref());
        set_some(&mut config.subject, self.subject.as_ref());
        set(&mut config.read_receipt, self.read_receipt.as_ref());
        set(&mut config.delivery_receipt, self.delivery_receipt.as_ref());
        set_some(&mut config.body_text, self.body_text.as_ref());
        set_some(
            &mut config.body_text_charset,
            self.body_text_charset.as_ref(),
        );
        set_some(&mut config.body_file, self.body_file.as_ref());
        set_some(
            &mut config.body_file_charset,
            self.body_file_charset.as_ref(),
        );
        set(&mut config.attachments, self.attachments.as_ref());
        set(
            &mut config.message_parts_attachments,
            self.message_parts_attachments.as_ref(),
        );
        set_some(&mut config.reply_by, self.reply_by.as_ref());
    }
}

fn set<T: Clone>(property: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        *property = value.clone();
    }
}

fn set_some<T: Clone>(property: &mut Option<T>, value: Option<&T>) {
    if let Some(value) = value {
        *property = Some(value.clone());
    }
}
