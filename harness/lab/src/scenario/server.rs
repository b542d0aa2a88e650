//! `[server]`: what the default server offers and insists on.

use std::num::NonZeroUsize;

use super::decode::{Problems, Table, Value};
use super::values::{boolean, choice, integer, list, plain, text};
use super::{Code, Spanned};

/// How the server does TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Not at all.
    None,
    /// After STARTTLS.
    StartTls,
    /// From the first byte, as on port 465 (RFC 8314 section 3.3).
    Implicit,
}

/// Whose credentials are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptAuth {
    /// Those of an account of the run, and they are really checked.
    Given,
    /// Any that are well formed; nothing is checked. For clients whose password is not known here.
    Any,
    /// None: every attempt ends with 535.
    None,
}

/// The certificate that the server shows under TLS. Each but the good one has one thing wrong and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateKind {
    /// Issued by the authority of the run, valid now, for `localhost`, the loopback addresses and the server's name.
    Good,
    /// As the good one, but issued by itself.
    SelfSigned,
    /// As the good one, but for another host.
    WrongName,
    /// As the good one, but no longer valid.
    Expired,
    /// As the good one, but not yet valid.
    NotYetValid,
}

/// What the NTLM challenge of the server looks like (MS-NLMP section 2.2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NtlmChallenge {
    /// As Windows sends it: the names of the server as target information, and the time where `ntlm_timestamp` holds.
    Windows,
    /// Without target information, which the protocol allows.
    NoTargetInfo,
    /// With the target name in the OEM character set, whatever the client offered.
    Oem,
    /// Extended session security is not granted, even where the client asked for it.
    EssCleared,
    /// The list of the target information ends without its closing pair.
    UnterminatedAvList,
    /// The descriptors point behind the end of the message.
    OffsetsPastEnd,
    /// Target information that fills the longest line that AUTH allows (RFC 4954 section 4).
    HugeTargetInfo,
    /// The message breaks off inside the server challenge.
    Truncated,
    /// The message begins with another signature.
    WrongSignature,
    /// The message says of itself that it is a NEGOTIATE.
    WrongType,
    /// A 334 with nothing behind it.
    Empty,
}

pub(super) const TLS_MODES: [(&str, TlsMode); 3] = [
    ("none", TlsMode::None),
    ("starttls", TlsMode::StartTls),
    ("implicit", TlsMode::Implicit),
];

pub(super) const ACCEPTED: [(&str, AcceptAuth); 3] = [
    ("given", AcceptAuth::Given),
    ("any", AcceptAuth::Any),
    ("none", AcceptAuth::None),
];

pub(super) const CERTIFICATES: [(&str, CertificateKind); 5] = [
    ("good", CertificateKind::Good),
    ("self-signed", CertificateKind::SelfSigned),
    ("wrong-name", CertificateKind::WrongName),
    ("expired", CertificateKind::Expired),
    ("not-yet-valid", CertificateKind::NotYetValid),
];

pub(super) const NTLM_CHALLENGES: [(&str, NtlmChallenge); 11] = [
    ("windows", NtlmChallenge::Windows),
    ("no-target-info", NtlmChallenge::NoTargetInfo),
    ("oem", NtlmChallenge::Oem),
    ("ess-cleared", NtlmChallenge::EssCleared),
    ("unterminated-av-list", NtlmChallenge::UnterminatedAvList),
    ("offsets-past-end", NtlmChallenge::OffsetsPastEnd),
    ("huge-target-info", NtlmChallenge::HugeTargetInfo),
    ("truncated", NtlmChallenge::Truncated),
    ("wrong-signature", NtlmChallenge::WrongSignature),
    ("wrong-type", NtlmChallenge::WrongType),
    ("empty", NtlmChallenge::Empty),
];

/// The default server of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTable {
    /// The lines of the EHLO reply after the first, exactly. `STARTTLS` is left out once under TLS.
    pub extensions: Vec<String>,
    /// TLS.
    pub tls: TlsMode,
    /// The certificate that it shows under TLS.
    pub certificate: CertificateKind,
    /// Answers MAIL and AUTH with 530 until TLS is up.
    pub require_tls: bool,
    /// Answers MAIL with 530 until the client authenticated.
    pub require_auth: bool,
    /// The port that captures show, whatever port is really listened on.
    pub port: u16,
    /// The server's name in its replies.
    pub name: String,
    /// Text of the first 334 where AUTH NTLM came without an initial response (MS-SMTPNTLM section 2.2.1.2).
    pub ntlm_text: String,
    /// Whose credentials are accepted.
    pub accept_auth: AcceptAuth,
    /// Whether the NTLM challenge holds a time, which makes a client add a MIC (MS-NLMP section 3.1.5.1.2).
    pub ntlm_timestamp: bool,
    /// What the NTLM challenge looks like.
    pub ntlm_challenge: NtlmChallenge,
    /// Longest message that is accepted, in bytes; a longer one is answered 552.
    pub message_limit: u64,
    /// Every reply goes out in segments of so many bytes; `None` leaves each whole up to its flush points.
    pub segment: Option<NonZeroUsize>,
    /// Size of the socket's receive buffer in bytes, which bounds the TCP window that is offered; the system may round it
    /// up. `None` leaves it to the system.
    pub window: Option<u32>,
}

impl Default for ServerTable {
    fn default() -> Self {
        Self {
            extensions: Vec::new(),
            tls: TlsMode::None,
            certificate: CertificateKind::Good,
            require_tls: false,
            require_auth: false,
            port: Self::PORT,
            name: "mail.example.test".to_owned(),
            ntlm_text: "ntlm supported".to_owned(),
            accept_auth: AcceptAuth::Given,
            ntlm_timestamp: true,
            ntlm_challenge: NtlmChallenge::Windows,
            message_limit: 16 << 20,
            segment: None,
            window: None,
        }
    }
}

impl ServerTable {
    /// The port that captures show, where nothing else is said.
    const PORT: u16 = 25;

    pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        Self::read_over(Self::default(), value, problems)
    }

    /// Reads a server that is `default` where the file says nothing.
    pub(super) fn read_over(
        default: Self,
        value: &Value<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut table = Table::open("[server]", value, problems)?;
        let extensions = table
            .optional("extensions", problems, list(extension))
            .map(plain)
            .unwrap_or(default.extensions);
        let tls = table.optional("tls", problems, choice(&TLS_MODES));
        let offers_starttls = extensions.iter().any(|line| is_starttls(line));
        let tls = match tls {
            Some(tls) => tls.value,
            None if offers_starttls => TlsMode::StartTls,
            None => TlsMode::None,
        };
        let nominal = match tls {
            TlsMode::Implicit if default.port == Self::PORT => 465,
            _ => default.port,
        };
        let mut server = Self {
            extensions,
            tls,
            port: nominal,
            ..default
        };
        server.read_keys(&mut table, problems);
        table.finish(problems);
        Some(server)
    }

    /// The keys that stand for themselves.
    fn read_keys(&mut self, table: &mut Table<'_, '_>, problems: &mut Problems) {
        let certificate = table.optional("certificate", problems, choice(&CERTIFICATES));
        if let (Some(certificate), TlsMode::None) = (&certificate, self.tls) {
            problems
                .add(
                    Code::Conflict,
                    certificate.span.clone(),
                    "a server without TLS shows no certificate",
                )
                .help("offer `STARTTLS` among the extensions, or write `tls = \"implicit\"`");
        }
        set(&mut self.certificate, certificate);
        let flags = [
            ("require_tls", &mut self.require_tls),
            ("require_auth", &mut self.require_auth),
            ("ntlm_timestamp", &mut self.ntlm_timestamp),
        ];
        for (key, flag) in flags {
            set(flag, table.optional(key, problems, boolean));
        }
        set(
            &mut self.port,
            table.optional("port", problems, integer::<u16>),
        );
        set(&mut self.name, table.optional("name", problems, line));
        set(
            &mut self.ntlm_text,
            table.optional("ntlm_text", problems, line),
        );
        set(
            &mut self.accept_auth,
            table.optional("accept_auth", problems, choice(&ACCEPTED)),
        );
        set(
            &mut self.ntlm_challenge,
            table.optional("ntlm_challenge", problems, choice(&NTLM_CHALLENGES)),
        );
        set(
            &mut self.message_limit,
            table.optional("message_limit", problems, integer::<u64>),
        );
        // Zero stands for "as it comes", so that a matrix can have the undivided reply among its values.
        let segment = table.optional("segment", problems, integer::<usize>);
        self.segment = segment.and_then(|size| NonZeroUsize::new(size.value));
        let window = table.optional("window", problems, window);
        self.window = window.map(|size| size.value);
    }

    /// The mechanisms that the AUTH lines offer, in upper case, in both spellings (`AUTH LOGIN`, `AUTH=LOGIN`).
    pub fn mechanisms(&self) -> Vec<String> {
        self.extensions
            .iter()
            .filter_map(|line| {
                let (keyword, rest) = line.split_at_checked(5)?;
                matches!(keyword.to_ascii_uppercase().as_str(), "AUTH " | "AUTH=").then_some(rest)
            })
            .flat_map(str::split_ascii_whitespace)
            .map(str::to_ascii_uppercase)
            .collect()
    }

    /// Whether a keyword (in upper case) is among the extensions.
    pub fn offers(&self, keyword: &str) -> bool {
        self.extensions
            .iter()
            .filter_map(|line| line.split([' ', '=']).next())
            .any(|k| k.eq_ignore_ascii_case(keyword))
    }
}

/// Whether a line of the EHLO reply offers STARTTLS.
pub(crate) fn is_starttls(line: &str) -> bool {
    line.trim().eq_ignore_ascii_case("STARTTLS")
}

/// Replaces a default where the file gives a value.
fn set<T>(property: &mut T, given: Option<Spanned<T>>) {
    if let Some(given) = given {
        *property = given.value;
    }
}

/// A size of the receive buffer.
fn window(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<u32>> {
    let size = integer::<u32>(value, problems)?;
    if size.value > 0 {
        return Some(size);
    }
    problems
        .add(
            Code::BadValue,
            size.span,
            "a window of 0 bytes takes nothing at all",
        )
        .help("to stop reading for a while, write a rule with `stop_reading = \"5s\"`");
    None
}

fn extension(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<String>> {
    let line = line(value, problems)?;
    if line.value.is_empty() {
        problems.add(
            Code::BadValue,
            line.span,
            "an extension line must not be empty",
        );
        return None;
    }
    Some(line)
}

/// A text that goes into one line of a reply.
fn line(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<String>> {
    let line = text(value, problems)?;
    if line.value.contains(['\r', '\n']) {
        problems
            .add(
                Code::BadValue,
                line.span,
                "this text stands in one line of a reply and must not hold a line end",
            )
            .help("a reply with odd line ends is written as a rule: `reply = [{ send = \"…\" }]`");
        return None;
    }
    Some(line)
}
