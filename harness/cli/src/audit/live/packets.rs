//! The packets of an interface as the bytes of a pcap file.

use std::io::{self, Read};
use std::thread;
use std::time::{Duration, Instant};

use pcap::{Active, Capture, Device, Error};

use super::Dropped;
use crate::Failure;
use crate::audit::stop::Stop;

/// The longest packet that is taken whole, in octets; what tcpdump and Wireshark take.
const SNAP: i32 = 262_144;

/// Room for packets that come faster than they are read, in octets.
const BUFFER: i32 = 64 << 20;

/// How long the kernel may gather packets before it hands them over, in milliseconds. It puts packets close together in
/// the buffer only where it may gather; in immediate mode each takes as much room as the longest.
const GATHER: i32 = 100;

/// How long to wait where there is no packet.
const NAP: Duration = Duration::from_millis(25);

/// A pcap file that grows as packets come.
pub(super) struct Packets {
    capture: Capture<Active>,
    stop: Stop,
    dropped: Dropped,
    /// What was not handed over yet: the header of the file at first, later a record.
    pending: Vec<u8>,
    at: usize,
    /// When the last packet came.
    last: Instant,
    /// Why there can be no more packets, to be told by the next read.
    failed: Option<Error>,
}

impl Packets {
    /// Listens from here on.
    pub(super) fn open(interface: &str, stop: Stop, dropped: Dropped) -> Result<Self, Failure> {
        let capture = Capture::from_device(interface)
            .map(|inactive| {
                inactive
                    .snaplen(SNAP)
                    .promisc(false)
                    .timeout(GATHER)
                    .buffer_size(BUFFER)
            })
            // Whether a blocking read heeds its timeout while no packet comes depends on the system.
            .and_then(|inactive| inactive.open()?.setnonblock())
            .map_err(|error| refused(interface, &error))?;
        let link_type = capture.get_datalink().0;
        Ok(Self {
            capture,
            stop,
            dropped,
            pending: header(link_type),
            at: 0,
            last: Instant::now(),
            failed: None,
        })
    }

    /// Hands over what is pending, as far as there is room.
    fn hand_over(&mut self, buffer: &mut [u8]) -> usize {
        let rest = self.pending.get(self.at..).unwrap_or_default();
        let given = rest.len().min(buffer.len());
        buffer[..given].copy_from_slice(&rest[..given]);
        self.at += given;
        given
    }

    /// Makes the next packet that waits a record; `false` where none waits.
    fn next(&mut self) -> Result<bool, Error> {
        match self.capture.next_packet() {
            Ok(packet) => {
                self.pending.clear();
                self.at = 0;
                let ts = packet.header.ts;
                let time = [
                    ts.tv_sec.try_into().unwrap_or(0),
                    ts.tv_usec.try_into().unwrap_or(0),
                ];
                record(&mut self.pending, time, packet.header.len, packet.data);
                self.last = Instant::now();
                Ok(true)
            }
            Err(Error::TimeoutExpired) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn count_dropped(&mut self) {
        // Where a system does not count, nothing can be said.
        if let Ok(counts) = self.capture.stats() {
            self.dropped.set(counts.dropped, counts.if_dropped);
        }
    }
}

impl Read for Packets {
    /// Fills the buffer with what there is, and waits only where there is nothing at all.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.failed.take() {
            return Err(io::Error::other(error));
        }
        let mut given = 0;
        loop {
            given += self.hand_over(&mut buffer[given..]);
            if given == buffer.len() {
                return Ok(given);
            }
            match self.next() {
                Ok(true) => {}
                Ok(false) if given > 0 => return Ok(given),
                Ok(false) if self.stop.ends(self.last) => return Ok(0),
                Ok(false) => thread::sleep(NAP),
                Err(error) if given > 0 => {
                    self.failed = Some(error);
                    return Ok(given);
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

impl Drop for Packets {
    fn drop(&mut self) {
        // Only now is it known, however the reading ended.
        self.count_dropped();
    }
}

/// The header of a pcap file with microseconds, in little-endian order.
fn header(link_type: i32) -> Vec<u8> {
    let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    bytes.extend([2, 0, 4, 0]);
    bytes.extend([0; 8]);
    bytes.extend(SNAP.to_le_bytes());
    bytes.extend(link_type.to_le_bytes());
    bytes
}

/// A record: seconds, microseconds, octets here, octets on the wire, and the octets.
fn record(bytes: &mut Vec<u8>, [seconds, micros]: [u32; 2], length: u32, data: &[u8]) {
    let here = u32::try_from(data.len()).unwrap_or(u32::MAX);
    for field in [seconds, micros, here, length] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(data);
}

/// Why an interface cannot be listened on, and what to do.
fn refused(interface: &str, error: &Error) -> Failure {
    let why = match error {
        Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    };
    let advice = if why.contains("ermission") || why.contains("ermitted") {
        "; it needs root or CAP_NET_RAW: `sudo setcap cap_net_raw+ep \"$(command -v smtpspec)\"`"
    } else {
        ""
    };
    let names: Vec<_> = Device::list()
        .unwrap_or_default()
        .into_iter()
        .map(|device| device.name)
        .collect();
    let there = if names.is_empty() {
        "none is shown to this user".to_owned()
    } else {
        names.join(", ")
    };
    Failure::input(format!(
        "cannot capture on {interface}: {why}{advice}; interfaces: {there}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_as_it_came() {
        let mut file = header(1);
        record(&mut file, [1_700_000_000, 250_000], 60, b"abc");
        let mut reader = pcap_file::pcap::PcapReader::new(file.as_slice()).expect("a header");
        assert_eq!(reader.header().datalink, pcap_file::DataLink::ETHERNET);
        let read = reader.next_packet().expect("a packet").expect("readable");
        assert_eq!(read.timestamp(), Duration::new(1_700_000_000, 250_000_000));
        assert_eq!((read.orig_len(), read.data()), (60, &b"abc"[..]));
    }

    #[test]
    fn an_interface_that_is_not_there_is_told_with_those_that_are() {
        let opened = Packets::open("no-such-if", Stop::default(), Dropped::default());
        let said = opened.err().expect("no such interface").to_string();
        assert!(said.starts_with("cannot capture on no-such-if: "), "{said}");
        assert!(said.contains("; interfaces: "), "{said}");
    }
}
