//! `[server]`: what the default server offers and insists on.

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

/// The default server of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTable {
    /// The lines of the EHLO reply after the first, exactly. `STARTTLS` is left out once under TLS.
    pub extensions: Vec<String>,
    /// TLS.
    pub tls: TlsMode,
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
    /// Longest message that is accepted, in bytes; a longer one is answered 552.
    pub message_limit: u64,
}

impl Default for ServerTable {
    fn default() -> Self {
        Self {
            extensions: Vec::new(),
            tls: TlsMode::None,
            require_tls: false,
            require_auth: false,
            port: 25,
            name: "mail.example.test".to_owned(),
            ntlm_text: "ntlm supported".to_owned(),
            accept_auth: AcceptAuth::Given,
            ntlm_timestamp: true,
            message_limit: 16 << 20,
        }
    }
}

impl ServerTable {
    pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        let default = Self::default();
        let mut table = Table::open("[server]", value, problems)?;
        let extensions = table
            .optional("extensions", problems, list(extension))
            .map(plain)
            .unwrap_or(default.extensions);
        let tls = table.optional(
            "tls",
            problems,
            choice(&[
                ("none", TlsMode::None),
                ("starttls", TlsMode::StartTls),
                ("implicit", TlsMode::Implicit),
            ]),
        );
        let offers_starttls = extensions.iter().any(|line| is_starttls(line));
        let tls = match tls {
            Some(tls) => tls.value,
            None if offers_starttls => TlsMode::StartTls,
            None => TlsMode::None,
        };
        let require_tls = table.optional("require_tls", problems, boolean);
        let require_auth = table.optional("require_auth", problems, boolean);
        let port = table.optional("port", problems, integer::<u16>);
        let name = table.optional("name", problems, line);
        let ntlm_text = table.optional("ntlm_text", problems, line);
        let accept_auth = table.optional(
            "accept_auth",
            problems,
            choice(&[
                ("given", AcceptAuth::Given),
                ("any", AcceptAuth::Any),
                ("none", AcceptAuth::None),
            ]),
        );
        let ntlm_timestamp = table.optional("ntlm_timestamp", problems, boolean);
        let message_limit = table.optional("message_limit", problems, integer::<u64>);
        let nominal = if tls == TlsMode::Implicit {
            465
        } else {
            default.port
        };
        table.finish(problems);
        Some(Self {
            extensions,
            tls,
            require_tls: require_tls.map_or(default.require_tls, |flag| flag.value),
            require_auth: require_auth.map_or(default.require_auth, |flag| flag.value),
            port: port.map_or(nominal, |port| port.value),
            name: name.map_or(default.name, |name| name.value),
            ntlm_text: ntlm_text.map_or(default.ntlm_text, |text| text.value),
            accept_auth: accept_auth.map_or(default.accept_auth, |accept| accept.value),
            ntlm_timestamp: ntlm_timestamp.map_or(default.ntlm_timestamp, |flag| flag.value),
            message_limit: message_limit.map_or(default.message_limit, |limit| limit.value),
        })
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
