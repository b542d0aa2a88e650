//! Passwords that the auditor knows, found in the conversation.

use serde::{Deserialize, Serialize};

use super::{MAX_ENTRIES, View};
use crate::Subject;
use crate::capped::Capped;
use crate::checks::exposure;

/// A place where a known password can be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct KnownPassword {
    /// Whose it is, where it stands, and how it is written there.
    pub place: String,
    /// Whether it crossed under TLS, and is only read because the key is at hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_tls: bool,
    /// Its packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
}

/// The places.
pub(super) fn passwords(view: &View<'_>, subject: &Subject<'_>) -> Capped<KnownPassword> {
    let found = exposure::of_known_passwords(subject).into_iter();
    let places = found.map(|evidence| KnownPassword {
        place: view.text(&evidence.what),
        under_tls: evidence.bytes.is_some_and(|span| view.under_tls(span)),
        packet: evidence.packets.first().copied(),
    });
    Capped::of(places, MAX_ENTRIES)
}
