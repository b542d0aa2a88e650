//! The form of message content on the wire: what receivers differ about.

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
    /// Counts over the next bytes, behind `before`. A CR at the end counts as bare until its LF comes.
    pub(crate) fn tally(&mut self, before: u8, bytes: &[u8]) {
        let Some((&first, rest)) = bytes.split_first() else {
            return;
        };
        let counts = count(first, rest);
        let lf = counts.lf + u64::from(first == b'\n');
        let cr = counts.cr + u64::from(first == b'\r');
        let pairs = counts.pairs + u64::from(before == b'\r' && first == b'\n');
        self.lines += lf;
        self.bare_lf += lf - pairs;
        self.bare_cr = (self.bare_cr + cr).saturating_sub(pairs);
        self.eight_bit |= !bytes.is_ascii();
    }

    /// Takes note of a lax end of data at a dot.
    pub(crate) fn lax_end(&mut self, dot: u64) {
        if self.lax_ends.len() < MOST_DOTS && self.lax_ends.last().is_none_or(|last| *last < dot) {
            self.lax_ends.push(dot);
        }
    }
}

#[derive(Default)]
struct Counts {
    lf: u64,
    cr: u64,
    pairs: u64,
}

/// Counts LF, CR and CR LF in `bytes`, which follow `first`. Written for the compiler to do many bytes at a time.
fn count(first: u8, bytes: &[u8]) -> Counts {
    let mut counts = Counts::default();
    let mut before = first;
    // 255 is how far a byte can count.
    for block in bytes.chunks(255) {
        let (mut lf, mut cr, mut pairs) = (0_u8, 0_u8, 0_u8);
        for (one, two) in block.iter().zip(&block[1..]) {
            let (after_cr, is_lf) = (u8::from(*one == b'\r'), u8::from(*two == b'\n'));
            cr += after_cr;
            lf += is_lf;
            pairs += after_cr & is_lf;
        }
        // The pairs run over neighbours inside the block: its first and its last byte are counted here.
        let last = block[block.len() - 1];
        lf += u8::from(block[0] == b'\n');
        cr += u8::from(last == b'\r');
        pairs += u8::from(before == b'\r' && block[0] == b'\n');
        before = last;
        counts.lf += u64::from(lf);
        counts.cr += u64::from(cr);
        counts.pairs += u64::from(pairs);
    }
    counts
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
                form.tally(before, piece);
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
