//! Cases side by side, each judged as soon as it is over.

use std::future::Future;
use std::io;
use std::ops::ControlFlow;

use lab::scenario::Scenario;
use tokio::task::JoinSet;

use crate::Failure;

/// Runs every scenario, `jobs` of them at a time, and calls `done` with each and its place. When that says so, what is
/// still going is broken off.
pub(super) async fn each<R, F>(
    scenarios: Vec<Scenario>,
    jobs: usize,
    start: impl Fn(Scenario) -> F,
    mut done: impl FnMut(usize, &Scenario, io::Result<R>) -> Result<ControlFlow<()>, Failure>,
) -> Result<(), Failure>
where
    R: Send + 'static,
    F: Future<Output = (Scenario, io::Result<R>)> + Send + 'static,
{
    let mut waiting = scenarios.into_iter().enumerate();
    let mut going = JoinSet::new();
    loop {
        while going.len() < jobs.max(1) {
            let Some((place, scenario)) = waiting.next() else {
                break;
            };
            let case = start(scenario);
            going.spawn(async move { (place, case.await) });
        }
        let Some(ended) = going.join_next().await else {
            return Ok(());
        };
        let (place, (scenario, result)) =
            ended.map_err(|error| Failure::input(format!("a case broke off: {error}")))?;
        if done(place, &scenario, result)?.is_break() {
            return Ok(());
        }
    }
}
