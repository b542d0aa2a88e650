//! What a running server may be asked from outside: numbers for whoever watches it, never for a verdict.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Server, Whole};

/// A view of a server, before, while and after it runs.
#[derive(Clone, Debug)]
pub struct Watch(Arc<Whole>);

impl Server {
    /// A view that outlives [`Server::run`].
    pub fn watch(&self) -> Watch {
        Watch(Arc::clone(self.current.whole()))
    }
}

impl Watch {
    /// Connections that were accepted so far.
    pub fn connections(&self) -> u32 {
        count(&self.0.counts.connections)
    }

    /// Connections that are open now.
    pub fn open(&self) -> u32 {
        // In this order: one that ends in between is then not counted as over without having begun.
        let over = count(&self.0.counts.over);
        self.connections().saturating_sub(over)
    }

    /// Authentications that ended well.
    pub fn authenticated(&self) -> u32 {
        count(&self.0.counts.authenticated)
    }

    /// Messages whose content was answered 2yz.
    pub fn accepted(&self) -> u32 {
        count(&self.0.counts.accepted)
    }

    /// Connections that a limit ended.
    pub fn ended_by_limits(&self) -> u64 {
        self.0.ended.count()
    }
}

fn count(counter: &AtomicU32) -> u32 {
    counter.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpStream;

    use crate::scenario::Scenario;
    use crate::server::{Options, Server};

    #[tokio::test(flavor = "multi_thread")]
    async fn counts_what_is_open_and_what_was_taken() {
        let text = "id = \"SES-01\"\ntitle = \"t\"\n";
        let scenario = Scenario::parse("x.toml", text).expect("a scenario");
        let address = ([127, 0, 0, 1], 0).into();
        let server = Server::bind(address, Options::new(&scenario));
        let server = server.expect("a free port");
        let watch = server.watch();
        assert_eq!((watch.connections(), watch.open()), (0, 0));
        let running = server.spawn().expect("it runs");
        let address = running.address();
        let talk = tokio::task::spawn_blocking(move || {
            let stream = TcpStream::connect(address).expect("it listens");
            let mut client = BufReader::new(stream);
            let mut line = String::new();
            client.read_line(&mut line).expect("a greeting");
            for command in [
                "HELO a",
                "MAIL FROM:<a@b>",
                "RCPT TO:<c@d>",
                "DATA",
                "x\r\n.",
                // Its reply comes after the message is counted; the reply to the message does not.
                "NOOP",
            ] {
                write!(client.get_mut(), "{command}\r\n").expect("sent");
                line.clear();
                client.read_line(&mut line).expect("a reply");
                assert!(line.starts_with(['2', '3']), "{command}: {line}");
            }
            client
        });
        let client = talk.await.expect("no panic");
        assert_eq!((watch.connections(), watch.open()), (1, 1));
        assert_eq!((watch.accepted(), watch.authenticated()), (1, 0));
        drop(client);
        let report = running.stop().await.expect("no panic");
        assert_eq!((report.connections, watch.open()), (1, 0));
        assert_eq!(watch.ended_by_limits(), 0);
    }
}
