//! What the server had offered when the client said a command, and what each extension brings.

use smtp::Timeline;
use smtp::timeline::{Capabilities, Command, Event};

use super::grammar::{parameters, split_path};
use crate::{Evidence, Finding, Subject};

/// A parameter or a verb of an extension that was used.
pub(super) struct Use<'a> {
    /// The command.
    pub(super) event: &'a Event,
    /// The parameter or verb, as reasons name it.
    pub(super) what: String,
    /// The keyword that has to be offered for it; `None` for a parameter that no extension known here brings.
    pub(super) extension: Option<&'static str>,
    /// What was on offer: the EHLO reply that counts, or nothing after HELO or a new TLS session.
    pub(super) offer: Option<&'a Capabilities>,
}

impl Use<'_> {
    /// Whether the server had offered it.
    pub(super) fn is_offered(&self) -> bool {
        let keyword = self.extension.unwrap_or(&self.what);
        self.offer.is_some_and(|offer| offer.get(keyword).is_some())
    }
}

/// The parameters of MAIL and RCPT, with the keyword that offers each.
const PARAMETERS: [(&str, &str); 18] = [
    ("SIZE", "SIZE"),
    ("SMTPUTF8", "SMTPUTF8"),
    ("AUTH", "AUTH"),
    ("RET", "DSN"),
    ("ENVID", "DSN"),
    ("NOTIFY", "DSN"),
    ("ORCPT", "DSN"),
    ("BY", "DELIVERBY"),
    ("HOLDFOR", "FUTURERELEASE"),
    ("HOLDUNTIL", "FUTURERELEASE"),
    ("MT-PRIORITY", "MT-PRIORITY"),
    ("REQUIRETLS", "REQUIRETLS"),
    ("RRVS", "RRVS"),
    ("SOLICIT", "NO-SOLICITING"),
    ("MTRK", "MTRK"),
    ("CONPERM", "CONPERM"),
    ("CONNEG", "CONNEG"),
    ("TRANSID", "CHECKPOINT"),
];

/// The verbs that an extension brings, with the keyword that offers each.
const VERBS: [(&str, &str); 7] = [
    ("AUTH", "AUTH"),
    ("STARTTLS", "STARTTLS"),
    ("BDAT", "CHUNKING"),
    ("BURL", "BURL"),
    ("ETRN", "ETRN"),
    ("ATRN", "ATRN"),
    ("XCLIENT", "XCLIENT"),
];

/// Every use of an extension, in order.
pub(super) fn uses(timeline: &Timeline) -> Vec<Use<'_>> {
    let mut all = Vec::new();
    for (number, event, command) in timeline.commands() {
        let offer = offer(timeline, number);
        for (what, extension) in used(command) {
            all.push(Use {
                event,
                what,
                extension,
                offer,
            });
        }
    }
    all
}

/// What one command uses.
fn used(command: &Command) -> Vec<(String, Option<&'static str>)> {
    let verb = command.verb.as_str();
    let prefix = match verb {
        "MAIL" => "FROM:",
        "RCPT" => "TO:",
        _ => {
            let known = VERBS.iter().find(|(name, _)| *name == verb);
            return known
                .map(|(name, keyword)| ((*name).to_owned(), Some(*keyword)))
                .into_iter()
                .collect();
        }
    };
    let rest = split_path(&command.argument, prefix).map_or("", |(_, rest)| rest);
    let keyword = |(name, value): (String, Option<&str>)| {
        let extension = match (name.as_str(), value) {
            ("BODY", Some(value)) if value.eq_ignore_ascii_case("BINARYMIME") => Some("BINARYMIME"),
            ("BODY", _) => Some("8BITMIME"),
            (name, _) => PARAMETERS
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, keyword)| *keyword),
        };
        (name, extension)
    };
    parameters(rest).map(keyword).collect()
}

/// Whether the EHLO reply that counts for the command of an exchange has this keyword.
pub(super) fn has(timeline: &Timeline, exchange: usize, keyword: &str) -> bool {
    offer(timeline, exchange).is_some_and(|offer| offer.get(keyword).is_some())
}

/// The EHLO reply that counts for the command of an exchange: the last before it, unless HELO or a new TLS session came
/// between.
pub(super) fn offer(timeline: &Timeline, exchange: usize) -> Option<&Capabilities> {
    let last = timeline
        .capabilities
        .iter()
        .rev()
        .find(|one| one.exchange < exchange)?;
    let forgotten = (last.exchange + 1..exchange).any(|number| {
        let verb = timeline
            .command(number)
            .map_or("", |command| command.verb.as_str());
        let code = timeline.reply(number).map_or(0, |(_, reply)| reply.code);
        matches!((verb, code), ("HELO", 200..=299) | ("STARTTLS", 220))
    });
    (!forgotten).then_some(last)
}

/// The finding about uses of extensions among those that `counts` takes: observed where one was not offered.
pub(super) fn unoffered(
    subject: &Subject<'_>,
    counts: impl Fn(&Use<'_>) -> bool,
) -> Option<Finding> {
    let timeline = subject.timeline();
    let all = uses(timeline);
    let one = all.iter().find(|one| counts(one) && !one.is_offered())?;
    let plain = one.what.len() <= 16
        && one
            .what
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let what = if plain {
        one.what.as_str()
    } else {
        "a parameter"
    };
    let reply = one.offer.and_then(|offer| timeline.reply(offer.exchange));
    let without = reply.map(|(event, _)| Evidence::event(event, "the EHLO reply, without it"));
    Some(Finding::observed(
        format!("the client used {what}, and the server had not offered it"),
        std::iter::once(Evidence::event(one.event, format!("{what} in use")))
            .chain(without)
            .collect(),
    ))
}

/// The first MAIL with the EHLO reply before it: the client knew what was on offer, and went on.
pub(super) fn went_on(timeline: &Timeline) -> Option<Vec<Evidence>> {
    let (number, mail, _) = timeline
        .commands()
        .find(|(_, _, command)| command.verb == "MAIL")?;
    let reply = offer(timeline, number).and_then(|offer| timeline.reply(offer.exchange));
    let reply = reply.map(|(event, _)| Evidence::event(event, "what the server offered"));
    Some(
        std::iter::once(Evidence::event(mail, "the first MAIL"))
            .chain(reply)
            .collect(),
    )
}
