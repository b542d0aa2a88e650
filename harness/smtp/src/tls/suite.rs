//! Cipher suites: their registered names, and what makes one weak.

use tls_parser::{TlsCipherAu, TlsCipherEnc, TlsCipherKx, TlsCipherMac, TlsCipherSuite};

/// `TLS_EMPTY_RENEGOTIATION_INFO_SCSV` (RFC 5746): the client knows of safe renegotiation.
const RENEGOTIATION_INFO: u16 = 0x00ff;
/// `TLS_FALLBACK_SCSV` (RFC 7507): the client tries an older version after a newer one failed.
pub(super) const FALLBACK: u16 = 0x5600;

/// The name of a cipher suite in the registry of IANA, e.g. `TLS_AES_128_GCM_SHA256`; `None` for an unknown number.
pub fn suite_name(suite: u16) -> Option<&'static str> {
    TlsCipherSuite::from_id(suite).map(|suite| suite.name)
}

/// What is wrong with a cipher suite, from the words of its registered name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate fact")]
pub(super) struct Faults {
    /// It does not encrypt.
    pub(super) null: bool,
    /// Nobody is authenticated.
    pub(super) anonymous: bool,
    /// Its key was made short enough to be broken, for export from the United States of the 1990s.
    pub(super) export: bool,
    /// RC4 (RFC 7465).
    pub(super) rc4: bool,
    /// A cipher with blocks of 64 bits: DES, 3DES, RC2, IDEA (RFC 7457 section 2.7 and CVE-2016-2183).
    pub(super) small_blocks: bool,
    /// Whoever gets the server's key can read what was recorded.
    pub(super) no_forward_secrecy: bool,
    /// HMAC-MD5.
    pub(super) md5: bool,
}

pub(super) fn faults(suite: u16) -> Faults {
    // Two numbers of the registry are signals and no suites.
    let known = TlsCipherSuite::from_id(suite);
    let Some(suite) = known.filter(|_| !matches!(suite, RENEGOTIATION_INFO | FALLBACK)) else {
        return Faults::default();
    };
    Faults {
        null: suite.enc == TlsCipherEnc::Null && !matches!(suite.mac, TlsCipherMac::Aead),
        anonymous: suite.au == TlsCipherAu::Null,
        export: suite.name.contains("_EXPORT_"),
        rc4: suite.enc == TlsCipherEnc::Rc4,
        small_blocks: matches!(
            suite.enc,
            TlsCipherEnc::Des | TlsCipherEnc::TripleDes | TlsCipherEnc::Rc2 | TlsCipherEnc::Idea
        ),
        no_forward_secrecy: matches!(
            suite.kx,
            TlsCipherKx::Rsa | TlsCipherKx::Psk | TlsCipherKx::Krb5
        ) || (matches!(suite.kx, TlsCipherKx::Dh | TlsCipherKx::Ecdh)
            && suite.au != TlsCipherAu::Null),
        md5: suite.mac == TlsCipherMac::HmacMd5,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0x1301, Some("TLS_AES_128_GCM_SHA256"))]
    #[case(0xc02f, Some("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"))]
    #[case(0x0005, Some("TLS_RSA_WITH_RC4_128_SHA"))]
    #[case(0xcca8, Some("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"))]
    #[case(0xfefe, None)]
    fn names(#[case] suite: u16, #[case] name: Option<&str>) {
        assert_eq!(suite_name(suite), name);
    }

    // Numbers and names as the registry has them; the letters stand for the fields of `Faults`, in order.
    #[rstest]
    #[case(0x0000, "na")] // TLS_NULL_WITH_NULL_NULL
    #[case(0x0001, "nf5")] // TLS_RSA_WITH_NULL_MD5
    #[case(0x0003, "erf5")] // TLS_RSA_EXPORT_WITH_RC4_40_MD5
    #[case(0x0005, "rf")] // TLS_RSA_WITH_RC4_128_SHA
    #[case(0x000a, "sf")] // TLS_RSA_WITH_3DES_EDE_CBC_SHA
    #[case(0x0019, "aes")] // TLS_DH_anon_EXPORT_WITH_DES40_CBC_SHA
    #[case(0x0018, "ar5")] // TLS_DH_anon_WITH_RC4_128_MD5
    #[case(0x002f, "f")] // TLS_RSA_WITH_AES_128_CBC_SHA
    #[case(0x0033, "")] // TLS_DHE_RSA_WITH_AES_128_CBC_SHA
    #[case(0xc004, "f")] // TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA
    #[case(0xc018, "a")] // TLS_ECDH_anon_WITH_AES_128_CBC_SHA
    #[case(0xc010, "n")] // TLS_ECDHE_RSA_WITH_NULL_SHA
    #[case(0xc02f, "")] // TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    #[case(0xcca9, "")] // TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
    #[case(0x00ff, "")] // TLS_EMPTY_RENEGOTIATION_INFO_SCSV
    #[case(0x5600, "")] // TLS_FALLBACK_SCSV
    #[case(0x1302, "")] // TLS_AES_256_GCM_SHA384
    fn weak_suites(#[case] suite: u16, #[case] letters: &str) {
        let faults = faults(suite);
        let seen: String = [
            (faults.null, 'n'),
            (faults.anonymous, 'a'),
            (faults.export, 'e'),
            (faults.rc4, 'r'),
            (faults.small_blocks, 's'),
            (faults.no_forward_secrecy, 'f'),
            (faults.md5, '5'),
        ]
        .iter()
        .filter_map(|(yes, letter)| yes.then_some(*letter))
        .collect();
        assert_eq!(seen, letters);
    }
}
