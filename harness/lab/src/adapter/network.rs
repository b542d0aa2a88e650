//! How the adapter reaches servers, and who may watch it: what sending to a real server needs beside an address.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::tap::Recorder;

/// The world outside. Empty where the server is one of the lab's.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// What is known of the hosts that are sent to.
    pub hosts: Vec<Host>,
    /// Whether TLS takes any certificate.
    pub any_certificate: bool,
    /// Where what crosses the socket is recorded, with the secrets of TLS.
    pub recorder: Option<Recorder>,
    /// Who is told of the dialogue while it goes on.
    pub watcher: Option<Watcher>,
}

/// A host, as its name was resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name, for which its certificate must have been issued; without one that is its address.
    pub name: Option<String>,
    /// Its addresses. Whoever delivers to the first tries the others, too, where no connection comes about.
    pub addresses: Vec<SocketAddr>,
}

impl Network {
    /// The addresses to try for a server, that address first.
    pub(super) fn addresses(&self, server: SocketAddr) -> Vec<SocketAddr> {
        match self.host(server) {
            Some(host) => host.addresses.clone(),
            None => vec![server],
        }
    }

    /// The name of a server, where it has one.
    pub(super) fn name(&self, server: SocketAddr) -> Option<&str> {
        self.host(server)?.name.as_deref()
    }

    /// Tells the watcher, where there is one.
    pub(super) fn tell(&self, told: &Told<'_>) {
        if let Some(Watcher(watcher)) = &self.watcher {
            watcher(told);
        }
    }

    fn host(&self, server: SocketAddr) -> Option<&Host> {
        self.hosts
            .iter()
            .find(|host| host.addresses.first() == Some(&server))
    }
}

/// Something that happened in the dialogue. Secrets are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told<'a> {
    /// A connection to this address is about to be made.
    Connecting(SocketAddr),
    /// It came about.
    Connected(SocketAddr),
    /// TLS is in use from here on.
    Secured,
    /// The next line holds the password, or what anybody can make it of, and nothing protects it. The mechanism.
    PasswordInClear(&'static str),
    /// A line, or what stands for one that holds a secret.
    Said(&'a str),
    /// The server asked for the content, and so many octets follow.
    Content(u64),
    /// All of it is written: from here on the message may have been taken.
    ContentWritten,
    /// A reply: its code and the text of each line. A challenge comes without its text, and what was said in secret is
    /// taken out where the server repeats it.
    Heard(u16, &'a [String]),
    /// The attempt failed, and why.
    Failed(&'a str),
}

/// Whoever watches a dialogue. It is called between two steps of the dialogue, so it should not take long.
#[derive(Clone)]
pub struct Watcher(Arc<dyn Fn(&Told<'_>) + Send + Sync>);

impl Watcher {
    /// Calls this for everything that happens.
    pub fn new(watcher: impl Fn(&Told<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(watcher))
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}
