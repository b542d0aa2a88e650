//! Many texts looked for in many others, where next to nothing is ever found.

/// Bits of the filter.
const BITS: usize = 4096;

/// Texts to look for, behind a filter on their first three bytes that tells in one pass when none of them can be there.
pub(crate) struct Needles {
    texts: Vec<String>,
    filter: [u64; BITS / 64],
    /// Whether a text is too short for the filter.
    short: bool,
}

impl Needles {
    pub(crate) fn new(texts: Vec<String>) -> Self {
        let mut filter = [0; BITS / 64];
        let mut short = false;
        for text in &texts {
            match text.as_bytes() {
                &[first, second, third, ..] => {
                    let bit = slot(first, second, third);
                    filter[bit / 64] |= 1 << (bit % 64);
                }
                [] => {}
                _ => short = true,
            }
        }
        Self {
            texts,
            filter,
            short,
        }
    }

    /// All of the texts, in their order, or none where the filter shows that none stands in `text`.
    pub(crate) fn that_may_stand_in(&self, text: &str) -> &[String] {
        let hit = |window: &[u8]| {
            let bit = slot(window[0], window[1], window[2]);
            self.filter[bit / 64] >> (bit % 64) & 1 == 1
        };
        if self.short || text.as_bytes().windows(3).any(hit) {
            &self.texts
        } else {
            &[]
        }
    }
}

fn slot(first: u8, second: u8, third: u8) -> usize {
    let key = u32::from_le_bytes([first, second, third, 0]);
    // The upper bits of a multiplication by a large odd number depend on all three bytes.
    (key.wrapping_mul(0x9e37_79b1) >> 20) as usize % BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_text_is_never_filtered_out() {
        let texts: Vec<String> = (0..200).map(|n| format!("{n:03}secret{n}")).collect();
        let needles = Needles::new(texts.clone());
        for text in &texts {
            let within = format!("before {text} after");
            assert_eq!(needles.that_may_stand_in(&within), texts);
            assert_eq!(needles.that_may_stand_in(text), texts);
        }
    }

    #[test]
    fn a_text_without_any_is_passed_over() {
        let needles = Needles::new(vec!["S3cret-pw".to_owned(), "UzNj".to_owned()]);
        assert!(needles.that_may_stand_in("MAIL FROM:<a@b>").is_empty());
        assert!(needles.that_may_stand_in("S3").is_empty());
    }

    #[test]
    fn a_short_text_switches_the_filter_off() {
        let needles = Needles::new(vec!["pw".to_owned()]);
        assert_eq!(needles.that_may_stand_in("x pw"), ["pw"]);
    }
}
