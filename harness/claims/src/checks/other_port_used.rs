//! Does the sender use another port than the one that it is told, or 25?

use crate::given::Role;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "other-port-used",
    observed_when: "the sender connects to its configured host on another port than the one that the name carries, or 25 where it carries none",
    trigger: "the host answers on another port too, so that the sender had a choice",
    method: "The port of the connection is held against the one behind the configured name. Where the host is known to listen on one port only, \
             the sender had no choice, and nothing is shown.",
    references: &["RFC 5321 2.3.5", "RFC 6409 3.1"],
    run,
};

/// The port of SMTP, where the configured name carries none.
const SMTP: u16 = 25;

fn run(subject: &Subject<'_>) -> Finding {
    let (timeline, given) = (subject.timeline(), subject.given());
    let here = |role| given.servers(role).find(|server| server.address.ip() == timeline.server.ip());
    let Some(configured) = here(Role::Configured) else {
        return Finding::undetermined("no configured host has this address, as far as is known");
    };
    let wanted = configured.port.unwrap_or(SMTP);
    let used = timeline.server.port();
    let first = vec![Evidence::packet(timeline.packet_range.0, format!("connection to port {used}"))];
    let told = match configured.port {
        Some(port) => format!("the configured name carries port {port}"),
        None => "the configured name carries no port".to_owned(),
    };
    if used != wanted {
        return Finding::observed(format!("the sender connected to port {used}; {told}"), first);
    }
    if here(Role::OtherPort).is_none() {
        return Finding::undetermined("the host is not known to listen on any other port");
    }
    Finding::not_observed(format!("the sender connected to port {used}; {told}"), first)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::super::testing::{OTHER_SERVER, SERVER, Seen, Talk, find, server};
    use super::*;
    use crate::Given;

    fn on(port: u16) -> SocketAddr {
        SocketAddr::new(SERVER.ip(), port)
    }

    fn seen(used: u16, configured: u16, carried: Option<u16>, others: bool) -> Seen {
        let mut first = server(Role::Configured, on(configured), 0);
        first.port = carried;
        let mut servers = vec![first];
        servers.extend(others.then(|| server(Role::OtherPort, on(587), 0)));
        let given = Given { servers, ..Given::default() };
        find(&CHECK, Talk::ehlo(&[]).quit().reaching(on(used)), given)
    }

    #[test]
    fn another_port() {
        seen(587, 25, None, true).observed("port 587; the configured name carries no port", &["packet 1"]);
        seen(25, 2525, Some(2525), true).observed("carries port 2525", &["packet 1"]);
    }

    #[test]
    fn the_port_that_was_told_or_25() {
        seen(25, 25, None, true).not_observed("port 25", &["packet 1"]);
        seen(2525, 2525, Some(2525), true).not_observed("port 2525", &["packet 1"]);
    }

    #[test]
    fn without_a_choice() {
        seen(25, 25, None, false).undetermined("any other port");
        let elsewhere = Talk::ehlo(&[]).reaching(OTHER_SERVER);
        let given = Given { servers: vec![server(Role::Configured, SERVER, 0)], ..Given::default() };
        find(&CHECK, elsewhere, given).undetermined("no configured host");
        find(&CHECK, Talk::ehlo(&[]), Given::default()).undetermined("no configured host");
    }
}
