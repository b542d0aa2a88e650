//! The time that captures and challenges state.

use std::time::{SystemTime, UNIX_EPOCH};

use wire::Timestamp;

/// Where times come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The system's clock.
    #[default]
    Real,
    /// A logical clock that starts at 2026-01-01T00:00:00Z and ticks once for each recorded event, so that the same
    /// session gives the same bytes in every run.
    Pinned,
}

/// 2026-01-01T00:00:00Z in nanoseconds since 1970.
const PINNED_START: u64 = 1_767_225_600_000_000_000;

/// One tick: a millisecond.
const TICK: u64 = 1_000_000;

impl Clock {
    /// Now; the start of the logical clock where that is pinned.
    pub fn now(self) -> Timestamp {
        match self {
            Self::Pinned => Self::tick(0),
            Self::Real => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                Timestamp::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
            }
        }
    }

    /// The logical time after a number of events.
    pub(super) fn tick(events: u64) -> Timestamp {
        Timestamp::from_nanos(PINNED_START.saturating_add(events.saturating_mul(TICK)))
    }
}
