//! Packets from a network interface, through libpcap, as if they came from a capture file.
//!
//! No packet filter is set: SMTP is found on any port, in any tunnel.

#[cfg(feature = "live")]
mod packets;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wire::source::Origin;

use super::stop::Stop;
use crate::Failure;

/// How many packets never came here.
#[derive(Clone, Debug, Default)]
pub struct Dropped(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    kernel: AtomicU64,
    interface: AtomicU64,
}

impl Dropped {
    /// Notes the counters of libpcap.
    #[cfg(any(feature = "live", test))]
    fn set(&self, kernel: u32, interface: u32) {
        self.0.kernel.store(kernel.into(), Ordering::Relaxed);
        self.0.interface.store(interface.into(), Ordering::Relaxed);
    }

    /// What is to be said of it at the end, where there were any.
    pub fn complaint(&self) -> Option<String> {
        let kernel = self.0.kernel.load(Ordering::Relaxed);
        let interface = self.0.interface.load(Ordering::Relaxed);
        (kernel + interface > 0).then(|| {
            format!(
                "{kernel} packet(s) were dropped by the kernel and {interface} by the interface, since they came too \
                 fast; what was in them was not judged"
            )
        })
    }
}

/// Opens an interface. Its packets come until `stop` says so.
///
/// # Errors
///
/// There is no such interface, or it may not be listened on: the message says which privilege is needed.
#[cfg(feature = "live")]
pub fn open(interface: &str, stop: &Stop) -> Result<(Origin, Dropped), Failure> {
    let dropped = Dropped::default();
    let packets = packets::Packets::open(interface, stop.clone(), dropped.clone())?;
    let origin = Origin::Stream {
        name: format!("interface {interface}").into(),
        reader: Box::new(packets),
    };
    Ok((origin, dropped))
}

/// Says how to get a build that can do it.
///
/// # Errors
///
/// Always: this build has no live capture.
#[cfg(not(feature = "live"))]
pub fn open(interface: &str, _: &Stop) -> Result<(Origin, Dropped), Failure> {
    Err(Failure::input(format!(
        "this build has no live capture: install with `cargo install --path harness/cli --features live` (needs libpcap), or run \
         `tcpdump -i {interface} -U -w - | smtpspec audit -`, which does the same"
    )))
}

#[cfg(test)]
mod tests {
    use super::Dropped;

    #[test]
    fn only_what_was_dropped_is_complained_of() {
        let dropped = Dropped::default();
        assert_eq!(dropped.complaint(), None);
        dropped.clone().set(3, 0);
        let said = dropped.complaint().expect("a complaint");
        assert!(said.starts_with("3 packet(s) were dropped by the kernel and 0 by"));
    }
}
