//! A configuration and a payload for tests.

use std::time::Duration;

use smtp::Secret;

use super::config::{
    Account, AuthMode, BasicMechanism, Config, MimeProperties, Payload, Retry, Transfer,
};
use super::readings::Readings;

/// Canary in the body.
pub(super) const BODY: &str = "<order>the body canary</order>\n";
/// Canary in the password of Basic.
pub(super) const BASIC_PASSWORD: &str = "basic-canary";
/// Canary in the password of the account.
pub(super) const ACCOUNT_PASSWORD: &str = "account-canary";

pub(super) fn config() -> Config {
    Config {
        auth: AuthMode::None,
        mechanism: BasicMechanism::Login,
        initial_response: false,
        tls: claims::given::ClientTls::Never,
        username: Some("svc".to_owned()),
        password: Some(Secret::new(BASIC_PASSWORD)),
        account: Account {
            domain: "CORP".to_owned(),
            user: "svc-biztalk".to_owned(),
            password: Secret::new(ACCOUNT_PASSWORD),
            workstation: "BTS01".to_owned(),
        },
        smtp_host: None,
        ehlo: "bts01.corp.example".to_owned(),
        from: "biztalk@corp.example".to_owned(),
        to: vec!["orders@partner.example".to_owned()],
        cc: Vec::new(),
        bcc: Vec::new(),
        subject: None,
        read_receipt: false,
        delivery_receipt: false,
        body_text: None,
        body_text_charset: Some("utf-8".to_owned()),
        body_file: None,
        body_file_charset: None,
        attachments: Vec::new(),
        message_parts_attachments: 0,
        reply_by: None,
        encoder: None,
        transfer: Transfer::default(),
        retry: Retry {
            count: 0,
            interval: Duration::ZERO,
        },
        timeout: Duration::from_secs(5),
        readings: Readings::default(),
        unlimited: false,
    }
}

pub(super) fn payload() -> Payload {
    Payload {
        message_id: "0f8fad5b-d9cb-469f-a165-70867728950e".to_owned(),
        body: BODY.as_bytes().to_vec(),
        content_type: "text/xml".to_owned(),
        source_party: None,
        source_party_qualifier: None,
        destination_party: None,
        destination_party_qualifier: None,
        parts: Vec::new(),
        mime: MimeProperties::default(),
    }
}
