//! The scenarios that are built into the program.

/// File name (below the repository's root) and text of each, sorted by name.
pub(super) static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));
