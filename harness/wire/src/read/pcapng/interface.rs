//! Interface description blocks.

use crate::notes::NoteLog;
use crate::read::fields::Fields;
use crate::{NoteKind, Timestamp};

const END_OF_OPTIONS: u16 = 0;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

/// What an interface description says that matters for reading its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) link_type: u16,
    /// 0: no limit.
    pub(super) snap_length: u32,
    /// `if_tsresol`: a negative power of ten, or of two where the highest bit is set.
    resolution: u8,
    /// `if_tsoffset`: seconds to add to every time.
    offset: i64,
}

impl Interface {
    /// Reads the body of an interface description block. What cannot be read keeps its default, so that the interfaces
    /// after it keep their numbers.
    pub(super) fn read(mut fields: Fields<'_>, notes: &mut NoteLog) -> Self {
        let mut interface = Self {
            link_type: u16::MAX,
            snap_length: 0,
            resolution: 6,
            offset: 0,
        };
        if interface.read_fields(&mut fields).is_none() {
            notes.push(
                NoteKind::OddRecord,
                None,
                format_args!("an interface description block is cut short; what it does not say was left at its default"),
            );
        }
        interface
    }

    fn read_fields(&mut self, fields: &mut Fields<'_>) -> Option<()> {
        self.link_type = fields.u16()?;
        let _reserved = fields.u16()?;
        self.snap_length = fields.u32()?;
        while !fields.rest().is_empty() {
            let code = fields.u16()?;
            let length = usize::from(fields.u16()?);
            if code == END_OF_OPTIONS {
                break;
            }
            let mut value = *fields;
            fields.bytes(length.next_multiple_of(4))?;
            match (code, length) {
                (IF_TSRESOL, 1) => self.resolution = *value.bytes(1)?.first()?,
                (IF_TSOFFSET, 8) => self.offset = value.i64()?,
                _ => {}
            }
        }
        Some(())
    }

    /// The time that `ticks` of this interface's clock stand for, if it can be told in nanoseconds since 1970.
    pub(super) fn time(&self, ticks: u64) -> Option<Timestamp> {
        let ticks = u128::from(ticks);
        let power = u32::from(self.resolution & 0x7f);
        let nanos = if self.resolution & 0x80 != 0 {
            (ticks * 1_000_000_000) >> power
        } else if power <= 9 {
            ticks * 10_u128.pow(9 - power)
        } else {
            // Beyond 10^38 a 64-bit count of ticks is less than a nanosecond.
            10_u128
                .checked_pow(power - 9)
                .map_or(0, |divisor| ticks / divisor)
        };
        let nanos = i128::try_from(nanos)
            .ok()?
            .checked_add(i128::from(self.offset) * 1_000_000_000)?;
        u64::try_from(nanos).ok().map(Timestamp::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(resolution: u8, offset: i64) -> Interface {
        Interface {
            link_type: 1,
            snap_length: 0,
            resolution,
            offset,
        }
    }

    #[test]
    fn honours_resolution_and_offset() {
        for (resolution, offset, ticks, nanos) in [
            (6, 0, 1_500_000, Some(1_500_000_000)),
            (9, 0, 1_500_000, Some(1_500_000)),
            (0, 0, 3, Some(3_000_000_000)),
            (12, 0, 1_500, Some(1)),
            (0x80 | 1, 0, 3, Some(1_500_000_000)),
            (0xff, 0, u64::MAX, Some(0)),
            (0x7f, 0, u64::MAX, Some(0)),
            (0, 2, 1, Some(3_000_000_000)),
            (0, -2, 1, None),
            (0, 0, u64::MAX, None),
            (0x80, i64::MIN, u64::MAX, None),
        ] {
            assert_eq!(
                interface(resolution, offset).time(ticks),
                nanos.map(Timestamp::from_nanos)
            );
        }
    }

    #[test]
    fn reads_options_and_survives_a_cut() {
        let mut notes = NoteLog::default();
        let body = [
            113, 0, 7, 7, 0, 0, 4, 0, 2, 0, 1, 0, b'e', 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 14, 0, 8,
            0, 1,
        ];
        let read = Interface::read(Fields::new(&body, false), &mut notes);
        assert_eq!(
            read,
            Interface {
                link_type: 113,
                snap_length: 0x4_0000,
                resolution: 9,
                offset: 0
            }
        );
        assert_eq!(notes.finish().len(), 1);
    }
}
