//! Where the server listens.

use std::net::SocketAddr;

use clap::Args;

/// Options of `serve` about its sockets.
#[derive(Clone, Debug, Args)]
pub struct ListenArgs {
    /// Address and port to listen on, IPv4 or `[IPv6]`; may be given again for more of them. Port 0 takes a free one.
    /// Sockets that a service manager hands over (`LISTEN_FDS`) are listened on as well. [default: 127.0.0.1:2525]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Vec<SocketAddr>,

    /// The same for implicit TLS, where a handshake comes first (port 465).
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen_tls: Vec<SocketAddr>,

    /// Go on as this user, and no longer as root, once the addresses are listened on and before anything is written.
    /// By default with the user's own group.
    #[arg(long, value_name = "USER[:GROUP]")]
    pub user: Option<String>,
}
