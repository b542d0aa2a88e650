//! Attempts at one message, told by the clock of the capture.
//!
//! How a sender is to try again is not known of a capture from the field. What the documentation states as its default can be seen to be
//! kept; any other rhythm may be configured, and decides nothing.

use std::collections::{BTreeMap, HashMap};

use crate::brief::Attempt;
use crate::chain::{self, EndWord, Spacing, Try};
use crate::given::Retry;
use crate::leaks::Exposure;
use crate::{Brief, Evidence, Finding};

/// Chains that are remembered; then the one that was not added to for longest is forgotten.
const MAX_CHAINS: usize = 16_384;

/// The check about number and distance of the tries.
pub(super) const RETRIES: &str = "retries-as-configured";
/// The check about tries whose login was refused.
pub(super) const LOGINS: &str = "refused-login-retried";
/// The check about the credentials of each try.
pub(super) const CREDENTIALS: &str = "credentials-sent-again";

/// One session of a chain.
#[derive(Clone, Debug)]
struct Link {
    name: String,
    session: Try,
    login: Option<(String, Exposure)>,
}

/// Sessions that follow one another at the documented interval.
#[derive(Debug, Default)]
struct Chain {
    links: Vec<Link>,
    /// Whether more sessions than are documented came at the interval.
    over: bool,
    /// When it was added to, as a number in [`Retries::order`].
    used: u64,
}

#[derive(Debug, Default)]
pub(super) struct Retries {
    chains: HashMap<u64, Chain>,
    order: BTreeMap<u64, u64>,
    clock: u64,
}

impl Retries {
    pub(super) fn judge(&mut self, brief: &Brief) -> Vec<(&'static str, Finding)> {
        let Some(attempt) = &brief.attempt else {
            return Vec::new();
        };
        let chain = self.chain(attempt.key);
        chain.add(&brief.id, attempt);
        let mut findings = chain.as_documented();
        findings.extend(chain.credentials());
        findings
    }

    fn chain(&mut self, key: u64) -> &mut Chain {
        self.clock += 1;
        if !self.chains.contains_key(&key)
            && self.chains.len() >= MAX_CHAINS
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.chains.remove(&oldest);
        }
        let chain = self.chains.entry(key).or_default();
        self.order.remove(&chain.used);
        chain.used = self.clock;
        self.order.insert(self.clock, key);
        chain
    }
}

impl Chain {
    /// Adds a session. One that does not keep the interval begins a chain of its own. Of a chain that is longer than documented only the
    /// last sessions are kept, and it is no longer taken for one that is as documented.
    fn add(&mut self, name: &str, attempt: &Attempt) {
        self.links.push(Link {
            name: name.to_owned(),
            session: attempt.session.clone(),
            login: attempt.login.clone(),
        });
        let spacing = chain::spacing(&self.tries(), Retry::DOCUMENTED.interval);
        if matches!(spacing, Spacing::Off { .. }) {
            self.links.drain(..self.links.len() - 1);
            self.over = false;
        } else if self.links.len() > tries_documented() {
            self.links.remove(0);
            self.over = true;
        }
    }

    fn tries(&self) -> Vec<Try> {
        self.links.iter().map(|link| link.session.clone()).collect()
    }

    /// The findings on a chain that is what the documentation states.
    fn as_documented(&self) -> Vec<(&'static str, Finding)> {
        let tries = self.tries();
        let Spacing::Kept(apart) = chain::spacing(&tries, Retry::DOCUMENTED.interval) else {
            return Vec::new();
        };
        if self.over || tries.len() != tries_documented() {
            return Vec::new();
        }
        let words = format!(
            "{} sessions, {} apart, as is the documented default",
            tries.len(),
            chain::listed(&apart)
        );
        let evidence = || self.evidence(|link| link.session.end_word.words());
        let mut findings = vec![(RETRIES, Finding::observed(words.clone(), evidence()))];
        let refused = |one: &Try| matches!(one.end_word, EndWord::LoginRefused(..));
        if tries.iter().all(refused) {
            let reason = format!("the login was refused in {words}; no mail followed");
            findings.push((LOGINS, Finding::observed(reason, evidence())));
        }
        findings
    }

    /// The finding on the credentials of two sessions or more.
    fn credentials(&self) -> Option<(&'static str, Finding)> {
        let logins = self.links.iter().map(|link| link.login.as_ref());
        let logins: Vec<_> = logins.collect::<Option<_>>()?;
        let worst = logins.iter().map(|(_, exposure)| *exposure).max()?;
        if logins.len() < 2 {
            return None;
        }
        let reason = format!(
            "the credentials crossed in {} sessions; their secret {}",
            logins.len(),
            worst.name()
        );
        let evidence = self.evidence(|link| match &link.login {
            Some((mechanism, exposure)) => {
                format!("AUTH {mechanism}, whose secret {}", exposure.name())
            }
            None => "no login".to_owned(),
        });
        Some((CREDENTIALS, Finding::observed(reason, evidence)))
    }

    /// The first packet of each session, the latest first: it is the one that the finding is about.
    fn evidence(&self, what: impl Fn(&Link) -> String) -> Vec<Evidence> {
        let links = self.links.iter().rev();
        links
            .map(|link| {
                let what = format!("{} begins; {}", link.name, what(link));
                Evidence::packet(link.session.packet, what)
            })
            .collect()
    }
}

/// The first try and those after it.
fn tries_documented() -> usize {
    usize::try_from(Retry::DOCUMENTED.count)
        .unwrap_or(usize::MAX)
        .saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Talk, case, plain};
    use crate::{Given, Ledger, Observation};

    fn refused(seconds: u64) -> Talk {
        let talk = Talk::ehlo(&["AUTH PLAIN"]).cs("AUTH PLAIN AHN2YwBwdw==", "535 no");
        talk.quit().after(seconds)
    }

    fn deferred(seconds: u64) -> Talk {
        let talk = Talk::ehlo(&[]).cs("MAIL FROM:<a@b.example>", "451 later");
        talk.quit().after(seconds)
    }

    /// What the ledger finds in the last of these conversations.
    fn last(talks: Vec<Talk>) -> Vec<(&'static str, Finding)> {
        let mut ledger = Ledger::default();
        let mut findings = Vec::new();
        for (number, talk) in talks.into_iter().enumerate() {
            let brief = Brief::of(&case(vec![talk], Given::default()).subject(0));
            findings = ledger.judge(&brief.named(format!("C1/{}", number + 1)));
        }
        findings
    }

    fn checks(talks: Vec<Talk>) -> Vec<&'static str> {
        last(talks).iter().map(|(check, _)| *check).collect()
    }

    #[test]
    fn four_sessions_five_minutes_apart() {
        let found = last([0, 300, 601, 902].map(deferred).to_vec());
        let [(check, finding)] = found.as_slice() else {
            panic!("{found:#?}")
        };
        assert_eq!(
            (*check, finding.observation),
            (RETRIES, Observation::Observed)
        );
        assert!(
            finding
                .reason
                .starts_with("4 sessions, 300 s, 301 s, 301 s apart"),
            "{}",
            finding.reason
        );
        assert_eq!(finding.evidence.len(), 4);
        assert!(
            finding.evidence[0]
                .what
                .starts_with("C1/4 begins; MAIL was answered 451")
        );
    }

    #[test]
    fn a_login_that_is_refused_each_time() {
        let found = checks([0, 300, 600, 900].map(refused).to_vec());
        assert_eq!(found, [RETRIES, LOGINS, CREDENTIALS]);
        let two = last([0, 300].map(refused).to_vec());
        let [(CREDENTIALS, finding)] = two.as_slice() else {
            panic!("{two:#?}")
        };
        assert_eq!(
            finding.reason,
            "the credentials crossed in 2 sessions; their secret can be read"
        );
    }

    #[test]
    fn another_rhythm_another_number_or_another_message_decides_nothing() {
        assert!(checks([0, 60, 120, 180].map(deferred).to_vec()).is_empty());
        assert!(checks([0, 300, 600].map(deferred).to_vec()).is_empty());
        let more = [0, 300, 600, 900, 1200, 1500].map(deferred);
        assert!(checks(more.to_vec()).is_empty(), "more than are documented");
        let other = Talk::ehlo(&[])
            .cs("MAIL FROM:<c@b.example>", "451 later")
            .quit();
        let mixed = vec![deferred(0), deferred(300), deferred(600), other.after(900)];
        assert!(checks(mixed).is_empty());
        let host = deferred(600).sent_from([192, 0, 2, 9]);
        let mixed = vec![deferred(0), deferred(300), host, deferred(900)];
        assert!(checks(mixed).is_empty(), "another host");
        let sent = Talk::ehlo(&[]).message(&plain("", "x")).quit().after(900);
        assert!(checks(vec![deferred(0), deferred(300), deferred(600), sent]).is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let mut retries = Retries::default();
        let brief = Brief::of(&case(vec![deferred(0)], Given::default()).subject(0));
        for key in 0..u64::try_from(MAX_CHAINS).expect("small") + 10 {
            let mut brief = brief.clone();
            brief.attempt.as_mut().expect("it failed").key = key;
            assert!(retries.judge(&brief).is_empty());
        }
        assert_eq!(retries.chains.len(), MAX_CHAINS);
        assert_eq!(retries.order.len(), MAX_CHAINS);
        assert!(!retries.chains.contains_key(&0), "the oldest was forgotten");
    }
}
