//! Does the handler's server get what the port sends elsewhere?

use crate::given::Role;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "handler-server-used",
    observed_when: "the sender talks to the server of its handler, although the port names another",
    trigger: "handler and port name different servers, and the sender spoke to one of them",
    method: "Each level of the configuration names a server of its own. Whichever of them is talked to shows whose value counts; where both \
             name the same one nothing is shown.",
    references: &["RFC 5321 3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let (timeline, given) = (subject.timeline(), subject.given());
    let Some(handler) = given.servers(Role::Handler).next() else {
        return Finding::undetermined("handler and port are not known to name different servers");
    };
    let Some(configured) = given.servers(Role::Configured).find(|one| one.address != handler.address) else {
        return Finding::undetermined("handler and port name the same server");
    };
    if timeline.server == handler.address {
        let first = Evidence::packet(timeline.packet_range.0, "connection to the handler's server");
        return Finding::observed(format!("the sender connected to {}, the handler's server", timeline.server), vec![first]);
    }
    if timeline.server != configured.address {
        return Finding::undetermined("the conversation is with neither server");
    }
    let Some((_, event, _)) = timeline.commands().next() else {
        return Finding::undetermined(subject.unheard().unwrap_or_else(|| "the sender said nothing to the port's server".to_owned()));
    };
    Finding::not_observed(
        format!("the sender talks to {}, the port's server, and not to {}, the handler's", timeline.server, handler.address),
        vec![Evidence::event(event, "said to the port's server")],
    )
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::super::testing::{OTHER_SERVER, SERVER, Seen, Talk, find, server};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk, handler: SocketAddr) -> Seen {
        let servers = vec![server(Role::Configured, SERVER, 0), server(Role::Handler, handler, 0)];
        find(&CHECK, talk, Given { servers, ..Given::default() })
    }

    #[test]
    fn the_handlers_server() {
        let quiet = Talk::silent().reaching(OTHER_SERVER).closed();
        seen(quiet, OTHER_SERVER).observed("the handler's server", &["packet 1"]);
    }

    #[test]
    fn the_ports_server() {
        seen(Talk::ehlo(&[]).quit(), OTHER_SERVER).not_observed("the port's server", &["EHLO host.contoso.example\r\n"]);
    }

    #[test]
    fn one_server_for_both_or_none_of_them() {
        seen(Talk::ehlo(&[]).quit(), SERVER).undetermined("the same server");
        let third = SocketAddr::from(([192, 0, 2, 27], 25));
        seen(Talk::ehlo(&[]).reaching(third).quit(), OTHER_SERVER).undetermined("with neither");
        seen(Talk::silent().closed(), OTHER_SERVER).undetermined("said nothing");
        find(&CHECK, Talk::ehlo(&[]).quit(), Given::default()).undetermined("not known");
    }
}
