//! The message in chunks (RFC 3030).

use super::{Failure, Session, positive, wire_form};
use crate::adapter::twin::Twin;

/// How many octets go in one chunk.
const CHUNK: usize = 16 * 1024;

impl Session<'_> {
    /// BDAT for each chunk, the last marked so. The octets go as they are: nothing is stuffed, and nothing ends them.
    pub(super) async fn chunks(&mut self) -> Result<(), Failure> {
        let message = self.message();
        let mut left = message.as_slice();
        loop {
            let (chunk, rest) = left.split_at(left.len().min(CHUNK));
            left = rest;
            let last = if left.is_empty() { " LAST" } else { "" };
            let short = if left.is_empty() && self.is(Twin::MiscountsChunks) {
                2
            } else {
                0
            };
            let announced = chunk.len().saturating_sub(short);
            self.connection
                .say(&format!("BDAT {announced}{last}"))
                .await?;
            let reply = self.connection.content(chunk).await?;
            if !self.is(Twin::ChunksOn) {
                positive("the message", &reply)?;
            }
            if left.is_empty() {
                return Ok(());
            }
            if self.is(Twin::DataAfterChunk) {
                self.connection.command("DATA").await?;
                let rest = wire_form(self.context.twins, left);
                return positive("the message", &self.connection.content(&rest).await?);
            }
        }
    }
}
