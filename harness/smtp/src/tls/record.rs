//! Records, cut out of a stream that arrives in any pieces (RFC 8446 section 5.1).

/// Longest record body: 2^14 bytes and 2048 for compression and encryption (RFC 5246 section 6.2.3).
const MAX_RECORD: usize = (1 << 14) + 2048;
/// Bytes before the body.
pub(super) const HEADER: usize = 5;

pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;

/// Whether a TLS record begins here: a known content type, a version of SSL 3.0 to TLS 1.3, a possible length.
///
/// Three bytes are enough for a yes; the length is looked at where it is there. No SMTP line begins like this, since the
/// first byte is a control character. For the SSL 2.0 form of ClientHello see [`super::is_ssl2_hello`].
pub fn is_record_start(bytes: &[u8]) -> bool {
    let &[content_type, 3, minor, ref rest @ ..] = bytes else {
        return false;
    };
    let plausible_length = match *rest {
        [high, low, ..] => (1..=MAX_RECORD).contains(&usize::from(u16::from_be_bytes([high, low]))),
        [high] => usize::from(high) << 8 <= MAX_RECORD,
        [] => true,
    };
    matches!(content_type, 20..=24) && minor <= 4 && plausible_length
}

/// One record.
#[derive(Debug)]
pub(super) struct Record {
    /// The five bytes before the body.
    pub(super) header: [u8; HEADER],
    /// Stream offset of the header.
    pub(super) start: u64,
    /// What was asked to be kept; `None` where only the header was of interest.
    pub(super) body: Option<Vec<u8>>,
}

impl Record {
    pub(super) const fn kind(&self) -> u8 {
        self.header[0]
    }

    /// Length of the body as the header states it.
    pub(super) fn length(&self) -> usize {
        length(self.header)
    }

    /// Stream offset after the body.
    pub(super) fn end(&self) -> u64 {
        self.start + (HEADER + self.length()) as u64
    }
}

fn length(header: [u8; HEADER]) -> usize {
    usize::from(u16::from_be_bytes([header[3], header[4]]))
}

/// Follows record borders of one direction. Holds the header, and the body of at most one record.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    header: Vec<u8>,
    start: u64,
    /// The record whose body is being kept.
    open: Option<Record>,
    /// Bytes of the current body that are still to come.
    left: usize,
    lost: bool,
}

impl Splitter {
    /// Takes bytes from the front of `bytes`, which stand at `offset`, up to the end of a record that is kept or of a
    /// header whose body is not. `keep` decides by the header. `None`: all bytes are taken.
    pub(super) fn take(
        &mut self,
        bytes: &mut &[u8],
        offset: &mut u64,
        keep: impl Fn([u8; HEADER]) -> bool,
    ) -> Option<Record> {
        if self.lost {
            // The next segment often begins with a record again.
            self.lost = !is_record_start(bytes);
        }
        while !self.lost {
            if self.left > 0 {
                let body = advance(bytes, offset, self.left);
                self.left -= body.len();
                if let Some(open) = &mut self.open {
                    open.body.get_or_insert_default().extend_from_slice(body);
                }
                if self.left > 0 {
                    return None;
                }
            }
            if let Some(record) = self.open.take() {
                return Some(record);
            }
            if self.header.is_empty() {
                self.start = *offset;
            }
            let head = advance(bytes, offset, HEADER - self.header.len());
            self.header.extend_from_slice(head);
            let Ok(header) = <[u8; HEADER]>::try_from(self.header.as_slice()) else {
                return None;
            };
            self.header.clear();
            self.lost = !is_record_start(&header);
            if self.lost {
                break;
            }
            self.left = length(header);
            let mut record = Record {
                header,
                start: self.start,
                body: None,
            };
            if !keep(header) {
                return Some(record);
            }
            record.body = Some(Vec::new());
            self.open = Some(record);
        }
        *bytes = &[];
        None
    }

    /// Whether the record borders are not known.
    pub(super) const fn is_lost(&self) -> bool {
        self.lost
    }

    /// Bytes that are held.
    pub(super) fn weight(&self) -> usize {
        let open = self.open.as_ref().and_then(|record| record.body.as_ref());
        self.header.len() + open.map_or(0, Vec::len)
    }

    /// `length` bytes are missing.
    pub(super) fn gap(&mut self, length: u64) {
        self.open = None;
        let left = self.left as u64;
        self.lost |= !self.header.is_empty() || length > left;
        self.left = usize::try_from(left.saturating_sub(length)).unwrap_or_default();
        self.header.clear();
    }
}

/// Takes up to `most` bytes from the front.
fn advance<'a>(bytes: &mut &'a [u8], offset: &mut u64, most: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(bytes.len().min(most));
    *bytes = rest;
    *offset += taken.len() as u64;
    taken
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[22, 3, 1], true)]
    #[case(&[23, 3, 3, 0x40], true)]
    #[case(&[23, 3, 3, 0x40, 0x11], true)]
    #[case(&[23, 3, 3, 0x50], false)]
    #[case(&[22, 3, 3, 0, 0], false)]
    #[case(&[22, 3], false)]
    #[case(&[22, 4, 0, 0, 1], false)]
    #[case(&[25, 3, 3, 0, 1], false)]
    #[case(b"EHLO", false)]
    fn record_starts(#[case] bytes: &[u8], #[case] yes: bool) {
        assert_eq!(is_record_start(bytes), yes);
    }

    fn record(kind: u8, length: u8) -> Vec<u8> {
        let mut record = vec![kind, 3, 3, 0, length];
        record.resize(HEADER + usize::from(length), length);
        record
    }

    /// Kind, offset and whether the body was kept, of each record.
    fn split(splitter: &mut Splitter, mut bytes: &[u8], mut offset: u64) -> Vec<(u8, u64, bool)> {
        let mut seen = Vec::new();
        while !bytes.is_empty() {
            let keep = |header: [u8; HEADER]| header[0] == HANDSHAKE;
            if let Some(record) = splitter.take(&mut bytes, &mut offset, keep) {
                if let Some(body) = &record.body {
                    assert_eq!(body.len(), record.length());
                }
                seen.push((record.kind(), record.start, record.body.is_some()));
            }
        }
        seen
    }

    #[test]
    fn finds_the_same_records_however_they_are_cut() {
        let stream = [
            record(HANDSHAKE, 40),
            record(CHANGE_CIPHER_SPEC, 1),
            record(APPLICATION_DATA, 60),
            record(HANDSHAKE, 3),
        ]
        .concat();
        for step in 1..stream.len() {
            let mut splitter = Splitter::default();
            let mut seen = Vec::new();
            for (at, piece) in stream.chunks(step).enumerate() {
                seen.extend(split(&mut splitter, piece, 7 + (at * step) as u64));
            }
            let expected = [
                (HANDSHAKE, 7, true),
                (CHANGE_CIPHER_SPEC, 52, false),
                (APPLICATION_DATA, 58, false),
                (HANDSHAKE, 123, true),
            ];
            assert_eq!(seen, expected, "step {step}");
            assert!(!splitter.is_lost());
        }
    }

    #[test]
    fn a_gap_inside_a_record_is_counted_and_one_beyond_it_waits_for_a_record() {
        let mut splitter = Splitter::default();
        assert!(split(&mut splitter, &record(HANDSHAKE, 100)[..20], 0).is_empty());
        splitter.gap(85);
        let seen = split(&mut splitter, &record(APPLICATION_DATA, 60), 105);
        assert_eq!(seen, [(APPLICATION_DATA, 105, false)]);

        let mut splitter = Splitter::default();
        assert!(split(&mut splitter, &record(HANDSHAKE, 100)[..20], 0).is_empty());
        splitter.gap(90);
        assert!(split(&mut splitter, b"anything", 110).is_empty());
        assert!(splitter.is_lost());
        let seen = split(&mut splitter, &record(APPLICATION_DATA, 60), 118);
        assert_eq!(seen, [(APPLICATION_DATA, 118, false)]);
    }
}
