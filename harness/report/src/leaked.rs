//! What a conversation gave away, a line for each kind.

use claims::Capped;
use claims::leaks::{
    Account, Attachment, CmsObject, InternalKind, KeyResult, Leaks, Mail, Shown, WithKey,
};

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
            format!("{} ({}{})", host.name, host.place, under(host.under_tls))
        }),
    );
    add(
        "inner addresses",
        list(&leaks.internal_addresses, |found| {
            format!(
                "{} ({}, {}{})",
                found.address,
                InternalKind::name(found.kind),
                found.place,
                under(found.under_tls)
            )
        }),
    );
    add(
        "software",
        list(&leaks.software, |found| {
            format!("{} ({}{})", found.name, found.place, under(found.under_tls))
        }),
    );
    for account in &leaks.accounts.items {
        add("login", login(account));
    }
    add(
        "known passwords",
        list(&leaks.known_passwords, |found| found.place.clone()),
    );
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

const fn under(tls: bool) -> &'static str {
    if tls { ", under TLS" } else { "" }
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
    let proof = account.proof.as_ref();
    let proof = proof.map_or_else(String::new, |proof| format!("; {}", proof.text()));
    format!(
        "{text}: {}; its secret: {}{}{proof}",
        account.outcome,
        account.exposure.name(),
        under(account.under_tls)
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
    all.push(("attachments", list(&mail.attachments, file)));
    all.push(("protection", list(&mail.cms, object)));
    if let Some(body) = mail.body {
        all.push((
            "body",
            format!(
                "{}, {} octets{}{}",
                body.name(),
                mail.octets,
                word(mail.accepted),
                under(mail.under_tls)
            ),
        ));
    }
    all.push(("only with the key", list(&mail.opened, with_key)));
    all
}

fn file(file: &Attachment) -> String {
    match &file.name {
        Some(name) => format!("{name} ({})", file.content_type),
        None => file.content_type.clone(),
    }
}

/// What a key shows, which nobody without it can see.
fn with_key(part: &WithKey) -> String {
    let place = if part.inside { " inside it" } else { "" };
    match &part.result {
        KeyResult::Closed(reason) => format!("{}{place} not opened: {reason}", part.kind),
        KeyResult::Opened(shown) => {
            format!("{}{place} opened as {}", part.kind, inside(shown))
        }
    }
}

fn inside(shown: &Shown) -> String {
    let mut all = vec![
        shown.recipient.clone(),
        format!("{}, {} octets", shown.content_type, shown.octets),
    ];
    all.extend(shown.payload.iter().map(|kind| format!("around {kind}")));
    if !shown.objects.is_empty() {
        all.push(format!("holds {}", list(&shown.objects, String::clone)));
    }
    if !shown.attachments.is_empty() {
        all.push(format!("attachments {}", list(&shown.attachments, file)));
    }
    for signature in &shown.signatures.items {
        let reason = signature.reason.as_ref();
        let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        all.push(format!(
            "signed by {} ({}, {}): {}{reason}",
            signature.signer,
            signature.digest,
            signature.algorithm,
            signature.state.name()
        ));
    }
    all.push(match &shown.header {
        Some(header) => format!(
            "header protected, {}: {}{}",
            header.form.name(),
            list(&header.fields, String::clone),
            if header.subject { "" } else { "; no Subject" }
        ),
        None => "no header field protected".to_owned(),
    });
    all.join("; ")
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

#[cfg(test)]
mod tests {
    use claims::leaks::{
        Exposure, InnerSignature, Proof, ProofVerdict, ProtectedHeader, ProtectionForm,
        SignatureState,
    };

    use super::*;

    fn account(under_tls: bool, verdict: Option<ProofVerdict>) -> Account {
        Account {
            mechanism: "NTLM".to_owned(),
            user: Some("svc".to_owned()),
            domain: Some("CORP".to_owned()),
            workstation: None,
            claimed_os: None,
            response: Some("NTLMv2".to_owned()),
            ntlm: None,
            outcome: "accepted".to_owned(),
            exposure: Exposure::Guessable,
            proof: verdict.map(|verdict| Proof {
                verdict,
                account: Some("CORP\\svc".to_owned()),
                reason: None,
            }),
            under_tls,
            packet: None,
        }
    }

    #[test]
    fn what_only_a_key_shows_is_one_line() {
        let shown = Shown {
            recipient: "CN=Orders, serial 17".to_owned(),
            content_type: "multipart/signed".to_owned(),
            payload: Some("text/plain".to_owned()),
            octets: 412,
            objects: Capped::of(["CompressedData".to_owned()], 9),
            attachments: Capped::of(
                [Attachment {
                    name: Some("order.pdf".to_owned()),
                    content_type: "application/pdf".to_owned(),
                    packet: None,
                }],
                9,
            ),
            signatures: Capped::of(
                [InnerSignature {
                    signer: "CN=Ann, serial 2".to_owned(),
                    digest: "SHA-256".to_owned(),
                    algorithm: "RSA".to_owned(),
                    signing_time: None,
                    state: SignatureState::Invalid,
                    reason: Some("it is another text".to_owned()),
                }],
                9,
            ),
            header: Some(ProtectedHeader {
                form: ProtectionForm::HpCipher,
                fields: Capped::of(["From".to_owned()], 9),
                subject: false,
            }),
        };
        let part = |inside, result| WithKey {
            kind: "EnvelopedData".to_owned(),
            inside,
            result,
        };
        assert_eq!(
            with_key(&part(false, KeyResult::Opened(Box::new(shown)))),
            "EnvelopedData opened as CN=Orders, serial 17; multipart/signed, 412 octets; around text/plain; holds \
             CompressedData; attachments order.pdf (application/pdf); signed by CN=Ann, serial 2 (SHA-256, RSA): not \
             valid (it is another text); header protected, hp=cipher: From; no Subject"
        );
        assert_eq!(
            with_key(&part(true, KeyResult::Closed("no key".to_owned()))),
            "EnvelopedData inside it not opened: no key"
        );
    }

    #[test]
    fn a_login_says_what_the_known_passwords_say() {
        let start =
            "AUTH NTLM as CORP\\svc with NTLMv2: accepted; its secret: can be guessed off line";
        assert_eq!(login(&account(false, None)), start);
        assert_eq!(
            login(&account(true, Some(ProofVerdict::Proven))),
            format!("{start}, under TLS; made with the known password of CORP\\svc")
        );
        assert_eq!(
            login(&account(false, Some(ProofVerdict::Contradicted))),
            format!("{start}; not made with the known password of CORP\\svc")
        );
    }
}
