//! The server's half, up to the challenge; [`verify`](super::verify) judges the answer.

use super::{AvPair, Challenge, Error, FileTime, Version, av, flags};

/// The names that a server gives away in its challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `NetBIOS` name of the domain; also the target name.
    pub netbios_domain: String,
    /// `NetBIOS` name of the computer.
    pub netbios_computer: String,
    /// DNS name of the domain.
    pub dns_domain: String,
    /// DNS name of the computer.
    pub dns_computer: String,
}

/// What a server states when the client asks for versions: Windows Server 2022, the last one with an SMTP service.
const VERSION: Version = Version {
    major: 10,
    minor: 0,
    build: 20348,
    revision: 15,
};

/// Flags that a server grants when the client asks for them.
const GRANTED: u32 = flags::NEGOTIATE_SIGN
    | flags::NEGOTIATE_SEAL
    | flags::NEGOTIATE_ALWAYS_SIGN
    | flags::NEGOTIATE_EXTENDED_SESSIONSECURITY
    | flags::NEGOTIATE_128
    | flags::NEGOTIATE_KEY_EXCH
    | flags::NEGOTIATE_56;

/// Type 2 for a client that sent `negotiate_flags` (MS-NLMP section 3.2.5.1.1), from a server that belongs to a domain.
///
/// A `timestamp` provokes a MIC from conforming clients. Take a fresh random `server_challenge` for each session: a
/// fixed one turns NTLMv1 responses into table look-ups.
///
/// # Errors
/// [`Error::TooLong`] or [`Error::NeedsUnicode`] for a name that does not fit.
pub fn challenge(
    negotiate_flags: u32,
    target: &Target,
    server_challenge: [u8; 8],
    timestamp: Option<FileTime>,
) -> Result<Vec<u8>, Error> {
    let charset = if negotiate_flags & flags::NEGOTIATE_UNICODE != 0 {
        flags::NEGOTIATE_UNICODE
    } else {
        flags::NEGOTIATE_OEM
    };
    let mut all = charset | flags::NEGOTIATE_NTLM | negotiate_flags & GRANTED;
    let mut name = "";
    if negotiate_flags & flags::REQUEST_TARGET != 0 {
        all |= flags::REQUEST_TARGET | flags::TARGET_TYPE_DOMAIN;
        name = &target.netbios_domain;
    }
    let mut info = vec![
        AvPair::from_text(av::NB_DOMAIN_NAME, &target.netbios_domain),
        AvPair::from_text(av::NB_COMPUTER_NAME, &target.netbios_computer),
        AvPair::from_text(av::DNS_DOMAIN_NAME, &target.dns_domain),
        AvPair::from_text(av::DNS_COMPUTER_NAME, &target.dns_computer),
        // The domain is the root of its forest.
        AvPair::from_text(av::DNS_TREE_NAME, &target.dns_domain),
    ];
    info.extend(timestamp.map(|time| AvPair {
        id: av::TIMESTAMP,
        value: time.0.to_le_bytes().to_vec(),
    }));
    let version = (negotiate_flags & flags::NEGOTIATE_VERSION != 0).then_some(VERSION);
    Challenge::encode(all, name, server_challenge, &info, version)
}
