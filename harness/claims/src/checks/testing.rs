//! Conversations written down for the tests of the checks, and what a check says about them.

mod ntlm;
mod opened;
mod servers;

use std::net::SocketAddr;

use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
use smtp::cms::RecipientKey;
use smtp::session::Options;
use smtp::session::testing::dialogue;
use smtp::timeline::Keep;
use smtp::tls::Stop;
use wire::{Direction, Note, NoteKind, Opening, Timestamp};

pub(crate) use self::servers::{OTHER_SERVER, SERVER, server};

pub(crate) use self::ntlm::{authenticate_line, ntlm_messages, ntlm_v1_message};
use crate::{Case, Check, Finding, Given, Observation, Subject};

/// A time at which the certificates of the S/MIME test data are valid.
pub(crate) const CERTIFIED: Timestamp = Timestamp::from_nanos(1_900_000_000_000_000_000);

/// The reverse-path of messages that name no other.
pub(crate) const FROM: &str = "sender@contoso.example";
/// The recipient of messages that name no other.
pub(crate) const TO: &str = "orders@fabrikam.example";

/// A conversation, turn by turn. Lines are written without their ends.
#[derive(Clone)]
pub(crate) struct Talk {
    turns: Vec<(&'static str, Vec<u8>)>,
    opening: Opening,
    notes: Vec<Note>,
    client: [u8; 4],
    server: SocketAddr,
    start: Option<Timestamp>,
    keep: Keep,
    given_up: Option<String>,
    /// Number of the turn with which TLS begins that was opened, and where opening stopped, if it did.
    opened: Option<(usize, Option<(Direction, Stop)>)>,
}

impl Talk {
    /// Nothing was said yet.
    pub(crate) fn silent() -> Self {
        let opening = Opening::Handshake { syn: 0 };
        Self {
            turns: Vec::new(),
            opening,
            notes: Vec::new(),
            client: [192, 0, 2, 1],
            server: SERVER,
            start: None,
            keep: Keep::default(),
            given_up: None,
            opened: None,
        }
    }

    /// A greeting, and an EHLO answered with these keywords.
    pub(crate) fn ehlo(keywords: &[&str]) -> Self {
        Self::silent().s("220 mx.example ESMTP").again(keywords)
    }

    /// Another EHLO, answered with these keywords.
    pub(crate) fn again(self, keywords: &[&str]) -> Self {
        let mut lines = vec!["mx.example"];
        lines.extend(keywords);
        let last = lines.pop().unwrap_or_default();
        let mut reply = String::new();
        for line in lines {
            reply.extend(["250-", line, "\r\n"]);
        }
        reply.extend(["250 ", last]);
        self.c("EHLO host.contoso.example").s(&reply)
    }

    /// The capture starts inside the connection.
    pub(crate) fn midstream(mut self) -> Self {
        self.opening = Opening::Midstream;
        self
    }

    /// Only the second packet of the handshake was captured.
    pub(crate) fn answered(mut self) -> Self {
        self.opening = Opening::Answer { syn_ack: 0 };
        self
    }

    /// A turn as [`dialogue`] takes it.
    pub(crate) fn turn(mut self, who: &'static str, bytes: impl AsRef<[u8]>) -> Self {
        self.turns.push((who, bytes.as_ref().to_vec()));
        self
    }

    /// A line of the client.
    pub(crate) fn c(self, line: &str) -> Self {
        self.turn("C", format!("{line}\r\n"))
    }

    /// A line of the server.
    pub(crate) fn s(self, line: &str) -> Self {
        self.turn("S", format!("{line}\r\n"))
    }

    /// A command and its reply.
    pub(crate) fn cs(self, command: &str, reply: &str) -> Self {
        self.c(command).s(reply)
    }

    /// A command that the capture does not hold, with the reply to it.
    pub(crate) fn gap(self) -> Self {
        self.turn("?C", "NOOP\r\n").s("250 ok")
    }

    /// MAIL, a RCPT for each recipient, and DATA, all granted.
    pub(crate) fn envelope(self, mail: &str, recipients: &[&str]) -> Self {
        recipients
            .iter()
            .fold(
                self.cs(&format!("MAIL FROM:{mail}"), "250 ok"),
                |talk, to| talk.cs(&format!("RCPT TO:{to}"), "250 ok"),
            )
            .cs("DATA", "354 go")
    }

    /// A message between [`FROM`] and [`TO`]. Bare line feeds stand for CR LF.
    pub(crate) fn message(self, text: &str) -> Self {
        self.to(&[TO], text)
    }

    /// A message from [`FROM`] to these recipients.
    pub(crate) fn to(self, recipients: &[&str], text: &str) -> Self {
        let recipients: Vec<_> = recipients.iter().map(|to| format!("<{to}>")).collect();
        let recipients: Vec<_> = recipients.iter().map(String::as_str).collect();
        self.sent(&format!("<{FROM}>"), &recipients, text)
    }

    /// A message whose MAIL and RCPT have these arguments.
    pub(crate) fn sent(self, mail: &str, recipients: &[&str], text: &str) -> Self {
        self.envelope(mail, recipients)
            .turn("C", format!("{}.\r\n", crlf(text)))
            .s("250 taken")
    }

    /// A message of which the capture does not hold `lost`.
    pub(crate) fn torn(self, text: &str, lost: &str) -> Self {
        let (before, after) = text.split_once(lost).expect("what is lost is in the text");
        self.envelope(&format!("<{FROM}>"), &[&format!("<{TO}>")])
            .turn("C", crlf(before))
            .turn("?C", crlf(lost))
            .turn("C", format!("{}.\r\n", crlf(after)))
            .s("250 taken")
    }

    /// QUIT, and both sides close.
    pub(crate) fn quit(self) -> Self {
        self.cs("QUIT", "221 bye").closed()
    }

    /// Both sides close, the client first.
    pub(crate) fn closed(self) -> Self {
        self.turn("-C", "").turn("-S", "")
    }

    /// It began at this time.
    pub(crate) fn at(mut self, start: Timestamp) -> Self {
        self.start = Some(start);
        self
    }

    /// A TLS handshake in which the server shows the certificate of the S/MIME test data.
    pub(crate) fn tls_certified(self) -> Self {
        let pem = String::from_utf8(fixture("sender-cert.pem")).expect("PEM is text");
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = BASE64.decode(base64).expect("PEM is base64");
        let length = |length: usize| u32::try_from(length).expect("short").to_be_bytes();
        let chain = [&length(der.len())[1..], &der].concat();
        let body = [&length(chain.len())[1..], &chain].concat();
        let message = [&[11], &length(body.len())[1..], &body].concat();
        let data = record(23, &[0; 40]);
        self.turn("C", client_hello())
            .turn("S", server_hello(0x0303, 0xc02f))
            .turn("S", record(22, &message))
            .turn("S", &data)
            .turn("C", &data)
            .turn("S", &data)
    }

    /// A TLS handshake for version 1.2 between a client and a server that can both do 1.3.
    pub(crate) fn tls_downgraded(self) -> Self {
        let random = [7; 32];
        // supported_versions: 1.3 and 1.2.
        let extension = [0, 9, 0, 43, 0, 5, 4, 3, 4, 3, 3];
        let offer = [
            &[3, 3],
            &random[..],
            &[0, 0, 2, 0xc0, 0x2f, 1, 0],
            &extension,
        ]
        .concat();
        let marked = [&[9; 24], &b"DOWNGRD\x01"[..]].concat();
        let choice = [&[3, 3], &marked[..], &[0, 0xc0, 0x2f, 0]].concat();
        let data = record(23, &[0; 40]);
        self.turn("C", hello(1, &offer))
            .turn("S", hello(2, &choice))
            .turn("S", &data)
            .turn("C", &data)
    }

    /// A remark on the packets of the conversation.
    pub(crate) fn note(mut self, kind: NoteKind, packet: u64) -> Self {
        let (packet, detail) = (Some(packet), "what was met".to_owned());
        self.notes.push(Note {
            kind,
            packet,
            detail,
        });
        self
    }

    /// A TLS handshake that comes to its end.
    pub(crate) fn tls(self) -> Self {
        self.tls_as(0x0303, 0xc02f)
    }

    /// A TLS handshake in which the server chooses this version and this cipher suite.
    pub(crate) fn tls_as(self, version: u16, suite: u16) -> Self {
        let data = record(23, &[0; 40]);
        let hello = server_hello(version, suite);
        let talk = self.turn("C", client_hello()).turn("S", hello);
        talk.turn("S", &data).turn("C", &data).turn("S", &data)
    }

    /// No more than this is kept of messages.
    pub(crate) fn kept(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// The reader stops following it.
    pub(crate) fn given_up(mut self, reason: &str) -> Self {
        self.given_up = Some(reason.to_owned());
        self
    }

    /// Everything that one side sent, lost bytes included.
    fn stream(&self, direction: Direction) -> Vec<u8> {
        let side = match direction {
            Direction::Client => 'C',
            Direction::Server => 'S',
        };
        let turns = self.turns.iter().filter(|(who, _)| who.ends_with(side));
        turns.flat_map(|(_, bytes)| bytes.clone()).collect()
    }
}

fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n").replace("\r\n.", "\r\n..")
}

/// A case with the streams that its evidence points into.
pub(crate) struct Tested {
    case: Case,
    talks: Vec<Talk>,
}

/// Reads conversations that belong together.
pub(crate) fn case(talks: Vec<Talk>, given: Given) -> Tested {
    let timelines = talks.iter().map(|talk| {
        let turns: Vec<_> = talk
            .turns
            .iter()
            .map(|(who, bytes)| (*who, bytes.as_slice()))
            .collect();
        let mut conversation = dialogue(&turns);
        conversation.about.opening = talk.opening;
        conversation.about.client.set_ip(talk.client.into());
        conversation.about.server = talk.server;
        conversation.about.notes.clone_from(&talk.notes);
        if let Some(start) = talk.start {
            let lasted = conversation.about.end.since(conversation.about.start);
            conversation.about.start = start;
            let end = start.as_nanos() + u64::try_from(lasted.as_nanos()).expect("short");
            conversation.about.end = Timestamp::from_nanos(end);
        }
        conversation.about.given_up.clone_from(&talk.given_up);
        let options = Options {
            keep: talk.keep,
            ..Options::default()
        };
        let mut timeline = smtp::session::read_with(options, &conversation);
        talk.lay_tls_over(&mut timeline);
        timeline
    });
    Tested {
        case: Case::new(timelines.collect(), given),
        talks,
    }
}

/// What `check` finds in one conversation.
pub(crate) fn find(check: &Check, talk: Talk, given: Given) -> Seen {
    case(vec![talk], given).find(check, 0)
}

impl Tested {
    /// The case itself.
    pub(crate) const fn case(&self) -> &Case {
        &self.case
    }

    /// One of the conversations.
    pub(crate) fn subject(&self, index: usize) -> Subject<'_> {
        self.case
            .subjects()
            .nth(index)
            .expect("there is such a conversation")
    }

    /// What `check` finds in one of the conversations.
    pub(crate) fn find(&self, check: &Check, index: usize) -> Seen {
        let finding = (check.run)(&self.subject(index));
        let quote = |evidence: &crate::Evidence| {
            assert!(
                !evidence.packets.is_empty(),
                "no packet for {}",
                evidence.what
            );
            let Some(span) = evidence.bytes else {
                return format!("packet {}", evidence.packets[0]);
            };
            let range = usize::try_from(span.start).expect("short")
                ..usize::try_from(span.end).expect("short");
            String::from_utf8_lossy(&self.talks[index].stream(span.direction)[range]).into_owned()
        };
        let quotes = finding.evidence.iter().map(quote).collect();
        Seen { finding, quotes }
    }
}

/// A finding, with the text that each piece of its evidence points at.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The finding.
    pub(crate) finding: Finding,
    /// The texts.
    pub(crate) quotes: Vec<String>,
}

impl Seen {
    /// It was observed; see [`Seen::is`].
    #[track_caller]
    pub(crate) fn observed(&self, reason: &str, quotes: &[&str]) {
        self.is(Observation::Observed, reason, quotes);
    }

    /// It was provoked and not observed; see [`Seen::is`].
    #[track_caller]
    pub(crate) fn not_observed(&self, reason: &str, quotes: &[&str]) {
        self.is(Observation::NotObserved, reason, quotes);
    }

    /// It could not be decided, and the reason has this in it.
    #[track_caller]
    pub(crate) fn undetermined(&self, reason: &str) {
        self.is(Observation::Undetermined, reason, &[]);
    }

    /// The question does not arise, and the reason has this in it.
    #[track_caller]
    pub(crate) fn not_applicable(&self, reason: &str) {
        self.is(Observation::NotApplicable, reason, &[]);
    }

    /// The reason has `reason` in it, and the evidence points first at these texts, in this order: `…` at the end of one
    /// stands for any rest. What was seen, or not seen, has evidence.
    #[track_caller]
    fn is(&self, observation: Observation, reason: &str, quotes: &[&str]) {
        assert_eq!(self.finding.observation, observation, "{self:#?}");
        assert!(self.finding.reason.contains(reason), "{self:#?}");
        if matches!(
            observation,
            Observation::Observed | Observation::NotObserved
        ) {
            assert!(!quotes.is_empty() && !self.quotes.is_empty(), "{self:#?}");
        }
        assert!(self.quotes.len() >= quotes.len(), "{self:#?}");
        for (seen, expected) in self.quotes.iter().zip(quotes) {
            let matches = match expected.strip_suffix('…') {
                Some(start) => seen.starts_with(start),
                None => seen == expected,
            };
            assert!(matches, "{seen:?} is not {expected:?}");
        }
    }
}

/// A file of the S/MIME test data.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../smtp/tests/data/smime/");
    std::fs::read(format!("{folder}{name}")).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A message of the S/MIME test data, with bare line feeds.
pub(crate) fn mail_fixture(name: &str) -> String {
    String::from_utf8(fixture(name))
        .expect("mail is text")
        .replace("\r\n", "\n")
}

/// The text that stands in the body of the fixtures.
pub(crate) const BODY: &str = "Canary-Body-7731";

/// The key that opens them.
pub(crate) fn recipient_key() -> RecipientKey {
    let pem = String::from_utf8(fixture("recipient-key.pem")).expect("PEM is text");
    RecipientKey::from_pem(&pem).expect("the key is whole")
}

/// A key that does not.
pub(crate) fn other_key() -> RecipientKey {
    let pem = String::from_utf8(fixture("sender-key.pem")).expect("PEM is text");
    RecipientKey::from_pem(&pem).expect("the key is whole")
}

/// A message whose parts are CMS objects of the test data.
pub(crate) fn parts(files: &[&str]) -> String {
    let part = |file: &&str| {
        let blob = smime("", file);
        let (_, part) = blob.split_once("MIME-Version: 1.0\n").expect("a part");
        format!("--b\n{part}\n")
    };
    let all: String = files.iter().map(part).collect();
    format!("From: {FROM}\nContent-Type: multipart/mixed; boundary=b\n\n{all}--b--\n")
}

/// One of them, with a text beside it.
pub(crate) fn beside(file: &str, text: &str) -> String {
    parts(&[file]).replacen("--b\n", &format!("--b\n\n{text}\n--b\n"), 1)
}

/// A message with this header whose body is a CMS object of the test data, in base64.
pub(crate) fn smime(header: &str, file: &str) -> String {
    let wrapped = base64_body(file).replace("\r\n", "\n");
    format!(
        "From: {FROM}\nTo: {TO}\n{header}MIME-Version: 1.0\nContent-Type: application/pkcs7-mime; name=smime.p7m\n\
         Content-Transfer-Encoding: base64\n\n{wrapped}"
    )
}

/// A file of the test data as [`smime`] writes it into the body, as evidence quotes it.
pub(crate) fn base64_body(file: &str) -> String {
    let mut wrapped = String::new();
    for line in BASE64.encode(fixture(file)).as_bytes().chunks(76) {
        wrapped.extend([&String::from_utf8_lossy(line), "\r\n"]);
    }
    wrapped
}

/// A message with this header and a plain text.
pub(crate) fn plain(header: &str, body: &str) -> String {
    format!("From: {FROM}\nTo: {TO}\n{header}\n{body}\n")
}

/// A TLS record.
pub(crate) fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(body.len()).expect("short").to_be_bytes();
    [&[kind, 3, 3, high, low], body].concat()
}

/// A ClientHello of TLS 1.2 with one cipher suite.
pub(crate) fn client_hello() -> Vec<u8> {
    let random = [7; 32];
    hello(
        1,
        &[&[3, 3], &random[..], &[0, 0, 2, 0xc0, 0x2f, 1, 0]].concat(),
    )
}

/// The ServerHello that answers it.
fn server_hello(version: u16, suite: u16) -> Vec<u8> {
    let random = [9; 32];
    let (legacy, suite) = (version.min(0x0303).to_be_bytes(), suite.to_be_bytes());
    let mut body = [&legacy[..], &random, &[0], &suite, &[0]].concat();
    if version > 0x0303 {
        // supported_versions
        body.extend([0, 6, 0, 43, 0, 2]);
        body.extend(version.to_be_bytes());
    }
    hello(2, &body)
}

fn hello(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).expect("short");
    record(22, &[&[kind, 0, 0, length], body].concat())
}
