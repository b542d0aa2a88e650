//! Requests for receipts, in header fields and in ESMTP parameters.

use std::ops::Range;

use crate::Evidence;
use crate::subject::Sent;

/// Header fields that ask for a receipt of reading or delivery.
const FIELDS: [&str; 4] = [
    "Disposition-Notification-To",
    "Return-Receipt-To",
    "X-Confirm-Reading-To",
    "Read-Receipt-To",
];

/// Header fields that ask for a receipt: name, addresses, place.
pub(super) fn fields(sent: &Sent<'_>) -> Vec<(&'static str, Vec<String>, Range<usize>)> {
    FIELDS
        .iter()
        .flat_map(|name| {
            sent.message.headers(name).map(move |field| {
                let addresses = sent
                    .message
                    .addresses(name)
                    .into_iter()
                    .map(|(address, _)| address)
                    .collect();
                (*name, addresses, field.range.clone())
            })
        })
        .collect()
}

/// DSN parameters (RFC 3461) of MAIL and RCPT that ask for a report. `NOTIFY=NEVER` asks for none.
pub(super) fn parameters(sent: &Sent<'_>) -> Vec<Evidence> {
    let mail = sent
        .transaction
        .parameters
        .iter()
        .filter(|p| matches!(p.value.name.as_str(), "RET" | "ENVID"));
    let rcpt = sent
        .transaction
        .recipients
        .iter()
        .flat_map(|r| &r.parameters)
        .filter(|p| {
            p.value.name == "NOTIFY"
                && !p
                    .value
                    .value
                    .as_deref()
                    .unwrap_or_default()
                    .eq_ignore_ascii_case("NEVER")
        });
    mail.chain(rcpt)
        .map(|p| Evidence::bytes(sent.timeline, p.span, format!("{} parameter", p.value.name)))
        .collect()
}

/// Whether NOTIFY asks for a report of success at every recipient (RFC 3461 section 4.1).
pub(super) fn success_for_all(sent: &Sent<'_>) -> bool {
    let recipients = &sent.transaction.recipients;
    let asks = |value: &str| {
        value
            .split(',')
            .any(|word| word.eq_ignore_ascii_case("SUCCESS"))
    };
    !recipients.is_empty()
        && recipients.iter().all(|recipient| {
            let mut parameters = recipient.parameters.iter();
            parameters
                .any(|p| p.value.name == "NOTIFY" && p.value.value.as_deref().is_some_and(asks))
        })
}
