//! What a conversation gave away, a line for each kind.

use claims::Capped;
use claims::leaks::{Account, CmsObject, InternalKind, Leaks, Mail};

/// The lines, each with what it is about and the text. Nothing is escaped yet.
pub(crate) fn lines(leaks: &Leaks) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |about: &str, text: String| {
        if !text.is_empty() {
            all.push((about.to_owned(), text));
        }
    };
    let bytes = |missing: u64| match missing {
        0 => String::new(),
        missing => format!("; {missing} not in the capture"),
    };
    add(
        "octets",
        format!(
            "{} from the client, {} from the server{}",
            leaks.client_octets,
            leaks.server_octets,
            bytes(leaks.missing_octets)
        ),
    );
    add(
        "TLS is weak",
        leaks
            .tls
            .as_ref()
            .map(|tls| tls.weaknesses.items.join("; "))
            .unwrap_or_default(),
    );
    if let Some(tls) = &leaks.tls {
        let parts = [
            tls.version.as_ref(),
            tls.cipher_suite.as_ref(),
            tls.server_name.as_ref(),
            tls.ja4.as_ref(),
            tls.subject.as_ref(),
        ];
        let known: Vec<_> = parts.into_iter().flatten().cloned().collect();
        let end = if tls.established {
            "established"
        } else {
            "not established"
        };
        add("TLS", format!("{}, {end}; {}", tls.start, known.join(", ")));
    }
    add(
        "hosts",
        list(&leaks.hosts, |host| {
            format!("{} ({})", host.name, host.place)
        }),
    );
    add(
        "inner addresses",
        list(&leaks.internal_addresses, |found| {
            format!(
                "{} ({}, {})",
                found.address,
                InternalKind::name(found.kind),
                found.place
            )
        }),
    );
    add(
        "software",
        list(&leaks.software, |found| {
            format!("{} ({})", found.name, found.place)
        }),
    );
    for account in &leaks.accounts.items {
        add("login", login(account));
    }
    for (number, mail) in leaks.messages.items.iter().enumerate() {
        for (about, text) in message(mail) {
            add(&format!("mail {} {about}", number + 1), text);
        }
    }
    let more = leaks.messages.left_out + leaks.accounts.left_out;
    if more > 0 {
        add("more", format!("{more} messages and logins are not listed"));
    }
    all
}

/// Entries with a comma between, and how many there were beside them.
fn list<T>(entries: &Capped<T>, text: impl Fn(&T) -> String) -> String {
    let mut all: Vec<_> = entries.items.iter().map(text).collect();
    if entries.left_out > 0 {
        all.push(format!("and {} more", entries.left_out));
    }
    all.join(", ")
}

fn login(account: &Account) -> String {
    let mut text = format!("AUTH {}", account.mechanism);
    for (what, value) in [
        ("as", &account.name()),
        ("from", &account.workstation),
        ("on", &account.claimed_os),
        ("with", &account.response),
    ] {
        if let Some(value) = value {
            text = format!("{text} {what} {value}");
        }
    }
    let under = if account.under_tls { ", under TLS" } else { "" };
    format!(
        "{text}: {}; its secret: {}{under}",
        account.outcome,
        account.exposure.name()
    )
}

fn message(mail: &Mail) -> Vec<(&'static str, String)> {
    let word = |accepted: Option<bool>| match accepted {
        Some(true) => "",
        Some(false) => " (refused)",
        None => " (not known)",
    };
    let to = list(&mail.recipients, |to| {
        format!("{}{}", to.address, word(to.accepted))
    });
    let mut all = vec![("envelope", format!("<{}> to {to}", mail.reverse_path))];
    let fields = mail
        .header
        .items
        .iter()
        .filter_map(|field| Some((field, field.value.as_ref()?)));
    let fields: Vec<_> = fields
        .map(|(field, value)| format!("{}: {value}", field.name))
        .collect();
    all.push(("header", fields.join("; ")));
    all.push((
        "attachments",
        list(&mail.attachments, |file| match &file.name {
            Some(name) => format!("{name} ({})", file.content_type),
            None => file.content_type.clone(),
        }),
    ));
    all.push(("protection", list(&mail.cms, object)));
    if let Some(body) = mail.body {
        all.push((
            "body",
            format!(
                "{}, {} octets{}",
                body.name(),
                mail.octets,
                word(mail.accepted)
            ),
        ));
    }
    all
}

fn object(object: &CmsObject) -> String {
    let mut text = object.kind.clone();
    if let Some(cipher) = &object.cipher {
        text = format!("{text} with {cipher}");
    }
    for (what, who) in [("for", &object.recipients), ("signed by", &object.signers)] {
        if !who.is_empty() {
            text = format!(
                "{text} {what} {}",
                list(who, |one| format!("{} ({})", one.id, one.algorithm))
            );
        }
    }
    text
}
