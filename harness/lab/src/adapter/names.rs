//! What can be reached from the adapter's machine, under which names.

use std::net::SocketAddr;

/// Names with the addresses behind them, and domains with their mail servers: what DNS and routing would tell a machine.
#[derive(Clone, Debug, Default)]
pub struct Names {
    hosts: Vec<(String, u16, SocketAddr)>,
    exchangers: Vec<(String, String)>,
}

impl Names {
    /// A port of a host is reached at an address.
    pub fn add(&mut self, host: &str, port: u16, address: SocketAddr) {
        self.hosts.push((host.to_owned(), port, address));
    }

    /// Mail for a domain goes to a host (an MX record, RFC 5321 section 5.1).
    pub fn add_exchanger(&mut self, domain: &str, host: &str) {
        self.exchangers.push((domain.to_owned(), host.to_owned()));
    }

    /// The address behind a port of a host.
    pub fn find(&self, host: &str, port: u16) -> Option<SocketAddr> {
        let found = self
            .hosts
            .iter()
            .find(|(name, number, _)| name.eq_ignore_ascii_case(host) && *number == port);
        found.map(|(.., address)| *address)
    }

    /// The mail server of a domain.
    pub fn exchanger(&self, domain: &str) -> Option<&str> {
        let found = self
            .exchangers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(domain));
        found.map(|(_, host)| host.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_ports_by_number() {
        let mut names = Names::default();
        let (one, two) = (
            SocketAddr::from(([127, 0, 0, 1], 1)),
            SocketAddr::from(([127, 0, 0, 1], 2)),
        );
        names.add("mail.example.test", 25, one);
        names.add("mail.example.test", 587, two);
        names.add_exchanger("partner.example", "mx.partner.example");
        assert_eq!(names.find("MAIL.example.test", 25), Some(one));
        assert_eq!(names.find("mail.example.test", 587), Some(two));
        assert_eq!(names.find("mail.example.test", 26), None);
        assert_eq!(
            names.exchanger("Partner.Example"),
            Some("mx.partner.example")
        );
        assert_eq!(names.exchanger("example"), None);
    }
}
