//! The whole message that an outside client is given, where it takes one: headers made here, the body as the case has it.

use jiff::Timestamp;

use crate::adapter::compose::headers::{addresses, encoded_words, unstructured};

/// What a message is made of.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// `From`.
    pub from: String,
    /// `To`.
    pub to: Vec<String>,
    /// `Cc`.
    pub cc: Vec<String>,
    /// `Subject`.
    pub subject: String,
    /// Left part of `Message-ID`.
    pub message_id: String,
    /// Right part of `Message-ID`, and of `From` where that is no address that a header can hold.
    pub domain: String,
    /// Content type of the body, without a character set.
    pub content_type: String,
    /// Whether the reader is asked for a receipt.
    pub read_receipt: bool,
    /// The body, octet for octet.
    pub body: Vec<u8>,
}

impl Draft {
    /// The message (RFC 5322), with CR LF after each header line.
    ///
    /// What a header cannot hold stays out of it: an odd address is for the client to refuse where it matters, in the
    /// envelope, and a header line that this harness broke would be no fault of the client.
    pub fn write(&self, now: Timestamp) -> Vec<u8> {
        let mut out = Vec::new();
        let mut header = |name: &str, value: &str| {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        };
        let from = if plain(&self.from) {
            self.from.clone()
        } else {
            format!("sender@{}", self.domain)
        };
        header("From", &from);
        if self.to.iter().all(|one| plain(one)) && !self.to.is_empty() {
            header("To", &addresses("To", &self.to));
        } else {
            header("To", "undisclosed-recipients:;");
        }
        if self.cc.iter().all(|one| plain(one)) && !self.cc.is_empty() {
            header("Cc", &addresses("Cc", &self.cc));
        }
        if self.subject.contains(char::is_control) {
            header("Subject", &encoded_words(&self.subject));
        } else {
            header("Subject", &unstructured("Subject", &self.subject));
        }
        let date = jiff::fmt::rfc2822::to_string(&now.to_zoned(jiff::tz::TimeZone::UTC));
        if let Ok(date) = date {
            header("Date", &date);
        }
        header(
            "Message-ID",
            &format!("<{}@{}>", self.message_id, self.domain),
        );
        if self.read_receipt {
            header("Disposition-Notification-To", &from);
        }
        header("MIME-Version", "1.0");
        if self.body.is_ascii() {
            header("Content-Type", &self.content_type);
        } else {
            header(
                "Content-Type",
                &format!("{}; charset=utf-8", self.content_type),
            );
            header("Content-Transfer-Encoding", "8bit");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
        out
    }
}

/// Whether an address can stand in a header as it is.
fn plain(address: &str) -> bool {
    address.is_ascii() && address.contains('@') && !address.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft {
            from: "a@client.example".to_owned(),
            to: vec!["b@server.example".to_owned(), "c@server.example".to_owned()],
            subject: "Order 4711".to_owned(),
            message_id: "0f8fad5b".to_owned(),
            domain: "client.example".to_owned(),
            content_type: "text/plain".to_owned(),
            body: b"Order\r\n.\r\n".to_vec(),
            ..Draft::default()
        }
    }

    fn written(draft: &Draft) -> String {
        String::from_utf8_lossy(&draft.write(Timestamp::UNIX_EPOCH)).into_owned()
    }

    #[test]
    fn an_ascii_message() {
        assert_eq!(
            written(&draft()),
            "From: a@client.example\r\nTo: b@server.example, c@server.example\r\nSubject: Order 4711\r\n\
             Date: Thu, 1 Jan 1970 00:00:00 +0000\r\nMessage-ID: <0f8fad5b@client.example>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain\r\n\r\nOrder\r\n.\r\n"
        );
    }

    #[test]
    fn the_body_is_left_alone_and_eight_bits_are_declared() {
        let mut draft = draft();
        draft.body = "Gr\u{fc}\u{df}e\n.\rbare".as_bytes().to_vec();
        let text = written(&draft);
        assert!(text.contains("Content-Transfer-Encoding: 8bit\r\n\r\nGr\u{fc}\u{df}e\n.\rbare"));
        assert!(text.ends_with("bare"), "no line end is added");
    }

    #[test]
    fn what_would_break_a_header_does_not_get_into_one() {
        let mut draft = draft();
        draft.from = "a@client.example>\r\nRCPT TO:<x@y".to_owned();
        draft.to = vec!["b\u{e9}@server.example".to_owned()];
        draft.subject = "one\r\nBcc: x@y".to_owned();
        let text = written(&draft);
        let (head, _) = text.split_once("\r\n\r\n").expect("an empty line");
        let names: Vec<_> = head
            .split("\r\n")
            .filter_map(|line| line.split_once(':').map(|(name, _)| name))
            .collect();
        assert_eq!(
            names,
            [
                "From",
                "To",
                "Subject",
                "Date",
                "Message-ID",
                "MIME-Version",
                "Content-Type"
            ]
        );
        assert!(head.is_ascii());
    }
}
