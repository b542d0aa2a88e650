//! Does the message go to the backup transport once the retries are used up, and how is it protected there?

use std::cmp::Ordering;

use smtp::Timeline;
use smtp::timeline::Outcome;

use crate::chain::{self, EndWord, Try};
use crate::given::{GivenServer, Role};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "backup-used",
    observed_when: "the server of the backup transport is asked for the message after every try at the configured one has failed, and not before",
    trigger: "a backup transport is configured, and the configured server refused every try that retries allow, or the backup's was asked",
    method: "The sessions at the configured server are counted against its retries, and the backup's session must begin after the last of them. \
             The two are compared in what protects the message on its way: TLS, and whether the sender authenticated. A backup that is \
             weaker there is where an attacker who can make the first server fail would want the message.",
    references: &["RFC 5321 5.1", "RFC 5321 4.5.4.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let (timeline, given) = (subject.timeline(), subject.given());
    let Some(backup) = given.servers(Role::Backup).next() else {
        return Finding::undetermined("no backup transport is configured, as far as is known");
    };
    let Some(first) = given.servers(Role::Configured).find(|one| one.address != backup.address) else {
        return Finding::undetermined("the backup transport is not known to have another server than the first");
    };
    if timeline.server == backup.address {
        return at_backup(subject, first);
    }
    if timeline.server == first.address {
        return at_first(subject, first, backup);
    }
    Finding::undetermined("the conversation is with neither server")
}

/// The sessions at the configured server that are tries at the same message as `subject`.
fn tries<'a>(subject: &Subject<'a>, first: &GivenServer) -> Vec<Subject<'a>> {
    let at_first = subject.siblings().filter(|one| one.timeline().server == first.address);
    at_first.filter(|one| chain::is_same_message(subject.timeline(), one.timeline())).collect()
}

fn at_backup(subject: &Subject<'_>, first: &GivenServer) -> Finding {
    let timeline = subject.timeline();
    let chain = tries(subject, first);
    let here = Evidence::packet(timeline.packet_range.0, "the session at the backup's server begins");
    let before: Vec<_> = chain.iter().filter(|one| one.timeline().start <= timeline.start).collect();
    let Some(last) = before.last() else {
        return Finding::not_observed("the backup's server was asked before the configured one", vec![here]);
    };
    let last = last.timeline();
    let ended = Try::of(last);
    let evidence = vec![here, ended.evidence("the last session at the configured server")];
    if ended.end_word == EndWord::Accepted {
        return Finding::not_observed("the backup's server was asked although the message was accepted", evidence);
    }
    let Some(retry) = first.retry else {
        return Finding::undetermined("how often the sender is to try the configured server is not known");
    };
    let (count, wanted) = (before.len() as u64, u64::from(retry.count) + 1);
    let final_refusal = matches!(ended.end_word, EndWord::Refused(_));
    if count < wanted && !final_refusal {
        let reason = format!("the backup's server was asked after {count} of {wanted} tries");
        return Finding::not_observed(reason, evidence);
    }
    if let Some(reason) = subject.holes() {
        return Finding::undetermined(reason);
    }
    Finding::observed(format!("after {count} failed tries the backup's server was asked: {}", compared(last, timeline)), evidence)
}

fn at_first(subject: &Subject<'_>, first: &GivenServer, backup: &GivenServer) -> Finding {
    let chain = tries(subject, first);
    let is_last = chain.last().is_some_and(|last| std::ptr::eq(last.timeline(), subject.timeline()));
    if !is_last {
        return Finding::undetermined("a later session of the same message decides");
    }
    let one = Try::of(subject.timeline());
    if one.end_word == EndWord::Accepted {
        return Finding::undetermined("the configured server took the message, so that no backup was needed");
    }
    if subject.siblings().any(|one| one.timeline().server == backup.address) {
        return Finding::undetermined("the session at the backup's server decides");
    }
    if subject.given().reported.is_none() {
        return Finding::undetermined("the capture may end before the backup's server was asked");
    }
    let evidence = vec![one.evidence("the last session at the configured server")];
    Finding::not_observed("every try failed, and the backup's server was not asked", evidence)
}

/// How the backup's session is protected, held against the one before it.
fn compared(first: &Timeline, backup: &Timeline) -> String {
    let (before, now) = (protection(first), protection(backup));
    let word = match now.cmp(&before) {
        Ordering::Less => "weaker there",
        Ordering::Equal => "as weak or strong as before",
        Ordering::Greater => "stronger there",
    };
    format!("protection is {word} ({}; before, {})", words(now), words(before))
}

/// Whether TLS came up, and whether the sender authenticated: what weighs more stands first.
fn protection(timeline: &Timeline) -> (bool, bool) {
    let tls = timeline.tls.as_ref().is_some_and(|tls| tls.established);
    let login = timeline.authentications.iter().any(|one| one.outcome == Outcome::Accepted);
    (tls, login)
}

const fn words((tls, login): (bool, bool)) -> &'static str {
    match (tls, login) {
        (true, true) => "TLS, authenticated",
        (true, false) => "TLS, not authenticated",
        (false, true) => "in clear, authenticated",
        (false, false) => "in clear, not authenticated",
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{OTHER_SERVER, SERVER, Seen, Talk, case, plain, server};
    use super::*;
    use crate::Given;
    use crate::given::Reported;

    fn given(reported: Option<Reported>) -> Given {
        let servers = vec![server(Role::Configured, SERVER, 1), server(Role::Backup, OTHER_SERVER, 1)];
        Given { servers, reported, ..Given::default() }
    }

    fn seen(talks: Vec<Talk>) -> Seen {
        let last = talks.len() - 1;
        case(talks, given(Some(Reported::Failed))).find(&CHECK, last)
    }

    fn deferred(seconds: u64) -> Talk {
        Talk::ehlo(&[]).cs("MAIL FROM:<sender@contoso.example>", "451 later").quit().after(seconds)
    }

    fn at_backup(seconds: u64) -> Talk {
        Talk::ehlo(&[]).message(&plain("", "x")).quit().after(seconds).reaching(OTHER_SERVER)
    }

    #[test]
    fn after_the_last_try() {
        let quotes = ["packet 1", "packet 1"];
        seen(vec![deferred(0), deferred(300), at_backup(301)]).observed("as weak or strong as before (in clear, not", &quotes);
        let with_login = |seconds| {
            let talk = Talk::ehlo(&["AUTH PLAIN"]).cs("AUTH PLAIN AHN2YwBwdw==", "235 ok");
            talk.cs("MAIL FROM:<sender@contoso.example>", "451 later").quit().after(seconds)
        };
        seen(vec![with_login(0), with_login(300), at_backup(301)]).observed("weaker there (in clear, not authenticated; before, in clear, auth", &quotes);
        let never = Talk::ehlo(&[]).cs("MAIL FROM:<sender@contoso.example>", "550 never").quit();
        seen(vec![never, at_backup(301)]).observed("after 1 failed", &quotes);
    }

    #[test]
    fn too_soon_needlessly_or_never() {
        seen(vec![deferred(0), at_backup(301)]).not_observed("after 1 of 2 tries", &["packet 1", "packet 1"]);
        seen(vec![at_backup(0), deferred(300)].into_iter().rev().collect()).not_observed("before the configured one", &["packet 1"]);
        let sent = Talk::ehlo(&[]).message(&plain("", "x")).quit();
        seen(vec![sent, at_backup(1)]).not_observed("although the message was accepted", &["packet 1"]);
        seen(vec![deferred(0), deferred(300)]).not_observed("was not asked", &["packet 1"]);
    }

    #[test]
    fn no_backup_or_no_need() {
        let one = Given { servers: vec![server(Role::Configured, SERVER, 1)], ..Given::default() };
        case(vec![deferred(0)], one).find(&CHECK, 0).undetermined("no backup transport");
        let same = Given { servers: vec![server(Role::Configured, SERVER, 1), server(Role::Backup, SERVER, 1)], ..Given::default() };
        case(vec![deferred(0)], same).find(&CHECK, 0).undetermined("another server");
        seen(vec![Talk::ehlo(&[]).message(&plain("", "x")).quit()]).undetermined("no backup was needed");
        case(vec![deferred(0), deferred(300)], given(None)).find(&CHECK, 1).undetermined("may end before");
        let both = case(vec![deferred(0), deferred(300), at_backup(301)], given(None));
        both.find(&CHECK, 0).undetermined("a later session");
        both.find(&CHECK, 1).undetermined("the session at the backup's");
    }
}
