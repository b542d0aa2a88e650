//! What an AUTH exchange tells about the client. [`crate::sasl`] fills these types.

mod gss;
mod ntlm;
mod told;

use crate::Secret;
use crate::timeline::Located;

pub use gss::{GssExchange, GssMechanism, KerberosTicket};
pub use ntlm::{MixUp, NtlmExchange};
pub use told::{Credential, Family, GivenName, NameSlot};

/// What an AUTH exchange tells about the client, decoded. Secrets stay in [`Secret`].
#[derive(Clone, Debug)]
pub enum Identity {
    /// PLAIN (RFC 4616): everything in clear.
    Plain {
        /// Who to act as; usually empty.
        authzid: String,
        /// Whose password.
        authcid: Located<String>,
        /// The password, recovered by base64 alone.
        password: Located<Secret>,
    },
    /// LOGIN (MS-XLOGIN): user name and password in clear, one line each.
    Login {
        /// The user name; `None` where the exchange ended before it.
        user: Option<Located<String>>,
        /// The password, recovered by base64 alone; `None` where the exchange ended before it.
        password: Option<Located<Secret>>,
    },
    /// CRAM-MD5 (RFC 2195): user name in clear, a keyed digest of the challenge.
    CramMd5 {
        /// The server's challenge, decoded.
        challenge: Option<Vec<u8>>,
        /// The user name.
        user: Option<Located<String>>,
        /// The digest (32 hex digits): open to guessing off line, so a secret.
        digest: Option<Located<Secret>>,
    },
    /// DIGEST-MD5 (RFC 2831).
    DigestMd5(Box<DigestMd5>),
    /// SCRAM with any hash, with or without channel binding (RFC 5802, RFC 7677).
    Scram(Box<Scram>),
    /// XOAUTH2 and OAUTHBEARER (RFC 7628): a token in clear.
    Bearer(Box<Bearer>),
    /// EXTERNAL (RFC 4422 appendix A): the proof lies outside SASL, as a rule in a TLS certificate.
    External {
        /// Who to act as; `None` where the client leaves that to the server.
        authzid: Option<Located<String>>,
    },
    /// ANONYMOUS (RFC 4505): no proof.
    Anonymous {
        /// What the client says of itself: an address, or anything else.
        trace: Option<Located<String>>,
    },
    /// NTLM (MS-SMTPNTLM over MS-NLMP).
    Ntlm(Box<NtlmExchange>),
    /// GSSAPI, GSS-SPNEGO and NEGOTIATE: Kerberos, or NTLM inside SPNEGO (RFC 4752, RFC 4178).
    Gss(Box<GssExchange>),
    /// A mechanism that this build does not decode.
    Undecoded,
    /// The bytes do not decode as the mechanism demands; the reason, without the bytes.
    Malformed(String),
}

/// A DIGEST-MD5 exchange (RFC 2831 section 2.1).
#[derive(Clone, Debug, Default)]
pub struct DigestMd5 {
    /// The realms that the server offered.
    pub offered_realms: Vec<String>,
    /// The nonce of the server, from its challenge or from the response that repeats it.
    pub nonce: Option<Secret>,
    /// Account.
    pub username: Option<Located<String>>,
    /// Realm that the account is in.
    pub realm: Option<Located<String>>,
    /// Who to act as.
    pub authzid: Option<Located<String>>,
    /// Service and host that the client believes it talks to: `smtp/mail.example`.
    pub digest_uri: Option<Located<String>>,
    /// The nonce of the client.
    pub cnonce: Option<Secret>,
    /// How often the nonce was used: eight hexadecimal digits.
    pub nonce_count: Option<String>,
    /// Quality of protection: `auth`, `auth-int`, `auth-conf`.
    pub qop: Option<String>,
    /// Whether names and password are in UTF-8 and not in ISO 8859-1.
    pub utf8: bool,
    /// The digest (32 hex digits): open to guessing off line.
    pub response: Option<Located<Secret>>,
    /// What did not parse, without the bytes.
    pub problems: Vec<String>,
}

/// A SCRAM exchange (RFC 5802 section 5).
#[derive(Clone, Debug)]
pub struct Scram {
    /// The hash in the name of the mechanism.
    pub hash: ScramHash,
    /// Whether the name of the mechanism ends in `-PLUS`: channel binding is asked for.
    pub plus: bool,
    /// What the client says of channel binding (the `gs2-cbind-flag`).
    pub channel_binding: Option<ChannelBinding>,
    /// Account.
    pub username: Option<Located<String>>,
    /// Who to act as.
    pub authzid: Option<Located<String>>,
    /// How often the hash is repeated.
    pub iterations: Option<u32>,
    /// The salt of the account.
    pub salt: Option<Secret>,
    /// The client's proof: with salt and messages open to guessing off line.
    pub proof: Option<Located<Secret>>,
    /// What the server said in the end: `Some(true)` for a signature, `Some(false)` for an error.
    pub server_final: Option<bool>,
    /// `client-first-message-bare`, `server-first-message` and `client-final-message-without-proof`, joined by commas:
    /// what the proof is over. `None` until all three were seen.
    pub auth_message: Option<Secret>,
    /// What did not parse, without the bytes.
    pub problems: Vec<String>,
}

/// Hash functions of the SCRAM family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScramHash {
    /// SCRAM-SHA-1.
    Sha1,
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

/// The `gs2-cbind-flag` (RFC 5802 section 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelBinding {
    /// `n`: the client does not support it.
    Unsupported,
    /// `y`: the client supports it and believes that the server does not. Where the server did offer a `-PLUS` mechanism,
    /// somebody between the two took it out.
    NotOffered,
    /// `p`: used; the name of the binding, as `tls-unique`.
    Used(String),
}

/// A bearer token (XOAUTH2, OAUTHBEARER).
#[derive(Clone, Debug, Default)]
pub struct Bearer {
    /// Whose mailbox: `user` of XOAUTH2, `a` of OAUTHBEARER.
    pub user: Option<Located<String>>,
    /// Host that the client believes it talks to (OAUTHBEARER).
    pub host: Option<String>,
    /// Port that the client believes it talks to (OAUTHBEARER).
    pub port: Option<String>,
    /// Kind of the token: `Bearer`.
    pub scheme: Option<String>,
    /// The token, recovered by base64 alone: whoever has it is the user until it expires.
    pub token: Option<Located<Secret>>,
    /// Why the server refused, as it says in JSON.
    pub error: Option<BearerError>,
    /// What did not parse, without the bytes.
    pub problems: Vec<String>,
}

/// The JSON that a server sends in a 334 before it refuses a token (RFC 7628 section 3.2.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BearerError {
    /// `invalid_token`, or a number as of HTTP: `401`.
    pub status: Option<String>,
    /// Scope that a token must have.
    pub scope: Option<String>,
    /// Kinds of token that the server takes.
    pub schemes: Option<String>,
    /// Where the server's configuration is to be found.
    pub openid_configuration: Option<String>,
}
