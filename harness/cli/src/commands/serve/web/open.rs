//! The page, put together from what the command has.

use std::net::TcpListener;
use std::sync::Arc;

use claims::Profile;
use evidence::health::Health;
use evidence::queue::{self, Queue};

use super::metrics::{Metrics, Sample, Type};
use super::{Site, Watched};
use crate::Failure;
use crate::args::{Cli, ServeArgs};
use crate::commands::output;
use crate::commands::serve::live::Live;
use crate::commands::serve::live::board::{Board, Counts, Totals, WORDS};

/// Listens for browsers, where that is wanted: before the server does, so that what fails fails early.
pub(in crate::commands::serve) fn bind(args: &ServeArgs) -> Result<Option<TcpListener>, Failure> {
    let bound = args.live.web.map(|address| {
        TcpListener::bind(address).map_err(|error| {
            Failure::input(format!("cannot listen on {address} for --web: {error}"))
        })
    });
    bound.transpose()
}

/// Serves the page, where it has a place.
pub(in crate::commands::serve) fn open(
    cli: &Cli,
    args: &ServeArgs,
    (listener, watched): (Option<TcpListener>, Watched),
    live: &Live,
    (health, queue): (Health, Option<Queue>),
    profile: &Profile,
) -> Result<(), Failure> {
    let (Some(listener), Some(board)) = (listener, &live.board) else {
        return Ok(());
    };
    let cannot = |error| Failure::input(format!("cannot serve the page: {error}"));
    let address = listener.local_addr().map_err(cannot)?;
    let metrics = Metrics::default();
    watched.register(&metrics);
    register(&metrics, board);
    if let Some(queue) = queue {
        register_queue(&metrics, &queue);
    }
    let index = live.index.clone();
    let claims = profile.expectations();
    let site = Site {
        board: Arc::clone(board),
        metrics: Arc::new(metrics),
        health: Box::new(move || {
            let problems = health.problems().into_iter();
            let problems = problems.map(|(part, text)| format!("{}: {text}", part.name()));
            let index = index.problem().map(|text| format!("index: {text}"));
            problems.chain(index).collect()
        }),
        folder: args.out.clone(),
        profile: profile.id.clone(),
        claims: claims
            .map(|(claim, _)| (claim.id.clone(), claim.statement.clone()))
            .collect(),
        watched,
    };
    super::start(listener, site).map_err(cannot)?;
    output::hint(cli, &format!("live view on http://{address}/"));
    Ok(())
}

/// What judging counts.
fn register(metrics: &Metrics, board: &Arc<Board>) {
    type Read = fn(&Totals) -> u64;
    let numbers: [(&str, &str, Read); 6] = [
        ("smtpspec_sessions_total", "Sessions judged.", |totals| {
            totals.sessions
        }),
        (
            "smtpspec_sessions_failed_total",
            "Sessions in which a claim failed.",
            |totals| totals.failed,
        ),
        (
            "smtpspec_messages_total",
            "Mail transactions in the sessions judged.",
            |totals| totals.messages,
        ),
        (
            "smtpspec_messages_readable_total",
            "Messages whose body could be read on the wire.",
            |totals| totals.in_clear,
        ),
        (
            "smtpspec_passwords_read_total",
            "Logins whose password could be read on the wire.",
            |totals| totals.passwords,
        ),
        (
            "smtpspec_octets_total",
            "Bytes of the sessions judged, both ways.",
            |totals| totals.octets[0] + totals.octets[1],
        ),
    ];
    for (name, help, read) in numbers {
        let board = Arc::clone(board);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a number of this format has a point"
        )]
        let read = move || Some(read(&board.totals()) as f64);
        metrics.number(name, help, Type::Counter, read);
    }
    let board = Arc::clone(board);
    metrics.samples(
        "smtpspec_verdicts_total",
        "Verdicts by claim and outcome.",
        Type::Counter,
        move || {
            let claims = board.claims().into_iter();
            claims
                .flat_map(|(claim, counts)| samples(&claim, &counts))
                .collect()
        },
    );
}

/// What waits to be passed on, and what became of the rest.
fn register_queue(metrics: &Metrics, queue: &Queue) {
    type Read = fn(queue::Counts) -> u64;
    let numbers: [(&str, &str, Type, Read); 4] = [
        (
            "smtpspec_queue_messages",
            "Messages that wait to be passed on.",
            Type::Gauge,
            |counts| counts.waiting,
        ),
        (
            "smtpspec_queue_delivered_total",
            "Recipients that the server behind answers for.",
            Type::Counter,
            |counts| counts.delivered,
        ),
        (
            "smtpspec_queue_deferred_total",
            "Recipients that were put off, each time.",
            Type::Counter,
            |counts| counts.deferred,
        ),
        (
            "smtpspec_queue_failed_total",
            "Recipients that cannot be delivered to.",
            Type::Counter,
            |counts| counts.failed,
        ),
    ];
    for (name, help, kind, read) in numbers {
        let queue = queue.clone();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a number of this format has a point"
        )]
        let read = move || Some(read(queue.counts()) as f64);
        metrics.number(name, help, kind, read);
    }
}

fn samples(claim: &str, counts: &Counts) -> Vec<Sample> {
    let all = WORDS.iter().zip(counts).filter(|(_, count)| **count > 0);
    all.map(|(word, count)| {
        let labels = vec![("claim", claim.to_owned()), ("verdict", word.to_string())];
        #[expect(
            clippy::cast_precision_loss,
            reason = "a number of this format has a point"
        )]
        let value = *count as f64;
        (labels, value)
    })
    .collect()
}
