//! Numbers for a scraper: the text format of Prometheus, version 0.0.4.
//!
//! A part of the program that has a number registers it here, with a function that is asked when somebody looks.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands::serve) enum Type {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// Labels, each name with its value, and the number.
pub(in crate::commands::serve) type Sample = (Vec<(&'static str, String)>, f64);

/// All numbers.
#[derive(Default)]
pub(in crate::commands::serve) struct Metrics(Mutex<Vec<Family>>);

struct Family {
    name: &'static str,
    help: &'static str,
    read: Read,
}

enum Read {
    Samples(Type, Box<dyn Fn() -> Vec<Sample> + Send + Sync>),
    Histogram(Box<dyn Fn() -> Shown + Send + Sync>),
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Adds a number; where it is not known, it is left out.
    pub(in crate::commands::serve) fn number(
        &self,
        name: &'static str,
        help: &'static str,
        kind: Type,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) {
        self.samples(name, help, kind, move || {
            read()
                .map(|value| (Vec::new(), value))
                .into_iter()
                .collect()
        });
    }

    /// Adds numbers that labels tell apart.
    pub(in crate::commands::serve) fn samples(
        &self,
        name: &'static str,
        help: &'static str,
        kind: Type,
        read: impl Fn() -> Vec<Sample> + Send + Sync + 'static,
    ) {
        self.add(name, help, Read::Samples(kind, Box::new(read)));
    }

    /// Adds a histogram.
    pub(in crate::commands::serve) fn histogram(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> Shown + Send + Sync + 'static,
    ) {
        self.add(name, help, Read::Histogram(Box::new(read)));
    }

    fn add(&self, name: &'static str, help: &'static str, read: Read) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Family { name, help, read });
    }

    /// All of them as text.
    pub(super) fn render(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = String::new();
        for Family { name, help, read } in all.iter() {
            let kind = match read {
                Read::Samples(Type::Counter, _) => "counter",
                Read::Samples(Type::Gauge, _) => "gauge",
                Read::Histogram(_) => "histogram",
            };
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
            match read {
                Read::Samples(_, read) => {
                    for (labels, value) in read() {
                        let _ = writeln!(out, "{name}{} {value}", labelled(&labels));
                    }
                }
                Read::Histogram(read) => read().render(&mut out, name),
            }
        }
        out
    }
}

fn labelled(labels: &[(&str, String)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let escape = |value: &str| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        value.replace('\n', "\\n")
    };
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
        .collect();
    format!("{{{}}}", labels.join(","))
}

/// Times, counted by how long they were.
#[derive(Debug)]
pub(in crate::commands::serve) struct Histogram {
    bounds: &'static [f64],
    /// One more than bounds: those beyond the last.
    counts: Vec<AtomicU64>,
    /// In nanoseconds.
    sum: AtomicU64,
}

/// A histogram as it was when somebody looked.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::commands::serve) struct Shown {
    bounds: &'static [f64],
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// With these upper bounds, in seconds and in order.
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts a time.
    pub(super) fn add(&self, seconds: f64) {
        let place = self.bounds.iter().take_while(|bound| seconds > **bound);
        self.counts[place.count()].fetch_add(1, Ordering::Relaxed);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time is not negative, and centuries of nanoseconds fit"
        )]
        let nanoseconds = (seconds * 1e9) as u64;
        self.sum.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// As it is now.
    pub(super) fn shown(&self) -> Shown {
        #[expect(clippy::cast_precision_loss, reason = "a sum of times")]
        let sum = self.sum.load(Ordering::Relaxed) as f64 / 1e9;
        let counts = self.counts.iter();
        Shown {
            bounds: self.bounds,
            counts: counts.map(|count| count.load(Ordering::Relaxed)).collect(),
            sum,
        }
    }
}

impl Shown {
    fn render(&self, out: &mut String, name: &str) {
        let bounds = self.bounds.iter().map(f64::to_string);
        let bounds = bounds.chain(std::iter::once("+Inf".to_owned()));
        let mut count = 0;
        for (bound, more) in bounds.zip(&self.counts) {
            count += more;
            let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {count}");
        }
        let _ = writeln!(out, "{name}_sum {}\n{name}_count {count}", self.sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_labels_and_histograms_are_text() {
        let metrics = Metrics::default();
        metrics.number("a_total", "Of a.", Type::Counter, || Some(3.0));
        metrics.number("unknown", "Not known.", Type::Gauge, || None);
        metrics.samples("b", "Of b.", Type::Gauge, || {
            let odd = "x\"\\\ny".to_owned();
            vec![(vec![("claim", odd), ("verdict", "pass".to_owned())], 0.5)]
        });
        let histogram = Histogram::new(&[0.1, 1.0]);
        for seconds in [0.05, 0.1, 0.5, 7.0] {
            histogram.add(seconds);
        }
        let shown = histogram.shown();
        metrics.histogram("t_seconds", "Times.", move || shown.clone());
        assert_eq!(
            metrics.render(),
            "# HELP a_total Of a.\n# TYPE a_total counter\na_total 3\n\
             # HELP unknown Not known.\n# TYPE unknown gauge\n\
             # HELP b Of b.\n# TYPE b gauge\nb{claim=\"x\\\"\\\\\\ny\",verdict=\"pass\"} 0.5\n\
             # HELP t_seconds Times.\n# TYPE t_seconds histogram\n\
             t_seconds_bucket{le=\"0.1\"} 2\nt_seconds_bucket{le=\"1\"} 3\nt_seconds_bucket{le=\"+Inf\"} 4\n\
             t_seconds_sum 7.65\nt_seconds_count 4\n"
        );
    }
}
