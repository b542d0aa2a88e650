//! Questions to DNS, as far as they say where somebody looks for a mail server.
//!
//! A sender that asks for the mail servers of a domain does so before it connects, over UDP. Of such a datagram nothing is wanted but
//! the question (RFC 1035 section 4.1.2); answers, and questions over TCP or under TLS, are passed over.

use std::net::IpAddr;

use crate::Timestamp;

/// The port of DNS.
pub(crate) const DNS: u16 = 53;

/// The type of a question for the mail servers of a domain (RFC 1035 section 3.2.2).
pub const MX: u16 = 15;

/// Questions of each kind, for mail servers and for anything else, that are kept; the rest is counted.
const MOST: usize = 1_024;

/// Longest name, with its dots (RFC 1035 section 2.3.4).
const LONGEST_NAME: usize = 255;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Number of its packet.
    pub packet: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Who asked.
    pub client: IpAddr,
    /// The name, without its last dot, in lower case; bytes that no host name has are escaped.
    pub name: String,
    /// The type that was asked for: [`MX`], or another.
    pub kind: u16,
}

/// The questions of a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    /// Those for mail servers, in order: the first of them.
    pub mail: Vec<Lookup>,
    /// Those for anything else, in order: the first of them.
    pub others: Vec<Lookup>,
    /// How many more of either there were.
    pub more: u64,
}

impl Lookups {
    /// Takes the payload of a datagram to the port of DNS, if it is a question.
    #[cold]
    pub(crate) fn push(
        &mut self,
        (packet, time): (u64, Timestamp),
        client: IpAddr,
        payload: &[u8],
    ) {
        let Some((name, kind)) = question(payload) else {
            return;
        };
        let list = if kind == MX {
            &mut self.mail
        } else {
            &mut self.others
        };
        if list.len() >= MOST {
            self.more += 1;
            return;
        }
        list.push(Lookup {
            packet,
            time,
            client,
            name,
            kind,
        });
    }
}

/// Name and type of the first question of a query; `None` for a reply, and for what is none.
fn question(payload: &[u8]) -> Option<(String, u16)> {
    let (header, mut rest) = payload.split_first_chunk::<12>()?;
    let &[_, _, flags, _, high, low, ..] = header;
    let (is_reply, opcode) = (flags & 0x80 != 0, flags >> 3 & 0x0f);
    if is_reply || opcode != 0 || (high, low) == (0, 0) {
        return None;
    }
    let mut name = String::new();
    loop {
        let (&length, after) = rest.split_first()?;
        if length == 0 {
            rest = after;
            break;
        }
        // The first two bits set would be a pointer, and there is nothing before it to point to.
        if length > 63 {
            return None;
        }
        let (label, after) = after.split_at_checked(usize::from(length))?;
        if !name.is_empty() {
            name.push('.');
        }
        for byte in label {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(*byte)),
                b'A'..=b'Z' => name.push(char::from(byte.to_ascii_lowercase())),
                other => name.extend(other.escape_ascii().map(char::from)),
            }
        }
        // Escapes are no longer than four bytes each.
        if name.len() > 4 * LONGEST_NAME {
            return None;
        }
        rest = after;
    }
    let (kind, _) = rest.split_first_chunk::<2>()?;
    Some((name, u16::from_be_bytes(*kind)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query(labels: &[&[u8]], kind: u16) -> Vec<u8> {
        let mut bytes = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in labels {
            bytes.push(u8::try_from(label.len()).expect("short"));
            bytes.extend_from_slice(label);
        }
        bytes.push(0);
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1]);
        bytes
    }

    #[test]
    fn the_question_is_read() {
        let read = |labels: &[&[u8]], kind| question(&query(labels, kind));
        assert_eq!(
            read(&[b"Partner", b"example"], MX),
            Some(("partner.example".to_owned(), MX))
        );
        assert_eq!(read(&[], 2), Some((String::new(), 2)));
        assert_eq!(read(&[b"a.\n"], 1), Some(("a.\\n".to_owned(), 1)));
    }

    #[test]
    fn what_is_no_question_is_none() {
        let mut reply = query(&[b"a"], 1);
        reply[2] |= 0x80;
        assert_eq!(question(&reply), None);
        let mut pointer = query(&[b"a"], 1);
        pointer[12] = 0xc0;
        assert_eq!(question(&pointer), None);
        let whole = query(&[b"a"], 1);
        // Up to the type; the class is not looked at.
        for length in 0..whole.len() - 2 {
            assert_eq!(question(&whole[..length]), None, "{length}");
        }
        let label = [b'x'; 63];
        let endless = vec![&label[..]; 40];
        assert_eq!(question(&query(&endless, 1)), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut lookups = Lookups::default();
        let client = IpAddr::from([192, 0, 2, 1]);
        for packet in 0..3_000 {
            let kind = if packet % 2 == 0 { MX } else { 1 };
            let at = (packet, Timestamp::default());
            lookups.push(at, client, &query(&[b"a"], kind));
        }
        assert_eq!((lookups.mail.len(), lookups.others.len()), (MOST, MOST));
        assert_eq!(lookups.more, 952);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(payload in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = question(&payload);
        }
    }
}
