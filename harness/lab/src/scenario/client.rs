//! `[client]`: the documented properties of the adapter, where a case sets them.

use claims::given::ClientTls;
use smtp::Secret;

use super::client_levels::BackupTable;
use super::client_mime::MimeTable;
use super::client_parts::{AccountTable, EncoderTable, RetryTable};
use super::client_places::{
    ContextTable, OF_A_PORT, ReadingsTable, dynamic, in_scenario, message_keys, message_part,
};
use super::decode::{Problems, Table, Value, nearest};
use super::values::{boolean, canary_text, choice, duration, integer, list, plain, text};
use super::{Code, Spanned};
use crate::adapter::Twin;
use crate::adapter::config::{AuthMode, BasicMechanism, Config, Part, Payload};
use crate::adapter::settings::{Handler, Properties};

/// What a case says about the client. Everything is optional: what is absent stays as the runner has it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each stands for a key of the table"
)]
#[derive(Clone, Debug, Default)]
pub struct ClientTable {
    /// `auth`: the mode.
    pub auth: Option<Spanned<AuthMode>>,
    /// `mechanism`: what Basic means.
    pub mechanism: Option<Spanned<BasicMechanism>>,
    /// `initial_response`.
    pub initial_response: Option<Spanned<bool>>,
    /// `username`: for Basic.
    pub username: Option<Spanned<String>>,
    /// `password`: for Basic. A case that leaves it out gets a canary of the run.
    pub password: Option<Spanned<Secret>>,
    /// `account`: for NTLM, the account of the host instance.
    pub account: Option<AccountTable>,
    /// `tls`: what the client is told to do about TLS.
    pub tls: Option<Spanned<ClientTls>>,
    /// `default_auth`: authentication is left alone on handler and port.
    pub default_auth: bool,
    /// `[client.backup]`: how the backup transport differs from the first.
    pub backup: Option<BackupTable>,
    /// `second_host`: the account of another host instance that has the same port.
    pub second_host: Option<AccountTable>,
    /// `[client.handler]`: what the send handler sets. The other keys are those of the port.
    pub handler: Option<Spanned<Handler>>,
    /// `[client.context]`: what is set on the context of the message.
    pub context: Option<ContextTable>,
    /// `dynamic`: the port is a dynamic one, and this is the address that it is told.
    pub dynamic: Option<Spanned<String>>,
    /// `[client.readings]`: how contradictions of the documentation are read.
    pub readings: Option<ReadingsTable>,
    /// `smtp_host`: where the case has several servers, it decides which is talked to; else it is only checked.
    pub smtp_host: Option<Spanned<String>>,
    /// `unlimited`: the documented limits are not kept.
    pub unlimited: Option<Spanned<bool>>,
    /// `from`.
    pub from: Option<Spanned<String>>,
    /// `bcc`: blind copies.
    pub bcc: Option<Vec<Spanned<String>>>,
    /// What a static port sets of the message, placeholders and macros as written, and `reply_by`.
    pub port: Properties,
    /// `[client.encoder]`: the pipeline has an encoder.
    pub encoder: Option<EncoderTable>,
    /// `pipelining`: whether the envelope goes in one group where that is offered.
    pub pipelining: Option<Spanned<bool>>,
    /// `chunking`: whether the message goes in chunks where that is offered.
    pub chunking: Option<Spanned<bool>>,
    /// `require_tls_onward`: whether the message may only go on under TLS.
    pub require_tls_onward: Option<Spanned<bool>>,
    /// `declare_size`: whether MAIL declares the length of the message where SIZE is offered.
    pub declare_size: Option<Spanned<bool>>,
    /// `[client.retry]`.
    pub retry: Option<RetryTable>,
    /// `timeout`.
    pub timeout: Option<Spanned<std::time::Duration>>,
    /// `[client.payload]`: the message out of the `MessageBox`.
    pub payload: PayloadTable,
    /// `wrong_password`: the client is given another secret than the server's accounts have.
    pub wrong_password: bool,
    /// `twins`: how the client misbehaves.
    pub twins: Vec<Spanned<Twin>>,
    /// `control`: a well-configured message goes first, so that silence is not taken for failing closed.
    pub control: bool,
    /// `other_host`: another host of the same group sends a message of its own first.
    pub other_host: bool,
}

pub(super) const AUTH_MODES: [(&str, AuthMode); 3] = [
    ("none", AuthMode::None),
    ("basic", AuthMode::Basic),
    ("ntlm", AuthMode::Ntlm),
];

pub(super) const MECHANISMS: [(&str, BasicMechanism); 2] = [
    ("login", BasicMechanism::Login),
    ("plain", BasicMechanism::Plain),
];

pub(super) const TLS_USES: [(&str, ClientTls); 4] = [
    ("never", ClientTls::Never),
    ("opportunistic", ClientTls::Opportunistic),
    ("required", ClientTls::Required),
    ("implicit", ClientTls::Implicit),
];

impl ClientTable {
    pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        let mut table = Table::open("[client]", value, problems)?;
        let mut client = Self::default();
        client.read_authentication(&mut table, problems);
        client.read_levels(&mut table, problems);
        client.read_message(&mut table, problems);
        client.read_places(&mut table, problems);
        client.pipelining = table.optional("pipelining", problems, boolean);
        client.chunking = table.optional("chunking", problems, boolean);
        client.require_tls_onward = table.optional("require_tls_onward", problems, boolean);
        client.declare_size = table.optional("declare_size", problems, boolean);
        client.retry = table.optional("retry", problems, RetryTable::read);
        client.timeout = table.optional("timeout", problems, duration);
        client.payload = table
            .optional("payload", problems, PayloadTable::read)
            .unwrap_or_default();
        client.wrong_password = table
            .optional("wrong_password", problems, boolean)
            .is_some_and(|flag| flag.value);
        client.twins = table
            .optional("twins", problems, list(twin))
            .unwrap_or_default();
        client.control = table
            .optional("control", problems, boolean)
            .is_some_and(|flag| flag.value);
        client.other_host = table
            .optional("other_host", problems, boolean)
            .is_some_and(|flag| flag.value);
        table.finish(problems);
        Some(client)
    }

    fn read_authentication(&mut self, table: &mut Table<'_, '_>, problems: &mut Problems) {
        self.auth = table.optional("auth", problems, choice(&AUTH_MODES));
        self.mechanism = table.optional("mechanism", problems, choice(&MECHANISMS));
        self.initial_response = table.optional("initial_response", problems, boolean);
        self.username = table.optional("username", problems, text);
        self.password = table.optional("password", problems, super::client_parts::secret);
        self.account = table.optional("account", problems, AccountTable::read);
        self.tls = table.optional("tls", problems, choice(&TLS_USES));
    }

    fn read_levels(&mut self, table: &mut Table<'_, '_>, problems: &mut Problems) {
        self.default_auth = table
            .optional("default_auth", problems, boolean)
            .is_some_and(|flag| flag.value);
        self.backup = table.optional("backup", problems, BackupTable::read);
        self.second_host = table.optional("second_host", problems, AccountTable::read);
        if let (true, Some(auth)) = (self.default_auth, &self.auth) {
            problems.add(
                Code::Conflict,
                auth.span.clone(),
                "authentication is set here, and `default_auth` says that it is left alone",
            );
        }
    }

    fn read_places(&mut self, table: &mut Table<'_, '_>, problems: &mut Problems) {
        self.readings = table.optional("readings", problems, ReadingsTable::read);
        self.handler = table.optional("handler", problems, in_scenario::handler);
        self.context = table.optional("context", problems, ContextTable::read);
        self.dynamic = table.optional("dynamic", problems, dynamic);
        self.smtp_host = table.optional("smtp_host", problems, text);
        self.unlimited = table.optional("unlimited", problems, boolean);
        if self.dynamic.is_some() {
            Self::refuse_properties_of_a_static_port(table, problems);
        }
    }

    /// A dynamic port has no configuration: its values are the handler's and the context's.
    fn refuse_properties_of_a_static_port(table: &Table<'_, '_>, problems: &mut Problems) {
        for key in OF_A_PORT {
            if let Some(span) = table.key_span(key) {
                let message = format!("a dynamic port has no `{key}`");
                problems
                    .add(Code::Conflict, span, message)
                    .help("set it in `[client.handler]` or in `[client.context]`");
            }
        }
    }

    fn read_message(&mut self, table: &mut Table<'_, '_>, problems: &mut Problems) {
        self.from = table.optional("from", problems, canary_text);
        self.port = Properties {
            to: table.optional("to", problems, list(canary_text)).map(plain),
            reply_by: table
                .optional("reply_by", problems, time)
                .map(|time| time.value),
            ..message_keys(table, problems)
        };
        self.bcc = table.optional("bcc", problems, list(canary_text));
        self.encoder = table.optional("encoder", problems, EncoderTable::read);
    }

    /// Puts what the case says over a configuration. The payload, the twins and the switches of the runner are not
    /// part of it.
    pub fn apply(&self, config: &mut Config) {
        if let Some(handler) = &self.handler {
            handler.value.apply(config);
        }
        if let Some(address) = &self.dynamic {
            config.to = vec![address.value.clone()];
        }
        let context = self.context.as_ref();
        if let Some(upstream) = context.and_then(|context| context.upstream.as_ref()) {
            upstream.value.apply(config);
        }
        self.apply_port(config);
        if let Some(pipeline) = context.and_then(|context| context.pipeline.as_ref()) {
            pipeline.value.apply(config);
        }
        if let Some(readings) = &self.readings {
            readings.apply(&mut config.readings);
        }
        set(&mut config.unlimited, self.unlimited.as_ref());
    }

    /// What a static port sets, and what is not a documented property.
    fn apply_port(&self, config: &mut Config) {
        set_some(&mut config.smtp_host, self.smtp_host.as_ref());
        set(&mut config.auth, self.auth.as_ref());
        set(&mut config.mechanism, self.mechanism.as_ref());
        set(&mut config.tls, self.tls.as_ref());
        set(&mut config.initial_response, self.initial_response.as_ref());
        set_some(&mut config.username, self.username.as_ref());
        set_some(&mut config.password, self.password.as_ref());
        if let Some(account) = &self.account {
            account.apply(&mut config.account);
        }
        set(&mut config.from, self.from.as_ref());
        self.port.apply(config);
        if let Some(bcc) = &self.bcc {
            config.bcc = plain(bcc.clone());
        }
        if let Some(encoder) = &self.encoder {
            encoder.apply(config.encoder.get_or_insert_default());
        }
        set(&mut config.transfer.pipelining, self.pipelining.as_ref());
        set(&mut config.transfer.chunking, self.chunking.as_ref());
        set(
            &mut config.transfer.require_tls_onward,
            self.require_tls_onward.as_ref(),
        );
        set(
            &mut config.transfer.declare_size,
            self.declare_size.as_ref(),
        );
        if let Some(retry) = &self.retry {
            retry.apply(&mut config.retry);
        }
        set(&mut config.timeout, self.timeout.as_ref());
    }
}

/// Longest body that `repeat` can make, in octets.
const LONGEST_BODY: usize = 64 << 20;

/// `[client.payload]`.
#[derive(Clone, Debug, Default)]
pub struct PayloadTable {
    /// `body`, placeholders as written.
    pub body: Option<Spanned<String>>,
    /// `repeat`: how often the body comes, one behind the other.
    pub repeat: Option<Spanned<u32>>,
    /// `content_type`.
    pub content_type: Option<Spanned<String>>,
    /// `source_party`.
    pub source_party: Option<Spanned<String>>,
    /// `source_party_qualifier`.
    pub source_party_qualifier: Option<Spanned<String>>,
    /// `destination_party`.
    pub destination_party: Option<Spanned<String>>,
    /// `destination_party_qualifier`.
    pub destination_party_qualifier: Option<Spanned<String>>,
    /// `parts`: other parts than the body part.
    pub parts: Vec<Spanned<Part>>,
    /// `mime`: MIME properties of its context.
    pub mime: MimeTable,
}

impl PayloadTable {
    fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        let mut table = Table::open("[client.payload]", value, problems)?;
        let payload = Self {
            body: table.optional("body", problems, canary_text),
            repeat: table.optional("repeat", problems, integer::<u32>),
            content_type: table.optional("content_type", problems, text),
            source_party: table.optional("source_party", problems, canary_text),
            source_party_qualifier: table.optional("source_party_qualifier", problems, canary_text),
            destination_party: table.optional("destination_party", problems, canary_text),
            destination_party_qualifier: table.optional(
                "destination_party_qualifier",
                problems,
                canary_text,
            ),
            parts: table
                .optional("parts", problems, list(message_part))
                .unwrap_or_default(),
            mime: table
                .optional("mime", problems, MimeTable::read)
                .unwrap_or_default(),
        };
        table.finish(problems);
        payload.bound(problems);
        Some(payload)
    }

    /// Reports a body that grows beyond all use.
    fn bound(&self, problems: &mut Problems) {
        let octets = self.body.as_ref().map_or(64, |body| body.value.len());
        if let Some(repeat) = &self.repeat
            && octets.saturating_mul(repeat.value as usize) > LONGEST_BODY
        {
            let message = format!("the body would have more than {LONGEST_BODY} octets");
            problems.add(Code::BadValue, repeat.span.clone(), message);
        }
    }

    /// Puts what the case says over a payload.
    pub fn apply(&self, payload: &mut Payload) {
        if let Some(body) = &self.body {
            payload.body = body.value.clone().into_bytes();
        }
        if let Some(repeat) = &self.repeat {
            payload.body = payload.body.repeat(repeat.value as usize);
        }
        set(&mut payload.content_type, self.content_type.as_ref());
        set_some(&mut payload.source_party, self.source_party.as_ref());
        set_some(
            &mut payload.source_party_qualifier,
            self.source_party_qualifier.as_ref(),
        );
        set_some(
            &mut payload.destination_party,
            self.destination_party.as_ref(),
        );
        set_some(
            &mut payload.destination_party_qualifier,
            self.destination_party_qualifier.as_ref(),
        );
        payload.parts.extend(plain(self.parts.clone()));
        self.mime.apply(&mut payload.mime);
    }
}

/// Replaces a property where the case gives one.
pub(super) fn set<T: Clone>(property: &mut T, given: Option<&Spanned<T>>) {
    if let Some(given) = given {
        *property = given.value.clone();
    }
}

/// As [`set`], for a property that may be unset.
pub(super) fn set_some<T: Clone>(property: &mut Option<T>, given: Option<&Spanned<T>>) {
    if let Some(given) = given {
        *property = Some(given.value.clone());
    }
}

fn twin(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<Twin>> {
    let name = text(value, problems)?;
    if let Ok(twin) = name.value.parse() {
        return Some(Spanned {
            value: twin,
            span: name.span,
        });
    }
    let names: Vec<_> = Twin::ALL.iter().map(|twin| twin.name()).collect();
    problems
        .add(
            Code::BadValue,
            name.span,
            format!("there is no bad twin `{}`", name.value),
        )
        .help = nearest(&name.value, &names).map(|near| format!("did you mean `{near}`?"));
    None
}

pub(super) fn parts(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<u8>> {
    let number = integer::<u8>(value, problems)?;
    if number.value <= 2 {
        return Some(number);
    }
    problems
        .add(
            Code::BadValue,
            number.span,
            format!(
                "{} is not a value of `MessagePartsAttachments`",
                number.value
            ),
        )
        .help("0 attaches nothing, 1 the body part, 2 all parts");
    None
}

pub(super) fn time(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<String>> {
    let time = text(value, problems)?;
    if time.value.parse::<jiff::Timestamp>().is_ok() {
        return Some(time);
    }
    problems
        .add(
            Code::BadValue,
            time.span,
            format!("`{}` is not an RFC 3339 time", time.value),
        )
        .help("write it with its offset: \"2026-01-31T12:00:00Z\"");
    None
}
