//! The addresses that are listened on: bound first of all, while there may still be the privilege to do so.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use lab::server::{Opening, Sockets};

use crate::Failure;
use crate::args::ListenArgs;

/// Where it is listened if nothing else is said.
const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 2525);

/// Sockets that listen, and their addresses in one line.
pub(super) fn sockets(
    args: &ListenArgs,
    window: Option<u32>,
) -> Result<(Sockets, String), Failure> {
    let mut sockets = Sockets::default();
    for socket in handed_over()? {
        sockets.take(socket, Opening::AsServed);
    }
    let clear = args.listen.iter().map(|&at| (at, Opening::AsServed));
    let tls = args.listen_tls.iter().map(|&at| (at, Opening::Tls));
    let mut wanted: Vec<_> = clear.chain(tls).collect();
    if wanted.is_empty() && sockets.is_empty() {
        wanted.push((DEFAULT, Opening::AsServed));
    }
    for (address, opening) in wanted {
        let bound = sockets.bind(address, opening, window);
        bound.map_err(|error| cannot(address, &error))?;
    }
    let addresses = sockets
        .addresses()
        .map_err(|error| Failure::input(error.to_string()))?;
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    Ok((sockets, addresses.join(", ")))
}

fn cannot(address: SocketAddr, error: &io::Error) -> Failure {
    let advice = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; a port below 1024 needs privilege (CAP_NET_BIND_SERVICE, or root and --user)"
        }
        io::ErrorKind::AddrInUse => "; another program listens there",
        _ => "",
    };
    Failure::input(format!("cannot listen on {address}: {error}{advice}"))
}

/// The sockets of a service manager (`sd_listen_fds`(3)).
#[cfg(unix)]
fn handed_over() -> Result<Vec<TcpListener>, Failure> {
    let mut given = listenfd::ListenFd::from_env();
    let mut sockets = Vec::new();
    for place in 0..given.len() {
        let taken = given.take_tcp_listener(place);
        let taken = taken.map_err(|error| {
            Failure::input(format!(
                "socket {} of the service manager is not a TCP socket that listens: {error}",
                place + 1
            ))
        })?;
        sockets.extend(taken);
    }
    Ok(sockets)
}

#[cfg(not(unix))]
fn handed_over() -> Result<Vec<TcpListener>, Failure> {
    Ok(Vec::new())
}
