//! What the correct server answers to each command (RFC 5321, and the extensions that the scenario offers).

use super::path::{self, Path};
use super::session::{Session, Stage};
use crate::scenario::{Command, ServerTable, TlsMode};

/// Recipients that a transaction takes; RFC 5321 section 4.5.3.1.8 asks for at least 100.
const MAX_RECIPIENTS: usize = 1000;

const BAD_SEQUENCE: &str = "503 5.5.1 bad sequence of commands";
const NO_PARAMETERS: &str = "501 5.5.4 this command takes no argument";

/// The reply to the opening of the connection.
pub(super) fn greeting(server: &ServerTable) -> String {
    format!("220 {} ESMTP", server.name)
}

/// The default reply to a command. AUTH and BDAT have readers of their own.
pub(super) fn answer(
    server: &ServerTable,
    session: &Session,
    command: Command,
    argument: &[u8],
) -> String {
    if session.stage == Stage::Refused && command != Command::Quit {
        return BAD_SEQUENCE.to_owned();
    }
    let fixed = match command {
        Command::Ehlo => return ehlo(server, session, argument),
        Command::Helo if argument.is_empty() => "501 5.5.4 HELO needs a domain",
        Command::Helo => return format!("250 {}", server.name),
        Command::Mail => mail(server, session, argument),
        Command::Rcpt => rcpt(server, session, argument),
        Command::Data => data(session, argument),
        Command::Rset if argument.is_empty() => "250 2.0.0 reset",
        Command::Noop => "250 2.0.0 nothing done",
        Command::Vrfy if argument.is_empty() => "501 5.5.4 VRFY needs an argument",
        Command::Vrfy => "252 2.1.5 cannot verify, but will take the message",
        Command::Help => "214 2.0.0 see RFC 5321",
        Command::Quit if argument.is_empty() => {
            return format!("221 2.0.0 {} closing", server.name);
        }
        Command::StartTls => starttls(server, session, argument),
        Command::Expn | Command::Etrn | Command::Turn | Command::Atrn => {
            "502 5.5.1 not implemented"
        }
        Command::Rset | Command::Quit => NO_PARAMETERS,
        Command::Unknown => "500 5.5.2 command not recognised",
        // These have readers of their own, and get here only where that reader has nothing to say.
        Command::Greeting
        | Command::Auth
        | Command::AuthResponse
        | Command::Content
        | Command::Bdat => BAD_SEQUENCE,
    };
    fixed.to_owned()
}

fn ehlo(server: &ServerTable, session: &Session, argument: &[u8]) -> String {
    if argument.is_empty() {
        return "501 5.5.4 EHLO needs a domain or an address literal".to_owned();
    }
    let mut lines = vec![server.name.as_str()];
    let offered = server.extensions.iter().map(String::as_str);
    lines.extend(offered.filter(|line| !(session.tls && crate::scenario::is_starttls(line))));
    let last = lines.len() - 1;
    let numbered: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(place, line)| format!("250{}{line}", if place == last { ' ' } else { '-' }))
        .collect();
    numbered.join("\n")
}

fn mail(server: &ServerTable, session: &Session, argument: &[u8]) -> &'static str {
    if session.stage != Stage::Ready || session.transaction.is_some() {
        return BAD_SEQUENCE;
    }
    if server.require_tls && !session.tls {
        return "530 5.7.0 must issue a STARTTLS command first";
    }
    if server.require_auth && !session.authenticated {
        return "530 5.7.0 authentication required";
    }
    let Some(path) = path::parse(argument, "FROM:") else {
        return "501 5.5.4 syntax: MAIL FROM:<address>";
    };
    parameters(server, &path).unwrap_or("250 2.1.0 sender ok")
}

fn rcpt(server: &ServerTable, session: &Session, argument: &[u8]) -> &'static str {
    let Some(transaction) = &session.transaction else {
        return BAD_SEQUENCE;
    };
    let path = match path::parse(argument, "TO:") {
        Some(path) if !path.mailbox.is_empty() => path,
        _ => return "501 5.5.4 syntax: RCPT TO:<address>",
    };
    if transaction.recipients >= MAX_RECIPIENTS {
        return "452 4.5.3 too many recipients";
    }
    parameters(server, &path).unwrap_or("250 2.1.5 recipient ok")
}

/// What is wrong with the parameters of a path, if anything: only those of extensions that were offered may be there
/// (RFC 5321 section 4.1.1.11).
fn parameters(server: &ServerTable, path: &Path<'_>) -> Option<&'static str> {
    const KNOWN: [(&str, &str); 10] = [
        ("SIZE", "SIZE"),
        ("BODY", "8BITMIME"),
        ("BODY", "BINARYMIME"),
        ("SMTPUTF8", "SMTPUTF8"),
        ("AUTH", "AUTH"),
        ("RET", "DSN"),
        ("ENVID", "DSN"),
        ("NOTIFY", "DSN"),
        ("ORCPT", "DSN"),
        ("REQUIRETLS", "REQUIRETLS"),
    ];
    for (keyword, value) in &path.parameters {
        let offered = KNOWN.iter().any(|(known, extension)| {
            keyword.eq_ignore_ascii_case(known.as_bytes()) && server.offers(extension)
        });
        if !offered {
            return Some("555 5.5.4 parameter not recognised");
        }
        if keyword.eq_ignore_ascii_case(b"SIZE") {
            let size = value.and_then(|value| std::str::from_utf8(value).ok()?.parse::<u64>().ok());
            match size {
                None => return Some("501 5.5.4 SIZE needs a number"),
                Some(size) if size > server.message_limit => {
                    return Some("552 5.3.4 message too big");
                }
                Some(_) => {}
            }
        }
    }
    None
}

fn data(session: &Session, argument: &[u8]) -> &'static str {
    match &session.transaction {
        None => BAD_SEQUENCE,
        Some(transaction) if transaction.chunked => BAD_SEQUENCE,
        Some(transaction) if transaction.recipients == 0 => "554 5.5.1 no valid recipients",
        Some(_) if !argument.is_empty() => NO_PARAMETERS,
        Some(_) => "354 end data with <CR><LF>.<CR><LF>",
    }
}

fn starttls(server: &ServerTable, session: &Session, argument: &[u8]) -> &'static str {
    if server.tls != TlsMode::StartTls {
        return "502 5.5.1 not implemented";
    }
    if session.tls || session.stage != Stage::Ready {
        return BAD_SEQUENCE;
    }
    if !argument.is_empty() {
        return "501 5.5.4 STARTTLS takes no argument";
    }
    "220 2.0.0 ready to start TLS"
}

/// The reply to the end of a message of `size` bytes.
pub(super) fn content(server: &ServerTable, size: u64) -> &'static str {
    if size > server.message_limit {
        return "552 5.3.4 message too big";
    }
    "250 2.0.0 message accepted"
}

/// A BDAT command (RFC 3030 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bdat {
    /// Bytes that follow the command.
    pub(super) size: u64,
    /// Whether the message ends with them.
    pub(super) last: bool,
}

impl Bdat {
    /// Reads the argument; `None` where the syntax is wrong, and then no bytes follow.
    pub(super) fn parse(argument: &[u8]) -> Option<Self> {
        let argument = std::str::from_utf8(argument).ok()?;
        let mut words = argument.split_ascii_whitespace();
        let size = words
            .next()
            .filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))?
            .parse()
            .ok()?;
        let last = match words.next() {
            None => false,
            Some(word) if word.eq_ignore_ascii_case("LAST") => true,
            Some(_) => return None,
        };
        words.next().is_none().then_some(Self { size, last })
    }
}

/// The default reply to BDAT, given once its bytes were read; `total` is the size of the message with them.
pub(super) fn bdat(
    server: &ServerTable,
    session: &Session,
    chunk: Option<Bdat>,
    total: u64,
) -> &'static str {
    if session.stage == Stage::Refused {
        return BAD_SEQUENCE;
    }
    if !server.offers("CHUNKING") {
        return "502 5.5.1 not implemented";
    }
    match (chunk, &session.transaction) {
        (None, _) => "501 5.5.4 syntax: BDAT size [LAST]",
        (_, None) => BAD_SEQUENCE,
        (_, Some(transaction)) if transaction.recipients == 0 => "554 5.5.1 no valid recipients",
        _ if total > server.message_limit => "552 5.3.4 message too big",
        (Some(Bdat { last: true, .. }), _) => "250 2.0.0 message accepted",
        _ => "250 2.0.0 chunk accepted",
    }
}
