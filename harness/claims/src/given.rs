//! What is known about the sender before any packet is read.
//!
//! A scripted run knows how it configured the client; an auditor may know how a deployment is configured, and with
//! which secrets. None of it is evidence. It says what to look for, and against what to compare; a field left out
//! makes the checks that need it undetermined, never passed.

use std::net::SocketAddr;
use std::time::Duration;

use smtp::Secret;
use smtp::cms::{Identifier, RecipientKey};
use smtp::sasl::proof::KnownAccount;

use crate::configured::Configured;

/// The authentication mode that the sender is configured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No authentication.
    None,
    /// User name and password in clear text.
    Basic,
    /// NTLM with the service account's credentials.
    Ntlm,
}

impl Mode {
    /// The name that the documentation uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Basic => "Basic",
            Self::Ntlm => "NTLM",
        }
    }
}

/// An account that NTLM proves.
#[derive(Clone, Debug)]
pub struct Account {
    /// Domain, or computer name.
    pub domain: String,
    /// Account name.
    pub user: String,
    /// Its password, where known: only then can a proof be verified.
    pub password: Option<Secret>,
}

/// How the message was meant to be protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Not at all: no encoder in the pipeline.
    None,
    /// The encoder is in the pipeline and told neither to encrypt nor to sign.
    EncoderOnly,
    /// To be encrypted, perhaps signed before.
    Encrypted,
    /// `multipart/signed`.
    ClearSigned,
    /// An opaque signed blob.
    BlobSigned,
}

/// What the Subject was configured to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenSubject {
    /// Left alone; the message has this id.
    Default {
        /// `BTS.MessageID`.
        message_id: String,
    },
    /// This text.
    Text(String),
}

/// Which receipts were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipts {
    /// `ReadReceipt`.
    pub read: bool,
    /// `DeliveryReceipt`.
    pub delivery: bool,
}

/// What the server was told to do about TLS, where that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerTls {
    /// It answers in clear and may offer STARTTLS.
    Clear,
    /// It refuses mail until STARTTLS.
    Required,
    /// The port speaks TLS from the first byte.
    Implicit,
}

/// What the client was told to do about TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientTls {
    /// To leave it alone.
    Never,
    /// To use STARTTLS where it is offered.
    Opportunistic,
    /// To send nothing that matters without it (RFC 3207 section 4, RFC 8314 section 5.2).
    Required,
    /// To speak it from the first byte (RFC 8314 section 3.3).
    Implicit,
}

/// What the client itself said became of its message: its exit status, or the outcome that the adapter gives.
///
/// A statement of the client. It is no evidence of what happened; checks hold it against what the wire shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// It was accepted, for all recipients.
    Sent,
    /// It was not, or not for all of them.
    Failed,
}

/// The generation of the product that sends, where it decides what the documentation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Up to 2013 R2.
    Before2016,
    /// 2016 and later.
    From2016,
}

/// A certificate, as CMS refers to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCertificate {
    /// Distinguished name of its issuer (RFC 4514).
    pub issuer: String,
    /// Serial number, in lower-case hexadecimal.
    pub serial: String,
    /// Its key identifier, in lower-case hexadecimal, where it has one.
    pub key_identifier: Option<String>,
}

impl KnownCertificate {
    /// Whether a recipient or a signer is this certificate; `None` where that cannot be told.
    pub fn is(&self, who: &Identifier) -> Option<bool> {
        match who {
            Identifier::IssuerAndSerial { issuer, serial } => {
                Some(*issuer == self.issuer && *serial == self.serial)
            }
            Identifier::KeyIdentifier(id) => self.key_identifier.as_ref().map(|known| known == id),
            Identifier::SharedKey(_) | Identifier::Password => Some(false),
            Identifier::Other(_) => None,
        }
    }
}

/// How the S/MIME encoder of the send pipeline is configured, beyond [`Protection`]. All optional.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    /// The product's generation, which decides the default cipher.
    pub generation: Option<Generation>,
    /// Whether the cipher was chosen, and not left at its default.
    pub cipher_chosen: Option<bool>,
    /// Whether the content transfer encoding was chosen, for the encoder or for a part.
    pub transfer_encoding_chosen: Option<bool>,
    /// Whether the message is to be signed, before it is encrypted or alone.
    pub signs: Option<bool>,
    /// `Add signing cert to message`.
    pub adds_certificate: Option<bool>,
    /// The encryption certificate of the send port.
    pub recipient: Option<KnownCertificate>,
    /// MIME properties of the body part that have a known text: name of the property, and the text.
    pub properties: Vec<(String, String)>,
}

/// A message that must not leave, since what protects it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// A text in the Subject of the control message: the same port with nothing missing, sent in the same case.
    pub control: String,
}

/// What a server is to the sender's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one that the messages are to go to: the send port's, or the handler's where the port names none.
    Configured,
    /// The one that the handler names, where the port names another.
    Handler,
    /// That of the backup transport.
    Backup,
    /// The recipients' own mail server, to which a look-up of their domain would lead.
    Partner,
    /// The configured host on another port than the configured one.
    OtherPort,
}

impl Role {
    /// In words, behind "the server is".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Configured => "the configured one",
            Self::Handler => "the handler's, where the port names another",
            Self::Backup => "that of the backup transport",
            Self::Partner => "the recipients' own",
            Self::OtherPort => "the configured host on another port",
        }
    }
}

/// How often, and how long after a failure, the sender is to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Tries after the first.
    pub count: u32,
    /// Time from one try to the next.
    pub interval: Duration,
}

impl Retry {
    /// What the documentation states as the default.
    pub const DOCUMENTED: Self = Self {
        count: 3,
        interval: Duration::from_mins(5),
    };
}

/// A server that the sender could talk to, as captures show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenServer {
    /// What it is to the configuration.
    pub role: Role,
    /// Its address in the capture.
    pub address: SocketAddr,
    /// The port that the configured name carries; `None` where it carries none, which means 25.
    pub port: Option<u16>,
    /// How the sender is to try again here; `None` where that is not known.
    pub retry: Option<Retry>,
    /// The mode that is configured for this server, where it is another than [`Given::mode`].
    pub mode: Option<Mode>,
}

/// Another host that has the same port.
#[derive(Clone, Debug)]
pub struct OtherHost {
    /// Its name in EHLO.
    pub name: String,
    /// The account of its host instance.
    pub account: Account,
}

/// User name and password of mode Basic.
#[derive(Clone, Debug)]
pub struct Login {
    /// `UserName`.
    pub user: String,
    /// `Password`.
    pub password: Secret,
}

/// Everything known beforehand. All optional; [`Given::default`] is "nothing".
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Configured mode.
    pub mode: Option<Mode>,
    /// Configured `UserName`.
    pub username: Option<String>,
    /// Configured `Password`.
    pub password: Option<Secret>,
    /// The handler's, where the port has others.
    pub handler_login: Option<Login>,
    /// Whether the mode was left alone at both levels, so that it is the default.
    pub mode_untouched: bool,
    /// The account of the host instance.
    pub account: Option<Account>,
    /// The other hosts that have the same port.
    pub other_hosts: Vec<OtherHost>,
    /// The servers that the sender could talk to, each with its part in the configuration.
    pub servers: Vec<GivenServer>,
    /// Configured `From`.
    pub from: Option<String>,
    /// Configured `CC` addresses.
    pub cc: Vec<String>,
    /// Configured Subject.
    pub subject: Option<GivenSubject>,
    /// Receipts asked for.
    pub receipts: Option<Receipts>,
    /// A text that stands in the body part and nowhere else.
    pub body: Option<Secret>,
    /// Texts that stand in header fields, with the field's name.
    pub headers: Vec<(String, String)>,
    /// Texts configured beside the body part (`EmailBodyText`, attachments), with what they are.
    pub beside: Vec<(String, Secret)>,
    /// How the message was meant to be protected.
    pub protection: Option<Protection>,
    /// Accounts whose passwords an auditor knows.
    pub accounts: Vec<KnownAccount>,
    /// Keys that open what was encrypted.
    pub keys: Vec<RecipientKey>,
    /// Set where the case is about a message that must not leave.
    pub withheld: Option<Withheld>,
    /// What the server was told to do about TLS.
    pub server_tls: Option<ServerTls>,
    /// The envelope sender that the client was told to use.
    pub sender: Option<String>,
    /// The recipients that it was told to send to.
    pub recipients: Vec<String>,
    /// Those of them that the other recipients are not to learn of: blind copies.
    pub blind: Vec<String>,
    /// Names of the files that it was told to attach.
    pub file_names: Vec<String>,
    /// Whether it may as well refuse to send what it was told, and say so: the case tempts it to do something unsafe.
    pub may_refuse: bool,
    /// The body text that it was told to send, with CR LF line ends, before any transfer encoding and dot-stuffing.
    pub content: Option<Secret>,
    /// What it was told to do about TLS.
    pub client_tls: Option<ClientTls>,
    /// How long it was told to wait for the server.
    pub patience: Option<Duration>,
    /// How often it was told to try again.
    pub retries: Option<u32>,
    /// Whether it was told that the message may only go on under TLS (RFC 8689).
    pub requires_onward_tls: bool,
    /// What it said became of its message.
    pub reported: Option<Reported>,
    /// What it wrote for people to read while the case ran: output, and the reason that it gives for a failure. It may
    /// hold anything that it was told.
    pub said: Option<Secret>,
    /// What is known of the documented properties.
    pub configured: Configured,
    /// Provocations that the case needs and that never came to pass; every claim is then inconclusive.
    pub unfired: Vec<String>,
    /// How the S/MIME encoder is configured.
    pub pipeline: Pipeline,
}

impl Given {
    /// The servers with a role.
    pub fn servers(&self, role: Role) -> impl Iterator<Item = &GivenServer> {
        self.servers
            .iter()
            .filter(move |server| server.role == role)
    }

    /// The mode that is configured for the server at an address.
    pub fn mode_at(&self, address: SocketAddr) -> Option<Mode> {
        let server = self.server(address);
        server.and_then(|server| server.mode).or(self.mode)
    }

    /// The account of the host that gives this name in EHLO.
    pub fn account_of(&self, name: Option<&str>) -> Option<&Account> {
        let mut hosts = self.other_hosts.iter();
        let other =
            hosts.find(|host| name.is_some_and(|name| name.eq_ignore_ascii_case(&host.name)));
        other.map_or(self.account.as_ref(), |host| Some(&host.account))
    }

    /// What is known of the server at an address.
    pub fn server(&self, address: SocketAddr) -> Option<&GivenServer> {
        self.servers.iter().find(|server| server.address == address)
    }
}
