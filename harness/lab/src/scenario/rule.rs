//! `[[on]]`: what the server does differently, and when.

use std::ops::Range;

use super::decode::{Problems, Table, Value, nearest, quoted};
use super::reply::{self, Reply};
use super::values::{boolean, choice, integer, text};
use super::{Code, Command, Phase, Spanned};

/// Which steps a rule applies to: all that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Number of the connection in the case, from 1.
    pub connection: Option<Spanned<u32>>,
    /// Phase of the session.
    pub phase: Option<Spanned<Phase>>,
    /// The command, or the step that has no verb.
    pub command: Option<Spanned<Command>>,
    /// Which occurrence of the command in its connection, from 1.
    pub nth: Option<Spanned<u32>>,
    /// A text that the argument must hold, in any case.
    pub argument: Option<Spanned<String>>,
    /// Whether the connection must be under TLS, or must not.
    pub tls: Option<Spanned<bool>>,
}

/// How the server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a FIN.
    Close,
    /// With a RST.
    Reset,
}

/// What the server does instead of its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It says something, and may end the connection after it.
    Reply {
        /// The bytes.
        reply: Reply,
        /// How the connection ends after them, if it does.
        then: Option<Ending>,
    },
    /// It ends the connection without a word.
    End(Ending),
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
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
    pub(super) selector: Selector,
    /// Whether the selector was read without a problem, and so means what it says.
    pub(super) sound: bool,
    must_fire: bool,
    action: Option<Action>,
}

impl Draft {
    pub(super) fn finish(self, span: Range<usize>) -> Option<Rule> {
        Some(Rule {
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
    let selector = Selector {
        connection: table.optional("connection", problems, integer::<u32>),
        phase: table.optional("phase", problems, choice(&Phase::NAMES)),
        command: table.optional("command", problems, command),
        nth: table.optional("nth", problems, integer::<u32>),
        argument: table.optional("argument", problems, text),
        tls: table.optional("tls", problems, boolean),
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
            selector,
            sound,
            must_fire,
            action,
        },
        span,
    })
}

fn action(table: &mut Table<'_, '_>, problems: &mut Problems) -> Option<Action> {
    let reply = table.optional("reply", problems, reply::read);
    let close = table.optional("close", problems, set);
    let reset = table.optional("reset", problems, set);
    let endings = [("close", Ending::Close), ("reset", Ending::Reset)];
    let then = table.optional("then", problems, choice(&endings));
    let written: Vec<_> = ["reply", "close", "reset"]
        .iter()
        .filter_map(|key| Some((*key, table.key_span(key)?)))
        .collect();
    match written.as_slice() {
        [] => {
            problems
                .add(Code::MissingKey, table.span(), "the rule does nothing")
                .help("give it one of `reply`, `close = true`, `reset = true`");
            return None;
        }
        [(first, first_span), (second, span), ..] => {
            problems
                .add(Code::Conflict, span.clone(), format!("`{second}` contradicts `{first}`: a rule does one thing"))
                .help("to end the connection after a reply, write `then = \"close\"` or `then = \"reset\"`")
                .related(first_span.clone(), "the first");
            return None;
        }
        [_] => {}
    }
    if let (None, Some(span)) = (table.key_span("reply"), table.key_span("then")) {
        problems.add(
            Code::Conflict,
            span,
            "`then` comes after a `reply`, and there is none",
        );
        return None;
    }
    match (reply, close, reset) {
        (Some(reply), ..) => Some(Action::Reply {
            reply: reply.value,
            then: then.map(|then| then.value),
        }),
        (_, Some(()), _) => Some(Action::End(Ending::Close)),
        (.., Some(())) => Some(Action::End(Ending::Reset)),
        _ => None,
    }
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
