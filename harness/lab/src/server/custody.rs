//! Who answers for a message once the server has said 250 to it: whoever takes custody (RFC 5321 section 6.1).
//!
//! The server by itself keeps nothing: a message crosses its socket, and with that stands in the capture. Where somebody
//! takes custody, the reply to the end of the content waits until they have it, and is a refusal where they cannot.

use std::fmt::Debug;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use wire::Timestamp;

use super::connection::Connection;
use super::content::Unstuffed;
use crate::scenario::{Action, Command, Reply};

/// Recipients of one message that are remembered: an envelope with so many may lack some. RFC 5321 section 4.5.3.1.8 asks
/// for 100 at the least.
pub const MOST_RECIPIENTS: usize = 10_000;

/// What is known of a message before its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Which connection of the server it came on, from 1.
    pub connection: u32,
    /// Which message of that connection whose content was begun, from 1.
    pub message: u32,
    /// When that connection was accepted.
    pub since: Timestamp,
    /// Who sent it.
    pub peer: SocketAddr,
    /// What the client called itself in EHLO or HELO, without parameters.
    pub helo: Vec<u8>,
    /// The argument of MAIL as it came: `FROM:<path>` with its parameters.
    pub from: Vec<u8>,
    /// The arguments of the RCPT commands that were accepted, as they came.
    pub recipients: Vec<Vec<u8>>,
    /// Whether it came under TLS.
    pub tls: bool,
    /// Whether the client had authenticated.
    pub authenticated: bool,
}

/// Why a message is not taken: the reply to its client, such as `452 4.3.1 no room`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

/// A future with the custodian's answer.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 'a>>;

/// Takes messages.
pub trait Custody: Debug + Send + Sync {
    /// The content of a message begins to come.
    fn begin(&self, envelope: Envelope) -> Box<dyn Custodian>;

    /// Whether it is to be given the content; otherwise it is asked only whether a message may be accepted.
    fn wants_content(&self) -> bool {
        true
    }
}

/// Takes one message. Dropped before [`Custodian::keep`], it forgets it: the client was not told that it was accepted.
pub trait Custodian: Send {
    /// A piece of the content as it is without stuffed dots, in order. What goes wrong is told by `keep`.
    fn write(&mut self, bytes: &[u8]);

    /// The content is whole. Once this has come to `Ok`, the client is told that it was accepted.
    fn keep(self: Box<Self>) -> Answer<'static>;
}

/// A message on its way into custody.
#[derive(Default)]
pub(super) struct Keeping {
    custodian: Option<Box<dyn Custodian>>,
    /// The content is of no interest.
    blind: bool,
    unstuffed: Unstuffed,
}

impl std::fmt::Debug for Keeping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeping").finish_non_exhaustive()
    }
}

impl Keeping {
    /// Takes bytes of content as they crossed the wire after DATA.
    pub(super) fn data(&mut self, bytes: &[u8]) {
        if let (Some(custodian), false) = (&mut self.custodian, self.blind) {
            self.unstuffed
                .feed(bytes, &mut |piece| custodian.write(piece));
        }
    }

    /// Takes bytes of a chunk.
    pub(super) fn chunk(&mut self, bytes: &[u8]) {
        if let (Some(custodian), false) = (&mut self.custodian, self.blind) {
            custodian.write(bytes);
        }
    }
}

impl Connection {
    /// Content begins: where somebody takes custody, they are told.
    pub(super) fn begin_keeping(&mut self) {
        let Some(custody) = &self.shared.options.custody else {
            return;
        };
        if self.keeping.is_some() {
            return;
        }
        self.messages = self.messages.saturating_add(1);
        let transaction = self.session.transaction.as_ref();
        let envelope = Envelope {
            connection: self.number,
            message: self.messages,
            since: self.since,
            peer: self.peer,
            helo: self.session.helo.clone(),
            from: transaction.map_or_else(Vec::new, |open| open.from.clone()),
            recipients: transaction.map_or_else(Vec::new, |open| open.to.clone()),
            tls: self.session.tls,
            authenticated: self.session.authenticated,
        };
        self.keeping = Some(Keeping {
            custodian: Some(custody.begin(envelope)),
            blind: !custody.wants_content(),
            unstuffed: Unstuffed::default(),
        });
    }

    /// The content is whole and about to be answered. Where the answer accepts it, it is kept first; the refusal of whoever
    /// cannot keep it is the reply then.
    pub(super) async fn keep(
        &mut self,
        command: Command,
        last: bool,
        action: Option<&Action>,
        default: &str,
    ) -> Option<String> {
        let ends = command == Command::Content || (command == Command::Bdat && last);
        if !ends {
            return None;
        }
        let custodian = self.keeping.take()?.custodian?;
        if !matches!(code(action, default), Some(200..=299)) {
            return None;
        }
        custodian.keep().await.err().map(|refusal| refusal.0)
    }
}

/// The code that the client is about to get.
fn code(action: Option<&Action>, default: &str) -> Option<u16> {
    match action {
        None | Some(Action::StopReading(_)) => Reply::lines(default).code(),
        Some(Action::Reply { reply, .. }) => reply.resolve(default).code(),
        Some(Action::End(_)) => None,
    }
}
