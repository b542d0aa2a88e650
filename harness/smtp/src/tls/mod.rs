//! TLS as a passive reader sees it, and what a key log opens.
//!
//! [`Follower`] takes both streams of a connection and tells what the handshake shows: hellos, certificates, alerts.
//! With a [`KeyLog`] it opens the records too. What is weak about it all is said by
//! [`Tls::weaknesses`](crate::timeline::Tls::weaknesses).

mod alert;
mod certificate;
mod cursor;
mod follow;
mod handshake;
mod hello;
mod ja4;
mod keylog;
mod names;
mod open;
mod record;
mod suite;
#[cfg(test)]
mod testing;
#[cfg(test)]
pub(crate) mod tests;
mod weakness;

use wire::Direction;

pub use alert::Alert;
pub use certificate::{Certificate, Validity};
pub use follow::{Follower, Plain, Seen};
pub use handshake::{Handshake, KeyExchange};
pub(crate) use hello::bytes_to_tell;
pub use hello::{ClientHello, Sentinel, ServerHello, is_ssl2_hello};
pub use keylog::{KeyLog, KeyLogError, KeyLogProblem};
pub use names::{group_name, signature_scheme_name, version_name};
pub use open::{Opened, Stop};
pub use record::is_record_start;
pub use suite::suite_name;
pub use weakness::{Weakness, WeaknessKind};

/// Both, in the order in which pairs are kept.
const DIRECTIONS: [Direction; 2] = [Direction::Client, Direction::Server];

/// 0 for the client and 1 for the server.
const fn side(direction: Direction) -> usize {
    match direction {
        Direction::Client => 0,
        Direction::Server => 1,
    }
}
