//! Timelines judged: checks, claims, profiles and verdicts.
//!
//! A [`Check`] is a pure function from one conversation of a [`Case`] to a [`Finding`]: a fact about bytes, without
//! opinion, with the packets and bytes that show it. A [`Claim`] is a statement of a document that a check decides. A
//! [`Profile`] says which claims are expected to hold. [`judge`] puts the three together into verdicts, and never
//! returns a pass for something that was not put to the test.
//!
//! Nothing here opens a socket or a file.

pub mod across;
pub mod answer;
pub mod baseline;
pub mod brief;
mod capped;
mod chain;
pub mod check;
pub mod checks;
pub mod claim;
pub mod configured;
pub mod controls;
pub mod excerpt;
pub mod explain;
pub mod finding;
pub mod given;
pub mod leaks;
mod needles;
mod printable;
pub mod profile;
pub mod result;
pub mod subject;
pub mod transcript;
pub mod verdict;
pub mod weigh;

pub use across::Ledger;
pub use answer::{Answer, Tally};
pub use brief::Brief;
pub use capped::Capped;
pub use check::Check;
pub use claim::Claim;
pub use finding::{Evidence, Finding, Observation};
pub use given::Given;
pub use leaks::Leaks;
pub use printable::{printable, printable_lines, steers};
pub use profile::Profile;
pub use subject::{Case, Subject};
pub use verdict::{Judgement, Verdict, Word, judge, overrule, rejudge, words};
pub use weigh::{Wanted, weigh};
