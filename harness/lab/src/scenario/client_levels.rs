//! The table of `[client]` about the backup transport.

use std::ops::Range;

use claims::given::ClientTls;

use super::Spanned;
use super::client::{AUTH_MODES, TLS_USES};
use super::client_parts::RetryTable;
use super::decode::{Problems, Table, Value};
use super::values::choice;
use crate::adapter::config::AuthMode;

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
