//! Does the sender go past the server that it is configured for?

use smtp::timeline::Transaction;

use crate::given::{GivenServer, Role};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "other-server-contacted",
    observed_when: "the sender opens a connection to a server that its configuration does not name",
    trigger: "a message was offered to the configured server, and the recipients' domain has a server of its own that could have \
              been found instead",
    method: "The server's address is held against those that the configuration names: the port's, the handler's, the backup \
             transport's. Where the recipients' own server is known and another one, a message for them that was offered to the \
             configured server was not sent past it. Where both are one, or nothing is known of the configuration, nothing is \
             shown.",
    references: &["RFC 5321 5.1", "RFC 5321 3.3"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let (timeline, given) = (subject.timeline(), subject.given());
    if given.servers.is_empty() {
        return Finding::undetermined("which server the sender is configured for is not known");
    }
    let configured = |server: &GivenServer| matches!(server.role, Role::Configured | Role::Handler | Role::Backup | Role::OtherPort);
    let Some(server) = given.server(timeline.server).filter(|server| configured(server)) else {
        let what = if given.server(timeline.server).is_some() { "the recipients' own server" } else { "a server that nothing names" };
        let first = Evidence::packet(timeline.packet_range.0, format!("connection to {}", timeline.server));
        return Finding::observed(format!("the sender connected to {}: {what}", timeline.server), vec![first]);
    };
    let mut partners = given.servers(Role::Partner).filter(|partner| partner.address != server.address);
    if partners.next().is_none() {
        return Finding::undetermined("the recipients have no server of their own here, to which the message could have gone");
    }
    let Some((_, recipient)) = timeline.transactions.iter().find_map(first_recipient) else {
        return Finding::undetermined(subject.unheard().unwrap_or_else(|| "no recipient was named".to_owned()));
    };
    Finding::not_observed(
        format!("the message for others was offered to {}, which is {}", timeline.server, server.role.words()),
        vec![Evidence::bytes(timeline, recipient, "a recipient whose domain has a server of its own")],
    )
}

fn first_recipient(transaction: &Transaction) -> Option<(&str, wire::Span)> {
    let recipient = transaction.recipients.first()?;
    Some((recipient.address.value.as_str(), recipient.address.span))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{OTHER_SERVER, SERVER, Seen, TO, Talk, find, plain, server};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk, servers: Vec<GivenServer>) -> Seen {
        find(&CHECK, talk, Given { servers, ..Given::default() })
    }

    fn both() -> Vec<GivenServer> {
        vec![server(Role::Configured, SERVER, 0), server(Role::Partner, OTHER_SERVER, 0)]
    }

    fn sent() -> Talk {
        Talk::ehlo(&[]).message(&plain("", "x")).quit()
    }

    #[test]
    fn past_the_configured_server() {
        seen(sent().reaching(OTHER_SERVER), both()).observed("the recipients' own server", &["packet 1"]);
        let unnamed = vec![server(Role::Configured, SERVER, 0)];
        seen(Talk::ehlo(&[]).quit().reaching(OTHER_SERVER), unnamed).observed("nothing names", &["packet 1"]);
    }

    #[test]
    fn to_the_configured_server() {
        seen(sent(), both()).not_observed("which is the configured one", &[TO]);
        let mut backup = both();
        backup.push(server(Role::Backup, OTHER_SERVER, 0));
        backup[1].address.set_port(26);
        seen(sent().reaching(OTHER_SERVER), backup).not_observed("the backup transport", &[TO]);
    }

    #[test]
    fn where_nothing_could_be_missed() {
        seen(sent(), Vec::new()).undetermined("not known");
        seen(sent(), vec![server(Role::Configured, SERVER, 0)]).undetermined("no server of their own");
        let same = vec![server(Role::Configured, SERVER, 0), server(Role::Partner, SERVER, 0)];
        seen(sent(), same).undetermined("no server of their own");
        seen(Talk::ehlo(&[]).quit(), both()).undetermined("no recipient");
    }
}
