//! An excerpt of the wire, hexadecimal and text side by side.

use claims::excerpt::HIDDEN;
use claims::result::EvidenceOutcome;

/// Bytes in a row.
const ROW: usize = 16;

/// The rows: offset in the stream of its direction, sixteen bytes, and what they say. Nothing where there is no excerpt.
pub(crate) fn rows(evidence: &EvidenceOutcome) -> Vec<String> {
    let start = evidence.bytes.as_ref().map_or(0, |bytes| bytes.start);
    let digits: Vec<&str> = pairs(&evidence.excerpt).collect();
    digits
        .chunks(ROW)
        .enumerate()
        .map(|(number, row)| {
            let offset = start + (number * ROW) as u64;
            let text: String = row.iter().map(|pair| letter(pair)).collect();
            format!("{offset:>8}  {:<47}  {text}", row.join(" "))
        })
        .collect()
}

/// Two characters at a time; an odd one at the end is left out.
fn pairs(text: &str) -> impl Iterator<Item = &str> {
    (0..text.len() / 2).filter_map(move |place| text.get(2 * place..2 * place + 2))
}

/// What a byte says: itself where it is printable ASCII, a bullet where it is hidden, a dot elsewhere.
fn letter(pair: &str) -> char {
    if pair == HIDDEN {
        return '•';
    }
    match u8::from_str_radix(pair, 16) {
        Ok(byte @ b' '..=b'~') => char::from(byte),
        _ => '.',
    }
}

#[cfg(test)]
mod tests {
    use claims::result::Bytes;

    use super::*;

    #[test]
    fn sixteen_bytes_a_row() {
        let evidence = EvidenceOutcome {
            packets: vec![4],
            bytes: Some(Bytes {
                direction: "client".to_owned(),
                start: 30,
                end: 50,
            }),
            what: "x".to_owned(),
            excerpt: format!("{}****0d0a", hex::encode("AUTH PLAIN abcde")),
        };
        insta::assert_snapshot!(rows(&evidence).join("\n"), @"
              30  41 55 54 48 20 50 4c 41 49 4e 20 61 62 63 64 65  AUTH PLAIN abcde
              46  ** ** 0d 0a                                      ••..
        ");
    }
}
