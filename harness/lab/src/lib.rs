//! Sockets: scenarios, the scripted server, the reference adapter and the tap that writes captures.
//!
//! A [`scenario`] scripts the [`server`]; the [`adapter`] (or any other client) talks to it; the [`tap`] records every
//! byte that crosses the socket, before any parser, as packets. Nothing here judges: verdicts are made from the
//! capture alone, by the rooms below.

pub mod adapter;
pub mod client;
pub mod proxy;
pub mod runner;
pub mod scenario;
pub mod server;
pub mod tap;
