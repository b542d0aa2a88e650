//! What leaked, as CSV (RFC 4180): a row for each thing that somebody on the wire could read, for a spreadsheet.
//!
//! A cell that a spreadsheet would take for a formula gets an apostrophe in front.

use claims::leaks::{InternalKind, Leaks, Mail};
use claims::result::{ConversationOutcome, Outcome};

use crate::{Style, printable};

const HEADING: [&str; 10] = [
    "conversation",
    "start",
    "client",
    "server",
    "kind",
    "name",
    "value",
    "place",
    "under TLS",
    "packet",
];

/// The whole table.
pub(crate) fn render(outcome: &Outcome, _style: Style) -> String {
    let mut table = ::csv::Writer::from_writer(Vec::new());
    let written = "writing to memory does not fail";
    table.write_record(HEADING).expect(written);
    for conversation in &outcome.conversations {
        for row in conversation.leaks.iter().flat_map(rows) {
            table.write_record(cells(conversation, row)).expect(written);
        }
    }
    let bytes = table.into_inner().expect(written);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One thing that leaked.
struct Row {
    kind: &'static str,
    name: String,
    value: String,
    place: String,
    under_tls: bool,
    packet: Option<u64>,
}

impl Row {
    fn new(
        kind: &'static str,
        value: impl Into<String>,
        under_tls: bool,
        packet: Option<u64>,
    ) -> Self {
        Self {
            kind,
            name: String::new(),
            value: value.into(),
            place: String::new(),
            under_tls,
            packet,
        }
    }

    fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    fn at(mut self, place: impl Into<String>) -> Self {
        self.place = place.into();
        self
    }
}

fn rows(leaks: &Leaks) -> Vec<Row> {
    let mut rows = Vec::new();
    for account in &leaks.accounts.items {
        let exposure = serde_json::to_value(account.exposure);
        let exposure = exposure
            .ok()
            .and_then(|word| Some(word.as_str()?.to_owned()));
        rows.push(
            Row::new(
                "account",
                account.name().unwrap_or_default(),
                account.under_tls,
                account.packet,
            )
            .named(format!("AUTH {}", account.mechanism))
            .at(exposure.unwrap_or_default()),
        );
        for (name, value) in [
            ("workstation", &account.workstation),
            ("system", &account.claimed_os),
        ] {
            if let Some(value) = value {
                rows.push(
                    Row::new("account", value, account.under_tls, account.packet).named(name),
                );
            }
        }
    }
    for found in &leaks.known_passwords.items {
        rows.push(Row::new("known password", "", false, None).at(&found.place));
    }
    for host in &leaks.hosts.items {
        rows.push(Row::new("host", &host.name, host.under_tls, host.packet).at(&host.place));
    }
    for found in &leaks.internal_addresses.items {
        let row = Row::new(
            "internal address",
            found.address.to_string(),
            found.under_tls,
            found.packet,
        );
        rows.push(row.named(InternalKind::name(found.kind)).at(&found.place));
    }
    for found in &leaks.software.items {
        rows.push(
            Row::new("software", &found.name, found.under_tls, found.packet).at(&found.place),
        );
    }
    for (number, mail) in leaks.messages.items.iter().enumerate() {
        message(&mut rows, number + 1, mail);
    }
    rows
}

fn message(rows: &mut Vec<Row>, number: usize, mail: &Mail) {
    let place = format!("message {number}");
    let mut add = |kind, name: &str, value: &str, packet| {
        rows.push(
            Row::new(kind, value, mail.under_tls, packet)
                .named(name)
                .at(&place),
        );
    };
    add("envelope", "sender", &mail.reverse_path, mail.packet);
    for recipient in &mail.recipients.items {
        add("envelope", "recipient", &recipient.address, mail.packet);
    }
    for header in &mail.header.items {
        let value = header.value.as_deref().unwrap_or_default();
        add("header", &header.name, value, header.packet);
    }
    for attachment in &mail.attachments.items {
        let name = attachment.name.as_deref().unwrap_or_default();
        add(
            "attachment",
            &attachment.content_type,
            name,
            attachment.packet,
        );
    }
    if let Some(body) = &mail.body {
        add("body", "", body.name(), mail.packet);
    }
}

fn cells(conversation: &ConversationOutcome, row: Row) -> [String; 10] {
    [
        conversation.id.clone(),
        conversation.start.clone(),
        conversation.client.clone(),
        conversation.server.clone(),
        row.kind.to_owned(),
        row.name,
        row.value,
        row.place,
        if row.under_tls { "yes" } else { "no" }.to_owned(),
        row.packet
            .map(|packet| packet.to_string())
            .unwrap_or_default(),
    ]
    .map(|cell| inert(&cell))
}

/// Text that a spreadsheet shows, and does not compute.
pub(crate) fn inert(text: &str) -> String {
    let text = printable(text);
    if text
        .trim_start()
        .starts_with(['=', '+', '-', '@', '|', '%'])
    {
        return format!("'{text}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn every_row_has_its_cells_and_names_its_conversation() {
        let outcome = sample::audit();
        let text = render(&outcome, Style::default());
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<_> = reader
            .records()
            .map(|row| row.expect("ten cells"))
            .collect();
        assert!(rows.len() > 10, "{text}");
        for row in &rows {
            assert!(
                outcome.conversations.iter().any(|one| one.id == row[0]),
                "{row:?}"
            );
        }
        for kind in ["account", "envelope", "header"] {
            assert!(
                rows.iter().any(|row| &row[4] == kind),
                "no {kind} in\n{text}"
            );
        }
    }

    #[test]
    fn nothing_computes() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "|x", "%x"] {
            assert!(inert(formula).starts_with('\''), "{formula}");
        }
        assert_eq!(inert("\t=1"), "\\t=1");
        assert_eq!(inert("plain"), "plain");
    }
}
