//! JA4, the fingerprint of a TLS client by `FoxIO` (github.com/FoxIO-LLC/ja4, `technical_details/JA4.md`; this part of
//! the JA4+ family is under the BSD license).

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::hello::ClientHello;

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;

impl ClientHello {
    /// The client's JA4 over TCP, e.g. `t13d1516h2_8daaf6152771_e5627efa2ab1`. The same software gives the same one
    /// whatever server it talks to, except where it changes what it offers.
    pub fn ja4(&self) -> String {
        let version = match self.newest_version() {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            0x0002 => "s2",
            _ => "00",
        };
        let named = if self.extensions.contains(&SERVER_NAME) {
            'd'
        } else {
            'i'
        };
        let mut suites = self.cipher_suites.clone();
        suites.sort_unstable();
        let mut extensions = self.extensions.clone();
        extensions.retain(|kind| !matches!(*kind, SERVER_NAME | ALPN));
        extensions.sort_unstable();
        let mut described = listed(&extensions);
        if !extensions.is_empty() && !self.signature_schemes.is_empty() {
            described.push('_');
            described.push_str(&listed(&self.signature_schemes));
        }
        format!(
            "t{version}{named}{:02}{:02}{}_{}_{}",
            self.cipher_suites.len().min(99),
            self.extensions.len().min(99),
            protocol(self.protocols.first().map(Vec::as_slice)),
            hashed(&listed(&suites)),
            hashed(&described),
        )
    }
}

/// First and last character of the first application protocol; of its hexadecimal form where one is no letter or digit.
fn protocol(name: Option<&[u8]>) -> String {
    let (Some(&first), Some(&last)) = (name.and_then(<[u8]>::first), name.and_then(<[u8]>::last))
    else {
        return "00".to_owned();
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        [first, last].map(char::from).iter().collect()
    } else {
        format!("{:x}{:x}", first >> 4, last & 0xf)
    }
}

fn listed(numbers: &[u16]) -> String {
    let mut list = String::new();
    for (at, number) in numbers.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(list, "{comma}{number:04x}");
    }
    list
}

fn hashed(list: &str) -> String {
    if list.is_empty() {
        return "0".repeat(12);
    }
    hex::encode(&Sha256::digest(list)[..6])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn numbers(list: &str) -> Vec<u16> {
        let numbers = list.split(',').filter(|number| !number.is_empty());
        numbers
            .map(|number| u16::from_str_radix(number, 16).unwrap())
            .collect()
    }

    // The first three are the example of the specification (whole; without signature algorithms; with nothing), the
    // fourth was published with its raw form by a site that shows visitors their own.
    #[rstest]
    #[case(
        "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035",
        "001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015",
        "0403,0804,0401,0503,0805,0501,0806,0601",
        "t13d1516h2_8daaf6152771_e5627efa2ab1"
    )]
    #[case(
        "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035",
        "001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015",
        "",
        "t13d1516h2_8daaf6152771_6d807ffa2a79"
    )]
    #[case("", "", "", "t13i0000h2_000000000000_000000000000")]
    #[case(
        "1301,1302,1303,c02b,c02c,cca9,c02f,c030,cca8,00ff",
        "0000,0010,0005,000a,000b,000d,0017,0023,002b,002d,0033",
        "0503,0403,0807,0806,0805,0804,0601,0501,0401",
        "t13d1011h2_61a7ad8aa9b6_3fcd1a44f3e3"
    )]
    fn published_examples(
        #[case] suites: &str,
        #[case] extensions: &str,
        #[case] schemes: &str,
        #[case] expected: &str,
    ) {
        let hello = ClientHello {
            legacy_version: 0x0303,
            supported_versions: vec![0x0304, 0x0303],
            cipher_suites: numbers(suites),
            extensions: numbers(extensions),
            signature_schemes: numbers(schemes),
            protocols: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            ..ClientHello::default()
        };
        assert_eq!(hello.ja4(), expected);
    }

    #[rstest]
    #[case(None, "00")]
    #[case(Some(&b""[..]), "00")]
    #[case(Some(&b"http/1.1"[..]), "h1")]
    #[case(Some(&b"x"[..]), "xx")]
    #[case(Some(&[0xab][..]), "ab")]
    #[case(Some(&[0xab, 0xcd][..]), "ad")]
    #[case(Some(&[0x30, 0xab][..]), "3b")]
    #[case(Some(&[0x30, 0x31, 0xab, 0xcd][..]), "3d")]
    #[case(Some(&[0x30, 0xab, 0xcd, 0x31][..]), "01")]
    fn protocols(#[case] name: Option<&[u8]>, #[case] expected: &str) {
        assert_eq!(protocol(name), expected);
    }

    #[test]
    fn an_old_client_without_extensions() {
        let hello = ClientHello {
            legacy_version: 0x0002,
            cipher_suites: vec![5; 120],
            ..ClientHello::default()
        };
        assert!(hello.ja4().starts_with("ts2i990000_"));
        assert!(hello.ja4().ends_with("_000000000000"));
    }
}
