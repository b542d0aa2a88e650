//! The tables of `[client]` about what stands elsewhere than on the port: on the handler, and on the backup transport.

use std::ops::Range;

use claims::given::ClientTls;
use smtp::Secret;

use super::Spanned;
use super::client::{AUTH_MODES, TLS_USES};
use super::client_parts::{RetryTable, secret};
use super::decode::{Problems, Table, Value};
use super::values::{choice, text};
use crate::adapter::config::AuthMode;

/// `[client.handler]`: what the send handler sets. Its server is that of `[servers.handler]`, where there is one.
#[derive(Clone, Debug, Default)]
pub struct HandlerTable {
    /// `auth`: the mode.
    pub auth: Option<Spanned<AuthMode>>,
    /// `username`.
    pub username: Option<Spanned<String>>,
    /// `password`.
    pub password: Option<Spanned<Secret>>,
}

impl HandlerTable {
    pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        let mut table = Table::open("[client.handler]", value, problems)?;
        let handler = Self {
            auth: table.optional("auth", problems, choice(&AUTH_MODES)),
            username: table.optional("username", problems, text),
            password: table.optional("password", problems, secret),
        };
        table.finish(problems);
        Some(handler)
    }
}

/// `[client.backup]`: how the backup transport differs from the first. Its server is that of `[servers.backup]`.
#[derive(Clone, Debug, Default)]
pub struct BackupTable {
    /// `auth`: the mode.
    pub auth: Option<Spanned<AuthMode>>,
    /// `tls`: what it is told to do about TLS.
    pub tls: Option<Spanned<ClientTls>>,
    /// `retry`: its own pair.
    pub retry: Option<RetryTable>,
    /// Where the table is written.
    pub(super) span: Range<usize>,
}

impl BackupTable {
    pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        let mut table = Table::open("[client.backup]", value, problems)?;
        let backup = Self {
            auth: table.optional("auth", problems, choice(&AUTH_MODES)),
            tls: table.optional("tls", problems, choice(&TLS_USES)),
            retry: table.optional("retry", problems, RetryTable::read),
            span: table.span(),
        };
        table.finish(problems);
        Some(backup)
    }
}
