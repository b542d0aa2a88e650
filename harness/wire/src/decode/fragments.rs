//! IP datagrams put together from fragments (RFC 791 section 3.2, RFC 8200 section 4.5).
//!
//! One policy, the same as for TCP: of bytes captured twice, those captured first stand, and where the later ones differ
//! there is a note, for receivers choose differently. What waits is bounded in bytes, in datagrams and in capture time.
//!
//! A datagram is kept for a while after it became whole, so that a second copy of its fragments (a mirror port, two
//! interfaces) is known for what it is and does not wait for the rest of itself.

mod pieces;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use etherparse::IpNumber;

use self::pieces::{Fit, Pieces};
use super::tunnel;
use crate::notes::NoteLog;
use crate::{NoteKind, Timestamp};

/// How long a datagram waits for its fragments, from the first that was captured (RFC 1122 section 3.3.2 wants 60 to 120 s;
/// Linux and Windows wait 30 s and 60 s).
const PATIENCE: Duration = Duration::from_secs(30);

/// The most datagrams that are kept.
pub(super) const MAX_DATAGRAMS: usize = 1_024;

/// The most memory they take, in bytes, the books kept on them included.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// What the books on one datagram are taken to cost.
const DATAGRAM_COST: usize = 256;

const TIME_IS_OVER: &str = "30 s went by before all of them came";

/// The longest datagram, its header not counted.
const MAX_LENGTH: usize = 65_535;

/// What an IP header says of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The identification that the fragments of a datagram share.
    pub(super) id: u32,
    /// The protocol it carries.
    pub(super) protocol: u8,
    /// Where in the datagram it begins, in bytes.
    pub(super) start: u32,
    /// Whether it is not the last.
    pub(super) more: bool,
}

/// A captured fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    pub(super) packet: u64,
    pub(super) time: Timestamp,
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) piece: Piece,
    /// What was captured of it.
    pub(super) bytes: &'a [u8],
    /// How many bytes of it follow that were not captured.
    pub(super) uncaptured: u64,
}

/// What is known of a datagram that became whole; its bytes are where the caller wanted them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    /// The protocol it carries.
    pub(super) protocol: u8,
    /// How many bytes of it were on the wire behind those that can be read.
    pub(super) uncaptured: u64,
    /// Whether a fragment contradicted an earlier one.
    pub(super) disputed: bool,
}

/// What the fragments of a datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    src: IpAddr,
    dst: IpAddr,
    id: u32,
    /// In IPv6 it may differ from fragment to fragment; that of the first counts, and here stands 0.
    protocol: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Whole,
    /// Its first fragment shows that it holds no TCP.
    Ignored,
}

#[derive(Debug)]
struct Datagram {
    key: Key,
    since: Timestamp,
    /// The packet of the fragment that was captured first.
    packet: u64,
    state: State,
    /// What its first fragment says that it carries.
    protocol: Option<u8>,
    disputed: bool,
    pieces: Pieces,
}

impl Datagram {
    fn cost(&self) -> usize {
        DATAGRAM_COST + self.pieces.cost()
    }
}

/// The datagrams whose fragments are being collected.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    /// By age.
    datagrams: BTreeMap<u64, Datagram>,
    by_key: HashMap<Key, u64>,
    /// Ages of those that nobody waits for: whole, or of no interest.
    settled: BTreeSet<u64>,
    /// How many there were.
    started: u64,
    cost: usize,
}

impl Fragments {
    /// Takes a fragment. If its datagram is whole now, the bytes of it stand in `whole`.
    pub(super) fn add(
        &mut self,
        fragment: &Fragment<'_>,
        whole: &mut Vec<u8>,
        notes: &mut NoteLog,
    ) -> Option<Whole> {
        let key = Key {
            src: fragment.src,
            dst: fragment.dst,
            id: fragment.piece.id,
            protocol: if fragment.src.is_ipv6() {
                0
            } else {
                fragment.piece.protocol
            },
        };
        if key.protocol != 0 && !may_hold_tcp(key.protocol) {
            return None;
        }
        let length = fragment.bytes.len() as u64 + fragment.uncaptured;
        let end = u64::from(fragment.piece.start) + length;
        if length == 0
            || end > MAX_LENGTH as u64
            || (fragment.piece.more && !length.is_multiple_of(8))
        {
            notes.push(
                NoteKind::Undecodable,
                Some(fragment.packet),
                format_args!(
                    "an IP fragment of {length} bytes at {} of its datagram is none that a receiver can use",
                    fragment.piece.start
                ),
            );
            return None;
        }
        self.expire(fragment.time, notes);
        let age = self.datagram(key, fragment, notes)?;
        self.place(age, fragment, whole, notes)
    }

    /// About how much memory is in use, in bytes.
    #[cfg(test)]
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// Tells of the datagrams that never became whole.
    pub(super) fn finish(mut self, notes: &mut NoteLog) {
        while let Some((age, _)) = self.datagrams.first_key_value() {
            self.give_up(
                *age,
                NoteKind::Fragment,
                "the capture ended before all of them came",
                notes,
            );
        }
    }

    /// The datagram that the fragment belongs to, by its age; `None` where there is nothing to do with the fragment.
    fn datagram(&mut self, key: Key, fragment: &Fragment<'_>, notes: &mut NoteLog) -> Option<u64> {
        let first = fragment.piece.start == 0;
        let wanted = !first || is_wanted(fragment.piece.protocol, fragment.bytes);
        self.expire_one(key, fragment.time, notes);
        if let Some(&age) = self.by_key.get(&key)
            && let Some(known) = self.datagrams.get_mut(&age)
        {
            match known.state {
                // What the first fragment says counts, and of two first fragments the first.
                State::Open if wanted || known.protocol.is_some() => return Some(age),
                State::Open => {
                    self.cost -= known.pieces.cost();
                    known.pieces = Pieces::default();
                    known.state = State::Ignored;
                    self.settled.insert(age);
                    return None;
                }
                State::Ignored if !first || !wanted => return None,
                State::Whole if known.pieces.hold(fragment.piece.start, fragment.bytes) => {
                    return None;
                }
                // The identification is used again.
                State::Ignored | State::Whole => self.remove(age),
            };
        }
        while self.datagrams.len() >= MAX_DATAGRAMS {
            self.make_room(u64::MAX, notes);
        }
        let age = self.started;
        self.started += 1;
        let datagram = Datagram {
            key,
            since: fragment.time,
            packet: fragment.packet,
            state: if wanted { State::Open } else { State::Ignored },
            protocol: None,
            disputed: false,
            pieces: Pieces::default(),
        };
        self.cost += datagram.cost();
        self.by_key.insert(key, age);
        self.datagrams.insert(age, datagram);
        if !wanted {
            self.settled.insert(age);
        }
        wanted.then_some(age)
    }

    /// Puts the fragment in its place in the datagram of this age.
    fn place(
        &mut self,
        age: u64,
        fragment: &Fragment<'_>,
        whole: &mut Vec<u8>,
        notes: &mut NoteLog,
    ) -> Option<Whole> {
        let datagram = self.datagrams.get_mut(&age)?;
        let Piece {
            start,
            more,
            protocol,
            ..
        } = fragment.piece;
        if start == 0 && datagram.protocol.is_none() {
            datagram.protocol = Some(protocol);
        }
        let length = fragment.bytes.len() + usize::try_from(fragment.uncaptured).ok()?;
        let before = datagram.pieces.cost();
        let fit = datagram.pieces.add(start, fragment.bytes, length, !more);
        self.cost += datagram.pieces.cost() - before;
        let same_protocol = start != 0 || datagram.protocol == Some(protocol);
        if fit == Fit::Contradiction || !same_protocol {
            datagram.disputed = true;
            notes.push(
                NoteKind::ConflictingFragments,
                Some(fragment.packet),
                format_args!(
                    "an IP fragment from {} to {} (identification {:#06x}) contradicts an earlier one of its datagram; \
                     what came first was kept, and a receiver may have read something else",
                    fragment.src, fragment.dst, fragment.piece.id
                ),
            );
        }
        let done = datagram.pieces.is_whole().then(|| {
            datagram.state = State::Whole;
            self.settled.insert(age);
            Whole {
                protocol: datagram.protocol.unwrap_or(protocol),
                uncaptured: datagram.pieces.copy_to(whole),
                disputed: datagram.disputed,
            }
        });
        while self.cost > MAX_BYTES && self.datagrams.len() > 1 {
            self.make_room(age, notes);
        }
        done
    }

    /// Gives up the datagrams whose time is over.
    fn expire(&mut self, now: Timestamp, notes: &mut NoteLog) {
        while let Some((&age, oldest)) = self.datagrams.first_key_value() {
            if now.since(oldest.since) < PATIENCE {
                break;
            }
            self.give_up(age, NoteKind::Fragment, TIME_IS_OVER, notes);
        }
    }

    /// Gives up this datagram if its time is over, even where the clock of the capture went back and older ones wait still.
    fn expire_one(&mut self, key: Key, now: Timestamp, notes: &mut NoteLog) {
        if let Some(&age) = self.by_key.get(&key)
            && let Some(datagram) = self.datagrams.get(&age)
            && now.since(datagram.since) >= PATIENCE
        {
            self.give_up(age, NoteKind::Fragment, TIME_IS_OVER, notes);
        }
    }

    /// Gives up one datagram, but not that of age `except`: the oldest that nobody waits for, or else the oldest.
    fn make_room(&mut self, except: u64, notes: &mut NoteLog) {
        let settled = self.settled.iter().find(|age| **age != except);
        let victim = settled.or_else(|| self.datagrams.keys().find(|age| **age != except));
        if let Some(&age) = victim {
            let reason = "too many others were waiting for theirs";
            self.give_up(age, NoteKind::Limit, reason, notes);
        }
    }

    fn give_up(&mut self, age: u64, kind: NoteKind, reason: &str, notes: &mut NoteLog) {
        let Some(datagram) = self.remove(age) else {
            return;
        };
        let Key {
            src,
            dst,
            id,
            protocol,
        } = datagram.key;
        let protocol = datagram.protocol.unwrap_or(protocol);
        // Of UDP, only a tunnel is of interest, and without its first fragment it cannot be told.
        let told = datagram.state == State::Open
            && (datagram.protocol.is_some() || IpNumber(protocol) != IpNumber::UDP);
        if told {
            notes.push(
                kind,
                Some(datagram.packet),
                format_args!(
                    "an IP datagram from {src} to {dst} (identification {id:#06x}) that came in fragments was not put \
                     together: {reason}; if it carried TCP, its stream has a hole there"
                ),
            );
        }
    }

    fn remove(&mut self, age: u64) -> Option<Datagram> {
        let datagram = self.datagrams.remove(&age)?;
        self.cost -= datagram.cost();
        self.by_key.remove(&datagram.key);
        self.settled.remove(&age);
        Some(datagram)
    }
}

/// Whether what goes by this IP protocol may be TCP, or a tunnel with TCP in it.
fn may_hold_tcp(protocol: u8) -> bool {
    matches!(
        IpNumber(protocol),
        IpNumber::TCP
            | IpNumber::UDP
            | IpNumber::IPV4
            | IpNumber::IPV6
            | IpNumber::GRE
            | IpNumber::MPLS_IN_IP
            | IpNumber::ETHER_IP
            | IpNumber::AUTHENTICATION_HEADER
            | IpNumber::IPV6_HEADER_HOP_BY_HOP
            | IpNumber::IPV6_ROUTE_HEADER
            | IpNumber::IPV6_DESTINATION_OPTIONS
            | IpNumber::IPV6_FRAGMENTATION_HEADER
            | IpNumber::MOBILITY_HEADER
            | IpNumber::HIP
            | IpNumber::SHIM6
            | IpNumber(143)
    )
}

/// Whether a datagram may hold TCP, by its first bytes.
fn is_wanted(protocol: u8, bytes: &[u8]) -> bool {
    match (IpNumber(protocol), bytes) {
        (IpNumber::UDP, &[_, _, high, low, ..]) => {
            tunnel::is_tunnel(u16::from_be_bytes([high, low]))
        }
        (IpNumber::UDP, _) => false,
        _ => may_hold_tcp(protocol),
    }
}
