//! What a pcapng file holds beside packets: keys of TLS are taken out, and what people and programs wrote is written over.
//!
//! Blocks that no reader of packets needs lose what is in them. Those that Wireshark numbers like packets stay in their
//! places, so that packet numbers are what they were.

/// Decryption secrets: the whole block goes.
const SECRETS: u32 = 0x0a;
/// Name resolution: names of hosts.
const NAMES: u32 = 4;
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const PACKET: u32 = 6;

const END_OF_OPTIONS: u16 = 0;
const COMMENT: u16 = 1;
/// Of a packet: a hash of its bytes, which are no longer the same.
const PACKET_HASH: u16 = 3;
/// Options of anybody's own.
const CUSTOM: [u16; 4] = [2988, 2989, 19372, 19373];

/// What was done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Blocks with keys that were left out.
    pub(super) keys: usize,
    /// Comments and the like that were written over.
    pub(super) comments: usize,
    /// Blocks of other kinds that were blanked.
    pub(super) blocks: usize,
}

/// Rewrites the blocks of a pcapng file; a pcap file stays as it is. `end`: where reading of packets stopped.
pub(super) fn redact(file: &mut Vec<u8>, addresses: bool) -> Done {
    let mut done = Done::default();
    if !file.starts_with(&SECTION.to_be_bytes()) {
        return done;
    }
    let mut out = Vec::with_capacity(file.len());
    let mut big = false;
    let mut at = 0;
    while let Some((kind, length)) = block(file, at, &mut big) {
        let mut bytes = file[at..at + length].to_vec();
        at += length;
        let body = 8..length - 4;
        match kind {
            SECRETS => {
                done.keys += 1;
                continue;
            }
            NAMES if addresses => {
                done.blocks += 1;
                continue;
            }
            NAMES | SIMPLE_PACKET => {}
            SECTION => options(&mut bytes[body], 16, big, kind, &mut done),
            INTERFACE => options(&mut bytes[body], 8, big, kind, &mut done),
            STATISTICS => options(&mut bytes[body], 12, big, kind, &mut done),
            OLD_PACKET | PACKET => {
                let captured = bytes.get(20..24).map_or(0, |four| u32_of(four, big));
                let captured = usize::try_from(captured).unwrap_or(usize::MAX);
                let start = captured
                    .checked_next_multiple_of(4)
                    .and_then(|padded| padded.checked_add(20))
                    .unwrap_or(usize::MAX);
                options(&mut bytes[body], start, big, kind, &mut done);
            }
            _ => {
                done.blocks += 1;
                bytes[body].fill(0);
            }
        }
        out.extend_from_slice(&bytes);
    }
    *file = out;
    done
}

/// Kind and length of the block at `at`; none where no whole block is left.
fn block(file: &[u8], at: usize, big: &mut bool) -> Option<(u32, usize)> {
    let head = file.get(at..at + 12)?;
    if head.starts_with(&SECTION.to_be_bytes()) {
        *big = head[8..12] == [0x1a, 0x2b, 0x3c, 0x4d];
    }
    let kind = u32_of(&head[..4], *big);
    let length = usize::try_from(u32_of(&head[4..8], *big)).ok()?;
    let padded = length.checked_next_multiple_of(4)?;
    let end = at.checked_add(padded)?;
    (length >= 12 && end <= file.len()).then_some((kind, padded))
}

/// Writes over the options of a block that could hold anything.
fn options(body: &mut [u8], start: usize, big: bool, kind: u32, done: &mut Done) {
    let mut at = start;
    loop {
        let Some(head) = body.get(at..at.saturating_add(4)) else {
            return;
        };
        let code = u16_of(&head[..2], big);
        let length = usize::from(u16_of(&head[2..], big));
        let Some(value) = body.get_mut(at + 4..at + 4 + length) else {
            return;
        };
        match code {
            END_OF_OPTIONS => return,
            COMMENT => {
                done.comments += 1;
                value.fill(b'x');
            }
            code if CUSTOM.contains(&code) => {
                done.comments += 1;
                // The first four bytes say whose it is.
                value[4.min(length)..].fill(0);
            }
            // The packet's own kind of hash: none.
            PACKET_HASH if kind == PACKET => value.fill(0),
            _ => {}
        }
        at += 4 + length.next_multiple_of(4);
    }
}

fn u32_of(bytes: &[u8], big: bool) -> u32 {
    let four = [bytes[0], bytes[1], bytes[2], bytes[3]];
    if big {
        u32::from_be_bytes(four)
    } else {
        u32::from_le_bytes(four)
    }
}

fn u16_of(bytes: &[u8], big: bool) -> u16 {
    let two = [bytes[0], bytes[1]];
    if big {
        u16::from_be_bytes(two)
    } else {
        u16::from_le_bytes(two)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_of(kind: u32, body: &[u8], big: bool) -> Vec<u8> {
        let put = |value: u32| {
            if big {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            }
        };
        let length = u32::try_from(body.len() + 12).expect("short");
        [&put(kind)[..], &put(length), body, &put(length)].concat()
    }

    fn file(big: bool) -> Vec<u8> {
        let short = |value: u16| {
            if big {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            }
        };
        let magic: [u8; 4] = if big {
            [0x1a, 0x2b, 0x3c, 0x4d]
        } else {
            [0x4d, 0x3c, 0x2b, 0x1a]
        };
        let comment = [&short(COMMENT)[..], &short(6), b"secret\0\0", &[0; 4]].concat();
        let header = [&magic[..], &short(1), &short(0), &[0xff; 8], &comment].concat();
        let custom = [&[0, 0, 1, 2][..], b"secret!!"].concat();
        [
            block_of(SECTION, &header, big),
            block_of(SECRETS, b"KEYS....secret..", big),
            block_of(0xbad, &custom, big),
            block_of(NAMES, b"secret..", big),
        ]
        .concat()
    }

    #[test]
    fn keys_go_and_comments_are_written_over() {
        for big in [false, true] {
            let mut bytes = file(big);
            let before = bytes.len();
            let done = redact(&mut bytes, true);
            let wanted = Done {
                keys: 1,
                comments: 1,
                blocks: 2,
            };
            assert_eq!(done, wanted);
            assert!(memchr::memmem::find(&bytes, b"secret").is_none());
            // The block that Wireshark numbers is still there.
            assert_eq!(bytes.len(), before - 28 - 20);
        }
    }

    #[test]
    fn no_cut_and_no_damage_panics() {
        let whole = file(false);
        for cut in 0..whole.len() {
            redact(&mut whole[..cut].to_vec(), false);
            let mut damaged = whole.clone();
            damaged[cut] ^= 0xff;
            redact(&mut damaged, true);
        }
    }
}
