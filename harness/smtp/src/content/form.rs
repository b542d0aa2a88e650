//! The form of message content on the wire: what receivers differ about.

use super::Glance;

/// How many dots of [`Form::lax_ends`] are kept.
const MOST_DOTS: usize = 16;

/// Line ends and bytes of the content as it crossed the wire, before dots were unstuffed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Lines ended by LF, with CR before it or not.
    pub lines: u64,
    /// LF without CR before it (RFC 5321 section 2.3.8 forbids it).
    pub bare_lf: u64,
    /// CR without LF behind it.
    pub bare_cr: u64,
    /// Whether a byte outside ASCII occurs.
    pub eight_bit: bool,
    /// Stream offsets of dots that stand alone between line ends of which one is a bare CR or a bare LF: receivers
    /// exist that take such a place for the end of data and read what follows as commands ("SMTP smuggling"). At most 16
    /// are kept.
    pub lax_ends: Vec<u64>,
}

impl Form {
    /// Counts over the next bytes, of which `seen` tells, behind `before`. A CR at the end counts as bare until its LF
    /// comes.
    pub(crate) fn tally(&mut self, before: u8, bytes: &[u8], seen: &Glance) {
        let [first, ..] = bytes else { return };
        let lf = seen.line_feeds;
        let in_pairs = !seen.unpaired && (before == b'\r') == (*first == b'\n');
        let (cr, pairs) = if in_pairs {
            // All are, but for a CR that came before the first or is the last.
            let cr = lf - u64::from(*first == b'\n') + u64::from(bytes.ends_with(b"\r"));
            (cr, lf)
        } else {
            let pairs = u64::from(before == b'\r' && *first == b'\n');
            let cr = memchr::memchr_iter(b'\r', bytes).count() as u64;
            (
                cr,
                pairs + memchr::memmem::find_iter(bytes, b"\r\n").count() as u64,
            )
        };
        self.lines += lf;
        self.bare_lf += lf - pairs;
        self.bare_cr = (self.bare_cr + cr).saturating_sub(pairs);
        self.eight_bit |= seen.eight_bit;
    }

    /// Takes note of a lax end of data at a dot.
    pub(crate) fn lax_end(&mut self, dot: u64) {
        if self.lax_ends.len() < MOST_DOTS && self.lax_ends.last().is_none_or(|last| *last < dot) {
            self.lax_ends.push(dot);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_as_a_slow_reader_would(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'x'), Just(0xe4)], 0..900),
            step in 1..400_usize,
        ) {
            let mut form = Form::default();
            let mut before = b'\n';
            for piece in bytes.chunks(step) {
                form.tally(before, piece, &Glance::at(piece));
                before = piece[piece.len() - 1];
            }
            let pairs = bytes.windows(2).filter(|pair| pair == b"\r\n").count() as u64;
            #[expect(clippy::naive_bytecount, reason = "slow and plain is what the test needs")]
            let of = |wanted: u8| bytes.iter().filter(|byte| **byte == wanted).count() as u64;
            prop_assert_eq!((form.lines, form.bare_lf, form.bare_cr), (of(b'\n'), of(b'\n') - pairs, of(b'\r') - pairs));
            prop_assert_eq!(form.eight_bit, bytes.contains(&0xe4));
        }
    }
}
