//! Composition: configuration and payload become an envelope and a message, or a reason to suspend.

mod addressing;
mod body;
mod charset;
mod encoding;
mod entity;
pub(crate) mod headers;
mod protect;
mod rfc822;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rand::Rng;

use super::config::{AuthMode, Config, Payload, TransferEncoding};
use super::environment::Environment;
use super::macros::Values;
use super::mailbox::with_a_labels;
use super::readings::{ReplyByField, SubjectDefault};
use super::refusal::Refusal;
use super::twin::{Twin, Twins};
use super::whole::Whole;
use addressing::{Addressing, address, addressing, elsewhere, recipients};
pub(crate) use encoding::canonical;
use entity::{Boundaries, Entity};
use headers::{Headers, addresses, check, unstructured};

/// How delivery reports are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DeliveryReports {
    /// They are not.
    None,
    /// With NOTIFY and RET where the server offers DSN (RFC 3461), and with a header field that names this address
    /// otherwise.
    Asked(String),
    /// With a header field that names this address, whatever the server offers.
    InHeader(String),
}

/// A message with its envelope, before the server is known.
#[derive(Clone, Debug)]
pub(super) struct Mail {
    /// The reverse-path.
    pub(super) from: String,
    /// The forward-paths: one RCPT each.
    pub(super) recipients: Vec<String>,
    /// How delivery reports are asked for.
    pub(super) reports: DeliveryReports,
    content: Content,
}

/// What crosses after DATA.
#[derive(Clone, Debug)]
enum Content {
    Composed {
        headers: Headers,
        entity: Entity,
    },
    /// A message that came as one.
    AsItIs(Vec<u8>),
}

impl Mail {
    /// Whether the content holds bytes over 127, which MAIL has to announce (RFC 6152).
    pub(super) fn eight_bit(&self) -> bool {
        match &self.content {
            Content::Composed { entity, .. } => entity.eight_bit(),
            Content::AsItIs(message) => !message.is_ascii(),
        }
    }

    /// Whether the content can only go as it is, which MAIL has to announce, too (RFC 3030 section 3).
    pub(super) fn binary(&self) -> bool {
        match &self.content {
            Content::Composed { entity, .. } => entity.is_binary(),
            Content::AsItIs(_) => false,
        }
    }

    /// Whether an address holds characters outside ASCII, which MAIL has to announce (RFC 6531).
    pub(super) fn utf8(&self) -> bool {
        !self.from.is_ascii() || self.recipients.iter().any(|one| !one.is_ascii())
    }

    /// Whether an address is outside ASCII in more than its domain, which has a form in ASCII.
    pub(super) fn utf8_local_parts(&self) -> bool {
        let mut all = self.recipients.iter().chain([&self.from]);
        all.any(|one| !with_a_labels(one).is_ascii())
    }

    /// The message, with CR LF line ends and without dot-stuffing.
    pub(super) fn message(&self, server_offers_dsn: bool) -> Vec<u8> {
        let mut out = self.head(server_offers_dsn);
        out.extend_from_slice(self.body());
        out
    }

    /// How many octets that are.
    pub(super) fn octets(&self, server_offers_dsn: bool) -> u64 {
        (self.head(server_offers_dsn).len() + self.body().len()) as u64
    }

    /// The header, with the empty line that ends it; nothing where the message came as one.
    pub(super) fn head(&self, server_offers_dsn: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let Content::Composed { headers, entity } = &self.content else {
            return out;
        };
        headers.write(&mut out);
        let mut receipt = Headers::default();
        match &self.reports {
            DeliveryReports::Asked(address) if !server_offers_dsn => {
                receipt.push("Return-Receipt-To", address);
            }
            DeliveryReports::InHeader(address) => receipt.push("Return-Receipt-To", address),
            DeliveryReports::None | DeliveryReports::Asked(_) => {}
        }
        receipt.write(&mut out);
        entity.write_head(&mut out);
        out
    }

    /// What comes after that.
    pub(super) fn body(&self) -> &[u8] {
        match &self.content {
            Content::Composed { entity, .. } => entity.body(),
            Content::AsItIs(message) => message,
        }
    }
}

/// Composes the mail.
///
/// # Errors
/// [`Refusal`]: the message is to be suspended, and no connection to be made.
pub(super) fn compose(
    config: &Config,
    twins: &Twins,
    environment: &mut Environment,
    payload: &Payload,
) -> Result<Mail, Refusal> {
    let protection = protect::decide(config, twins, environment)?;
    let addressing = addressing(config, twins, environment, payload)?;
    if let Some(embedded) = rfc822::embedded(config, payload)? {
        return whole(twins, addressing, embedded);
    }
    let (entity, message_id) = entity_and_id(config, twins, environment, payload, &protection)?;
    let headers = header(
        config,
        twins,
        environment,
        payload,
        &addressing,
        protection.encrypts(),
        &message_id,
    )?;
    let recipients = recipients(twins, &addressing);
    let reports = reports(config, twins, &addressing.from);
    Ok(Mail {
        from: addressing.from,
        recipients,
        reports,
        content: Content::Composed { headers, entity },
    })
}

/// A message that came as one: it goes to the recipients of the port and to those that it names itself.
fn whole(
    twins: &Twins,
    addressing: Addressing,
    embedded: rfc822::Embedded,
) -> Result<Mail, Refusal> {
    let mut recipients = recipients(twins, &addressing);
    if !twins.has(Twin::IgnoresEmbeddedRecipients) {
        for one in embedded.to {
            let one = address("the To field of the message/rfc822 part", &one)?;
            if !recipients.contains(&one) {
                recipients.push(one);
            }
        }
    }
    Ok(Mail {
        from: addressing.from,
        recipients,
        reports: DeliveryReports::None,
        content: Content::AsItIs(embedded.message),
    })
}

/// Puts an envelope around a message that was composed elsewhere.
///
/// # Errors
/// [`Refusal`]: an address or a line end that SMTP cannot carry.
pub(super) fn around(
    config: &Config,
    twins: &Twins,
    environment: &Environment,
    message: Whole,
) -> Result<Mail, Refusal> {
    let payload = Payload::new(String::new(), "message/rfc822", Vec::new());
    let Addressing { from, to, cc, bcc } = addressing(config, twins, environment, &payload)?;
    Ok(Mail {
        from,
        recipients: [to, cc, bcc].concat(),
        reports: DeliveryReports::None,
        content: Content::AsItIs(message.into_message()),
    })
}

fn reports(config: &Config, twins: &Twins, from: &str) -> DeliveryReports {
    let unasked =
        twins.has(Twin::UnaskedReceipt) && !config.read_receipt && !config.delivery_receipt;
    if !config.delivery_receipt && !unasked {
        DeliveryReports::None
    } else if twins.has(Twin::ReceiptElsewhere) && !unasked {
        // NOTIFY reports always go to the reverse-path, so only the header field can send them elsewhere.
        DeliveryReports::InHeader(elsewhere("receipts-elsewhere", from))
    } else {
        DeliveryReports::Asked(from.to_owned())
    }
}

fn entity_and_id(
    config: &Config,
    twins: &Twins,
    environment: &mut Environment,
    payload: &Payload,
    protection: &protect::Protection,
) -> Result<(Entity, String), Refusal> {
    let silent = twins.has(Twin::TellsNothing);
    let mut boundaries = if silent {
        Boundaries::plain()
    } else {
        Boundaries::new(&mut environment.rng)
    };
    let message_id = format!(
        "<{:016x}{:016x}@{}>",
        environment.rng.next_u64(),
        environment.rng.next_u64(),
        if silent {
            "message.invalid"
        } else {
            &config.ehlo
        }
    );
    let plain = match &config.encoder {
        Some(encoder) => body::encoder_entity(payload, encoder, twins, &mut boundaries)?,
        None if twins.has(Twin::EightBitAnyway) && !payload.body.is_ascii() => {
            body::body_in(payload, TransferEncoding::EightBit)?
        }
        None => body::adapter_entity(config, twins, payload, &mut boundaries)?,
    };
    let added = config
        .encoder
        .as_ref()
        .is_some_and(|encoder| encoder.attachments_added);
    let early = added && twins.has(Twin::EncryptsAttachments);
    let plain = if early {
        body::with_attachments(config, plain, &mut boundaries)?
    } else {
        plain
    };
    let plain = protect::header_inside(config, twins, protection, plain);
    let protected = protect::apply(protection, plain, &mut boundaries, environment)?;
    let entity = if protection.encrypts() && twins.has(Twin::BodyBesideBlob) {
        body::beside(config, protected, &mut boundaries)?
    } else if added && !early {
        body::with_attachments(config, protected, &mut boundaries)?
    } else {
        protected
    };
    Ok((entity, message_id))
}

fn header(
    config: &Config,
    twins: &Twins,
    environment: &Environment,
    payload: &Payload,
    addressing: &Addressing,
    encrypted: bool,
    message_id: &str,
) -> Result<Headers, Refusal> {
    let from = &addressing.from;
    let mut headers = Headers::default();
    if twins.has(Twin::WritesReturnPath) {
        headers.push("Return-Path", format!("<{from}>"));
    }
    let other = twins.has(Twin::OtherFrom);
    headers.push(
        "From",
        if other {
            elsewhere("someone-else", from)
        } else {
            with_a_labels(from).into_owned()
        },
    );
    headers.push("To", addresses("To", &spelled(&addressing.to)));
    if !addressing.cc.is_empty() {
        headers.push("Cc", addresses("Cc", &spelled(&addressing.cc)));
    }
    if twins.has(Twin::WritesBcc) && !addressing.bcc.is_empty() {
        headers.push("Bcc", addresses("Bcc", &spelled(&addressing.bcc)));
    }
    if let Some(subject) = subject(config, twins, environment, payload, encrypted)? {
        headers.push("Subject", subject);
    }
    if !twins.has(Twin::TellsNothing) {
        let date = mail_date(environment.clock.now());
        headers.push(
            "Date",
            if twins.has(Twin::TwoDigitYear) {
                short_year(&date)
            } else {
                date
            },
        );
    }
    headers.push("Message-ID", message_id);
    if !twins.has(Twin::EightBitWithoutMime) {
        headers.push("MIME-Version", "1.0");
    }
    let unasked =
        twins.has(Twin::UnaskedReceipt) && !config.read_receipt && !config.delivery_receipt;
    if config.read_receipt || unasked {
        let astray = twins.has(Twin::ReceiptElsewhere) && !unasked;
        let to = if astray {
            elsewhere("receipts-elsewhere", from)
        } else {
            from.clone()
        };
        headers.push("Disposition-Notification-To", to);
    }
    if let Some(reply_by) = &config.reply_by {
        let time: Timestamp = reply_by.parse().map_err(|_| Refusal::ReplyBy)?;
        let astray = twins.has(Twin::ReplyByInReplyTo);
        let name = match config.readings.reply_by {
            ReplyByField::ReplyBy if !astray => "Reply-By",
            ReplyByField::ReplyBy | ReplyByField::ReplyTo => "Reply-To",
        };
        headers.push(name, mail_date(time));
    }
    if twins.has(Twin::LeaksPassword) && config.auth == AuthMode::Ntlm {
        headers.push("X-Debug", password_in_the_open(config));
    }
    Ok(headers)
}

/// Mailboxes as the header has them, whatever the server takes in the envelope.
fn spelled(mailboxes: &[String]) -> Vec<String> {
    let spelled = mailboxes.iter().map(|one| with_a_labels(one).into_owned());
    spelled.collect()
}

/// The date without the first two digits of its year, which is its fourth word.
fn short_year(date: &str) -> String {
    let words = date.split(' ').enumerate();
    let words: Vec<_> = words
        .map(|(number, word)| if number == 3 { &word[2..] } else { word })
        .collect();
    words.join(" ")
}

/// The text of the Subject field; `None` leaves the field out.
fn subject(
    config: &Config,
    twins: &Twins,
    environment: &Environment,
    payload: &Payload,
    encrypted: bool,
) -> Result<Option<String>, Refusal> {
    if encrypted && twins.has(Twin::HidesSubject) {
        return Ok(Some("[...]".to_owned()));
    }
    if twins.has(Twin::FixedSubject) {
        return Ok(Some("Message from BizTalk Server".to_owned()));
    }
    let template = match (&config.subject, config.readings.subject_default) {
        (Some(subject), _) => subject,
        (None, SubjectDefault::MessageId) => "%MessageID%",
        (None, SubjectDefault::None) => return Ok(None),
    };
    let mut subject = if twins.has(Twin::LeavesMacros) {
        template.to_owned()
    } else {
        Values::new(config, twins, environment, payload).subject(template)
    };
    if twins.has(Twin::CutsLongValues) {
        subject = subject.chars().take(250).collect();
    }
    if twins.trust() || twins.has(Twin::LongLines) {
        return Ok(Some(subject));
    }
    check("Subject", &subject)?;
    Ok(Some(unstructured("Subject", &subject)))
}

/// What only a bad twin writes: the password in UTF-16LE, in base64, folded.
fn password_in_the_open(config: &Config) -> String {
    let password = String::from_utf8_lossy(config.account.password.expose()).into_owned();
    let utf16: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let text = BASE64_STANDARD.encode(utf16);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(60)
        .map(|line| std::str::from_utf8(line).unwrap_or_default())
        .collect();
    lines.join("\r\n ")
}

/// A time as a header field writes it (RFC 5322 section 3.3), in UTC.
fn mail_date(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%a, %d %b %Y %H:%M:%S +0000")
        .to_string()
}

#[cfg(test)]
mod tests;
