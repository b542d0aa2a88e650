//! Lists that what is on the wire cannot make long.

use serde::{Deserialize, Serialize};

/// A list with a bound, and the number of entries that were left out because of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct Capped<T> {
    /// The first entries.
    pub items: Vec<T>,
    /// How many more there were.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
pub(crate) const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl<T> Default for Capped<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            left_out: 0,
        }
    }
}

impl<T> Capped<T> {
    /// The first `most` of `all`. The rest is counted and dropped.
    pub fn of(all: impl IntoIterator<Item = T>, most: usize) -> Self {
        let mut list = Self::default();
        for one in all {
            list.push(one, most);
        }
        list
    }

    /// Appends an entry, or counts it where there are `most` already.
    pub fn push(&mut self, one: T, most: usize) {
        if self.items.len() < most {
            self.items.push(one);
        } else {
            self.left_out += 1;
        }
    }

    /// Whether there was never an entry.
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty() && self.left_out == 0
    }

    /// How many entries there were.
    pub const fn len(&self) -> u64 {
        self.items.len() as u64 + self.left_out
    }
}

impl<T: PartialEq> Capped<T> {
    /// Appends an entry unless it is there already. One that was left out is counted each time that it comes.
    pub fn insert(&mut self, one: T, most: usize) {
        if !self.items.contains(&one) {
            self.push(one, most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted() {
        let list = Capped::of(1..=5, 3);
        assert_eq!(
            (list.items.as_slice(), list.left_out, list.len()),
            (&[1, 2, 3][..], 2, 5)
        );
        assert!(!list.is_empty() && Capped::<u8>::default().is_empty());
    }

    #[test]
    fn each_entry_once() {
        let mut list = Capped::default();
        for word in ["a", "b", "a", "c"] {
            list.insert(word, 2);
        }
        assert_eq!((list.items.as_slice(), list.left_out), (&["a", "b"][..], 1));
    }
}
