//! Bad twins: one switch for each way of breaking a claim.
//!
//! A check that cannot fail proves nothing. Each twin is the reference adapter with one documented behaviour broken,
//! really broken, on the wire; the claim or the case that it names must then get `fail`.

use std::str::FromStr;

macro_rules! twins {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal breaks $claim:literal;)+) => {
        /// A way of misbehaving.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Twin {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Twin {
            /// All of them, in the order of the claims and cases that they break.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name used in scenarios and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The claim, or the case, that it is there to break. It may break others too.
            pub const fn breaks(self) -> &'static str {
                match self { $(Self::$variant => $claim,)+ }
            }

            /// What it does, in a sentence.
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }
        }
    };
}

twins! {
    /// After the message it asks the server for mail with ETRN and TURN, as only a receiver would.
    AsksForMail = "asks-for-mail" breaks "ADP-01";
    /// Sends the message a second time, in a new connection, after it was accepted.
    SendsTwice = "sends-twice" breaks "ADP-05";
    /// Issues STARTTLS when offered, and upgrades; goes on in clear if it is refused.
    Starttls = "starttls" breaks "ADP-08";
    /// Opens the connection with a TLS ClientHello.
    ImplicitTls = "implicit-tls" breaks "ADP-09";
    /// Upgrades with STARTTLS once the server demanded it (530), and delivers.
    StarttlsWhenRequired = "starttls-when-required" breaks "ADP-10";
    /// Upgrades with STARTTLS before it says more than its name, or not at all, so that nothing can be read.
    Tunnel = "tunnel" breaks "ADP-11";
    /// Picks CRAM-MD5 whenever the server offers it.
    CramMd5 = "cram-md5" breaks "ADP-14";
    /// In mode None, authenticates with the configured user and password all the same.
    AuthInNone = "auth-in-none" breaks "ADP-15";
    /// In mode Basic, sends the password as a digest (CRAM-MD5), so that it cannot be read.
    HidesPassword = "hides-password" breaks "ADP-16";
    /// In mode NTLM, authenticates as an account other than the host instance's.
    OtherAccount = "other-account" breaks "ADP-18";
    /// In mode NTLM, authenticates as the configured UserName with the configured Password.
    ConfiguredUser = "configured-user" breaks "ADP-19";
    /// In mode NTLM, puts the account's password, in UTF-16 and base64, into a header field of the message.
    LeaksPassword = "leaks-password" breaks "ADP-23";
    /// Refused with 535 (or with its mechanism not offered), tries the next mechanism, down to clear text.
    FallsBack = "falls-back" breaks "ADP-24";
    /// With no acceptable mechanism on offer, sends without authenticating.
    SendsUnauthenticated = "sends-unauthenticated" breaks "ADP-25";
    /// Encrypts every message, asked or not.
    AlwaysEncrypts = "always-encrypts" breaks "ADP-32";
    /// Signs where it should encrypt: a blob that anyone can open.
    SignsInsteadOfEncrypting = "signs-instead-of-encrypting" breaks "ADP-34";
    /// With encryption, hides the Subject behind a placeholder.
    HidesSubject = "hides-subject" breaks "ADP-35";
    /// With an encoder that is not told to encrypt, encrypts.
    EncoderEncrypts = "encoder-encrypts" breaks "ADP-36";
    /// Encrypts with AES-256-GCM (AuthEnvelopedData), which the encoder does not offer.
    OddCipher = "odd-cipher" breaks "ADP-37";
    /// With the encryption certificate missing, sends in clear text.
    FailsOpen = "fails-open" breaks "ADP-40";
    /// With ClearSign, makes an opaque blob.
    BlobInsteadOfClear = "blob-instead-of-clear" breaks "ADP-41";
    /// With BlobSign, encrypts.
    EncryptsInsteadOfSigning = "encrypts-instead-of-signing" breaks "ADP-42";
    /// Puts the configured body text in clear beside the encrypted blob.
    BodyBesideBlob = "body-beside-blob" breaks "ADP-48";
    /// Gives every message the same Subject instead of its id.
    FixedSubject = "fixed-subject" breaks "ADP-54";
    /// Writes the Cc field but gives the server no RCPT for it.
    CcNotDelivered = "cc-not-delivered" breaks "ADP-57";
    /// Gives the server a RCPT that no header field names.
    BlindCopy = "blind-copy" breaks "ADP-58";
    /// Writes another address than the configured one into the From field.
    OtherFrom = "other-from" breaks "ADP-60";
    /// Asks for receipts although none were wanted.
    UnaskedReceipt = "unasked-receipt" breaks "ADP-61";
    /// Has the receipts that were wanted sent to another address than From.
    ReceiptElsewhere = "receipt-elsewhere" breaks "ADP-62";

    // Of the cases that any client has to meet. Session, capabilities, replies:
    /// Says EHLO without waiting for the greeting.
    SpeaksFirst = "speaks-first" breaks "SES-01";

    // Envelope, message data, pipelining:

    // TLS, authentication, NTLM, claims about the deployment:

    // Transport faults and retries:
}

impl FromStr for Twin {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|twin| twin.name() == name)
            .ok_or_else(|| format!("there is no bad twin `{name}`"))
    }
}

/// The twins that one adapter is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Twins(Vec<Twin>);

impl Twins {
    /// Whether `twin` is one of them.
    pub(super) fn has(&self, twin: Twin) -> bool {
        self.0.contains(&twin)
    }
}

impl From<&[Twin]> for Twins {
    fn from(twins: &[Twin]) -> Self {
        Self(twins.to_vec())
    }
}
