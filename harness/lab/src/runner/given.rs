//! What a case makes known about its client before any packet is read.

use claims::Given;
use claims::given::{
    Account, GivenSubject, Login, Mode, OtherHost, Pipeline, Protection, Receipts, ServerTls,
    Withheld,
};
use smtp::Secret;
use smtp::cms::RecipientKey;

use super::canary::Canaries;
use super::configured;
use crate::adapter::config::{AuthMode, Config, FileSource, Payload, Recipient, SignatureType};
use crate::adapter::readings::FromMacro;
use crate::adapter::{Keys, canonical};
use crate::scenario::{Scenario, TlsMode};

/// The statement about a client that was configured with `config` and sent `payload`.
pub(super) fn given(
    scenario: &Scenario,
    config: &Config,
    payload: &Payload,
    canaries: &Canaries,
    keys: &[RecipientKey],
) -> Given {
    let contains = |text: &[u8], canary: &str| {
        text.windows(canary.len())
            .any(|window| window == canary.as_bytes())
    };
    let in_body = contains(&payload.body, &canaries.body)
        || config
            .body_text
            .as_ref()
            .is_some_and(|text| text.contains(&canaries.body));
    Given {
        mode: Some(mode(config.auth)),
        username: config.username.clone(),
        password: config.password.clone(),
        handler_login: handler_login(scenario),
        mode_untouched: scenario.client.default_auth,
        other_hosts: Vec::new(),
        servers: Vec::new(),
        account: Some(account(config)),
        from: Some(from(config, payload)),
        cc: config.cc.iter().map(|cc| expanded(cc, payload)).collect(),
        subject: Some(match &config.subject {
            None => GivenSubject::Default {
                message_id: payload.message_id.clone(),
            },
            Some(text) => GivenSubject::Text(text.clone()),
        }),
        receipts: Some(Receipts {
            read: config.read_receipt,
            delivery: config.delivery_receipt,
        }),
        body: in_body.then(|| Secret::new(canaries.body.as_bytes())),
        headers: headers(config, canaries),
        beside: beside(config, canaries),
        protection: Some(protection(config)),
        accounts: Vec::new(),
        keys: keys.to_vec(),
        withheld: scenario.client.control.then(|| Withheld {
            control: canaries.control.clone(),
        }),
        server_tls: Some(match scenario.server.tls {
            TlsMode::Implicit => ServerTls::Implicit,
            _ if scenario.server.require_tls => ServerTls::Required,
            _ => ServerTls::Clear,
        }),
        sender: Some(from(config, payload)),
        recipients: [&config.to, &config.cc, &config.bcc]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
        blind: config.bcc.clone(),
        file_names: config.attachments.iter().filter_map(file_name).collect(),
        may_refuse: scenario.expect.may_refuse,
        content: content(config, payload),
        client_tls: Some(config.tls),
        patience: scenario.client.timeout.as_ref().map(|_| config.timeout),
        retries: Some(config.retry.count),
        requires_onward_tls: config.transfer.require_tls_onward,
        reported: None,
        said: None,
        configured: configured::configured(scenario, config, payload),
        unfired: Vec::new(),
        pipeline: pipeline(scenario, config, payload),
    }
}

/// The address in From, with its macro replaced in the reading in which macros work there.
fn from(config: &Config, payload: &Payload) -> String {
    match config.readings.from_macro {
        FromMacro::No => config.from.clone(),
        FromMacro::Yes => expanded(&config.from, payload),
    }
}

/// An address with the one macro that works in addresses replaced, where it has a value.
fn expanded(address: &str, payload: &Payload) -> String {
    match &payload.destination_party {
        Some(party) => address.replace("%DestinationParty%", party),
        None => address.to_owned(),
    }
}

/// The mode as the documentation calls it.
pub(super) const fn mode(auth: AuthMode) -> Mode {
    match auth {
        AuthMode::None => Mode::None,
        AuthMode::Basic => Mode::Basic,
        AuthMode::Ntlm => Mode::Ntlm,
    }
}

/// User name and password of the handler, where it has both.
fn handler_login(scenario: &Scenario) -> Option<Login> {
    let handler = &scenario.client.handler.as_ref()?.value;
    Some(Login {
        user: handler.username.clone()?,
        password: handler.password.clone()?,
    })
}

/// The second host, where there is one.
pub(super) fn other_hosts(second: Option<&Config>) -> Vec<OtherHost> {
    let host = |config: &Config| OtherHost {
        name: config.ehlo.clone(),
        account: account(config),
    };
    second.map(host).into_iter().collect()
}

fn account(config: &Config) -> Account {
    Account {
        domain: config.account.domain.clone(),
        user: config.account.user.clone(),
        password: Some(config.account.password.clone()),
    }
}

/// The text that the mail is to hold. A file of this machine is not read for it.
fn content(config: &Config, payload: &Payload) -> Option<Secret> {
    let text = match (&config.encoder, &config.body_text, &config.body_file) {
        (Some(_), ..) | (None, None, None) => payload.body.as_slice(),
        (None, Some(text), _) => text.as_bytes(),
        (None, None, Some(_)) => return None,
    };
    Some(Secret::new(canonical(text)))
}

fn file_name(file: &FileSource) -> Option<String> {
    match file {
        FileSource::Inline { name, .. } => Some(name.clone()),
        FileSource::Path(path) => Some(path.file_name()?.to_string_lossy().into_owned()),
    }
}

/// How the encoder is set up, where the pipeline has one.
fn pipeline(scenario: &Scenario, config: &Config, payload: &Payload) -> Pipeline {
    let (Some(encoder), Some(table)) = (&config.encoder, &scenario.client.encoder) else {
        return Pipeline::default();
    };
    let mime = &payload.mime;
    let properties = [
        ("FileName", &mime.file_name),
        ("ContentID", &mime.content_id),
        ("ContentDescription", &mime.content_description),
        ("ContentLocation", &mime.content_location),
    ];
    let named = properties.into_iter().filter_map(|(name, text)| {
        let text = text.as_ref()?.trim_matches(['<', '>']);
        Some((name.to_owned(), text.to_owned()))
    });
    Pipeline {
        generation: Some(encoder.generation),
        cipher_chosen: Some(table.cipher.is_some()),
        transfer_encoding_chosen: Some(
            table.transfer_encoding.is_some()
                || mime.transfer_encoding.is_some()
                || mime.is_mime_encoded,
        ),
        signs: Some(encoder.signature != SignatureType::NoSign),
        adds_certificate: Some(encoder.add_signing_certificate),
        // Others than the owner of the port's certificate are there for cases that no page is about.
        recipient: (encoder.cms.recipients == [Recipient::Port])
            .then(|| Keys::test().in_state(encoder.certificate).known_recipient()),
        properties: named.collect(),
    }
}

fn protection(config: &Config) -> Protection {
    match &config.encoder {
        None => Protection::None,
        Some(encoder) if encoder.encrypt => Protection::Encrypted,
        Some(encoder) => match encoder.signature {
            SignatureType::ClearSign => Protection::ClearSigned,
            SignatureType::BlobSign => Protection::BlobSigned,
            SignatureType::NoSign => Protection::EncoderOnly,
        },
    }
}

/// Known texts of the header. A Subject without its canary has nothing to hide and is left out.
fn headers(config: &Config, canaries: &Canaries) -> Vec<(String, String)> {
    let mut known = Vec::new();
    if config
        .subject
        .as_ref()
        .is_some_and(|subject| subject.contains(&canaries.subject))
    {
        known.push(("Subject".to_owned(), canaries.subject.clone()));
    }
    known.push(("From".to_owned(), config.from.clone()));
    known.extend(config.to.iter().map(|to| ("To".to_owned(), to.clone())));
    known.extend(config.cc.iter().map(|cc| ("Cc".to_owned(), cc.clone())));
    known
}

/// Texts that are configured beside the body part, by what they are.
fn beside(config: &Config, canaries: &Canaries) -> Vec<(String, Secret)> {
    let mut texts = Vec::new();
    if config
        .body_text
        .as_ref()
        .is_some_and(|text| text.contains(&canaries.text))
    {
        texts.push((
            "the configured body text".to_owned(),
            Secret::new(canaries.text.as_bytes()),
        ));
    }
    let attached = config.attachments.iter().any(|file| match file {
        FileSource::Inline { bytes, .. } => {
            String::from_utf8_lossy(bytes).contains(&canaries.attachment)
        }
        FileSource::Path(_) => false,
    });
    if attached {
        texts.push((
            "the configured attachment".to_owned(),
            Secret::new(canaries.attachment.as_bytes()),
        ));
    }
    texts
}
