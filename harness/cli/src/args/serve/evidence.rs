//! Options about what `serve` leaves behind.

use std::time::Duration;

use clap::{Args, ValueEnum};
use evidence::captures::Rotate;
use evidence::durability::Durability;
use evidence::store::Form;

/// What is left in the folder, and how sure that must be.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Evidence")]
pub struct EvidenceArgs {
    /// Go on in the next capture once one has this size: a whole number with B, KiB, MiB or GiB.
    #[arg(long, default_value = "1GiB", value_name = "SIZE", value_parser = size)]
    pub rotate_size: u64,

    /// Go on in the next capture once one is this old: a whole number with s, m, h or d.
    #[arg(long, default_value = "1d", value_name = "AGE", value_parser = age)]
    pub rotate_age: Duration,

    /// Keep this many captures of the run, and remove older ones once they are judged; 0 keeps all.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub keep: usize,

    /// Store each accepted message, byte for byte, in the folder `messages`.
    #[arg(long, value_enum, default_value_t = FormName::None, value_name = "FORM")]
    pub messages: FormName,

    /// What must be written before a message is acknowledged; `os` where messages are stored, else `none`.
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub durability: Option<DurabilityName>,
}

/// How messages are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormName {
    /// As a Maildir.
    Maildir,
    /// As .eml files.
    Eml,
    /// In the capture alone.
    None,
}

/// What must be written before a message is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DurabilityName {
    /// Nothing.
    None,
    /// Message and packets are with the system: a kill loses nothing.
    Os,
    /// They are on the disk: a loss of power loses nothing.
    Disk,
}

impl EvidenceArgs {
    /// When captures are followed by others.
    pub const fn rotate(&self) -> Rotate {
        Rotate {
            size: self.rotate_size,
            age: self.rotate_age,
            keep: self.keep,
        }
    }

    /// How messages are stored.
    pub const fn form(&self) -> Form {
        match self.messages {
            FormName::Maildir => Form::Maildir,
            FormName::Eml => Form::Eml,
            FormName::None => Form::None,
        }
    }

    /// What must be written before a message is acknowledged.
    pub const fn durability(&self) -> Durability {
        match (self.durability, self.messages) {
            (Some(DurabilityName::None), _) | (None, FormName::None) => Durability::None,
            (Some(DurabilityName::Disk), _) => Durability::Disk,
            (Some(DurabilityName::Os) | None, _) => Durability::Os,
        }
    }
}

/// Below this, headers would be a large part of a file.
const SMALLEST: u64 = 64 << 10;

fn size(text: &str) -> Result<u64, String> {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];
    let bytes = units.into_iter().find_map(|(unit, shift)| {
        let number: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        number.checked_mul(1 << shift)
    });
    bytes
        .filter(|bytes| *bytes >= SMALLEST)
        .ok_or_else(|| "expected at least 64KiB: a whole number and B, KiB, MiB or GiB".to_owned())
}

pub(super) fn age(text: &str) -> Result<Duration, String> {
    let units = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
    let seconds = units.into_iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        number.checked_mul(seconds)
    });
    seconds
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs)
        .ok_or_else(|| "expected a whole number and s, m, h or d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_have_units() {
        assert_eq!(size("1GiB"), Ok(1 << 30));
        assert_eq!(size("64 KiB"), Ok(65_536));
        for wrong in ["1", "1KiB", "-1GiB", "99999999999GiB", "GiB", ""] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert_eq!(age("1d"), Ok(Duration::from_hours(24)));
        assert_eq!(age("90s"), Ok(Duration::from_secs(90)));
        for wrong in ["0s", "1", "d", "99999999999999999999d"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
