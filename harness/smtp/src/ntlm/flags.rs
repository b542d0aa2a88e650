//! Negotiate flags (MS-NLMP section 2.2.2.5), by the names of that section without their `NTLMSSP_` prefix.

/// Text is UTF-16.
pub const NEGOTIATE_UNICODE: u32 = 0x0000_0001;
/// Text is in the OEM character set.
pub const NEGOTIATE_OEM: u32 = 0x0000_0002;
/// The client wants the target name.
pub const REQUEST_TARGET: u32 = 0x0000_0004;
/// Session key for signing.
pub const NEGOTIATE_SIGN: u32 = 0x0000_0010;
/// Session key for encryption.
pub const NEGOTIATE_SEAL: u32 = 0x0000_0020;
/// Connectionless authentication.
pub const NEGOTIATE_DATAGRAM: u32 = 0x0000_0040;
/// Session key from the LAN Manager response.
pub const NEGOTIATE_LM_KEY: u32 = 0x0000_0080;
/// NTLM authentication.
pub const NEGOTIATE_NTLM: u32 = 0x0000_0200;
/// Anonymous connection.
pub const NEGOTIATE_ANONYMOUS: u32 = 0x0000_0800;
/// The domain field of type 1 is filled.
pub const NEGOTIATE_OEM_DOMAIN_SUPPLIED: u32 = 0x0000_1000;
/// The workstation field of type 1 is filled.
pub const NEGOTIATE_OEM_WORKSTATION_SUPPLIED: u32 = 0x0000_2000;
/// Both ends are on one machine, and nothing is proven. Reserved in MS-NLMP; Windows uses it between processes.
pub const NEGOTIATE_LOCAL_CALL: u32 = 0x0000_4000;
/// A signature block on every message.
pub const NEGOTIATE_ALWAYS_SIGN: u32 = 0x0000_8000;
/// The target is a domain.
pub const TARGET_TYPE_DOMAIN: u32 = 0x0001_0000;
/// The target is a server.
pub const TARGET_TYPE_SERVER: u32 = 0x0002_0000;
/// Extended session security.
pub const NEGOTIATE_EXTENDED_SESSIONSECURITY: u32 = 0x0008_0000;
/// Identify-level token.
pub const NEGOTIATE_IDENTIFY: u32 = 0x0010_0000;
/// Session key from the LM hash.
pub const REQUEST_NON_NT_SESSION_KEY: u32 = 0x0040_0000;
/// The target information of type 2 is filled.
pub const NEGOTIATE_TARGET_INFO: u32 = 0x0080_0000;
/// The version field is filled.
pub const NEGOTIATE_VERSION: u32 = 0x0200_0000;
/// 128-bit session keys.
pub const NEGOTIATE_128: u32 = 0x2000_0000;
/// An explicit session key is exchanged.
pub const NEGOTIATE_KEY_EXCH: u32 = 0x4000_0000;
/// 56-bit session keys.
pub const NEGOTIATE_56: u32 = 0x8000_0000;

/// All constants of this module with their names, lowest bit first.
pub const ALL: &[(u32, &str)] = &[
    (NEGOTIATE_UNICODE, "NEGOTIATE_UNICODE"),
    (NEGOTIATE_OEM, "NEGOTIATE_OEM"),
    (REQUEST_TARGET, "REQUEST_TARGET"),
    (NEGOTIATE_SIGN, "NEGOTIATE_SIGN"),
    (NEGOTIATE_SEAL, "NEGOTIATE_SEAL"),
    (NEGOTIATE_DATAGRAM, "NEGOTIATE_DATAGRAM"),
    (NEGOTIATE_LM_KEY, "NEGOTIATE_LM_KEY"),
    (NEGOTIATE_NTLM, "NEGOTIATE_NTLM"),
    (NEGOTIATE_ANONYMOUS, "NEGOTIATE_ANONYMOUS"),
    (
        NEGOTIATE_OEM_DOMAIN_SUPPLIED,
        "NEGOTIATE_OEM_DOMAIN_SUPPLIED",
    ),
    (
        NEGOTIATE_OEM_WORKSTATION_SUPPLIED,
        "NEGOTIATE_OEM_WORKSTATION_SUPPLIED",
    ),
    (NEGOTIATE_LOCAL_CALL, "NEGOTIATE_LOCAL_CALL"),
    (NEGOTIATE_ALWAYS_SIGN, "NEGOTIATE_ALWAYS_SIGN"),
    (TARGET_TYPE_DOMAIN, "TARGET_TYPE_DOMAIN"),
    (TARGET_TYPE_SERVER, "TARGET_TYPE_SERVER"),
    (
        NEGOTIATE_EXTENDED_SESSIONSECURITY,
        "NEGOTIATE_EXTENDED_SESSIONSECURITY",
    ),
    (NEGOTIATE_IDENTIFY, "NEGOTIATE_IDENTIFY"),
    (REQUEST_NON_NT_SESSION_KEY, "REQUEST_NON_NT_SESSION_KEY"),
    (NEGOTIATE_TARGET_INFO, "NEGOTIATE_TARGET_INFO"),
    (NEGOTIATE_VERSION, "NEGOTIATE_VERSION"),
    (NEGOTIATE_128, "NEGOTIATE_128"),
    (NEGOTIATE_KEY_EXCH, "NEGOTIATE_KEY_EXCH"),
    (NEGOTIATE_56, "NEGOTIATE_56"),
];

/// Names of the flags that are set, lowest bit first. Bits without a name are left out.
pub fn names(flags: u32) -> impl Iterator<Item = &'static str> {
    ALL.iter()
        .filter(move |(bit, _)| flags & bit != 0)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_bits() {
        let set: Vec<_> = names(NEGOTIATE_56 | NEGOTIATE_OEM | 0x100).collect();
        assert_eq!(set, ["NEGOTIATE_OEM", "NEGOTIATE_56"]);
        assert!(ALL.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
