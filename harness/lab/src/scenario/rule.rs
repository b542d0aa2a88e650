//! `[[on]]`: what the server does differently, and when.

use std::ops::Range;
use std::time::Duration;

use super::decode::{Problems, Table, Value, nearest, quoted};
use super::reply::{self, Reply};
use super::values::{boolean, choice, duration, integer, text};
use super::{Code, Command, Phase, ServerName, Spanned};

/// Which of several: connections and occurrences are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordinal {
    /// This one.
    Exactly(u32),
    /// All that come after this one.
    After(u32),
}

impl Ordinal {
    /// Whether a number is meant.
    pub const fn holds(self, number: u32) -> bool {
        match self {
            Self::Exactly(wanted) => wanted == number,
            Self::After(last) => number > last,
        }
    }

    /// Whether everything that `other` means is meant.
    pub(super) const fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::Exactly(wanted), Self::Exactly(number)) => wanted == number,
            (Self::Exactly(_), Self::After(_)) => false,
            (Self::After(last), Self::Exactly(number)) => number > last,
            (Self::After(last), Self::After(other)) => other >= last,
        }
    }
}

/// Which steps a rule applies to: all that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Number of the connection in the case, from 1.
    pub connection: Option<Spanned<Ordinal>>,
    /// Phase of the session.
    pub phase: Option<Spanned<Phase>>,
    /// The command, or the step that has no verb.
    pub command: Option<Spanned<Command>>,
    /// Which occurrence of the command in its connection, from 1.
    pub nth: Option<Spanned<Ordinal>>,
    /// A text that the argument must hold, in any case.
    pub argument: Option<Spanned<String>>,
    /// Whether the connection must be under TLS, or must not.
    pub tls: Option<Spanned<bool>>,
    /// After how many bytes of message content the rule acts, counted as they cross the wire: stuffed dots and line ends
    /// included. Only for [`Command::Content`], whose end such a rule does not wait for.
    pub at: Option<Spanned<u64>>,
}

/// How the server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a FIN.
    Close,
    /// With a RST.
    Reset,
    /// With a FIN of its own side only: it says nothing more, and reads on for as long as the client sends.
    HalfClose,
}

pub(super) const ENDINGS: [(&str, Ending); 3] = [
    ("close", Ending::Close),
    ("reset", Ending::Reset),
    ("half-close", Ending::HalfClose),
];

/// What the server does instead of its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It says something, and may end the connection after it.
    Reply {
        /// The bytes.
        reply: Reply,
        /// Whether every byte goes out in a segment of its own.
        drip: bool,
        /// How the connection ends after them, if it does.
        then: Option<Ending>,
    },
    /// It ends the connection without a word.
    End(Ending),
    /// It reads nothing for so long, and then goes on as if there were no rule.
    StopReading(Duration),
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which server follows it.
    pub server: ServerName,
    /// When.
    pub selector: Selector,
    /// Whether the case proves nothing unless the rule was used.
    pub must_fire: bool,
    /// What.
    pub action: Action,
    /// Where the rule is written.
    pub span: Range<usize>,
}

/// A rule as it was read: what it does may be wrong, and when it applies is looked at all the same.
pub(super) struct Draft {
    /// The server that is named, if one is.
    pub(super) server: Option<Spanned<ServerName>>,
    pub(super) selector: Selector,
    /// Whether the selector was read without a problem, and so means what it says.
    pub(super) sound: bool,
    must_fire: bool,
    action: Option<Action>,
}

impl Draft {
    /// The server that follows the rule.
    pub(super) fn server_name(&self) -> ServerName {
        self.server
            .as_ref()
            .map_or(ServerName::Main, |server| server.value)
    }

    pub(super) fn finish(self, span: Range<usize>) -> Option<Rule> {
        Some(Rule {
            server: self.server_name(),
            selector: self.selector,
            must_fire: self.must_fire,
            action: self.action?,
            span,
        })
    }
}

/// Reads one rule.
pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<Draft>> {
    let mut table = Table::open("[[on]]", value, problems)?;
    let before = problems.len();
    let server = table.optional("server", problems, choice(&ServerName::NAMES));
    let selector = Selector {
        connection: table.optional("connection", problems, ordinal),
        phase: table.optional("phase", problems, choice(&Phase::NAMES)),
        command: table.optional("command", problems, command),
        nth: table.optional("nth", problems, ordinal),
        argument: table.optional("argument", problems, text),
        tls: table.optional("tls", problems, boolean),
        at: table.optional("at", problems, integer::<u64>),
    };
    let sound = problems.len() == before;
    let must_fire = table
        .optional("must_fire", problems, boolean)
        .is_none_or(|flag| flag.value);
    let action = action(&mut table, problems);
    let span = table.span();
    table.finish(problems);
    Some(Spanned {
        value: Draft {
            server,
            selector,
            sound,
            must_fire,
            action,
        },
        span,
    })
}

/// What a rule can do: exactly one of these.
const ACTIONS: [&str; 5] = ["reply", "close", "reset", "half_close", "stop_reading"];

fn action(table: &mut Table<'_, '_>, problems: &mut Problems) -> Option<Action> {
    let reply = table.optional("reply", problems, reply::read);
    let drip = table.optional("drip", problems, set);
    let then = table.optional("then", problems, choice(&ENDINGS));
    let ending = |ending| move |()| Action::End(ending);
    let others = [
        table
            .optional("close", problems, set)
            .map(ending(Ending::Close)),
        table
            .optional("reset", problems, set)
            .map(ending(Ending::Reset)),
        table
            .optional("half_close", problems, set)
            .map(ending(Ending::HalfClose)),
        table
            .optional("stop_reading", problems, duration)
            .map(|pause| Action::StopReading(pause.value)),
    ];
    if !one_thing(table, problems) {
        return None;
    }
    if table.key_span("reply").is_none() {
        for key in ["then", "drip"] {
            if let Some(span) = table.key_span(key) {
                let message = format!("`{key}` goes with a `reply`, and there is none");
                problems.add(Code::Conflict, span, message);
                return None;
            }
        }
    }
    let reply = reply.map(|reply| Action::Reply {
        reply: reply.value,
        drip: drip.is_some(),
        then: then.map(|then| then.value),
    });
    reply.or_else(|| others.into_iter().flatten().next())
}

/// Whether the rule has exactly one action; reports it where not.
fn one_thing(table: &Table<'_, '_>, problems: &mut Problems) -> bool {
    let written: Vec<_> = ACTIONS
        .iter()
        .filter_map(|key| Some((*key, table.key_span(key)?)))
        .collect();
    match written.as_slice() {
        [_] => true,
        [] => {
            problems
                .add(Code::MissingKey, table.span(), "the rule does nothing")
                .help("give it one of `reply`, `close = true`, `reset = true`, `half_close = true`, `stop_reading`");
            false
        }
        [(first, first_span), (second, span), ..] => {
            problems
                .add(Code::Conflict, span.clone(), format!("`{second}` contradicts `{first}`: a rule does one thing"))
                .help("to end the connection after a reply, write `then = \"close\"` or `then = \"reset\"`")
                .related(first_span.clone(), "the first");
            false
        }
    }
}

/// A number, or `">2"` for all that come after the second.
fn ordinal(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<Ordinal>> {
    if !value.get_ref().is_str() {
        let number = integer::<u32>(value, problems)?;
        return Some(Spanned {
            value: Ordinal::Exactly(number.value),
            span: number.span,
        });
    }
    let text = text(value, problems)?;
    let after = text.value.strip_prefix('>').map(str::trim);
    let digits = after.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
    if let Some(last) = digits.and_then(|digits| digits.parse().ok()) {
        return Some(Spanned {
            value: Ordinal::After(last),
            span: text.span,
        });
    }
    problems
        .add(
            Code::BadValue,
            text.span,
            format!("`{}` does not say which one", text.value.escape_debug()),
        )
        .help("write a number, 2 for the second, or \">2\" for all after the second");
    None
}

/// A switch that is written `true` or not at all.
fn set(value: &Value<'_>, problems: &mut Problems) -> Option<()> {
    let flag = boolean(value, problems)?;
    if flag.value {
        return Some(());
    }
    problems.add(
        Code::BadValue,
        flag.span,
        "this is written `true` or left out",
    );
    None
}

fn command(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<Command>> {
    let name = text(value, problems)?;
    if let Some(command) = Command::ALL
        .iter()
        .find(|command| command.name().eq_ignore_ascii_case(&name.value))
    {
        return Some(Spanned {
            value: *command,
            span: name.span,
        });
    }
    let names: Vec<_> = Command::ALL.iter().map(|command| command.name()).collect();
    let help = nearest(&name.value, &names).map_or_else(
        || format!("known: {}", quoted(&names)),
        |near| format!("did you mean `{near}`?"),
    );
    problems
        .add(
            Code::NeverMatches,
            name.span,
            format!(
                "`{}` is no command of SMTP: the rule never matches",
                name.value
            ),
        )
        .help(help);
    None
}
