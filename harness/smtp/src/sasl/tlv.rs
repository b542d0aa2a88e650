//! Just enough of DER to walk GSS-API tokens: tags of one byte, definite lengths.

/// The first element: tag, value, and what follows it. `None` where the bytes hold no whole one.
pub(super) fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
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

/// The value of the first element with this tag, among the elements that `bytes` hold.
pub(super) fn child(mut bytes: &[u8], wanted: u8) -> Option<&[u8]> {
    while let Some((tag, value, rest)) = element(bytes) {
        if tag == wanted {
            return Some(value);
        }
        bytes = rest;
    }
    None
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
    }
}
