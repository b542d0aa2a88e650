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
    /// How many of the bytes that wait the target has taken already, in a write that came to no end.
    sent: usize,
    /// How many bytes were written to this target, those that wait not among them.
    written: u64,
    /// Frames are left out, and how many were.
    leaving_out: bool,
    left_out: u64,
    frames: u64,
}

impl<W: Write> CaptureWriter<W> {
    /// Writes the section header and the description of one Ethernet interface with nanosecond times.
    ///
    /// # Errors
    /// Those of the writer underneath; [`io::ErrorKind::InvalidInput`] if a text of the header is longer than 65,535 bytes.
    pub fn new(target: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self {
            target,
            blocks: begin(header)?,
            held: 0,
            sent: 0,
            written: 0,
            leaving_out: false,
            left_out: 0,
            frames: 0,
        };
        writer.flush()?;
        Ok(writer)
    }

    /// Goes on in another target, which gets a header of its own first, and then what still waits. Frames are counted on.
    ///
    /// Nothing is written before the next [`CaptureWriter::flush`].
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if a text of the header is longer than 65,535 bytes.
    pub fn go_on_in(&mut self, target: W, header: &Header) -> io::Result<()> {
        let mut blocks = begin(header)?;
        blocks.get_mut().append(self.blocks.get_mut());
        self.blocks = blocks;
        self.target = target;
        (self.sent, self.written) = (0, 0);
        Ok(())
    }

    /// How many bytes wait.
    pub fn waiting(&mut self) -> usize {
        self.blocks.get_mut().len()
    }

    /// How many bytes the target has in whole blocks.
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Leaves out the frames that come from now on, or no longer does. Whoever reads the capture sees that bytes are
    /// missing, since sequence numbers go on.
    pub const fn leave_out(&mut self, yes: bool) {
        self.leaving_out = yes;
    }

    /// How many frames were left out.
    pub const fn left_out(&self) -> u64 {
        self.left_out
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
        if self.leaving_out {
            self.left_out += 1;
            return Ok(());
        }
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

    /// Writes what waits, and flushes the writer underneath. After an error what was not written still waits, and the next
    /// call goes on where this one came to.
    ///
    /// # Errors
    /// Those of the writer underneath.
    pub fn flush(&mut self) -> io::Result<()> {
        let bytes = self.blocks.get_mut();
        while let Some(rest @ [_, ..]) = bytes.get(self.sent..) {
            match self.target.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => self.sent += taken,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.written += bytes.len() as u64;
        bytes.clear();
        self.sent = 0;
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

/// The section header, and the description of one Ethernet interface with nanosecond times.
fn begin(header: &Header) -> io::Result<PcapNgWriter<Vec<u8>>> {
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
    let mut blocks = PcapNgWriter::with_section_header(Vec::new(), section).map_err(refused)?;
    let mut interface = InterfaceDescriptionBlock::new(DataLink::ETHERNET, 0);
    interface.options = vec![
        InterfaceDescriptionOption::IfName(Cow::Borrowed(header.interface.as_str())),
        InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
    ];
    blocks
        .write_block(&interface.into_block())
        .map_err(refused)?;
    Ok(blocks)
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

/// Creates a file that only its owner may read and write, where none of that name is yet.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], and those of opening the file.
pub fn create_new_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
