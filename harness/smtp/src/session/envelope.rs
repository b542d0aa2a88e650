//! Mail transactions as commands and replies build them up (RFC 5321 section 3.3).

use wire::{Direction, Span};

use super::command::Path;
use crate::timeline::{Data, Located, Recipient, Transaction};

/// All transactions, and which one is open.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    pub(super) transactions: Vec<Transaction>,
    current: Option<usize>,
    /// The transaction of which a chunk came with bytes missing.
    pub(super) holed: Option<usize>,
    /// How many transactions were weighed for good, and their weight.
    weighed: usize,
    weight: usize,
}

impl Envelope {
    /// The open transaction.
    pub(super) const fn current(&self) -> Option<usize> {
        self.current
    }

    /// How much memory the transactions take, roughly. Those that are over are weighed once.
    pub(super) fn weight(&mut self) -> usize {
        let one = |transaction: &Transaction| {
            size_of::<Transaction>()
                + 160 * transaction.recipients.len()
                + transaction
                    .data
                    .as_ref()
                    .map_or(0, |data| data.content.weight())
        };
        // The last two may still change: a refused MAIL gives the one before it back.
        while self.weighed + 2 < self.transactions.len() {
            self.weight += one(&self.transactions[self.weighed]);
            self.weighed += 1;
        }
        let open = self.transactions.get(self.weighed..).unwrap_or_default();
        self.weight + open.iter().map(one).sum::<usize>()
    }

    /// MAIL opens a transaction. Returns its index, and the one that was open before.
    pub(super) fn open(&mut self, exchange: usize, path: Path) -> (usize, Option<usize>) {
        let before = self.current;
        self.transactions.push(Transaction {
            mail: exchange,
            reverse_path: path.address,
            parameters: path.parameters,
            recipients: Vec::new(),
            data: None,
        });
        let index = self.transactions.len() - 1;
        self.current = Some(index);
        (index, before)
    }

    /// The open transaction, or one whose MAIL the capture does not show, opened by `exchange` at `offset`.
    pub(super) fn current_or_stray(&mut self, exchange: usize, offset: u64) -> usize {
        let nowhere = Span::new(Direction::Client, offset, offset);
        let path = || Path {
            address: Located::new(String::new(), nowhere),
            parameters: Vec::new(),
        };
        self.current
            .unwrap_or_else(|| self.open(exchange, path()).0)
    }

    /// MAIL was refused: the transaction that was open before it goes on.
    pub(super) fn refuse(&mut self, transaction: usize, before: Option<usize>) {
        let untouched = self
            .transactions
            .get(transaction)
            .is_some_and(|t| t.recipients.is_empty() && t.data.is_none());
        if self.current == Some(transaction) && before.is_some() && untouched {
            self.current = before;
        }
    }

    /// RCPT. Returns its transaction and its number there, or gives the recipient back where none is open.
    pub(super) fn recipient(
        &mut self,
        exchange: usize,
        path: Path,
    ) -> Result<(usize, usize), Recipient> {
        let recipient = Recipient {
            exchange,
            address: path.address,
            parameters: path.parameters,
            accepted: None,
        };
        let Some(current) = self.current else {
            return Err(recipient);
        };
        let recipients = &mut self.transactions[current].recipients;
        recipients.push(recipient);
        Ok((current, recipients.len() - 1))
    }

    /// The server accepted a RCPT outside any transaction: its MAIL is what the capture does not show.
    pub(super) fn adopt(&mut self, recipient: Recipient) {
        let index = self.current_or_stray(recipient.exchange, recipient.address.span.start);
        self.transactions[index].recipients.push(Recipient {
            accepted: Some(true),
            ..recipient
        });
    }

    /// The reply to a RCPT.
    pub(super) fn answer(&mut self, transaction: usize, recipient: usize, accepted: bool) {
        let found = self.transactions.get_mut(transaction);
        if let Some(found) = found.and_then(|t| t.recipients.get_mut(recipient)) {
            found.accepted = Some(accepted);
        }
    }

    /// RSET, or the end of the content.
    pub(super) fn close(&mut self) {
        self.current = None;
    }

    /// An accepted EHLO ends the transaction that was open when it was sent.
    pub(super) fn close_if(&mut self, transaction: Option<usize>) {
        if self.current == transaction {
            self.current = None;
        }
    }

    /// The message of a transaction.
    pub(super) fn data(&mut self, transaction: usize) -> Option<&mut Data> {
        self.transactions.get_mut(transaction)?.data.as_mut()
    }
}
