//! A chain of tries held against what is configured: what the checks about retries share.

use std::time::Duration;

use crate::chain::{self, EndWord, Spacing, Try};
use crate::given::Retry;
use crate::{Evidence, Finding, Subject};

/// What a chain came to.
pub(super) enum Judged {
    /// This is the finding, whatever each try came to.
    Decided(Finding),
    /// As many tries as configured, as far apart as configured, and all of them failed. With the times between them.
    Whole(Vec<Try>, Vec<Duration>),
    /// It ended before, for a reason: accepted, or refused for good. What tries there are keep the interval.
    Ended(Vec<Try>, Vec<Duration>),
}

/// Judges the chain of a conversation, which is decided by its last session.
pub(super) fn judge(subject: &Subject<'_>, chain: &[Subject<'_>], retry: Retry) -> Judged {
    let tries: Vec<_> = chain.iter().map(|one| Try::of(one.timeline())).collect();
    let wanted = u64::from(retry.count) + 1;
    let is_last = chain
        .last()
        .is_some_and(|last| std::ptr::eq(last.timeline(), subject.timeline()));
    if !is_last {
        return Judged::Decided(Finding::undetermined(
            "a later session of the same message decides",
        ));
    }
    if let Some(reason) = chain::unseen_start(chain) {
        return Judged::Decided(Finding::undetermined(reason));
    }
    let apart = match chain::spacing(&tries, retry.interval) {
        Spacing::Kept(apart) => apart,
        Spacing::Off { place, apart } => return Judged::Decided(off(&tries, place, apart, retry)),
    };
    let count = tries.len() as u64;
    if count > wanted {
        return Judged::Decided(Finding::not_observed(
            format!("{count} sessions, and {wanted} are configured"),
            evidence(&tries),
        ));
    }
    if let Some(EndWord::Accepted | EndWord::Refused(_)) = tries.last().map(|one| &one.end_word) {
        return Judged::Ended(tries, apart);
    }
    if count == wanted {
        return Judged::Whole(tries, apart);
    }
    if subject.given().reported.is_some() {
        let reason = format!(
            "{count} sessions, and {wanted} are configured: the sender was done with the message"
        );
        return Judged::Decided(Finding::not_observed(reason, evidence(&tries)));
    }
    let reason = format!("{count} of {wanted} sessions were captured, and more may have come");
    Judged::Decided(Finding::undetermined(reason))
}

fn off(tries: &[Try], place: usize, apart: Duration, retry: Retry) -> Finding {
    let reason = format!(
        "session {} began {} after the one before it; {} are configured",
        place + 1,
        chain::in_words(apart),
        chain::in_words(retry.interval)
    );
    let before = place.saturating_sub(1);
    let pair = tries.iter().enumerate().skip(before).take(2);
    Finding::not_observed(reason, pair.map(named).collect())
}

/// The first packet of each try.
pub(super) fn evidence(tries: &[Try]) -> Vec<Evidence> {
    tries.iter().enumerate().map(named).collect()
}

fn named((place, one): (usize, &Try)) -> Evidence {
    one.evidence(&format!("session {}", place + 1))
}

/// How many sessions there were, and how far apart.
pub(super) fn words(tries: &[Try], apart: &[Duration]) -> String {
    format!("{} sessions, {} apart", tries.len(), chain::listed(apart))
}
