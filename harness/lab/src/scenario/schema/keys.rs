//! Every table and key of the language, with what it takes and what it means.

use super::super::expect::{OUTCOMES, VERDICTS};
use super::super::rule::ENDINGS;
use super::super::server::{ACCEPTED, CERTIFICATES, NTLM_CHALLENGES, TLS_MODES};
use super::super::{Command, Level, Phase, ServerName};
use super::{client_keys, place_keys};

/// The words that a key takes.
pub(super) type Words = fn() -> Vec<&'static str>;

/// What a key takes.
pub(super) enum Shape {
    Text,
    /// A text without line ends.
    Line,
    /// A text that matches a regular expression.
    Like(&'static str),
    Boolean,
    /// `true`, or left out.
    Set,
    /// A whole number within bounds.
    Number(i64, i64),
    /// A whole number and its unit: `"150ms"`.
    Duration,
    Words(Words),
    List(&'static Shape),
    /// A table, by the name that the reader gives it.
    Table(&'static str),
    /// A table whose keys are data, with words for values.
    Map(Words),
    /// Keys of other tables, with a list of their values for each.
    Matrix,
    Either(&'static [Shape]),
}

/// A key.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) shape: Shape,
    /// What it means, for the tip that an editor shows.
    pub(super) doc: &'static str,
}

/// A table.
pub(super) struct TableKeys {
    /// As the reader calls it; empty for the top of the file.
    pub(super) name: &'static str,
    /// Keys of which exactly one must be there.
    pub(super) one_of: &'static [&'static str],
    pub(super) list: &'static [Key],
}

/// The keys of a table, by the name that the reader gives it. `None` for a table that is not in the list.
pub(in super::super) fn names_of(table: &str) -> Option<Vec<(&'static str, bool)>> {
    let table = TABLES.iter().find(|keys| keys.name == table)?;
    Some(
        table
            .list
            .iter()
            .map(|key| (key.name, key.required))
            .collect(),
    )
}

pub(super) const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key {
        name,
        required: false,
        shape,
        doc,
    }
}

const fn needed(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key {
        name,
        required: true,
        shape,
        doc,
    }
}

pub(super) fn words<T>(list: &[(&'static str, T)]) -> Vec<&'static str> {
    list.iter().map(|(word, _)| *word).collect()
}

/// Largest number that TOML can write.
const MOST: i64 = i64::MAX;

/// Which of several, from 1; or all after one.
const ORDINAL: Shape = Shape::Either(&[
    Shape::Number(1, u32::MAX as i64),
    Shape::Like("^> *[0-9]+$"),
]);

/// `[servers]`.
const SERVERS: TableKeys = TableKeys {
    name: "[servers]",
    one_of: &[],
    list: &[
        key(
            "handler",
            Shape::Table("[server]"),
            "The one that the send handler names, where the port names `[server]`.",
        ),
        key(
            "backup",
            Shape::Table("[server]"),
            "That of the backup transport.",
        ),
        key(
            "partner",
            Shape::Table("[server]"),
            "The mail server of the recipients' domain.",
        ),
        key(
            "other_port",
            Shape::Table("[server]"),
            "The host of `[server]` on another port; 587 by default.",
        ),
    ],
};

/// All tables.
pub(super) const TABLES: &[TableKeys] = &[
    TableKeys {
        name: "",
        one_of: &[],
        list: &[
            needed(
                "id",
                Shape::Like("^[A-Z]{3}-[0-9]{2}$"),
                "Stable name: three capital letters of the family and two digits. Never reused.",
            ),
            needed("title", Shape::Text, "What the case is about, in one line."),
            key(
                "reference",
                Shape::List(&Shape::Text),
                "Sections of the documents that the case rests on.",
            ),
            key(
                "requirement",
                Shape::Text,
                "What must be true of the client, in one sentence.",
            ),
            key(
                "level",
                Shape::Words(|| words(&Level::NAMES)),
                "How much the requirement weighs.",
            ),
            key(
                "clauses",
                Shape::List(&Shape::Text),
                "Ids of the clauses in docs/clauses that the case covers.",
            ),
            key(
                "slow",
                Shape::Boolean,
                "Whether the case takes long where the client's time limits are not ours to set.",
            ),
            key(
                "description",
                Shape::Text,
                "More about it, where one line is not enough.",
            ),
            key(
                "matrix",
                Shape::Matrix,
                "Keys of `[server]` and `[client]` with the values that they take in turn: each combination is a case.",
            ),
            key(
                "server",
                Shape::Table("[server]"),
                "What the server offers and insists on.",
            ),
            key(
                "servers",
                Shape::Table("[servers]"),
                "What else listens, each with its part in the client's configuration.",
            ),
            key(
                "client",
                Shape::Table("[client]"),
                "How the client is set up.",
            ),
            key(
                "on",
                Shape::List(&Shape::Table("[[on]]")),
                "What the server does differently, in order; the first rule that matches is taken.",
            ),
            key(
                "transcript",
                Shape::Text,
                "A whole dialogue, line by line: `S: …`, `C: …` and directives in parentheses. Instead of rules.",
            ),
            key(
                "expect",
                Shape::Table("[expect]"),
                "What must come of the case.",
            ),
        ],
    },
    TableKeys {
        name: "[server]",
        one_of: &[],
        list: &[
            key(
                "extensions",
                Shape::List(&Shape::Line),
                "The lines of the EHLO reply after the first, as they stand. STARTTLS is left out under TLS.",
            ),
            key(
                "tls",
                Shape::Words(|| words(&TLS_MODES)),
                "How TLS comes up. By default after STARTTLS where that is offered.",
            ),
            key(
                "certificate",
                Shape::Words(|| words(&CERTIFICATES)),
                "The certificate that the server shows under TLS: good, or with one flaw.",
            ),
            key(
                "require_tls",
                Shape::Boolean,
                "MAIL and AUTH get 530 until TLS is up.",
            ),
            key(
                "require_auth",
                Shape::Boolean,
                "MAIL gets 530 until the client authenticated.",
            ),
            key(
                "port",
                Shape::Number(0, u16::MAX as i64),
                "The port that captures show, whatever port is listened on.",
            ),
            key(
                "name",
                Shape::Line,
                "The server's name in its replies and its certificate.",
            ),
            key(
                "accept_auth",
                Shape::Words(|| words(&ACCEPTED)),
                "Whose credentials are accepted: those of the run, all that are well formed, nobody's.",
            ),
            key(
                "ntlm_text",
                Shape::Line,
                "Text of the first 334 where AUTH NTLM came without an initial response.",
            ),
            key(
                "ntlm_timestamp",
                Shape::Boolean,
                "Whether the NTLM challenge holds a time, which makes clients add a MIC.",
            ),
            key(
                "ntlm_challenge",
                Shape::Words(|| words(&NTLM_CHALLENGES)),
                "What the NTLM challenge looks like.",
            ),
            key(
                "message_limit",
                Shape::Number(0, MOST),
                "Longest message in bytes; a longer one gets 552.",
            ),
            key(
                "segment",
                Shape::Number(0, MOST),
                "Every reply goes out in segments of so many bytes; 0 leaves it whole.",
            ),
            key(
                "window",
                Shape::Number(1, u32::MAX as i64),
                "Size of the receive buffer in bytes, which bounds the TCP window.",
            ),
        ],
    },
    SERVERS,
    client_keys::CLIENT,
    client_keys::BACKUP,
    client_keys::ACCOUNT,
    place_keys::HANDLER,
    place_keys::CONTEXT,
    place_keys::PROPERTIES,
    place_keys::READINGS,
    place_keys::PARTS,
    client_keys::ENCODER,
    client_keys::RETRY,
    client_keys::PAYLOAD,
    client_keys::MIME,
    client_keys::ATTACHMENTS,
    TableKeys {
        name: "[[on]]",
        one_of: &["reply", "close", "reset", "half_close", "stop_reading"],
        list: &[
            key(
                "server",
                Shape::Words(|| words(&ServerName::NAMES)),
                "The server that follows the rule; `main` by default, which is `[server]`.",
            ),
            key(
                "connection",
                ORDINAL,
                "Number of the connection in the case, from 1; \">1\" for all after the first.",
            ),
            key(
                "phase",
                Shape::Words(|| words(&Phase::NAMES)),
                "The part of the session.",
            ),
            key(
                "command",
                Shape::Words(|| Command::ALL.iter().map(|command| command.name()).collect()),
                "The command, or the step that has no verb.",
            ),
            key(
                "nth",
                ORDINAL,
                "Which such command of the connection, from 1; \">1\" for all after the first.",
            ),
            key(
                "argument",
                Shape::Text,
                "A text that the argument holds, in any case.",
            ),
            key("tls", Shape::Boolean, "Whether the step is under TLS."),
            key(
                "at",
                Shape::Number(0, MOST),
                "With command CONTENT: the rule acts after so many bytes of content, and does not wait for the end.",
            ),
            key(
                "must_fire",
                Shape::Boolean,
                "Whether the case proves nothing unless the rule was used; true by default.",
            ),
            key(
                "reply",
                Shape::Either(&[Shape::Text, Shape::List(&Shape::Table("reply"))]),
                "What is said instead of the default reply. {default-code} and {default-text} stand for parts of that.",
            ),
            key(
                "drip",
                Shape::Set,
                "Every octet of the reply goes out in a segment of its own.",
            ),
            key(
                "then",
                Shape::Words(|| words(&ENDINGS)),
                "How the connection ends after the reply.",
            ),
            key("close", Shape::Set, "The connection ends with a FIN."),
            key("reset", Shape::Set, "The connection ends with a RST."),
            key(
                "half_close",
                Shape::Set,
                "The server sends a FIN and reads on for as long as the client sends.",
            ),
            key(
                "stop_reading",
                Shape::Duration,
                "Nothing is read for so long; then the server goes on as if there were no rule.",
            ),
        ],
    },
    TableKeys {
        name: "reply",
        one_of: &["send", "hex", "base64", "wait", "flush", "generate"],
        list: &[
            key(
                "send",
                Shape::Text,
                "The text as it stands; no line end is added.",
            ),
            key(
                "hex",
                Shape::Text,
                "Bytes in hexadecimal; spaces are allowed.",
            ),
            key("base64", Shape::Text, "The text in base64."),
            key(
                "wait",
                Shape::Duration,
                "Nothing for a while; what came before is sent first.",
            ),
            key(
                "flush",
                Shape::Set,
                "What came before is sent now, in a segment of its own.",
            ),
            key("generate", Shape::Table("generate"), "Bytes over and over."),
        ],
    },
    TableKeys {
        name: "generate",
        one_of: &["byte", "text", "hex"],
        list: &[
            key(
                "byte",
                Shape::Either(&[Shape::Like("^[\\x00-\\x7f]$"), Shape::Number(0, 255)]),
                "One ASCII character, or the number of a byte.",
            ),
            key("text", Shape::Text, "A text."),
            key("hex", Shape::Text, "Bytes in hexadecimal."),
            needed("count", Shape::Number(0, MOST), "How often."),
        ],
    },
    TableKeys {
        name: "[expect]",
        one_of: &[],
        list: &[
            key(
                "claims",
                Shape::Map(|| words(&VERDICTS)),
                "Claims of a profile with the verdict that each must get.",
            ),
            key(
                "checks",
                Shape::Map(|| {
                    vec![
                        claims::Wanted::Observed.as_str(),
                        claims::Wanted::NotObserved.as_str(),
                    ]
                }),
                "Checks with the observation that is wanted of each.",
            ),
            key(
                "outcome",
                Shape::Words(|| words(&OUTCOMES)),
                "What the adapter makes of its message.",
            ),
            key(
                "may_refuse",
                Shape::Boolean,
                "Whether the client may as well refuse to send it, and say so.",
            ),
        ],
    },
];
