//! Why a capture could not be read at all.

use std::io;
use std::path::PathBuf;

/// The whole capture had to be given up. Damage after the first readable packet is not an error of this kind: what came
/// before it is kept, and [`Capture::truncated`](crate::Capture::truncated) says where reading stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be opened or read.
    #[error(
        "{path}: cannot read the capture: {source}; check that the file exists and may be read"
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file holds no byte.
    #[error(
        "{path}: the file is empty at offset 0, before packet 1; expected a pcap or pcapng file: check that the \
         recording was started and allowed to finish"
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The first bytes are not those of a capture file.
    #[error(
        "{path}: not a capture: found {found} at offset 0, before packet 1; expected a pcap or pcapng file: convert or \
         unpack it first"
    )]
    NotACapture {
        /// The file.
        path: PathBuf,
        /// What the first bytes look like.
        found: String,
    },
    /// It is a capture file, but damaged before its first packet.
    #[error(
        "{path}: damaged at offset {offset}, after {packet} packets: {reason}; expected a pcap or pcapng file: record or \
         copy it again"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Number of packets that were read before.
        packet: u64,
        /// Byte offset in the file.
        offset: u64,
        /// What is wrong there: lower case, no full stop.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn names_the_place_the_cause_and_the_way_out() {
        let error = Error::Malformed {
            path: "a/b.pcap".into(),
            packet: 0,
            offset: 17,
            reason: "the file ends inside its header".to_owned(),
        };
        assert_eq!(
            error.to_string(),
            "a/b.pcap: damaged at offset 17, after 0 packets: the file ends inside its header; expected a pcap or \
             pcapng file: record or copy it again"
        );
    }
}
