//! What GSS-API tokens tell (RFC 2743, RFC 4178, RFC 4120, RFC 4121).

use std::fmt;

use super::NtlmExchange;
use crate::timeline::Located;

/// The tokens of one GSSAPI, GSS-SPNEGO or NEGOTIATE exchange.
#[derive(Clone, Debug, Default)]
pub struct GssExchange {
    /// Whether the tokens are wrapped in SPNEGO.
    pub spnego: bool,
    /// What the client offers, the preferred one first.
    pub offered: Vec<Located<GssMechanism>>,
    /// What the server hints at before the client offers anything (MS-SPNG section 2.2.1).
    pub hinted: Vec<Located<GssMechanism>>,
    /// What the server chose.
    pub selected: Option<Located<GssMechanism>>,
    /// Whether the server refused the negotiation.
    pub rejected: bool,
    /// The NTLM messages inside, unwrapped.
    pub ntlm: Option<NtlmExchange>,
    /// The first Kerberos ticket that the client showed.
    pub kerberos: Option<Located<KerberosTicket>>,
    /// What did not parse, without the bytes.
    pub problems: Vec<String>,
}

/// A mechanism behind GSS-API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GssMechanism {
    /// Kerberos 5.
    Kerberos,
    /// Kerberos 5 under the identifier that old Windows wrote by mistake.
    MsKerberos,
    /// Kerberos 5 user to user.
    KerberosUserToUser,
    /// NTLM.
    Ntlm,
    /// `NEGOEX`, Microsoft's extension of SPNEGO.
    NegoEx,
    /// SPNEGO itself.
    Spnego,
    /// Another one; its object identifier.
    Other(String),
}

impl fmt::Display for GssMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kerberos => "Kerberos",
            Self::MsKerberos => "Kerberos (Microsoft)",
            Self::KerberosUserToUser => "Kerberos user to user",
            Self::Ntlm => "NTLM",
            Self::NegoEx => "NEGOEX",
            Self::Spnego => "SPNEGO",
            Self::Other(oid) => oid,
        })
    }
}

/// What a Kerberos AP-REQ shows without a key (RFC 4120 sections 5.3 and 5.5.1). Who the client is, is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KerberosTicket {
    /// Realm of the service.
    pub realm: String,
    /// Name of the service, its parts joined by `/`: `smtp/mail.example`.
    pub service: String,
    /// Encryption type of the ticket: 17 and 18 are AES, 23 is RC4. It is under the key of the *service* account, and with
    /// RC4 that account's password can be guessed off line from the ticket.
    pub encryption: Option<i32>,
}

impl KerberosTicket {
    /// A name for the encryption type, where it is a usual one.
    pub fn encryption_name(&self) -> Option<&'static str> {
        Some(match self.encryption? {
            1 => "des-cbc-crc",
            3 => "des-cbc-md5",
            16 => "des3-cbc-sha1",
            17 => "aes128-cts-hmac-sha1-96",
            18 => "aes256-cts-hmac-sha1-96",
            19 => "aes128-cts-hmac-sha256-128",
            20 => "aes256-cts-hmac-sha384-192",
            23 => "rc4-hmac",
            24 => "rc4-hmac-exp",
            _ => return None,
        })
    }
}
