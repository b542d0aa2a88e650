//! What the clients of `captures/clients/` were told to send, as the files beside the captures have it.

use serde::Deserialize;

/// What a client was told to send: `captures/make.sh` writes it beside the capture.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Told {
    pub(crate) client: String,
    pub(crate) command: String,
    pub(crate) session: Vec<Session>,
}

/// One connection.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Session {
    /// Empty where the client has to give up before MAIL.
    pub(crate) sender: String,
    pub(crate) recipients: Vec<String>,
    #[serde(default)]
    pub(crate) refused: Vec<String>,
    #[serde(default)]
    pub(crate) tls: Tls,
    #[serde(default)]
    pub(crate) auth: Vec<Auth>,
    #[serde(default)]
    pub(crate) message: Vec<Mail>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tls {
    #[default]
    None,
    Starttls,
    Implicit,
}

/// One attempt to authenticate. The passwords are throw-away ones.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Auth {
    pub(crate) mechanism: String,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) outcome: String,
    pub(crate) domain: Option<String>,
    pub(crate) workstation: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) initial: Option<bool>,
}

/// One message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Mail {
    pub(crate) subject: String,
    pub(crate) helo: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<Vec<String>>,
    pub(crate) cc: Option<Vec<String>>,
    /// A text that is readable.
    pub(crate) body: Option<String>,
    /// A text that is there and not readable.
    pub(crate) hidden_body: Option<String>,
    #[serde(default)]
    pub(crate) attachments: Vec<String>,
    #[serde(default)]
    pub(crate) smime: Vec<String>,
    pub(crate) cipher: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) sealed_for: Option<usize>,
    /// How the content key is encrypted.
    pub(crate) transport: Option<String>,
    /// Lines that begin with a dot.
    pub(crate) dots: Option<usize>,
    /// Octets in the longest line, without its end.
    pub(crate) longest: Option<usize>,
    pub(crate) eight_bit: Option<bool>,
    pub(crate) receipts: Option<bool>,
}

/// What is not as it was told.
#[derive(Default)]
pub(crate) struct Differences(pub(crate) Vec<String>);

impl Differences {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "both are made on the spot, as a rule, and are only compared"
    )]
    pub(crate) fn expect<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, told: T, found: T) {
        if told != found {
            self.0
                .push(format!("{what}: told {told:?}, found {found:?}"));
        }
    }

    pub(crate) fn given<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        told: Option<T>,
        found: T,
    ) {
        if let Some(told) = told {
            self.expect(what, told, found);
        }
    }
}
