//! The state of a message in the queue, and what its client's envelope becomes.

use std::time::{SystemTime, UNIX_EPOCH};

use lab::server::{Envelope, MOST_RECIPIENTS, parse_path};
use serde::{Deserialize, Serialize};

/// A recipient who has not got the message yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The mailbox.
    pub mailbox: String,
    /// `NOTIFY=…` and `ORCPT=…` (RFC 3461).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<String>,
}

/// A recipient who cannot get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The mailbox.
    pub mailbox: String,
    /// What the server behind said, or what else it was.
    pub reason: String,
}

/// A message in the queue.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// When it was accepted, in seconds since 1970.
    pub since: u64,
    /// Client: address, port.
    pub peer: String,
    /// What the client called itself.
    pub helo: String,
    /// Whether it came under TLS.
    pub tls: bool,
    /// Whether the client had logged in.
    pub authenticated: bool,
    /// The sender's mailbox; empty for the null path.
    pub from: String,
    /// `RET=…` and `ENVID=…` (RFC 3461).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<String>,
    /// Who has not got it yet.
    pub recipients: Vec<Recipient>,
    /// Who cannot get it, where that is not in `failed` yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Failed>,
    /// Octets of the content.
    pub size: u64,
    /// Whether some of them are outside ASCII.
    pub eight_bit: bool,
    /// Whether an address or the header has such octets.
    pub utf8: bool,
    /// Attempts that were made.
    pub attempts: u32,
}

/// Why a message cannot be passed on: the reply to its client.
pub(super) const NOT_BINARY: &str =
    "554 5.6.3 content without line ends (BINARYMIME) cannot be passed on";
pub(super) const NO_PROMISE: &str = "554 5.7.30 what REQUIRETLS asks for cannot be promised";
const TOO_MANY: &str = "452 4.5.3 too many recipients";
const NOT_READABLE: &str = "554 5.1.7 an address of the envelope cannot be read";

impl Item {
    /// The state of a message whose content is still to come, or the reply that refuses it.
    pub(super) fn new(envelope: &Envelope) -> Result<Self, &'static str> {
        let from = parse_path(&envelope.from, "FROM:").ok_or(NOT_READABLE)?;
        let has = |keyword: &str, value: Option<&str>| {
            from.parameters.iter().any(|(name, given)| {
                name.eq_ignore_ascii_case(keyword.as_bytes())
                    && value.is_none_or(|value| {
                        given.is_some_and(|given| given.eq_ignore_ascii_case(value.as_bytes()))
                    })
            })
        };
        if has("BODY", Some("BINARYMIME")) {
            return Err(NOT_BINARY);
        }
        if has("REQUIRETLS", None) {
            return Err(NO_PROMISE);
        }
        if envelope.recipients.len() >= MOST_RECIPIENTS {
            return Err(TOO_MANY);
        }
        let mut recipients = Vec::with_capacity(envelope.recipients.len());
        for argument in &envelope.recipients {
            let to = parse_path(argument, "TO:").ok_or(NOT_READABLE)?;
            recipients.push(Recipient {
                mailbox: mailbox(to.mailbox)?,
                parameters: kept(&to.parameters, &["NOTIFY", "ORCPT"]),
            });
        }
        let from_mailbox = mailbox(from.mailbox)?;
        let mut mailboxes = recipients.iter().map(|one| one.mailbox.as_str());
        let utf8 = !from_mailbox.is_ascii() || !mailboxes.all(str::is_ascii);
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Ok(Self {
            since: since.as_secs(),
            peer: envelope.peer.to_string(),
            helo: printable(&envelope.helo),
            tls: envelope.tls,
            authenticated: envelope.authenticated,
            parameters: kept(&from.parameters, &["RET", "ENVID"]),
            from: from_mailbox,
            recipients,
            failed: Vec::new(),
            size: 0,
            eight_bit: false,
            utf8,
            attempts: 0,
        })
    }

    /// The field that says whose hands it went through (RFC 5321 section 4.4), with its line end.
    pub(crate) fn trace(&self, by: &str, name: &str) -> String {
        let with = match (self.tls, self.authenticated) {
            (false, false) => "ESMTP",
            (true, false) => "ESMTPS",
            (false, true) => "ESMTPA",
            (true, true) => "ESMTPSA",
        };
        let helo = if self.helo.is_empty() {
            "unknown"
        } else {
            &self.helo
        };
        let peer = self.peer.parse::<std::net::SocketAddr>();
        let peer = peer.map_or_else(
            |_| "unknown".to_owned(),
            |peer| match peer.ip() {
                std::net::IpAddr::V4(address) => format!("[{address}]"),
                std::net::IpAddr::V6(address) => format!("[IPv6:{address}]"),
            },
        );
        let seconds = i64::try_from(self.since).unwrap_or_default();
        let date = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        let date = date.strftime("%a, %d %b %Y %H:%M:%S +0000");
        format!(
            "Received: from {helo} ({peer})\r\n\tby {by} (smtpspec) with {with} id {name};\r\n\t{date}\r\n"
        )
    }
}

fn mailbox(bytes: &[u8]) -> Result<String, &'static str> {
    String::from_utf8(bytes.to_vec()).map_err(|_| NOT_READABLE)
}

/// The parameters with these keywords, as they came.
fn kept(parameters: &[(&[u8], Option<&[u8]>)], keywords: &[&str]) -> Vec<String> {
    let wanted = |name: &[u8]| {
        keywords
            .iter()
            .any(|keyword| name.eq_ignore_ascii_case(keyword.as_bytes()))
    };
    let parameters = parameters.iter().filter(|(name, _)| wanted(name));
    parameters
        .map(|(name, value)| match value {
            Some(value) => format!("{}={}", printable(name), printable(value)),
            None => printable(name),
        })
        .collect()
}

/// What of it is printable ASCII, without what would begin or end a comment: nothing else may stand in a line of ours.
fn printable(bytes: &[u8]) -> String {
    let bytes = bytes.iter().copied();
    bytes
        .filter(|byte| byte.is_ascii_graphic() && !matches!(byte, b'(' | b')' | b'\\'))
        .map(char::from)
        .take(500)
        .collect()
}
