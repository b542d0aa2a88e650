//! ZIP as a bundle is written: entries that are stored as they are, in a fixed order, with a fixed date and nothing else.
//!
//! Every byte of such a file follows from the names and contents of its entries (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16), so
//! that the same evidence makes the same file in every version of this program, and whoever checks one can say of each
//! byte what it has to be. Packing would save little, since captures of mail hold base64, and would tie the bytes to the
//! version of a packer.

use std::io::{self, Read, Write};

use flate2::Crc;

/// Most entries of an archive without extensions for long ones (Zip64).
pub(super) const MOST_ENTRIES: usize = 0xfffe;

/// The end of the longest archive without extensions for long ones.
pub(super) const LONGEST: u64 = 0xffff_fffe;

/// Length of the fixed part of a local header.
pub(super) const LOCAL: usize = 30;

const LOCAL_SIGNATURE: u32 = 0x0403_4b50;
const CENTRAL_SIGNATURE: u32 = 0x0201_4b50;
const END_SIGNATURE: u32 = 0x0605_4b50;
/// Version 2.0, which every reader has.
const VERSION: u16 = 20;
/// Made on Unix, so that the permissions below count.
const MADE_BY: u16 = 3 << 8 | VERSION;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// The first day that the format can tell: 1980-01-01.
const DATE: u16 = 1 << 5 | 1;
/// A plain file that its owner may read and write, and nobody else.
const ATTRIBUTES: u32 = 0o100_600 << 16;

/// What the headers of an entry say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its name, with `/` between folders.
    pub(super) name: String,
    /// Its length in bytes.
    pub(super) size: u32,
    /// CRC-32 of its content.
    pub(super) crc: u32,
}

impl Entry {
    /// What stands before its content.
    pub(super) fn local_header(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(LOCAL + self.name.len());
        put32(&mut out, LOCAL_SIGNATURE);
        self.common(&mut out);
        out.extend_from_slice(self.name.as_bytes());
        out
    }

    /// What stands for it in the directory at the end; `offset` is that of its local header.
    pub(super) fn central_header(&self, offset: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(46 + self.name.len());
        put32(&mut out, CENTRAL_SIGNATURE);
        put16(&mut out, MADE_BY);
        self.common(&mut out);
        // No comment, first volume, no internal attributes.
        out.extend_from_slice(&[0; 6]);
        put32(&mut out, ATTRIBUTES);
        put32(&mut out, offset);
        out.extend_from_slice(self.name.as_bytes());
        out
    }

    fn common(&self, out: &mut Vec<u8>) {
        put16(out, VERSION);
        put16(out, FLAGS);
        // Stored; midnight.
        put16(out, 0);
        put16(out, 0);
        put16(out, DATE);
        put32(out, self.crc);
        put32(out, self.size);
        put32(out, self.size);
        put16(out, u16::try_from(self.name.len()).unwrap_or(u16::MAX));
        // No extra field.
        put16(out, 0);
    }
}

/// The end of the archive.
pub(super) fn end_record(entries: u16, size: u32, offset: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(22);
    put32(&mut out, END_SIGNATURE);
    // One volume.
    put32(&mut out, 0);
    put16(&mut out, entries);
    put16(&mut out, entries);
    put32(&mut out, size);
    put32(&mut out, offset);
    // No comment.
    put16(&mut out, 0);
    out
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// Writes an archive, entry by entry.
pub(super) struct Archive<W: Write> {
    out: W,
    at: u64,
    directory: Vec<u8>,
    entries: u16,
}

impl<W: Write> Archive<W> {
    pub(super) const fn new(out: W) -> Self {
        Self {
            out,
            at: 0,
            directory: Vec::new(),
            entries: 0,
        }
    }

    /// Adds an entry whose content was looked at before: it must still be what it was.
    pub(super) fn add(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        let offset = u32::try_from(self.at).map_err(|_| too_long())?;
        self.directory
            .extend_from_slice(&entry.central_header(offset));
        let header = entry.local_header();
        self.out.write_all(&header)?;
        let mut crc = Crc::new();
        let mut buffer = vec![0; 1 << 16];
        let mut size = 0u64;
        loop {
            let read = content.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            crc.update(&buffer[..read]);
            size += read as u64;
            self.out.write_all(&buffer[..read])?;
        }
        if size != u64::from(entry.size) || crc.sum() != entry.crc {
            return Err(io::Error::other(format!(
                "{} changed while it was being bundled",
                entry.name
            )));
        }
        self.at += header.len() as u64 + size;
        self.entries = self.entries.checked_add(1).ok_or_else(too_long)?;
        Ok(())
    }

    /// Writes the directory.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let end = self.at + self.directory.len() as u64 + 22;
        if end > LONGEST || usize::from(self.entries) > MOST_ENTRIES {
            return Err(too_long());
        }
        let size = u32::try_from(self.directory.len()).map_err(|_| too_long())?;
        let offset = u32::try_from(self.at).map_err(|_| too_long())?;
        self.out.write_all(&self.directory)?;
        self.out
            .write_all(&end_record(self.entries, size, offset))?;
        self.out.flush()?;
        Ok(self.out)
    }
}

fn too_long() -> io::Error {
    io::Error::other(
        "a bundle holds no more than 4 GiB and 65,534 files; leave the captures out with --bundle-captures none",
    )
}
