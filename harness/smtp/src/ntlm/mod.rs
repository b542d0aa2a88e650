//! NTLMSSP messages (MS-NLMP section 2.2.1) and the proofs in them (section 3.3).

pub mod av;
mod client;
mod crypto;
mod error;
pub mod flags;
mod kind;
mod layout;
mod messages;
mod product;
pub mod proof;
#[cfg(test)]
mod published;
mod server;
#[cfg(test)]
mod tests;
mod text;
mod verify;

pub use client::{CLIENT_FLAGS, ClientIdentity, negotiate, respond};
pub use error::Error;
pub use kind::{MicPresence, ResponseKind};
pub use messages::AuthenticateParts;
pub use server::{Target, challenge};
pub use verify::{Mic, Proof, Verification, verify};

use crate::Secret;

/// A Windows `FILETIME`: steps of 100 nanoseconds since 1601-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileTime(pub u64);

impl FileTime {
    /// Steps of 100 nanoseconds from 1601 to 1970.
    const UNIX_EPOCH: u64 = 116_444_736_000_000_000;

    /// The same instant; what is finer than 100 nanoseconds is lost.
    pub const fn from_timestamp(time: wire::Timestamp) -> Self {
        Self(time.as_nanos() / 100 + Self::UNIX_EPOCH)
    }

    /// The same instant; `None` before 1970, or past the year 2554.
    pub fn timestamp(self) -> Option<wire::Timestamp> {
        let nanos = self.0.checked_sub(Self::UNIX_EPOCH)?.checked_mul(100)?;
        Some(wire::Timestamp::from_nanos(nanos))
    }
}

/// Product version of a sender (MS-NLMP section 2.2.2.10). A claim of the sender, not a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Major version.
    pub major: u8,
    /// Minor version.
    pub minor: u8,
    /// Build number.
    pub build: u16,
    /// NTLMSSP revision, 15 for all current Windows.
    pub revision: u8,
}

/// NEGOTIATE, type 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiate {
    /// Negotiate flags.
    pub flags: u32,
    /// Domain, in the OEM character set.
    pub domain: Option<String>,
    /// Workstation, in the OEM character set.
    pub workstation: Option<String>,
    /// Version, where the header has room for it.
    pub version: Option<Version>,
    /// The message as it was.
    pub raw: Vec<u8>,
}

/// One attribute of the target information (MS-NLMP section 2.2.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvPair {
    /// Attribute id: 1 NetBIOS computer, 2 NetBIOS domain, 3 and 4 their DNS names, 5 forest, 6 flags, 7 timestamp.
    pub id: u16,
    /// The value as it was; textual values are UTF-16LE.
    pub value: Vec<u8>,
}

/// CHALLENGE, type 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Negotiate flags.
    pub flags: u32,
    /// The authenticating realm: domain or server.
    pub target_name: String,
    /// The server challenge. With the response of a type 3 message it is open to off-line guessing.
    pub server_challenge: [u8; 8],
    /// Target information, without the closing pair.
    pub target_info: Vec<AvPair>,
    /// Version, where present.
    pub version: Option<Version>,
    /// The message as it was.
    pub raw: Vec<u8>,
}

/// AUTHENTICATE, type 3.
#[derive(Clone, Debug)]
pub struct Authenticate {
    /// Negotiate flags; some clients send 0.
    pub flags: u32,
    /// Domain or computer that hosts the account.
    pub domain: String,
    /// Account.
    pub user: String,
    /// The sender's `NetBIOS` name.
    pub workstation: String,
    /// LM or LMv2 response.
    pub lm_response: Secret,
    /// NTLM or NTLMv2 response.
    pub nt_response: Secret,
    /// Encrypted random session key.
    pub session_key: Secret,
    /// Version, where the header has room for it.
    pub version: Option<Version>,
    /// MIC, where the header has room for it (first payload byte at 88 or later).
    pub mic: Option<[u8; 16]>,
    /// The message as it was: a secret, since it holds the responses.
    pub raw: Secret,
}
