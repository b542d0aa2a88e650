//! What the audit says that leaked, against what the client was told to send.

use std::collections::BTreeSet;

use claims::Leaks;
use claims::leaks::{Account, Body, Exposure, Mail};
use serde_json::Value;

use crate::told::{self, Auth, Differences, Session, Tls};

/// `opened`: the audit had the keys of the session's TLS.
pub(crate) fn compare(found: &mut Differences, session: &Session, report: &Value, opened: bool) {
    let leaks: Leaks = serde_json::from_value(report["leaks"].clone()).expect("what leaked");
    let start = match session.tls {
        Tls::None => None,
        Tls::Starttls => Some("starttls"),
        Tls::Implicit => Some("implicit"),
    };
    let tls = leaks.tls.as_ref().map(|tls| tls.start.as_str());
    found.expect("TLS in the leaks", start, tls);
    // Without the keys, nothing inside TLS leaks.
    let clear = usize::from(session.tls == Tls::None || opened);
    let accounts = &leaks.accounts.items;
    let messages = &leaks.messages.items;
    found.expect(
        "accounts leaked",
        clear * session.auth.len(),
        accounts.len(),
    );
    found.expect(
        "messages leaked",
        clear * session.message.len(),
        messages.len(),
    );
    for under_tls in accounts.iter().map(|one| one.under_tls) {
        found.expect("login under TLS", opened, under_tls);
    }
    for under_tls in messages.iter().map(|one| one.under_tls) {
        found.expect("message under TLS", opened, under_tls);
    }
    for (auth, leaked) in session.auth.iter().zip(accounts) {
        account(found, auth, leaked);
    }
    for (mail, leaked) in session.message.iter().zip(messages) {
        envelope(found, session, leaked);
        header(found, mail, leaked);
        body(found, mail, leaked);
    }
}

fn account(found: &mut Differences, auth: &Auth, leaked: &Account) {
    found.expect("mechanism leaked", &auth.mechanism, &leaked.mechanism);
    found.expect("user leaked", Some(&auth.user), leaked.user.as_ref());
    let domain = leaked.domain.as_ref();
    found.given("domain leaked", auth.domain.as_ref().map(Some), domain);
    let workstation = leaked.workstation.as_ref();
    let told = auth.workstation.as_ref().map(Some);
    found.given("workstation leaked", told, workstation);
    let ended = leaked.outcome.split(' ').next().unwrap_or_default();
    found.expect("outcome leaked", auth.outcome.as_str(), ended);
    if let Some(version) = &auth.version {
        let response = leaked.response.clone().unwrap_or_default();
        let same = response.starts_with(version.as_str());
        found.expect("response leaked", true, same);
    }
    let exposure = match auth.mechanism.as_str() {
        "PLAIN" | "LOGIN" => Exposure::Recoverable,
        _ => Exposure::Guessable,
    };
    found.expect("exposure", exposure, leaked.exposure);
}

fn envelope(found: &mut Differences, session: &Session, leaked: &Mail) {
    found.expect("sender leaked", &session.sender, &leaked.reverse_path);
    let told: Vec<_> = session
        .recipients
        .iter()
        .map(|one| (one.as_str(), Some(!session.refused.contains(one))))
        .collect();
    let recipients = leaked.recipients.items.iter();
    let recipients = recipients.map(|one| (one.address.as_str(), one.accepted));
    found.expect("recipients leaked", told, recipients.collect());
    found.expect("accepted, as leaked", Some(true), leaked.accepted);
}

fn header(found: &mut Differences, mail: &told::Mail, leaked: &Mail) {
    let value = |name: &str| {
        let mut fields = leaked.header.items.iter();
        let field = fields.find(|field| field.name.eq_ignore_ascii_case(name))?;
        field.value.as_deref()
    };
    let subject = Some(mail.subject.as_str());
    found.expect("Subject leaked", subject, value("Subject"));
    let lists = [("To", mail.to.as_ref()), ("Cc", mail.cc.as_ref())];
    let from = mail.from.clone().map(|one| vec![one]);
    for (name, told) in lists.into_iter().chain([("From", from.as_ref())]) {
        for address in told.into_iter().flatten() {
            let there = value(name).is_some_and(|value| value.contains(address.as_str()));
            found.expect(&format!("{address} leaked in {name}"), true, there);
        }
    }
}

fn body(found: &mut Differences, mail: &told::Mail, leaked: &Mail) {
    let readable = match (&mail.body, &mail.hidden_body) {
        (_, Some(_)) => Body::Encrypted,
        (Some(_), None) => Body::Readable,
        (None, None) => Body::Empty,
    };
    found.expect("body leaked", Some(readable), leaked.body);
    let told: BTreeSet<&str> = mail.attachments.iter().map(String::as_str).collect();
    // What S/MIME wraps itself in is listed too, and nobody was told to attach it.
    let attachments = leaked.attachments.items.iter();
    let names = attachments.filter_map(|one| one.name.as_deref());
    let names = names.filter(|name| !name.starts_with("smime."));
    found.expect("attachments leaked", told, names.collect());
    let kinds = leaked.cms.items.iter().map(|cms| match cms.kind.as_str() {
        "EnvelopedData" => "enveloped-data",
        "AuthEnvelopedData" => "authenveloped-data",
        "SignedData" => "signed-data",
        "CompressedData" => "compressed-data",
        other => other,
    });
    let told = mail.smime.iter().map(String::as_str);
    found.expect("S/MIME leaked", told.collect::<Vec<_>>(), kinds.collect());
    let Some(cms) = leaked.cms.items.first() else {
        return;
    };
    let cipher = mail.cipher.as_deref();
    found.expect("cipher leaked", cipher, cms.cipher.as_deref());
    let recipients = &cms.recipients.items;
    let sealed_for = mail.sealed_for.unwrap_or_default();
    found.expect("recipients of the key", sealed_for, recipients.len());
    for recipient in recipients {
        let told = mail.transport.as_ref();
        found.given("key transport", told, &recipient.algorithm);
    }
    if let Some(digest) = &mail.digest {
        let signers = &cms.signers.items;
        let told = signers.len() == 1 && signers[0].algorithm.starts_with(digest.as_str());
        found.expect("signer and digest", true, told);
    }
}
