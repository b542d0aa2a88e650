//! What a case makes known about the documented properties of its client, and how its control is configured.

use claims::configured::{BodyFrom, Configured, Length, Missing};
use smtp::message::Message;

use super::canary::Canaries;
use crate::adapter::config::{Config, FileSource, Payload};
use crate::adapter::limits::{self, Limit, joined};
use crate::adapter::readings::FromMacro;
use crate::scenario::Scenario;

/// What is known of the properties.
pub(super) fn configured(scenario: &Scenario, config: &Config, payload: &Payload) -> Configured {
    Configured {
        body_from: Some(body_from(config, payload)),
        macros: macros(payload),
        reply_by: reply_by(config),
        lengths: lengths(config),
        embedded_to: embedded_to(config, payload),
        missing: scenario
            .client
            .control
            .then(|| missing(config, payload))
            .flatten(),
    }
}

fn body_from(config: &Config, payload: &Payload) -> BodyFrom {
    if config.body_text.is_some() {
        BodyFrom::Text
    } else if config.body_file.is_some() {
        BodyFrom::File
    } else if is_mail(payload) {
        BodyFrom::Message
    } else {
        BodyFrom::Part
    }
}

fn is_mail(payload: &Payload) -> bool {
    let media = payload.content_type.split(';').next().unwrap_or_default();
    media.trim().eq_ignore_ascii_case("message/rfc822")
}

fn macros(payload: &Payload) -> Vec<(String, Option<String>)> {
    let value = |name: &str, value: Option<&String>| (name.to_owned(), value.cloned());
    vec![
        value("MessageID", Some(&payload.message_id)),
        value("SourceParty", payload.source_party.as_ref()),
        value(
            "SourcePartyQualifier",
            payload.source_party_qualifier.as_ref(),
        ),
        value("DestinationParty", payload.destination_party.as_ref()),
        value(
            "DestinationPartyQualifier",
            payload.destination_party_qualifier.as_ref(),
        ),
    ]
}

fn reply_by(config: &Config) -> Option<i64> {
    let time: jiff::Timestamp = config.reply_by.as_ref()?.parse().ok()?;
    Some(time.as_second())
}

/// The properties whose lengths show on the wire. A Subject with macros is not as long there as it is configured.
fn lengths(config: &Config) -> Vec<Length> {
    let one = |limit: Limit, value: String| Length {
        property: limit.property,
        length: limit.length_of(&value),
        most: limit.most,
        value,
    };
    let subject = config
        .subject
        .as_ref()
        .filter(|subject| !subject.contains('%'));
    [
        Some(one(limits::TO, joined(&config.to))),
        Some(one(limits::CC, joined(&config.cc))),
        subject.map(|subject| one(limits::SUBJECT, subject.clone())),
        config
            .body_text
            .as_ref()
            .map(|text| one(limits::BODY_TEXT, text.clone())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn embedded_to(config: &Config, payload: &Payload) -> Vec<String> {
    if body_from(config, payload) != BodyFrom::Message || config.encoder.is_some() {
        return Vec::new();
    }
    let own = |address: &String| !config.to.contains(address) && !config.cc.contains(address);
    let named = Message::read(&payload.body).addresses("To");
    named
        .into_iter()
        .map(|(address, _)| address)
        .filter(own)
        .collect()
}

/// What is to keep the message from leaving, by the documentation and whatever the readings of the client are.
fn missing(config: &Config, payload: &Payload) -> Option<Missing> {
    let charset = config.body_text_charset.as_deref().unwrap_or_default();
    if config.body_text.is_some() && charset.trim().is_empty() {
        return Some(Missing::BodyCharset);
    }
    if config.server().is_err() {
        return Some(Missing::Host);
    }
    let in_from = match config.readings.from_macro {
        FromMacro::Yes => holds_macro(&config.from, payload),
        FromMacro::No => {
            let mut names = macros(payload).into_iter();
            names.any(|(name, _)| config.from.contains(&format!("%{name}%")))
        }
    };
    let mut recipients = config.to.iter().chain(&config.cc);
    if in_from || recipients.any(|address| holds_macro(address, payload)) {
        return Some(Missing::Macro);
    }
    let texts = config.to.iter().chain(&config.cc).chain(&config.subject);
    if texts
        .chain([&config.from])
        .any(|text| text.contains(['\r', '\n']))
    {
        return Some(Missing::LineBreak);
    }
    limits::check(config).is_err().then_some(Missing::Length)
}

/// Whether an address holds a macro that has no value there.
fn holds_macro(address: &str, payload: &Payload) -> bool {
    let names = macros(payload);
    names.iter().any(|(name, value)| {
        let works = name == "DestinationParty" && value.is_some();
        !works && address.contains(&format!("%{name}%"))
    })
}

/// Puts a sound value in the place of what keeps the message from leaving.
pub(super) fn mend(control: &mut Config, canaries: &Canaries) {
    let sound = |address: &mut String, local: &str| {
        if address.contains('%') || address.chars().any(char::is_control) {
            *address = format!("{local}@partner.example");
        }
    };
    for address in control.to.iter_mut().chain(&mut control.cc) {
        sound(address, "control");
    }
    sound(&mut control.from, "biztalk");
    if control.server().is_err() {
        control.smtp_host = None;
    }
    let charset = control.body_text_charset.as_deref().unwrap_or_default();
    if charset.trim().is_empty() {
        control.body_text_charset = Some("utf-8".to_owned());
    }
    if limits::TO.check(&joined(&control.to)).is_err() {
        control.to.truncate(1);
    }
    if limits::CC.check(&joined(&control.cc)).is_err() {
        control.cc.truncate(1);
    }
    let long = |text: &String| limits::BODY_TEXT.check(text).is_err();
    if control.body_text.as_ref().is_some_and(long) {
        control.body_text = Some(canaries.text.clone());
    }
    let long = |file: &FileSource| match file {
        FileSource::Path(path) => limits::ATTACHMENT.check(&path.to_string_lossy()).is_err(),
        FileSource::Inline { .. } => false,
    };
    control.attachments.retain(|file| !long(file));
}
