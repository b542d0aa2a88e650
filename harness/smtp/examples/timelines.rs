//! Reads captures and prints, for each conversation, what its timeline holds: counts and outcomes, never a credential.
//!
//! `cargo run -p smtpspec-smtp --example timelines -- CAPTURE…`, with `-v` to list the events.

use std::path::Path;

use smtpspec_smtp::timeline::{Event, EventKind, Timeline};

fn main() {
    let (flags, paths): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|a| a == "-v");
    for path in &paths {
        match wire::Capture::read(Path::new(path)) {
            Ok(capture) => {
                for conversation in &capture.conversations {
                    let timeline = smtpspec_smtp::session::read(conversation);
                    println!("{path} {}", summary(&timeline));
                    if !flags.is_empty() {
                        timeline
                            .events
                            .iter()
                            .for_each(|event| println!("  {}", described(event)));
                        pairs(&timeline);
                    }
                }
            }
            Err(error) => println!("{path}: {error}"),
        }
    }
}

fn summary(timeline: &Timeline) -> String {
    let sent = timeline.messages().count();
    let accepted = timeline
        .messages()
        .filter(|(_, d)| d.accepted == Some(true))
        .count();
    let complete = timeline.messages().filter(|(_, d)| d.complete).count();
    let auth: Vec<_> = timeline
        .authentications
        .iter()
        .map(|auth| {
            let problems = auth.identity.problems();
            let identity = match problems.as_slice() {
                [] => String::new(),
                problems => format!(" problems: {problems:?}"),
            };
            format!("{}:{:?}{identity}", auth.mechanism.value, auth.outcome)
        })
        .collect();
    let unparsed = timeline
        .events
        .iter()
        .filter(|e| matches!(e.kind, EventKind::Unparsed(_)))
        .count();
    let tls = timeline.tls.as_ref().map(|tls| {
        let version = tls.server_hello.as_ref().map(|hello| hello.value.version);
        (
            tls.start,
            tls.client_hello.is_some(),
            version,
            tls.established,
        )
    });
    format!(
        "#{} {:?} msgs {accepted}/{sent} complete {complete} exchanges {} auth {auth:?} tls {tls:?} octets {:?} \
         gaps {} unparsed {unparsed}",
        timeline.index,
        timeline.protocol,
        timeline.exchanges.len(),
        timeline.octets,
        timeline.gaps.len(),
    )
}

fn described(event: &Event) -> String {
    let kind = match &event.kind {
        EventKind::Command(command) => format!("command {} {:?}", command.verb, command.terminator),
        EventKind::Reply(reply) => format!("reply {} ({} lines)", reply.code, reply.lines.len()),
        EventKind::SaslResponse(_) => "SASL response".to_owned(),
        EventKind::Content(transaction) => format!("content of transaction {transaction}"),
        EventKind::Unparsed(bytes) => format!("unparsed, {} bytes", bytes.len()),
        other => format!("{other:?}"),
    };
    format!(
        "{} {}..{} {kind}",
        event.span.direction, event.span.start, event.span.end
    )
}

fn pairs(timeline: &Timeline) {
    for exchange in 0..timeline.exchanges.len() {
        let request = timeline
            .command(exchange)
            .map_or("content", |command| command.verb.as_str());
        let code = timeline.reply(exchange).map(|(_, reply)| reply.code);
        println!("  {request} -> {code:?}");
    }
}
