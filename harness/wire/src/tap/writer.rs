//! Writing pcapng files.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::blocks::unknown::UnknownBlock;
use pcap_file::pcapng::blocks::{Block, PcapNgBlock};
use pcap_file::{DataLink, Endianness};

use crate::Timestamp;

/// Block type of an Enhanced Packet Block.
const ENHANCED_PACKET: u32 = 6;

/// Bytes of such a block before those of the packet.
const PACKET_HEADER: usize = 28;

/// Block type of a Decryption Secrets Block (draft-ietf-opsawg-pcapng section 4.7).
const DECRYPTION_SECRETS: u32 = 0x0a;

/// Secrets type of a TLS key log: `TLSK`.
const TLS_KEY_LOG: u32 = 0x544c_534b;

/// What the file says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The program that wrote it, with its version.
    pub application: String,
    /// A sentence about the capture; left out where empty.
    pub comment: String,
    /// Name of the interface that the packets are said to come from.
    pub interface: String,
}

/// Writes a pcapng file block by block.
///
/// Whole blocks are handed to the writer underneath, and it is flushed: so a process that is killed leaves a file that
/// can be read. That is done by each call, or, after [`CaptureWriter::hold`], once enough has come together.
pub struct CaptureWriter<W: Write> {
    target: W,
    /// Blocks are put together here first, so that no half block reaches the target.
    blocks: PcapNgWriter<Vec<u8>>,
    /// How many bytes may wait here.
    held: usize,
    frames: u64,
}

impl<W: Write> CaptureWriter<W> {
    /// Writes the section header and the description of one Ethernet interface with nanosecond times.
    ///
    /// # Errors
    /// Those of the writer underneath; [`io::ErrorKind::InvalidInput`] if a text of the header is longer than 65,535 bytes.
    pub fn new(target: W, header: &Header) -> io::Result<Self> {
        let mut options = vec![SectionHeaderOption::UserApplication(Cow::Borrowed(
            header.application.as_str(),
        ))];
        if !header.comment.is_empty() {
            options.push(SectionHeaderOption::Common(CommonOption::Comment(
                Cow::Borrowed(header.comment.as_str()),
            )));
        }
        let section = SectionHeaderBlock {
            endianness: Endianness::Little,
            options,
            ..Default::default()
        };
        let blocks = PcapNgWriter::with_section_header(Vec::new(), section).map_err(refused)?;
        let mut writer = Self {
            target,
            blocks,
            held: 0,
            frames: 0,
        };
        let mut interface = InterfaceDescriptionBlock::new(DataLink::ETHERNET, 0);
        interface.options = vec![
            InterfaceDescriptionOption::IfName(Cow::Borrowed(header.interface.as_str())),
            InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
        ];
        writer.write(&interface.into_block())?;
        Ok(writer)
    }

    /// Lets up to so many bytes wait for each other, so that they are written in one go. [`CaptureWriter::flush`] writes
    /// what waits.
    pub fn hold(&mut self, bytes: usize) {
        self.held = bytes;
    }

    /// Writes one Ethernet frame.
    ///
    /// # Errors
    /// Those of the writer underneath; [`io::ErrorKind::InvalidInput`] if the frame is longer than 2^32 - 1 bytes.
    pub fn frame(&mut self, time: Timestamp, bytes: &[u8]) -> io::Result<()> {
        self.frame_with(time, |to| {
            to.extend_from_slice(bytes);
            Ok(())
        })
    }

    /// Writes one Ethernet frame, which `build` appends to the bytes that it gets: an Enhanced Packet Block
    /// (draft-ietf-opsawg-pcapng section 4.3) put together where it is written from, since a long capture consists of
    /// little else.
    pub(super) fn frame_with(
        &mut self,
        time: Timestamp,
        build: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<()> {
        let bytes = self.blocks.get_mut();
        let start = bytes.len();
        bytes.extend([0; PACKET_HEADER]);
        let lengths = build(bytes).and_then(|()| {
            let captured = bytes.len() - start - PACKET_HEADER;
            // Blocks are multiples of four bytes long, so padding them by where they stand is enough.
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            let total = bytes.len() - start + 4;
            Ok((
                u32::try_from(captured).map_err(refused)?,
                u32::try_from(total).map_err(refused)?,
            ))
        });
        let (captured, total) = lengths.inspect_err(|_| bytes.truncate(start))?;
        bytes.extend(total.to_le_bytes());
        let nanos = time.as_nanos();
        let low = u32::try_from(nanos & u64::from(u32::MAX)).unwrap_or_default();
        let high = u32::try_from(nanos >> 32).unwrap_or_default();
        let fields = [ENHANCED_PACKET, total, 0, high, low, captured, captured];
        for (place, field) in bytes[start..].chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        self.frames += 1;
        self.flush_if_full()
    }

    /// Writes TLS secrets in the format of the NSS key log, so that whoever opens the file can decrypt the frames after
    /// this block.
    ///
    /// # Errors
    /// Those of the writer underneath; [`io::ErrorKind::InvalidInput`] if the text is longer than 2^32 - 1 bytes.
    pub fn secrets(&mut self, key_log: &str) -> io::Result<()> {
        let length = u32::try_from(key_log.len()).map_err(refused)?;
        let mut body = Vec::with_capacity(8 + key_log.len());
        body.extend(TLS_KEY_LOG.to_le_bytes());
        body.extend(length.to_le_bytes());
        body.extend(key_log.as_bytes());
        body.resize(body.len().next_multiple_of(4), 0);
        // The length field of the value is not used for writing.
        self.write(&UnknownBlock::new(DECRYPTION_SECRETS, 0, &body).into_block())
    }

    /// How many frames were written; the next one will be this number plus one.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Writes what waits, and flushes the writer underneath.
    ///
    /// # Errors
    /// Those of the writer underneath.
    pub fn flush(&mut self) -> io::Result<()> {
        let bytes = self.blocks.get_mut();
        let written = self.target.write_all(bytes);
        bytes.clear();
        written?;
        self.target.flush()
    }

    /// The writer underneath. What still waits is lost.
    pub fn into_inner(self) -> W {
        self.target
    }

    fn write(&mut self, block: &Block<'_>) -> io::Result<()> {
        self.blocks.write_block(block).map_err(refused)?;
        self.flush_if_full()
    }

    fn flush_if_full(&mut self) -> io::Result<()> {
        if self.blocks.get_mut().len() > self.held {
            self.flush()?;
        }
        Ok(())
    }
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

/// Creates a file that only its owner may read and write (mode 0600 on Unix), since a capture may hold credentials. A file
/// that is already there is emptied, and its mode is set too.
///
/// # Errors
/// Those of opening the file and setting its mode.
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}
