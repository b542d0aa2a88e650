//! Retries. The documentation makes no difference between temporary and permanent failures; RFC 5321 section 4.2.1 does:
//! what a server refuses for good, a recipient or the message, is not sent to it again.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::compose::Mail;
use super::config::Config;
use super::environment::Environment;
use super::session::{self, Context, Failure};
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
    let mut mail = Cow::Borrowed(mail);
    let mut lost: Vec<(String, u16)> = Vec::new();
    loop {
        attempts = attempts.saturating_add(1);
        let again = attempts > 1;
        let failure = once(config, twins, environment, &mail, server, again, &mut trace).await;
        // Whoever has the message, or was refused for good, is not tried again.
        let failure = match failure {
            Some(Failure::Recipients(refused)) => {
                let (again, never): (Vec<_>, Vec<_>) = refused
                    .into_iter()
                    .partition(|(_, code)| code / 100 == 4 || twins.has(Twin::RetriesRefused));
                lost.extend(never);
                mail.to_mut().recipients =
                    again.iter().map(|(address, _)| address.clone()).collect();
                Some(Failure::Recipients([lost.clone(), again].concat()))
            }
            Some(failure) if failure.is_break() && twins.has(Twin::BrokenIsSent) => None,
            None if !lost.is_empty() => {
                mail.to_mut().recipients.clear();
                Some(Failure::Recipients(lost.clone()))
            }
            other => other,
        };
        let Some(failure) = failure else {
            let in_doubt = trace.last().is_some_and(|last| !last.ended_well());
            if twins.has(Twin::SendsTwice) || (twins.has(Twin::ResendsAfterDrop) && in_doubt) {
                attempts = attempts.saturating_add(1);
                once(config, twins, environment, &mail, server, true, &mut trace).await;
            }
            return Delivery {
                outcome: Outcome::Sent,
                attempts,
                trace,
            };
        };
        let given_up = twins.has(Twin::NeverRetries)
            || (twins.has(Twin::RefusedLoginIsFinal) && failure.is_refused_login());
        let spent = attempts > config.retry.count || given_up;
        let refused = failure.is_final() && !twins.has(Twin::RetriesRefused);
        if spent || refused || mail.recipients.is_empty() {
            return Delivery {
                outcome: Outcome::Suspended(failure.to_string()),
                attempts,
                trace,
            };
        }
        if !twins.has(Twin::RetriesAtOnce) {
            environment.wait(config.retry.interval).await;
        }
    }
}

/// Transmits once, notes how it went, and gives the reason where it failed.
async fn once(
    config: &Config,
    twins: &Twins,
    environment: &mut Environment,
    mail: &Mail,
    server: SocketAddr,
    again: bool,
    trace: &mut Vec<Attempt>,
) -> Option<Failure> {
    let (result, steps) = session::attempt(Context {
        config,
        twins,
        environment,
        mail,
        server,
        again,
    })
    .await;
    let failure = result.err();
    trace.push(Attempt {
        steps,
        failure: failure.as_ref().map(ToString::to_string),
    });
    failure
}
