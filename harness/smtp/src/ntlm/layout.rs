//! The common frame of the three messages: signature, type, descriptors, payloads.

use super::{Error, Version, flags};

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

/// A descriptor: name for errors, and offset in the header.
pub(super) type Slot = (&'static str, usize);

/// A message whose frame was checked: every payload lies inside it, behind the header, and none overlaps another.
///
/// Older systems send shorter headers and say so nowhere: the header ends where the first payload begins. Descriptors
/// beyond that point are absent.
pub(super) struct Frame<'a> {
    bytes: &'a [u8],
    header: usize,
}

impl<'a> Frame<'a> {
    /// Checks signature, type and the descriptors in `slots`, which stand in the order of their offsets. `least` is the
    /// end of the part that every message of this type has.
    pub(super) fn read(
        bytes: &'a [u8],
        wanted: u32,
        slots: &[Slot],
        least: Slot,
    ) -> Result<Self, Error> {
        if bytes.first_chunk() != Some(SIGNATURE) {
            return Err(Error::Signature);
        }
        let mut frame = Self {
            bytes,
            header: bytes.len(),
        };
        let found = frame.u32(8).ok_or(Error::Short {
            field: "message type",
            offset: 8,
            len: bytes.len(),
        })?;
        if found != wanted {
            return Err(Error::Type { wanted, found });
        }
        if bytes.len() < least.1 {
            return Err(Error::Short {
                field: least.0,
                offset: bytes.len(),
                len: bytes.len(),
            });
        }
        frame.check(slots, least.1)?;
        Ok(frame)
    }

    fn check(&mut self, slots: &[Slot], least: usize) -> Result<(), Error> {
        let mut used: Vec<(usize, usize, Slot)> = Vec::new();
        for &(field, offset) in slots {
            let Some((start, end)) = self.descriptor(offset) else {
                break;
            };
            if start == end {
                continue;
            }
            let len = self.bytes.len();
            if end > len {
                return Err(Error::Outside {
                    field,
                    offset,
                    start,
                    end,
                    len,
                });
            }
            let header = least.max(offset + 8);
            if start < header {
                return Err(Error::InsideHeader {
                    field,
                    offset,
                    start,
                    header,
                });
            }
            self.header = self.header.min(start);
            used.push((start, end, (field, offset)));
        }
        // A payload may begin inside a descriptor that was read before it.
        if let Some(&(start, _, (field, offset))) = used.iter().min() {
            let reached = used
                .iter()
                .map(|(_, _, (_, at))| at + 8)
                .max()
                .unwrap_or(least);
            if start < reached {
                return Err(Error::InsideHeader {
                    field,
                    offset,
                    start,
                    header: reached,
                });
            }
        }
        used.sort_unstable();
        for pair in used.windows(2) {
            if let [(_, end, (first, _)), (start, _, (second, _))] = pair
                && start < end
            {
                return Err(Error::Overlap {
                    first,
                    second,
                    offset: *start,
                });
            }
        }
        Ok(())
    }

    /// Start and end that the descriptor at `offset` states; `None` where the header has no room for it.
    fn descriptor(&self, offset: usize) -> Option<(usize, usize)> {
        let bytes = self.header_bytes::<8>(offset)?;
        let length = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        let start =
            usize::try_from(u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]])).ok()?;
        Some((start, start.checked_add(length)?))
    }

    fn header_bytes<const N: usize>(&self, offset: usize) -> Option<&'a [u8; N]> {
        self.bytes.get(offset..self.header)?.first_chunk()
    }

    /// A number of the header.
    pub(super) fn u32(&self, offset: usize) -> Option<u32> {
        self.header_bytes(offset)
            .map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// Fixed bytes of the header.
    pub(super) fn fixed<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.header_bytes(offset).copied()
    }

    /// The payload of a descriptor, with its own offset; empty where absent.
    pub(super) fn payload(&self, offset: usize) -> (&'a [u8], usize) {
        self.descriptor(offset)
            .and_then(|(start, end)| Some((self.bytes.get(start..end)?, start)))
            .unwrap_or_default()
    }

    /// The version at `offset`. Senders that negotiated none leave it out or zero.
    pub(super) fn version(&self, offset: usize, message_flags: u32) -> Option<Version> {
        let bytes = self.fixed::<8>(offset)?;
        let filled = message_flags & flags::NEGOTIATE_VERSION != 0 || bytes != [0; 8];
        filled.then(|| Version {
            major: bytes[0],
            minor: bytes[1],
            build: u16::from_le_bytes([bytes[2], bytes[3]]),
            revision: bytes[7],
        })
    }
}

impl Version {
    /// The eight bytes of MS-NLMP section 2.2.2.10.
    pub(super) fn encode(self) -> [u8; 8] {
        let [low, high] = self.build.to_le_bytes();
        [self.major, self.minor, low, high, 0, 0, 0, self.revision]
    }
}

/// A message under construction: a header of known length, payloads behind it.
pub(super) struct Builder {
    header: usize,
    bytes: Vec<u8>,
    payload: Vec<u8>,
}

impl Builder {
    /// Starts a message whose header takes `header` bytes.
    pub(super) fn new(message_type: u32, header: usize) -> Self {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend(message_type.to_le_bytes());
        Self {
            header,
            bytes,
            payload: Vec::new(),
        }
    }

    /// Appends to the header as it is.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a descriptor, and its payload behind the header.
    pub(super) fn field(&mut self, field: &'static str, payload: &[u8]) -> Result<(), Error> {
        let too_long = Error::TooLong { field };
        let length = u16::try_from(payload.len()).map_err(|_| too_long.clone())?;
        let offset = u32::try_from(self.header + self.payload.len()).map_err(|_| too_long)?;
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(offset.to_le_bytes());
        self.payload.extend_from_slice(payload);
        Ok(())
    }

    /// The message.
    pub(super) fn finish(mut self) -> Vec<u8> {
        debug_assert_eq!(
            self.bytes.len(),
            self.header,
            "every header byte must have been written"
        );
        self.bytes.append(&mut self.payload);
        self.bytes
    }
}
