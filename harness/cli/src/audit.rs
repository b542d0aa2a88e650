//! An audit: any number of captures, of any length, judged conversation by conversation as they end.
//!
//! Nothing here grows with the length of the capture. What is kept for the report is a sample of conversations, chosen by
//! the order in which they ended, and sums.

pub mod follow;
mod gather;
pub mod inputs;
mod judge;
pub mod known;
pub mod live;
mod progress;
mod sample;
mod sinks;
pub mod stop;

pub use gather::{Gathered, Gatherer};
pub use judge::{Detail, Judge, Judged};
pub use progress::Watch;
pub use sinks::{Layout, Sink, Stream};

use std::sync::Arc;

use claims::{Given, Profile};
use smtp::timeline::Keep;
use smtp::tls::KeyLog;
use wire::Bounds;
use wire::pipeline::{self, Settings, Summary};
use wire::source::Sources;

use crate::road::Scope;

/// How much is held of captures from the field, at the most, in each lane: 8 MiB for one connection, 24 MiB for all, and
/// two hours of silence.
pub const FIELD: Bounds = Bounds {
    connection: 8 << 20,
    all: 24 << 20,
    idle: std::time::Duration::from_hours(2),
};

/// What an audit is told.
#[derive(Clone)]
pub struct Plan {
    /// Which claims are expected to hold.
    pub profile: &'static Profile,
    /// What is known beforehand.
    pub given: Arc<Given>,
    /// Secrets of TLS connections; those that a capture holds are added as they are met.
    pub keys: Arc<KeyLog>,
    /// How many processors to use.
    pub lanes: usize,
    /// How much of each conversation's judgement is wanted.
    pub detail: Detail,
    /// Which connections are looked at.
    pub scope: Scope,
    /// How much is held, at the most, in each lane.
    pub bounds: Bounds,
}

/// Reads the sources and hands every judged conversation to `gatherer`, in the order in which they ended.
pub fn audit(
    plan: &Plan,
    sources: Sources,
    settings: Settings,
    gatherer: &mut Gatherer<'_>,
) -> Summary {
    let settings = Settings {
        lanes: plan.lanes,
        bounds: plan.bounds,
        ..settings
    };
    let options = smtp::session::Options {
        keep: keep(&plan.given),
        only_mail: plan.scope == Scope::Field,
        keys: Some(Arc::clone(&plan.keys)),
    };
    let sample = gatherer.of_lane();
    pipeline::run(
        sources,
        &settings,
        || Judge::new(plan.clone(), options.clone(), sample.of_lane()),
        |judged| gatherer.add(judged),
    )
}

/// How much of each message is kept: more where there is a text to look for.
const fn keep(given: &Given) -> Keep {
    if given.accounts.is_empty() {
        Keep::LEAN
    } else {
        Keep {
            leaf: 64 << 10,
            ..Keep::LEAN
        }
    }
}
