//! Messages that somebody takes custody of.

use std::sync::{Arc, Mutex};

use crate::server::{Answer, Custodian, Custody, Envelope, Refusal};

use super::client::{Client, start_with};

#[derive(Debug, Default)]
struct Shelf {
    kept: Mutex<Vec<(Envelope, Vec<u8>)>>,
    full: bool,
}

/// A message that comes to the shelf.
struct Coming(Arc<Shelf>, Envelope, Vec<u8>);

#[derive(Debug)]
struct Keeper(Arc<Shelf>);

impl Custody for Keeper {
    fn begin(&self, envelope: Envelope) -> Box<dyn Custodian> {
        Box::new(Coming(Arc::clone(&self.0), envelope, Vec::new()))
    }
}

impl Custodian for Coming {
    fn write(&mut self, bytes: &[u8]) {
        self.2.extend_from_slice(bytes);
    }

    fn keep(self: Box<Self>) -> Answer<'static> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if self.0.full {
                return Err(Refusal("452 4.3.1 no room".to_owned()));
            }
            let mut kept = self.0.kept.lock().expect("no panic");
            kept.push((self.1, self.2));
            Ok(())
        })
    }
}

const TABLES: &str = "[server]\nextensions = [\"PIPELINING\", \"CHUNKING\"]\n";

/// What is kept of a dialogue after two envelopes, and the replies of the dialogue.
async fn kept(tables: &str, full: bool, lines: &[&str]) -> (Vec<(Envelope, Vec<u8>)>, Vec<String>) {
    let shelf = Arc::new(Shelf {
        full,
        ..Shelf::default()
    });
    let custody: Arc<dyn Custody> = Arc::new(Keeper(Arc::clone(&shelf)));
    let server = start_with(tables, |options| options.custody = Some(custody));
    let mut client = Client::in_transaction(server.address()).await;
    let mut replies = Vec::new();
    for line in lines {
        let reply = client.say(line).await;
        replies.push(reply.get(..3).unwrap_or_default().to_owned());
    }
    server.stop().await.expect("it ran");
    let kept = std::mem::take(&mut *shelf.kept.lock().expect("no panic"));
    (kept, replies)
}

#[tokio::test]
async fn a_message_is_kept_without_its_stuffed_dots_and_with_its_envelope() {
    let (kept, replies) = kept(
        TABLES,
        false,
        &[
            "RCPT TO:<c@example.test>",
            "DATA",
            "a\r\n..b\r\n.",
            "MAIL FROM:<>",
            "RCPT TO:<d@x>",
            "DATA",
            "x\r\n.",
        ],
    )
    .await;
    assert_eq!(replies, ["250", "354", "250", "250", "250", "354", "250"]);
    let [(envelope, content), (second, _)] = kept.as_slice() else {
        panic!("{kept:?}");
    };
    assert_eq!(content, b"a\r\n.b\r\n");
    assert_eq!((envelope.connection, envelope.message), (1, 1));
    assert_eq!(envelope.helo, b"x");
    assert_eq!(envelope.from, b"FROM:<a@example.test>");
    assert_eq!(
        envelope.recipients,
        [&b"TO:<b@example.test>"[..], b"TO:<c@example.test>"]
    );
    assert_eq!(
        (second.message, second.from.as_slice()),
        (2, &b"FROM:<>"[..])
    );
}

#[tokio::test]
async fn chunks_are_one_message_and_those_that_were_given_up_none() {
    let (kept, replies) = kept(
        TABLES,
        false,
        &[
            "BDAT 3\r\nab\n",
            "RSET",
            "MAIL FROM:<>",
            "RCPT TO:<d@x>",
            "BDAT 4\r\n..a\r",
            "BDAT 1 LAST\r\n\n",
        ],
    )
    .await;
    // The line end that `say` adds after a chunk is a command of its own, which is refused.
    assert_eq!(replies.first().map(String::as_str), Some("250"));
    let contents: Vec<_> = kept.iter().map(|(_, content)| content.as_slice()).collect();
    assert_eq!(contents, [b"..a\r\n"], "a chunk has no stuffed dots");
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_accepted() {
    let (none, replies) = kept(TABLES, true, &["DATA", "a\r\n."]).await;
    assert_eq!(replies, ["354", "452"]);
    assert!(none.is_empty());
}

#[tokio::test]
async fn what_a_rule_refuses_is_not_kept() {
    let rule = "[[on]]\ncommand = \"CONTENT\"\nreply = \"451 4.3.0 later\"\n";
    let (none, replies) = kept(&format!("{TABLES}{rule}"), false, &["DATA", "a\r\n."]).await;
    assert_eq!(replies, ["354", "451"]);
    assert!(none.is_empty());
}
