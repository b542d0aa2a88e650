//! Does the sender get its mail to a server that insists on TLS?

use smtp::timeline::Protocol;

use crate::given::ServerTls;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "delivered-to-tls-only-server",
    observed_when: "the sender meets a server's demand for TLS, or gets a message accepted in spite of it",
    trigger: "the server demanded TLS: 530 (or 538) to a command with STARTTLS on offer, or a port that speaks TLS only",
    method: "The demand is a 530 or 538 reply that names STARTTLS or comes from a server known to require it, or a \
             TLS-only port. After it, TLS that begins, or content that is accepted, means that the sender can deliver \
             there; a session that ends without either means that it cannot.",
    references: &["RFC 3207 4", "RFC 4954 6", "RFC 8314 3.3"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let tls = timeline.tls.as_ref();
    if subject.implicit_tls_port() {
        return match (timeline.protocol, tls) {
            (Protocol::ImplicitTls, Some(tls)) if tls.established => Finding::observed(
                "the sender completed a TLS handshake with a TLS-only port",
                vec![Evidence::bytes(timeline, tls.client, "TLS records of the sender")],
            ),
            _ if subject.blind().is_none() && timeline.transactions.is_empty() => {
                Finding::not_observed("nothing was delivered to the TLS-only port", (super::implicit_tls_used::CHECK.run)(subject).evidence)
            }
            _ => Finding::undetermined("whether anything was delivered cannot be seen"),
        };
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let demand = timeline.exchanges.iter().enumerate().find_map(|(number, _)| {
        let (event, reply) = timeline.reply(number)?;
        let about_tls = reply.lines.iter().any(|line| line.to_ascii_uppercase().contains("STARTTLS"))
            || subject.given().server_tls == Some(ServerTls::Required);
        (matches!(reply.code, 530 | 538) && about_tls).then_some((number, event, reply.code))
    });
    let Some((number, event, code)) = demand else {
        return Finding::undetermined("the server did not demand TLS");
    };
    let mut evidence = vec![Evidence::event(event, format!("{code}: TLS demanded"))];
    if let Some(tls) = tls {
        evidence.insert(0, Evidence::bytes(timeline, tls.client, "TLS records of the sender"));
        return Finding::observed("the sender met the demand with STARTTLS", evidence);
    }
    if let Some(sent) = subject.sent().find(|sent| sent.data.command > number && sent.data.accepted == Some(true)) {
        evidence.insert(0, sent.all("message accepted after the demand"));
        return Finding::observed("a message was accepted although TLS was demanded", evidence);
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    Finding::not_observed(format!("the server demanded TLS ({code}), and no message was delivered"), evidence)
}
