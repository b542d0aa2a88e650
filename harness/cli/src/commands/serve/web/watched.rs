//! What the server does now, as its own parts count it: for whoever watches it, never for a verdict.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use lab::server::{Answer, Custodian, Custody, Envelope, Watch};
use serde_json::{Value, json};

use super::metrics::{Histogram, Metrics, Type};

/// Bounds of the time that keeping a message takes, in seconds.
const SECONDS: [f64; 10] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// The server, watched. Clones watch the same.
#[derive(Clone, Debug, Default)]
pub(in crate::commands::serve) struct Watched(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    addresses: OnceLock<String>,
    server: OnceLock<Watch>,
    refused: AtomicU64,
    kept: Histogram,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            addresses: OnceLock::new(),
            server: OnceLock::new(),
            refused: AtomicU64::new(0),
            kept: Histogram::new(&SECONDS),
        }
    }
}

impl Watched {
    /// It listens there. One that only passes sessions on counts nothing.
    pub(in crate::commands::serve) fn listens(&self, addresses: String, watch: Option<Watch>) {
        // It is said once.
        let _ = self.0.addresses.set(addresses);
        if let Some(watch) = watch {
            let _ = self.0.server.set(watch);
        }
    }

    /// Where it listens.
    pub(super) fn addresses(&self) -> Option<&str> {
        self.0.addresses.get().map(String::as_str)
    }

    /// Takes the time that `custody` needs.
    pub(in crate::commands::serve) fn timed(&self, custody: Arc<dyn Custody>) -> Arc<dyn Custody> {
        Arc::new(Timed {
            custody,
            watched: self.clone(),
        })
    }

    /// Connections that are open.
    pub(in crate::commands::serve) fn open(&self) -> Option<u32> {
        self.0.server.get().map(Watch::open)
    }

    /// How it is with connections now.
    pub(super) fn connections(&self) -> Value {
        let Some(server) = self.0.server.get() else {
            return Value::Null;
        };
        json!({
            "open": server.open(),
            "all": server.connections(),
            "refused": self.0.refused.load(Ordering::Relaxed),
        })
    }

    /// Registers its numbers.
    pub(in crate::commands::serve) fn register(&self, metrics: &Metrics) {
        type Read = fn(&Watch) -> f64;
        let numbers: [(&str, &str, Type, Read); 5] = [
            (
                "smtpspec_connections_total",
                "Connections accepted.",
                Type::Counter,
                |server| server.connections().into(),
            ),
            (
                "smtpspec_connections_open",
                "Connections open now.",
                Type::Gauge,
                |server| server.open().into(),
            ),
            (
                "smtpspec_authentications_total",
                "Authentications that ended well.",
                Type::Counter,
                |server| server.authenticated().into(),
            ),
            (
                "smtpspec_messages_accepted_total",
                "Messages acknowledged.",
                Type::Counter,
                |server| server.accepted().into(),
            ),
            (
                "smtpspec_connections_limited_total",
                "Connections that a limit ended.",
                Type::Counter,
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a number of this format has a point"
                )]
                |server| server.ended_by_limits() as f64,
            ),
        ];
        for (name, help, kind, read) in numbers {
            let inner = Arc::clone(&self.0);
            metrics.number(name, help, kind, move || inner.server.get().map(read));
        }
        let inner = Arc::clone(&self.0);
        metrics.number(
            "smtpspec_messages_refused_total",
            "Messages refused since they could not be kept.",
            Type::Counter,
            #[expect(
                clippy::cast_precision_loss,
                reason = "a number of this format has a point"
            )]
            move || Some(inner.refused.load(Ordering::Relaxed) as f64),
        );
        let inner = Arc::clone(&self.0);
        metrics.histogram(
            "smtpspec_keep_seconds",
            "Time from the end of a message until it was as durable as it is to be.",
            move || inner.kept.shown(),
        );
    }
}

/// Somebody who takes custody, timed.
#[derive(Debug)]
struct Timed {
    custody: Arc<dyn Custody>,
    watched: Watched,
}

impl Custody for Timed {
    fn begin(&self, envelope: Envelope) -> Box<dyn Custodian> {
        Box::new(One {
            custodian: self.custody.begin(envelope),
            watched: self.watched.clone(),
        })
    }

    fn wants_content(&self) -> bool {
        self.custody.wants_content()
    }
}

struct One {
    custodian: Box<dyn Custodian>,
    watched: Watched,
}

impl Custodian for One {
    fn write(&mut self, bytes: &[u8]) {
        self.custodian.write(bytes);
    }

    fn keep(self: Box<Self>) -> Answer<'static> {
        Box::pin(async move {
            let begun = Instant::now();
            let kept = self.custodian.keep().await;
            match kept {
                Ok(()) => self.watched.0.kept.add(begun.elapsed().as_secs_f64()),
                Err(_) => {
                    self.watched.0.refused.fetch_add(1, Ordering::Relaxed);
                }
            }
            kept
        })
    }
}
