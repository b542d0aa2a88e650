//! Servers, and sessions that follow one another.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use wire::Timestamp;

use super::Talk;
use crate::given::{GivenServer, Retry, Role};

/// The server of conversations that reach no other.
pub(crate) const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 25)), 25);
/// Another one.
pub(crate) const OTHER_SERVER: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 26)), 25);

/// A server that is known beforehand, with a retry after five minutes, so often as given.
pub(crate) fn server(role: Role, address: SocketAddr, retries: u32) -> GivenServer {
    let interval = Duration::from_mins(5);
    GivenServer {
        role,
        address,
        port: None,
        mode: None,
        retry: Some(Retry {
            count: retries,
            interval,
        }),
    }
}

impl Talk {
    /// The sender has this address.
    pub(crate) fn sent_from(mut self, client: [u8; 4]) -> Self {
        self.client = client;
        self
    }

    /// It goes to this server.
    pub(crate) fn reaching(mut self, server: SocketAddr) -> Self {
        self.server = server;
        self
    }

    /// It began so many seconds after the first.
    pub(crate) fn after(self, seconds: u64) -> Self {
        let first = 1_700_000_000_000_000_000;
        self.at(Timestamp::from_nanos(first + seconds * 1_000_000_000))
    }
}
