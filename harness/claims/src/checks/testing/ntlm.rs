//! Logins by NTLM.

use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
use smtp::Secret;
use smtp::ntlm::{self, ClientIdentity, FileTime, Target};

use super::Talk;

impl Talk {
    /// AUTH NTLM as this account, with `end` as the last reply.
    pub(crate) fn ntlm(self, domain: &str, user: &str, password: &str, end: &str) -> Self {
        let [first, second, third] = ntlm_messages(domain, user, password);
        self.cs("AUTH NTLM", "334 ntlm supported")
            .cs(
                &BASE64.encode(first),
                &format!("334 {}", BASE64.encode(second)),
            )
            .cs(&BASE64.encode(third), end)
    }

    /// The same inside GSS-SPNEGO, whose tokens may be bare NTLM messages.
    pub(crate) fn spnego(self, domain: &str, user: &str, password: &str, end: &str) -> Self {
        let [first, second, third] = ntlm_messages(domain, user, password);
        self.cs(
            &format!("AUTH GSS-SPNEGO {}", BASE64.encode(first)),
            &format!("334 {}", BASE64.encode(second)),
        )
        .cs(&BASE64.encode(third), end)
    }
}

/// NEGOTIATE, CHALLENGE and AUTHENTICATE for this account.
pub(crate) fn ntlm_messages(domain: &str, user: &str, password: &str) -> [Vec<u8>; 3] {
    let target = Target {
        netbios_domain: "FABRIKAM".to_owned(),
        netbios_computer: "MX".to_owned(),
        dns_domain: "fabrikam.example".to_owned(),
        dns_computer: "mx.fabrikam.example".to_owned(),
    };
    let first = ntlm::negotiate(None);
    let second = ntlm::challenge(ntlm::CLIENT_FLAGS, &target, [7; 8], None).expect("short names");
    let challenge = ntlm::Challenge::parse(&second).expect("just made");
    let password = Secret::new(password.as_bytes());
    let identity = ClientIdentity {
        domain,
        user,
        password: &password,
        workstation: "HOST01",
    };
    let third = ntlm::respond(&first, &challenge, &identity, [5; 8], FileTime(1)).expect("encodes");
    [first, second, third]
}

/// An AUTHENTICATE message with these responses (MS-NLMP section 2.2.1.3), without a version and a MIC.
pub(crate) fn ntlm_v1_message(lm: &[u8], nt: &[u8]) -> Vec<u8> {
    let user: Vec<u8> = "svc".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut message = b"NTLMSSP\0\x03\0\0\0".to_vec();
    let mut payload = Vec::new();
    for part in [lm, nt, &[], &user, &[], &[]] {
        let length = u16::try_from(part.len()).expect("short").to_le_bytes();
        let offset = u32::try_from(64 + payload.len()).expect("short");
        message.extend([length, length].concat());
        message.extend(offset.to_le_bytes());
        payload.extend_from_slice(part);
    }
    message.extend(ntlm::flags::NEGOTIATE_UNICODE.to_le_bytes());
    message.extend(payload);
    message
}

/// The line with the AUTHENTICATE message that [`Talk::ntlm`] sends, as evidence quotes it.
pub(crate) fn authenticate_line(domain: &str, user: &str, password: &str) -> String {
    let [_, _, third] = ntlm_messages(domain, user, password);
    BASE64.encode(third)
}
