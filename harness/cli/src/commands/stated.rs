//! What a result holds that no packet says: what the captures cover, and when it was made.

use claims::result::{Outcome, rfc3339};
use jiff::civil::Date;
use wire::Timestamp;

use crate::Failure;

/// The variable that sets the clock of whatever must come out the same again, in seconds since 1970.
const CLOCK: &str = "SOURCE_DATE_EPOCH";

/// Puts both into a result; what it holds already stays where nothing new is said.
pub(super) fn state(outcome: &mut Outcome, coverage: Option<&str>) -> Result<(), Failure> {
    if let Some(text) = coverage {
        let text = text.trim();
        if text.is_empty() {
            return Err(Failure::input(
                "--coverage says nothing; state what the captures cover, in a sentence",
            ));
        }
        outcome.coverage = Some(text.to_owned());
    }
    if let Some(made) = std::env::var_os(CLOCK) {
        outcome.made = Some(clock(&made.to_string_lossy())?);
    }
    Ok(())
}

/// The day in UTC: that of `SOURCE_DATE_EPOCH`, or else of the clock.
pub(super) fn today() -> Result<Date, Failure> {
    let now = match std::env::var_os(CLOCK) {
        Some(made) => {
            let text = clock(&made.to_string_lossy())?;
            text.parse().expect("it was just written")
        }
        None => jiff::Timestamp::now(),
    };
    Ok(now.to_zoned(jiff::tz::TimeZone::UTC).date())
}

fn clock(text: &str) -> Result<String, Failure> {
    let seconds: Option<u64> = text.trim().parse().ok();
    let nanos = seconds.and_then(|seconds| seconds.checked_mul(1_000_000_000));
    let time = nanos.map(|nanos| rfc3339(Timestamp::from_nanos(nanos)));
    time.ok_or_else(|| {
        Failure::input(format!(
            "{CLOCK} is `{text}`; it has to be whole seconds since 1970"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_whole_seconds() {
        assert_eq!(
            clock("1767323045").ok().as_deref(),
            Some("2026-01-02T03:04:05Z")
        );
        assert_eq!(clock("0").ok().as_deref(), Some("1970-01-01T00:00:00Z"));
        for bad in ["", "now", "-1", "1.5", "18446744073709551615"] {
            assert!(clock(bad).is_err(), "{bad}");
        }
    }
}
