//! Retries: the documentation makes no difference between temporary and permanent failures, so all are retried.

use std::net::SocketAddr;

use super::compose::Mail;
use super::config::Config;
use super::environment::Environment;
use super::session::{self, Context};
use super::trace::{Attempt, Delivery, Outcome};
use super::twin::{Twin, Twins};

/// Transmits until the server accepts the message or the retries are used up.
pub(super) async fn deliver(
    config: &Config,
    twins: &Twins,
    environment: &mut Environment,
    mail: &Mail,
    server: SocketAddr,
) -> Delivery {
    let mut attempts = 0_u32;
    let mut trace = Vec::new();
    loop {
        attempts = attempts.saturating_add(1);
        let failure = once(config, twins, environment, mail, server, &mut trace).await;
        let Some(reason) = failure else {
            if twins.has(Twin::SendsTwice) {
                attempts = attempts.saturating_add(1);
                once(config, twins, environment, mail, server, &mut trace).await;
            }
            return Delivery {
                outcome: Outcome::Sent,
                attempts,
                trace,
            };
        };
        if attempts > config.retry.count {
            return Delivery {
                outcome: Outcome::Suspended(reason),
                attempts,
                trace,
            };
        }
        tokio::time::sleep(config.retry.interval).await;
    }
}

/// Transmits once, notes how it went, and gives the reason where it failed.
async fn once(
    config: &Config,
    twins: &Twins,
    environment: &mut Environment,
    mail: &Mail,
    server: SocketAddr,
    trace: &mut Vec<Attempt>,
) -> Option<String> {
    let (result, steps) = session::attempt(Context {
        config,
        twins,
        environment,
        mail,
        server,
    })
    .await;
    let failure = result.err().map(|failure| failure.to_string());
    trace.push(Attempt {
        steps,
        failure: failure.clone(),
    });
    failure
}
