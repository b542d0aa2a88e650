//! `SMTPHost`: a server's name, with a port in the readings that allow one.

use std::fmt;
use std::net::Ipv6Addr;

use super::limits::{Limit, SMTP_HOST};
use super::readings::HostReading;

/// The port of SMTP, where none is configured.
pub const DEFAULT_PORT: u16 = 25;

/// The characters that the documentation forbids in `SMTPHost`, but for the colon.
const FORBIDDEN: &str = "`~!@#$^&*()=+[]{}\\|;'\",<>/?";

/// A server to send to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// Its name, or an address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Why a text is not an `SMTPHost`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    /// There is nothing in it.
    #[error("SMTPHost is empty")]
    Empty,
    /// A character that the documentation forbids, or that no host name has.
    #[error("SMTPHost holds {0:?}, which it must not")]
    Character(char),
    /// What stands behind the colon is no port.
    #[error("SMTPHost has no port between 1 and 65535 behind its colon")]
    Port,
    /// It is longer than documented.
    #[error(transparent)]
    TooLong(#[from] Limit),
}

impl HostPort {
    /// Reads an `SMTPHost`.
    ///
    /// # Errors
    /// [`BadHost`] says what the documentation, in the given reading, does not allow.
    pub fn parse(text: &str, reading: HostReading) -> Result<Self, BadHost> {
        let text = text.trim();
        SMTP_HOST.check(text)?;
        if text.is_empty() {
            return Err(BadHost::Empty);
        }
        let odd = |c: &char| FORBIDDEN.contains(*c) || c.is_control() || c.is_whitespace();
        if let Some(odd) = text.chars().find(odd) {
            return Err(BadHost::Character(odd));
        }
        let alone = |host: &str| Self {
            host: host.to_owned(),
            port: DEFAULT_PORT,
        };
        let Some((host, port)) = text.rsplit_once(':') else {
            return Ok(alone(text));
        };
        let literal = text.parse::<Ipv6Addr>().is_ok();
        match reading {
            HostReading::HostAndPort | HostReading::LiteralOnly if literal => Ok(alone(text)),
            HostReading::NoColon | HostReading::LiteralOnly => Err(BadHost::Character(':')),
            HostReading::HostAndPort | HostReading::PortFirst => {
                let digits = port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
                let number = digits.then(|| port.parse().ok()).flatten();
                match number.filter(|&port: &u16| port > 0) {
                    // A name with colons is none, unless it is an address.
                    Some(_) if host.contains(':') && host.parse::<Ipv6Addr>().is_err() => {
                        Err(BadHost::Character(':'))
                    }
                    Some(_) if host.is_empty() => Err(BadHost::Empty),
                    Some(port) => Ok(Self {
                        host: host.to_owned(),
                        port,
                    }),
                    None => Err(BadHost::Port),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ALL: [HostReading; 4] = [
        HostReading::HostAndPort,
        HostReading::PortFirst,
        HostReading::LiteralOnly,
        HostReading::NoColon,
    ];

    fn read(text: &str, reading: HostReading) -> Result<String, BadHost> {
        HostPort::parse(text, reading).map(|host| host.to_string())
    }

    #[test]
    fn a_name_is_the_same_in_every_reading() {
        for reading in ALL {
            assert_eq!(read(" mail.example ", reading).unwrap(), "mail.example:25");
            assert_eq!(read("192.0.2.7", reading).unwrap(), "192.0.2.7:25");
        }
    }

    #[rstest]
    #[case("mail.example:2525", [Some("mail.example:2525"), Some("mail.example:2525"), None, None])]
    #[case("2001:db8::1:25", [Some("[2001:db8::1:25]:25"), Some("[2001:db8::1]:25"), Some("[2001:db8::1:25]:25"), None])]
    #[case("2001:db8:0:0:0:0:0:1:587", [Some("[2001:db8:0:0:0:0:0:1]:587"), Some("[2001:db8:0:0:0:0:0:1]:587"), None, None])]
    #[case("mail.example:", [None; 4])]
    #[case("mail.example:0", [None; 4])]
    #[case("mail.example:65536", [None; 4])]
    #[case("mail.example:+25", [None; 4])]
    #[case(":25", [None; 4])]
    #[case("a:b:25", [None; 4])]
    #[case("[2001:db8::1]", [None; 4])]
    #[case("", [None; 4])]
    fn a_colon_has_four_readings(#[case] text: &str, #[case] expected: [Option<&str>; 4]) {
        for (reading, expected) in ALL.into_iter().zip(expected) {
            assert_eq!(read(text, reading).ok().as_deref(), expected, "{reading:?}");
        }
    }

    #[test]
    fn every_forbidden_character_is_named() {
        for c in FORBIDDEN.chars().chain(['\r', ' ', '\0']) {
            let text = format!("mail{c}example");
            assert_eq!(
                HostPort::parse(&text, HostReading::HostAndPort),
                Err(BadHost::Character(c))
            );
        }
    }

    #[test]
    fn at_most_256_characters() {
        let name = |length: usize| read(&"a".repeat(length), HostReading::HostAndPort);
        assert!(name(256).is_ok());
        assert!(matches!(name(257), Err(BadHost::TooLong(_))));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,300}") {
            for reading in ALL {
                let _ = HostPort::parse(&text, reading);
            }
        }
    }
}
