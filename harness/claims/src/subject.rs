//! What a check looks at: one conversation, with what was sent beside it and what is known beforehand.

mod blobs;
mod opened;
mod unseen;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use smtp::Timeline;
use smtp::message::Message;
use smtp::timeline::{Authentication, Data, Identity, Keep, Outcome, Tls, Transaction};
use wire::{Direction, Span};

use crate::given::{Mode, ServerTls};
use crate::leaks::is_under_tls;
use crate::{Evidence, Finding, Given};

pub use blobs::Blob;
pub(crate) use blobs::kind;
pub use opened::{Tried, Tries};

/// Conversations that belong together (those of one scenario, or of one capture) and what is known about the sender.
pub struct Case {
    /// What is known beforehand.
    pub given: Arc<Given>,
    conversations: Vec<(Timeline, Vec<Mail>)>,
    /// Transactions that carried one and the same message, as (conversation, mail).
    copies: Vec<Vec<(usize, usize)>>,
}

/// One message that was sent, read once for all checks.
pub struct Mail {
    /// Index of its transaction in [`Timeline::transactions`].
    pub transaction: usize,
    /// The message, after dot-unstuffing.
    pub message: Message,
    /// Index into the copies of the case.
    copies: usize,
    /// What the keys made of its encrypted parts.
    tries: Tries,
}

impl Case {
    /// Reads the messages of the conversations, and opens what is encrypted in them with the keys that are given.
    pub fn new(timelines: Vec<Timeline>, given: impl Into<Arc<Given>>) -> Self {
        let given = given.into();
        let mut conversations: Vec<_> = timelines
            .into_iter()
            .map(|timeline| {
                let mails = timeline
                    .transactions
                    .iter()
                    .enumerate()
                    .filter_map(|(transaction, t)| {
                        let message = Message::of(&t.data.as_ref()?.content, &timeline.gaps);
                        Some(Mail {
                            transaction,
                            tries: Tries::of(&message, &given.keys),
                            message,
                            copies: 0,
                        })
                    })
                    .collect();
                (timeline, mails)
            })
            .collect();
        let copies = find_copies(&conversations);
        for (number, places) in copies.iter().enumerate() {
            for &(conversation, mail) in places {
                conversations[conversation].1[mail].copies = number;
            }
        }
        Self {
            given,
            conversations,
            copies,
        }
    }

    /// The conversations, in order.
    pub fn timelines(&self) -> impl Iterator<Item = &Timeline> {
        self.conversations.iter().map(|(timeline, _)| timeline)
    }

    /// One subject for each conversation.
    pub fn subjects(&self) -> impl Iterator<Item = Subject<'_>> {
        (0..self.conversations.len()).map(|index| Subject {
            case: self,
            index,
            asked: true,
        })
    }
}

/// Groups the transactions that carried the same message: by its Message-ID, or, without one, by its bytes and their
/// number: of a long message only the beginning may be here.
fn find_copies(conversations: &[(Timeline, Vec<Mail>)]) -> Vec<Vec<(usize, usize)>> {
    // An audit judges each conversation by itself, and most carry one message: of one there are no copies to look for.
    if let [(_, mails)] = conversations
        && let [_] = mails.as_slice()
    {
        return vec![vec![(0, 0)]];
    }
    let mut numbers = HashMap::new();
    let mut copies: Vec<Vec<(usize, usize)>> = Vec::new();
    for (conversation, (timeline, mails)) in conversations.iter().enumerate() {
        for (number, mail) in mails.iter().enumerate() {
            let id = mail
                .message
                .header("Message-ID")
                .map(|field| field.value.as_bytes());
            let data = timeline.transactions[mail.transaction].data.as_ref();
            let octets = data.map_or(0, |data| data.content.octets());
            let key = match id {
                Some(id) => (None, id),
                None => (Some(octets), mail.message.content()),
            };
            let group = *numbers.entry(key).or_insert_with(|| {
                copies.push(Vec::new());
                copies.len() - 1
            });
            copies[group].push((conversation, number));
        }
    }
    copies
}

/// One conversation of a case.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    case: &'a Case,
    index: usize,
    /// Somebody asks why.
    asked: bool,
}

/// One message with its transaction.
#[derive(Clone, Copy)]
pub struct Sent<'a> {
    /// Its conversation.
    pub timeline: &'a Timeline,
    /// Its transaction.
    pub transaction: &'a Transaction,
    /// Its content on the wire.
    pub data: &'a Data,
    /// The message.
    pub message: &'a Message,
    /// What the keys that are given made of its encrypted parts. It did not leak.
    pub tries: &'a Tries,
    subject: Subject<'a>,
    copies: usize,
}

impl<'a> Subject<'a> {
    /// The conversation.
    pub fn timeline(&self) -> &'a Timeline {
        &self.case.conversations[self.index].0
    }

    /// What is known beforehand.
    pub fn given(&self) -> &'a Given {
        &self.case.given
    }

    /// The same, where nobody asks why: reasons may be left out of findings, and packets out of their evidence.
    pub(crate) const fn unasked(mut self) -> Self {
        self.asked = false;
        self
    }

    /// A reason, or what is to be seen in evidence, if somebody asks. Only for texts that are put together: others cost
    /// nothing.
    pub fn reason(&self, why: impl FnOnce() -> String) -> Cow<'static, str> {
        if self.asked { why().into() } else { "".into() }
    }

    /// Every conversation of the case, this one included.
    pub fn siblings(&self) -> impl Iterator<Item = Subject<'a>> + use<'a> {
        let subject = *self;
        let all = 0..subject.case.conversations.len();
        all.map(move |index| Subject { index, ..subject })
    }

    /// The conversations of the case that began after this one.
    pub fn later(&self) -> impl Iterator<Item = Subject<'a>> + use<'a> {
        self.siblings().skip(self.index + 1)
    }

    /// The conversations of the case that began before this one.
    pub fn earlier(&self) -> impl Iterator<Item = Subject<'a>> + use<'a> {
        self.siblings().take(self.index)
    }

    /// Messages whose content crossed the wire, accepted or not.
    pub fn sent(&self) -> impl Iterator<Item = Sent<'a>> + use<'a> {
        let subject = *self;
        let mails = 0..subject.case.conversations[subject.index].1.len();
        mails.filter_map(move |mail| Sent::of(subject, mail))
    }

    /// Every transaction, each with its message where content was sent.
    pub fn mails(&self) -> impl Iterator<Item = (&'a Transaction, Option<Sent<'a>>)> + use<'a> {
        let mut sent = self.sent().peekable();
        self.timeline().transactions.iter().map(move |transaction| {
            let message = sent.next_if(|sent| std::ptr::eq(sent.transaction, transaction));
            (transaction, message)
        })
    }

    /// The mode that the sender is configured for at the server of this conversation.
    pub fn given_mode(&self) -> Option<Mode> {
        self.given().mode_at(self.timeline().server)
    }

    /// The mode: as given, else as seen. `None` where neither tells (a mechanism outside the documented ones, nothing but
    /// a greeting, or bytes missing before the first mail).
    pub fn mode(&self) -> Option<Mode> {
        if let Some(mode) = self.given_mode() {
            return Some(mode);
        }
        let timeline = self.timeline();
        match timeline.authentications.first() {
            Some(first) => mode_of_login(first),
            None if self.heard_up_to_mail() => Some(Mode::None),
            None => None,
        }
    }

    /// A not-applicable finding unless the mode is `wanted` (or cannot be told, where the check must go on and see).
    pub fn other_mode(&self, wanted: Mode) -> Option<Finding> {
        let mode = self.mode()?;
        let why = || {
            let (wanted, mode) = (wanted.name(), mode.name());
            format!("about mode {wanted}; this sender is in mode {mode}")
        };
        (mode != wanted).then(|| Finding::not_applicable(self.reason(why)))
    }

    /// Mechanisms offered in replies to EHLO.
    pub fn offered_mechanisms(&self) -> Vec<String> {
        let mut all = Vec::new();
        for mechanism in self
            .timeline()
            .capabilities
            .iter()
            .flat_map(smtp::timeline::Capabilities::mechanisms)
        {
            if !all.contains(&mechanism) {
                all.push(mechanism);
            }
        }
        all
    }

    /// The EHLO line that offers `keyword`, as evidence.
    pub fn offer(&self, keyword: &str) -> Option<Evidence> {
        let line = self
            .timeline()
            .capabilities
            .iter()
            .find_map(|c| c.get(keyword))?;
        Some(Evidence::bytes(
            self.timeline(),
            line.span,
            format!("{keyword} offered"),
        ))
    }

    /// Whether the client was heard from its first byte to the first mail transaction: what it did not say before that,
    /// it did not say.
    fn heard_up_to_mail(&self) -> bool {
        let timeline = self.timeline();
        let mail = timeline
            .commands()
            .find(|(_, _, command)| command.verb == "MAIL");
        let early = |tls: &Tls| tls.opened.as_ref().is_some_and(|opened| opened.early > 0);
        let hidden = |at: u64| {
            if timeline.tls.as_ref().is_some_and(early) {
                return true;
            }
            let mut gaps = timeline.gaps.iter();
            gaps.any(|gap| gap.direction == Direction::Client && gap.start < at)
        };
        self.joined_late().is_none() && mail.is_some_and(|(_, event, _)| !hidden(event.span.start))
    }

    /// Whether the server behind this conversation speaks TLS from the first byte, as far as is known.
    pub fn implicit_tls_port(&self) -> bool {
        self.given().server_tls == Some(ServerTls::Implicit)
    }
}

/// The documented mode that a mechanism belongs to.
pub fn mode_of(mechanism: &str) -> Option<Mode> {
    match mechanism {
        "LOGIN" | "PLAIN" => Some(Mode::Basic),
        "NTLM" => Some(Mode::Ntlm),
        _ => None,
    }
}

/// The documented mode that a login belongs to. NTLM inside GSSAPI or SPNEGO is NTLM.
pub fn mode_of_login(authentication: &Authentication) -> Option<Mode> {
    match &authentication.identity {
        Identity::Gss(_) => authentication.identity.ntlm().map(|_| Mode::Ntlm),
        _ => mode_of(&authentication.mechanism.value),
    }
}

impl<'a> Sent<'a> {
    fn of(subject: Subject<'a>, mail: usize) -> Option<Self> {
        let (timeline, mails) = &subject.case.conversations[subject.index];
        let mail = &mails[mail];
        let transaction = &timeline.transactions[mail.transaction];
        let data = transaction.data.as_ref()?;
        let (message, tries, copies) = (&mail.message, &mail.tries, mail.copies);
        Some(Sent {
            timeline,
            transaction,
            data,
            message,
            tries,
            subject,
            copies,
        })
    }

    /// [`Subject::reason`].
    pub fn reason(&self, why: impl FnOnce() -> String) -> Cow<'static, str> {
        self.subject.reason(why)
    }

    /// Every time that this message was sent in the case, this time included: known again by its Message-ID, or, where
    /// it has none, by its bytes.
    pub fn copies(&self) -> impl Iterator<Item = Self> + use<'a> {
        let subject = self.subject;
        let places = subject.case.copies[self.copies].iter();
        places.filter_map(move |&(index, mail)| Self::of(Subject { index, ..subject }, mail))
    }

    /// Whether both are the same message, sent at two times.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        std::ptr::eq(self.subject.case, other.subject.case) && self.copies == other.copies
    }

    /// The number of the message in its case: the same each time that it was sent.
    pub const fn number(&self) -> usize {
        self.copies
    }

    /// Evidence for a range of the message.
    pub fn evidence(&self, range: Range<usize>, what: impl Into<Cow<'static, str>>) -> Evidence {
        self.bytes(self.data.content.span(range), what)
    }

    /// Evidence for the whole content.
    pub fn all(&self, what: impl Into<Cow<'static, str>>) -> Evidence {
        self.bytes(self.data.span, what)
    }

    fn bytes(&self, span: Span, what: impl Into<Cow<'static, str>>) -> Evidence {
        if self.subject.asked {
            return Evidence::bytes(self.timeline, span, what);
        }
        Evidence {
            packets: Vec::new(),
            bytes: Some(span),
            what: what.into(),
        }
    }

    /// The place of a range of the message on the wire.
    pub fn span(&self, range: Range<usize>) -> Span {
        self.data.content.span(range)
    }

    /// What of this message cannot be trusted to be whole: it is not all in the capture, or its header is not all here.
    /// Bodies of which only the beginning was kept are told by [`Sent::unkept`].
    pub fn incomplete(&self) -> Option<String> {
        if !self.data.complete {
            return Some("the capture does not hold the whole message".to_owned());
        }
        let headless = self.data.content.elided() > 0 && self.message.root.body.is_empty();
        headless.then(|| "only the first bytes of the long header were kept".to_owned())
    }

    /// Why a text that is not found may stand in the message all the same.
    pub fn unkept(&self) -> Option<String> {
        (self.data.content.elided() > 0)
            .then(|| "only the first bytes of long parts were kept".to_owned())
    }

    /// Either of the two.
    pub fn unsearched(&self) -> Option<String> {
        self.incomplete().or_else(|| self.unkept())
    }

    /// Why parts may be missing from [`Message::parts`]: the message is longer than what this reader keeps in all.
    pub fn unlisted(&self) -> Option<String> {
        let content = &self.data.content;
        let full = content.elided() > 0 && content.bytes().len() >= Keep::LEAN.message;
        full.then(|| "not every part of the long message was kept".to_owned())
    }

    /// Whether the message crossed under TLS: nobody reads it off the wire without the keys of the session.
    pub fn under_tls(&self) -> bool {
        is_under_tls(self.timeline, self.data.span)
    }

    /// The finding for what a reader of the packets cannot see of a message under TLS.
    pub fn hidden_by_tls(&self) -> Option<Finding> {
        self.under_tls().then(|| {
            Finding::not_observed(
                "the message crossed under TLS, and without the keys of the session nothing of it is readable",
                vec![self.all("the message, under TLS")],
            )
        })
    }

    /// Every CMS object that opens without a key, outermost first. One that a hole in the capture goes through is not
    /// among them; one of which only the beginning was kept is.
    pub fn blobs(&self) -> Vec<Blob<'a>> {
        let mut found = blobs::of(self.message);
        found.retain(|blob| blob.part.cms_cut.is_none() || self.data.complete);
        found
    }

    /// The first object that is encrypted, by its content type OID.
    pub fn encrypted(&self) -> Option<Blob<'a>> {
        self.blobs()
            .into_iter()
            .find(|blob| blob.cms.is_encrypted())
    }
}

/// The last word on an authentication, for reasons.
pub fn outcome_word(authentication: &Authentication) -> String {
    match authentication.outcome {
        Outcome::Accepted => "accepted".to_owned(),
        Outcome::Refused(code) => format!("refused with {code}"),
        Outcome::Cancelled => "cancelled by the client".to_owned(),
        Outcome::Unseen => "outcome not captured".to_owned(),
    }
}
