//! One attempt to deliver after another: how one ended, and whether another repeats it.

use smtp::Timeline;
use smtp::timeline::Transaction;

pub(super) use crate::chain::{Setback, is_same, setback};
use crate::{Evidence, Subject};

/// The transaction of a later attempt that asks for the same as this one did: see [`is_same`].
pub(super) fn repeats<'a>(earlier: &Subject<'_>, later: &'a Timeline) -> Option<&'a Transaction> {
    let Some(first) = earlier.timeline().transactions.last() else {
        return later.transactions.first();
    };
    later
        .transactions
        .iter()
        .find(|again| is_same(first, again))
}

/// The MAIL of a transaction.
pub(super) fn mail(
    timeline: &Timeline,
    transaction: &Transaction,
    what: &'static str,
) -> Option<Evidence> {
    Some(Evidence::event(timeline.request(transaction.mail)?, what))
}
