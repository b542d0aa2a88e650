//! Message content after a 354, and the rules that act before its end.

use std::sync::Arc;

use super::connection::Connection;
use super::content::EndOfData;
use super::limits::Limit;
use super::link::End;
use super::script::Step;
use super::session::Next;
use super::verbs;
use crate::scenario::{Command, Phase};

impl Connection {
    /// Reads message content up to its end, and answers it.
    pub(super) async fn content(&mut self) -> Result<Next, End> {
        let entered = self.session.enter(Command::Content);
        let mut end = EndOfData::new();
        // Bytes as they crossed the wire, and from where on a rule may still act.
        let (mut read, mut from) = (0u64, 0u64);
        let mut answered = false;
        self.begin_keeping();
        loop {
            let due = self.due(entered, from);
            let before = due.map_or(u64::MAX, |(_, at)| at.saturating_sub(read));
            if let (Some((place, at)), 0) = (due, before) {
                from = at + 1;
                answered |= self.act_within(place, &end, answered).await?;
                continue;
            }
            let keeping = &mut self.keeping;
            let (taken, found) = self.link.inbox.feed(|bytes| {
                let room = usize::try_from(before).unwrap_or(usize::MAX);
                let bytes = bytes.get(..room).unwrap_or(bytes);
                let (taken, found) = end.feed(bytes, &mut |piece| {
                    if let Some(keeping) = keeping {
                        keeping.write(piece);
                    }
                });
                (taken, (taken, found))
            });
            read += taken as u64;
            if found {
                break;
            }
            if end.size() > self.hopeless() {
                return Err(End::Limit(Limit::Content(end.size())));
            }
            if taken == 0 {
                self.link.fill().await?;
            }
        }
        if answered {
            self.keeping = None;
            // The final reply was given while the content was on its way, and was acted on.
            return Ok(Next::Command);
        }
        let answer = verbs::content(&self.shared.options.server, end.size());
        self.answer(entered, Command::Content, b"", answer, false)
            .await
    }

    /// A client that goes on long after the limit will not stop by itself.
    pub(super) fn hopeless(&self) -> u64 {
        let limit = self.shared.options.server.message_limit;
        limit.saturating_mul(2).saturating_add(1 << 16)
    }

    /// The next rule that acts inside the content, and where.
    fn due(&self, (phase, nth): (Phase, u32), from: u64) -> Option<(usize, u64)> {
        let step = Step {
            connection: self.number,
            phase,
            command: Command::Content,
            nth,
            argument: b"",
            tls: self.session.tls,
        };
        self.shared.options.script.select_within(&step, from)
    }

    /// Carries out a rule inside content. Says whether it gave the final reply: the first that has a code stands for it,
    /// and at the end of the content nothing more is said.
    async fn act_within(
        &mut self,
        place: usize,
        end: &EndOfData,
        answered: bool,
    ) -> Result<bool, End> {
        let shared = Arc::clone(&self.shared);
        let Some(rule) = shared.options.script.rule(place) else {
            return Ok(false);
        };
        let default = verbs::content(&shared.options.server, end.size());
        let Some(said) = self.carry_out(place, &rule.action, default).await? else {
            return Ok(false);
        };
        let replied = said.code.is_some() && !answered;
        if replied {
            self.settle(Command::Content, said.code, false);
        }
        match said.then {
            Some(ending) => Err(ending.into()),
            None => Ok(replied),
        }
    }
}
