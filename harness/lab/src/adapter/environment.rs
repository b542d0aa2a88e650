//! What the adapter takes from the machine it runs on: time, chance, keys and trust.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::keys::Keys;
use super::network::Network;

/// Seconds from 1970-01-01 to 2026-01-01, both UTC.
const PINNED_SECONDS: i64 = 1_767_225_600;

/// Steps of 100 nanoseconds from 1601-01-01 to 1970-01-01: what a FILETIME counts before the Unix epoch.
const FILETIME_OF_UNIX_EPOCH: i128 = 116_444_736_000_000_000;

/// Where the time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The clock and the time zone of the machine.
    Real,
    /// Always 2026-01-01T00:00:00Z, in UTC.
    Pinned,
}

impl Clock {
    /// The time now.
    pub fn now(self) -> Timestamp {
        match self {
            Self::Real => Timestamp::now(),
            Self::Pinned => Timestamp::from_second(PINNED_SECONDS).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// The local time zone.
    pub fn zone(self) -> TimeZone {
        match self {
            Self::Real => TimeZone::system(),
            Self::Pinned => TimeZone::UTC,
        }
    }

    /// The time now as a Windows FILETIME: steps of 100 nanoseconds since 1601-01-01 UTC (MS-DTYP section 2.3.3).
    pub fn filetime(self) -> u64 {
        u64::try_from(self.now().as_nanosecond() / 100 + FILETIME_OF_UNIX_EPOCH).unwrap_or(0)
    }
}

/// What it is to wait.
#[derive(Clone)]
pub enum Waiting {
    /// Time passes.
    Real,
    /// Somebody is told how long it would be, and it is over: a clock that stands still can only be set.
    Told(Arc<dyn Fn(Duration) + Send + Sync>),
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Real => "Real",
            Self::Told(_) => "Told",
        })
    }
}

/// Time, chance, keys and trust.
#[derive(Debug)]
pub struct Environment {
    /// Where the time comes from.
    pub clock: Clock,
    /// Where chance comes from: boundaries, message identifiers, content keys, the NTLM client challenge.
    pub rng: StdRng,
    /// The certificates and keys of the S/MIME encoder.
    pub keys: Keys,
    /// The authority that the machine trusts to vouch for servers (PEM); without one, no certificate is accepted.
    pub authority: Option<String>,
    /// What it is to wait until the next try.
    pub waiting: Waiting,
    /// How servers are reached, and who watches.
    pub network: Network,
}

impl Environment {
    /// A stopped clock and a seeded generator: two adapters made with the same seed send the same bytes.
    ///
    /// The one exception is one that speaks TLS, since the TLS library draws its own randomness.
    pub fn pinned(seed: u64) -> Self {
        Self {
            clock: Clock::Pinned,
            rng: StdRng::seed_from_u64(seed),
            keys: Keys::test(),
            authority: None,
            waiting: Waiting::Real,
            network: Network::default(),
        }
    }

    /// Waits.
    pub(super) async fn wait(&self, time: Duration) {
        match &self.waiting {
            Waiting::Real => tokio::time::sleep(time).await,
            Waiting::Told(tell) => tell(time),
        }
    }

    /// The clock of the machine and a generator seeded by the operating system.
    pub fn real() -> Self {
        Self {
            clock: Clock::Real,
            rng: rand::make_rng(),
            keys: Keys::test(),
            authority: None,
            waiting: Waiting::Real,
            network: Network::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_clock_stands_at_the_beginning_of_2026() {
        assert_eq!(Clock::Pinned.now().to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(Clock::Pinned.filetime(), 134_116_992_000_000_000);
    }

    #[test]
    fn the_real_clock_is_later_than_the_pinned_one() {
        assert!(Clock::Real.filetime() > Clock::Pinned.filetime());
    }
}
