//! Whether evidence can be kept now: said once when that changes, and to whoever asks.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What evidence is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The capture.
    Capture,
    /// The messages and their entries.
    Messages,
}

impl Part {
    const ALL: [Self; 2] = [Self::Capture, Self::Messages];

    /// Its name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Messages => "messages",
        }
    }
}

/// What is wrong with each part now. Clones are the same health.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    problems: Mutex<[Option<String>; 2]>,
    tell: fn(&str),
}

impl Health {
    /// Everything is well. `tell` gets a sentence whenever that changes.
    pub fn new(tell: fn(&str)) -> Self {
        Self(Arc::new(Inner {
            problems: Mutex::default(),
            tell,
        }))
    }

    /// How it is with a part now.
    pub fn set(&self, part: Part, problem: Option<String>) {
        let mut problems = self
            .0
            .problems
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = &mut problems[part as usize];
        let line = match (&before, &problem) {
            (None, Some(problem)) => Some(format!(
                "{} cannot be written: {problem}; messages are refused with 452",
                part.name()
            )),
            (Some(_), None) => Some(format!("{} can be written again", part.name())),
            _ => None,
        };
        *before = problem;
        drop(problems);
        if let Some(line) = line {
            (self.0.tell)(&line);
        }
    }

    /// What is wrong with a part.
    pub fn problem(&self, part: Part) -> Option<String> {
        let problems = self
            .0
            .problems
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        problems[part as usize].clone()
    }

    /// Everything that is wrong.
    pub fn problems(&self) -> Vec<(Part, String)> {
        let all = Part::ALL.into_iter();
        all.filter_map(|part| Some((part, self.problem(part)?)))
            .collect()
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Health").field(&self.problems()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        static TOLD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    #[test]
    fn a_change_is_told_once() {
        let health = Health::new(|line| TOLD.with_borrow_mut(|told| told.push(line.to_owned())));
        health.set(Part::Capture, None);
        health.set(Part::Capture, Some("full".to_owned()));
        health.set(Part::Capture, Some("full".to_owned()));
        assert_eq!(health.problems(), [(Part::Capture, "full".to_owned())]);
        health.set(Part::Capture, None);
        assert!(health.problems().is_empty());
        let told = TOLD.take();
        assert_eq!(
            told,
            [
                "capture cannot be written: full; messages are refused with 452",
                "capture can be written again"
            ]
        );
    }
}
