//! Are the tries as many, and as far apart, as configured?

use super::retried::{self, Judged};
use crate::chain::{self, EndWord};
use crate::{Check, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "retries-as-configured",
    observed_when: "a message that fails for the moment is tried once and then so often again as configured, each time the configured interval later",
    trigger: "the sender has retries configured, every try failed, and the last of them was captured or the sender said that it was done",
    method: "The sessions of one host with one server and one envelope are a chain. The time from each to the next, by the clock of the capture, \
             is held against the interval: at least nine tenths of it from beginning to beginning, and no more than a tenth and five \
             seconds above it from end to beginning. Sessions are counted where the sender was done with the message. In a capture from the field, \
             four sessions five minutes apart are what the documentation states; another rhythm may be configured and decides nothing.",
    references: &["RFC 5321 4.5.4.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let chain = chain::of(subject);
    let Some(retry) = chain::told(subject) else {
        return Finding::undetermined("how the sender is to try again is not known");
    };
    if retry.count == 0 {
        return Finding::undetermined("the sender is told not to try again");
    }
    match retried::judge(subject, &chain, retry) {
        Judged::Decided(finding) => finding,
        Judged::Whole(tries, apart) => {
            let interval = chain::in_words(retry.interval);
            let words = format!("{} ({} more are configured, {interval} apart)", retried::words(&tries, &apart), retry.count);
            Finding::observed(words, retried::evidence(&tries))
        }
        Judged::Ended(tries, apart) => {
            let last = tries.last().map(|one| &one.end_word);
            let why = match last {
                Some(EndWord::Accepted) => "a message was accepted before the retries were used up",
                _ => "it was refused for good, and need not come again",
            };
            let spaced = if apart.is_empty() { String::new() } else { format!(" ({} apart)", chain::listed(&apart)) };
            Finding::undetermined(format!("{why}{spaced}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SERVER, Seen, Talk, case, plain, server};
    use super::*;
    use crate::Given;
    use crate::given::{Reported, Role};

    fn deferred(seconds: u64) -> Talk {
        Talk::ehlo(&[]).cs("MAIL FROM:<sender@contoso.example>", "451 later").quit().after(seconds)
    }

    fn seen(talks: Vec<Talk>, reported: Option<Reported>) -> Seen {
        let last = talks.len() - 1;
        let given = Given { servers: vec![server(Role::Configured, SERVER, 3)], reported, ..Given::default() };
        case(talks, given).find(&CHECK, last)
    }

    fn at(times: &[u64]) -> Vec<Talk> {
        times.iter().map(|seconds| deferred(*seconds)).collect()
    }

    #[test]
    fn so_many_and_so_far_apart() {
        let quotes = ["packet 1"; 4];
        seen(at(&[0, 300, 600, 901]), None).observed("4 sessions, 300 s, 300 s, 301 s apart", &quotes);
    }

    #[test]
    fn too_soon_too_late_too_many_or_too_few() {
        seen(at(&[0, 300, 330]), None).not_observed("session 3 began 30 s after", &["packet 1"]);
        seen(at(&[0, 300, 1000]), None).not_observed("session 3 began 700 s after", &["packet 1"]);
        seen(at(&[0, 300, 600, 900, 1200]), None).not_observed("5 sessions, and 4 are configured", &["packet 1"]);
        seen(at(&[0, 300]), Some(Reported::Failed)).not_observed("2 sessions, and 4 are configured", &["packet 1"]);
    }

    #[test]
    fn not_at_its_end_or_not_known() {
        seen(at(&[0, 300]), None).undetermined("2 of 4 sessions");
        let sent = Talk::ehlo(&[]).message(&plain("", "x")).quit().after(300);
        seen(vec![deferred(0), sent], Some(Reported::Sent)).undetermined("accepted before the retries were used up (300 s apart)");
        let refused = Talk::ehlo(&[]).cs("MAIL FROM:<sender@contoso.example>", "550 never").quit();
        seen(vec![refused], Some(Reported::Failed)).undetermined("refused for good");
        let late = case(at(&[0, 300]), Given::default());
        late.find(&CHECK, 1).undetermined("not known");
        let given = Given { servers: vec![server(Role::Configured, SERVER, 0)], ..Given::default() };
        case(at(&[0]), given).find(&CHECK, 0).undetermined("told not to");
        let given = Given { servers: vec![server(Role::Configured, SERVER, 3)], ..Given::default() };
        case(at(&[0, 300]), given).find(&CHECK, 0).undetermined("a later session");
        seen(vec![deferred(0).midstream(), deferred(300)], None).undetermined("when each session began");
    }
}
