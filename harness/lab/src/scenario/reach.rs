//! Rules that can never match. Such a rule is a mistake of its author, who believes that something is being tested.

use super::decode::Problems;
use super::rule::{Draft, Ordinal, Selector};
use super::{Code, Command, Phase, ServerName, Spanned, TlsMode};

/// Reports every rule that no session can make fire. `tls` says how a server does TLS, where that is known: not where that key
/// itself was wrong.
pub(super) fn check(
    tls: impl Fn(ServerName) -> Option<TlsMode>,
    rules: &[Spanned<Draft>],
    problems: &mut Problems,
) {
    for (place, rule) in rules.iter().enumerate() {
        let selector = &rule.value.selector;
        let server = rule.value.server_name();
        let before = problems.len();
        by_itself(tls(server), selector, problems);
        if problems.len() > before || !rule.value.sound {
            continue;
        }
        let mut earlier = rules
            .iter()
            .take(place)
            .filter(|earlier| earlier.value.sound && earlier.value.server_name() == server);
        let earlier = earlier.find(|earlier| covers(&earlier.value.selector, selector));
        if let Some(earlier) = earlier {
            problems
                .add(
                    Code::NeverMatches,
                    rule.span.clone(),
                    "an earlier rule matches whenever this one would",
                )
                .help("the first match wins: put the narrower rule first")
                .related(earlier.span.clone(), "the earlier rule");
        }
    }
}

/// Counting begins at 1, so this is none at all.
const NONE: Ordinal = Ordinal::Exactly(0);

/// What is wrong with one selector on its own.
fn by_itself(tls: Option<TlsMode>, selector: &Selector, problems: &mut Problems) {
    let mut never = |span: &std::ops::Range<usize>, why: String| {
        problems.add(Code::NeverMatches, span.clone(), why);
    };
    if let Some(Spanned { value: NONE, span }) = &selector.connection {
        never(
            span,
            "connections are counted from 1: the rule never matches".into(),
        );
    }
    if let Some(Spanned { value: NONE, span }) = &selector.nth {
        never(
            span,
            "occurrences are counted from 1: the rule never matches".into(),
        );
    }
    let command = selector.command.as_ref().map(|command| command.value);
    if let (Some(command), Some(phase)) = (command, &selector.phase)
        && !possible(command, phase.value)
    {
        never(
            &phase.span,
            format!(
                "`{}` never comes in the phase `{}`",
                command.name(),
                phase.value.name()
            ),
        );
    }
    let at_greeting = command == Some(Command::Greeting)
        || selector
            .phase
            .as_ref()
            .is_some_and(|p| p.value == Phase::Greeting);
    if let (true, Some(nth)) = (at_greeting, &selector.nth)
        && nth.value != NONE
        && !nth.value.holds(1)
    {
        never(
            &nth.span,
            "a connection has one greeting: the rule never matches".into(),
        );
    }
    let in_content = selector
        .phase
        .as_ref()
        .is_some_and(|phase| phase.value == Phase::Content);
    if let Some(argument) = &selector.argument
        && (at_greeting || in_content || command.is_some_and(|command| !command.has_argument()))
    {
        never(
            &argument.span,
            "this step has no argument: the rule never matches".into(),
        );
    }
    if let Some(at) = &selector.at
        && command != Some(Command::Content)
    {
        never(
            &at.span,
            "`at` counts bytes of message content, and the rule is not for it: write `command = \"CONTENT\"`".into(),
        );
    }
    match (&selector.tls, tls) {
        (Some(Spanned { value: true, span }), Some(TlsMode::None)) => {
            never(
                span,
                "the server does no TLS: the rule never matches".into(),
            );
        }
        (Some(Spanned { value: false, span }), Some(TlsMode::Implicit)) => {
            never(
                span,
                "the server does TLS from the first byte: the rule never matches".into(),
            );
        }
        (Some(Spanned { value: true, span }), Some(TlsMode::StartTls)) if at_greeting => {
            never(
                span,
                "the greeting comes before STARTTLS: the rule never matches".into(),
            );
        }
        _ => {}
    }
}

/// Whether a command can come in a phase.
fn possible(command: Command, phase: Phase) -> bool {
    match command.phase() {
        Some(own) => own == phase,
        // Nothing without a phase of its own can be said before the greeting, or while content is sent, or after QUIT.
        None => !matches!(phase, Phase::Greeting | Phase::Quit),
    }
}

/// Whether `wide` matches every step that `narrow` matches.
fn covers(wide: &Selector, narrow: &Selector) -> bool {
    let same = |wide: Option<u64>, narrow: Option<u64>| wide.is_none() || wide == narrow;
    let number =
        |wide: &Option<Spanned<Ordinal>>, narrow: &Option<Spanned<Ordinal>>| match (wide, narrow) {
            (None, _) => true,
            (Some(wide), Some(narrow)) => wide.value.covers(narrow.value),
            (Some(_), None) => false,
        };
    // A rule inside content and one at its end never meet.
    let at = |selector: &Selector| selector.at.as_ref().map(|at| at.value);
    let flag = |value: &Option<Spanned<bool>>| value.as_ref().map(|value| u64::from(value.value));
    let command = |selector: &Selector| selector.command.as_ref().map(|command| command.value);
    let phase = |selector: &Selector| {
        let written = selector.phase.as_ref().map(|phase| phase.value);
        written.or_else(|| command(selector).and_then(Command::phase))
    };
    let argument = match (&wide.argument, &narrow.argument) {
        (None, _) => true,
        (Some(wide), Some(narrow)) => narrow
            .value
            .to_ascii_lowercase()
            .contains(&wide.value.to_ascii_lowercase()),
        (Some(_), None) => false,
    };
    argument
        && at(wide) == at(narrow)
        && number(&wide.connection, &narrow.connection)
        && number(&wide.nth, &narrow.nth)
        && same(flag(&wide.tls), flag(&narrow.tls))
        && (command(wide).is_none() || command(wide) == command(narrow))
        && (wide.phase.is_none() || phase(wide) == phase(narrow))
}
