//! What was seen of a claim, and where: the pieces that every report puts together.

use std::fmt::Write as _;

use claims::Verdict;
use claims::result::{CaseOutcome, ClaimOutcome, ConversationOutcome, EvidenceOutcome, Outcome};

use crate::printable;

/// A verdict with its conversation.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) conversation: &'a ConversationOutcome,
    pub(crate) outcome: &'a ClaimOutcome,
}

/// The word on a claim over `cases`, with the first conversation that shows it; `None` where nothing was judged.
pub(crate) fn over<'a>(
    outcome: &'a Outcome,
    cases: impl IntoIterator<Item = &'a CaseOutcome>,
    claim: &str,
) -> Option<Seen<'a>> {
    let mut best: Option<Seen<'a>> = None;
    for case in cases {
        for conversation in outcome.conversations_of(case) {
            for judged in conversation.verdicts.iter().filter(|v| v.claim == claim) {
                if best.is_none_or(|best| judged.verdict > best.outcome.verdict) {
                    best = Some(Seen {
                        conversation,
                        outcome: judged,
                    });
                }
            }
        }
    }
    best
}

/// How many of the cases have which verdict on a claim.
pub(crate) fn tally<'a>(
    cases: impl IntoIterator<Item = &'a CaseOutcome>,
    claim: &str,
    verdict: Verdict,
) -> usize {
    cases
        .into_iter()
        .filter(|case| case.verdicts.get(claim) == Some(&verdict))
        .count()
}

/// `packet 10 (client bytes 23-61), packet 12`: the decisive evidence, then where the rest stands; nothing where there is
/// no evidence.
pub(crate) fn place(evidence: &[EvidenceOutcome]) -> Option<String> {
    let (first, rest) = evidence.split_first()?;
    let mut others: Vec<u64> = rest
        .iter()
        .take(3)
        .flat_map(|e| &e.packets)
        .copied()
        .collect();
    others.retain(|packet| !first.packets.contains(packet));
    others.sort_unstable();
    others.dedup();
    let Some(bytes) = &first.bytes else {
        others.splice(0..0, first.packets.iter().copied());
        return Some(packets(&others));
    };
    let mut text = packets(&first.packets);
    let _ = write!(
        text,
        " ({} bytes {}-{})",
        bytes.direction, bytes.start, bytes.end
    );
    if !others.is_empty() {
        let _ = write!(text, ", {}", packets(&others));
    }
    Some(text)
}

fn packets(all: &[u64]) -> String {
    format!(
        "{} {}",
        if all.len() == 1 { "packet" } else { "packets" },
        numbers(all)
    )
}

/// `3, 5-8, 11`: runs of packet numbers drawn together.
pub(crate) fn numbers(packets: &[u64]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &packet in packets {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == packet => *last = packet,
            _ => runs.push((packet, packet)),
        }
    }
    let words: Vec<_> = runs
        .into_iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    words.join(", ")
}

/// Bytes before the text of a transcript line.
pub(crate) const TRANSCRIPT_HEAD: usize = 14;

/// The lines of a transcript: packet numbers, who spoke (`C`, `S`; under TLS that was opened `c`, `s`), and the text. Packet numbers that the column
/// cannot hold one by one are given as `first..last`.
pub(crate) fn transcript(conversation: &ConversationOutcome) -> impl Iterator<Item = String> {
    conversation.transcript.iter().flat_map(|line| {
        // In lower case what crossed under TLS, and is only read because the key is at hand.
        let who = match (line.direction.as_str(), line.under_tls) {
            ("client", false) => "C",
            ("client", true) => "c",
            (_, false) => "S",
            (_, true) => "s",
        };
        line.text
            .split('\n')
            .enumerate()
            .map(move |(number, text)| {
                let mut packets = if number == 0 {
                    numbers(&line.packets)
                } else {
                    String::new()
                };
                if packets.len() > 9
                    && let (Some(first), Some(last)) = (line.packets.first(), line.packets.last())
                {
                    packets = format!("{first}..{last}");
                }
                format!("{packets:>9}  {who}: {}", printable(text))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_packet_numbers_are_drawn_together() {
        assert_eq!(numbers(&[3, 5, 6, 7, 8, 11]), "3, 5-8, 11");
        assert_eq!(numbers(&[]), "");
    }
}
