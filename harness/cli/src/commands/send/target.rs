//! Where the message goes.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lab::adapter::Host;
use tokio::net::lookup_host;

use crate::Failure;

/// A server as it is named: before anything is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct Server {
    /// A name or an address, without brackets.
    pub(in crate::commands) host: String,
    /// Its port.
    pub(in crate::commands) port: u16,
}

impl Server {
    /// Reads `host`, `host:port`, an IPv6 address, and `[address]:port`.
    pub(super) fn parse(text: &str, default_port: u16) -> Result<Self, Failure> {
        Self::parse_as("--server", text, default_port)
    }

    /// The same for the value of another option.
    pub(in crate::commands) fn parse_as(
        option: &str,
        text: &str,
        default_port: u16,
    ) -> Result<Self, Failure> {
        let bad = |why: &str| Failure::input(format!("{option} {text}: {why}"));
        let port = |text: &str| match text.parse() {
            Ok(port) if port > 0 => Ok(port),
            _ => Err(bad("the port is a number from 1 to 65535")),
        };
        if text.parse::<Ipv6Addr>().is_ok() {
            return Ok(Self::new(text, default_port));
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (address, behind) = rest
                .split_once(']')
                .ok_or_else(|| bad("the bracket is not closed"))?;
            if address.parse::<Ipv6Addr>().is_err() {
                return Err(bad("what stands in brackets is not an IPv6 address"));
            }
            return match behind.strip_prefix(':') {
                Some(number) => Ok(Self::new(address, port(number)?)),
                None if behind.is_empty() => Ok(Self::new(address, default_port)),
                None => Err(bad("expected `:` and a port behind the bracket")),
            };
        }
        let (host, port) = match text.split_once(':') {
            Some((host, number)) => (host, port(number)?),
            None => (text, default_port),
        };
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if host.is_empty() || !host.bytes().all(sound) {
            return Err(bad("expected a host name or an address, HOST or HOST:PORT"));
        }
        Ok(Self::new(host, port))
    }

    fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A server that was found.
#[derive(Clone, Debug)]
pub(super) struct Target {
    server: Server,
    addresses: Vec<SocketAddr>,
}

impl Target {
    /// Asks for all addresses of the server.
    pub(super) async fn resolve(server: &Server) -> Result<Self, Failure> {
        let found = lookup_host((server.host.as_str(), server.port)).await;
        let mut addresses = Vec::new();
        let cannot = |error: io::Error| {
            Failure::input(format!("cannot find the server {}: {error}", server.host))
        };
        for address in found.map_err(cannot)? {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err(cannot(io::Error::other("the name has no address")));
        }
        Ok(Self {
            server: server.clone(),
            addresses,
        })
    }

    /// The first address.
    pub(super) fn first(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// As the adapter wants to know it.
    pub(super) fn host(&self) -> Host {
        let is_address = self.server.host.parse::<IpAddr>().is_ok();
        Host {
            name: (!is_address).then(|| self.server.host.clone()),
            addresses: self.addresses.clone(),
        }
    }
}

impl fmt::Display for Target {
    /// The name, and the address where that says more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)?;
        let ip = self.first().ip();
        if self.server.host.parse() != Ok(ip) {
            write!(f, " ({ip})")?;
        }
        Ok(())
    }
}

/// The authorities whose certificates are accepted, as PEM: those of a file, or those of the system.
pub(in crate::commands) fn authorities(file: Option<&Path>) -> Result<String, Failure> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))?;
        if !text.contains("-----BEGIN CERTIFICATE-----") {
            let shown = path.display();
            return Err(Failure::input(format!("{shown} has no certificate in PEM")));
        }
        return Ok(text);
    }
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(Failure::input(
            "the system has no authorities to check certificates with; name some with --tls-ca",
        ));
    }
    let mut pem = String::new();
    for certificate in &found.certs {
        let text = BASE64_STANDARD.encode(certificate);
        pem.extend([
            "-----BEGIN CERTIFICATE-----\n",
            &text,
            "\n-----END CERTIFICATE-----\n",
        ]);
    }
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("mail.example", "mail.example:25")]
    #[case("mail.example:587", "mail.example:587")]
    #[case("192.0.2.1:2525", "192.0.2.1:2525")]
    #[case("2001:db8::1", "[2001:db8::1]:25")]
    #[case("[2001:db8::1]", "[2001:db8::1]:25")]
    #[case("[2001:db8::1]:2525", "[2001:db8::1]:2525")]
    fn servers_are_read(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(Server::parse(text, 25).expect("sound").to_string(), shown);
    }

    #[rstest]
    #[case("")]
    #[case(":25")]
    #[case("mail.example:")]
    #[case("mail.example:0")]
    #[case("mail.example:65536")]
    #[case("mail.example:25:25")]
    #[case("[mail.example]:25")]
    #[case("[::1")]
    #[case("[::1]25")]
    #[case("mail example")]
    #[case("user@mail.example")]
    fn what_is_no_server_is_refused(#[case] text: &str) {
        Server::parse(text, 25).expect_err("not sound");
    }
}
