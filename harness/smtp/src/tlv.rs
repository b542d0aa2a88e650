//! Just enough of DER to walk GSS-API tokens and CMS that was cut: tags of one byte, definite lengths.

/// The first element: tag, value, and what follows it. `None` where the bytes hold no whole one.
pub(crate) fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, length], rest) = bytes.split_first_chunk()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = digits
                .iter()
                .fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((tag, value, rest))
}

/// One element among others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    /// Its tag.
    pub(crate) tag: u8,
    /// What it holds.
    pub(crate) value: &'a [u8],
    /// All of it.
    pub(crate) raw: &'a [u8],
}

/// The elements that `bytes` hold, up to the first that is not whole.
pub(crate) fn elements(mut bytes: &[u8]) -> impl Iterator<Item = Element<'_>> {
    std::iter::from_fn(move || {
        let (tag, value, rest) = element(bytes)?;
        let raw = bytes.get(..bytes.len() - rest.len())?;
        bytes = rest;
        Some(Element { tag, value, raw })
    })
}

/// The value of the first element with this tag, among the elements that `bytes` hold.
pub(crate) fn child(bytes: &[u8], wanted: u8) -> Option<&[u8]> {
    elements(bytes)
        .find(|element| element.tag == wanted)
        .map(|element| element.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_every_form() {
        for (bytes, value) in [
            (&[4, 1, 9, 7][..], &[9][..]),
            (&[4, 0x81, 1, 9, 7], &[9]),
            (&[4, 0x84, 0, 0, 0, 1, 9, 7], &[9]),
        ] {
            assert_eq!(element(bytes), Some((4, value, &[7][..])));
        }
        for broken in [
            &[4][..],
            &[4, 2, 9],
            &[4, 0x80, 0, 0],
            &[4, 0x85, 0, 0, 0, 0, 1, 9],
            &[4, 0x84, 0xff, 0xff, 0xff, 0xff, 9],
            &[0x1f, 1, 9],
        ] {
            assert_eq!(element(broken), None);
        }
    }

    #[test]
    fn a_child_by_its_tag() {
        assert_eq!(child(&[2, 1, 5, 4, 1, 9], 4), Some(&[9][..]));
        assert_eq!(child(&[2, 1, 5, 4, 2, 9], 4), None);
        let raws: Vec<_> = elements(&[2, 1, 5, 4, 0, 9]).map(|e| e.raw).collect();
        assert_eq!(raws, [&[2, 1, 5][..], &[4, 0]]);
    }
}
