//! Does the client hand control characters from the server on to whoever reads its output?

use smtp::timeline::{EventKind, Reply};

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "control-characters-repeated",
    observed_when: "what the client wrote for people holds a control character that a reply brought, as it came",
    trigger: "a reply held control characters, and what the client wrote is known",
    method: "Each control character of a reply, with the characters that follow it, is looked for in the client's output: its \
             log, or the reason that it gives for a failure. A terminal obeys such characters, and a log viewer may: a server \
             could rewrite lines that were shown before. The output is the client's own word; the reply is from the wire.",
    references: &["RFC 5321 4.2", "CWE 117", "CWE 150"],
    run,
};

/// How many characters after the control character have to follow it in the output, too.
const CONTEXT: usize = 8;
/// How many places are looked for.
const MOST_PLACES: usize = 64;

fn run(subject: &Subject<'_>) -> Finding {
    let replies = subject.timeline().events.iter().filter_map(|event| match &event.kind {
        EventKind::Reply(reply) => Some((event, reply)),
        _ => None,
    });
    let places: Vec<_> = replies
        .flat_map(|(event, reply)| needles(reply).into_iter().map(move |needle| (event, needle)))
        .take(MOST_PLACES)
        .collect();
    let Some((first, _)) = places.first() else {
        return Finding::undetermined("no reply held a control character");
    };
    let Some(said) = &subject.given().said else {
        return Finding::undetermined("what the client wrote is not known");
    };
    let repeated = places.iter().find(|(_, needle)| memchr::memmem::find(said.expose(), needle.as_bytes()).is_some());
    match repeated {
        Some((event, needle)) => {
            let number = needle.chars().next().map_or(0, u32::from);
            Finding::observed(
                format!("the client repeated U+{number:04X} out of a reply"),
                vec![Evidence::event(event, "the reply that it came in")],
            )
        }
        None => Finding::not_observed(
            "what the client wrote holds none of the control characters of the reply",
            vec![Evidence::event(first, "a reply with control characters")],
        ),
    }
}

/// Each control character of a reply, with what follows it. Line ends and tabs are everywhere, and harmless.
fn needles(reply: &Reply) -> Vec<String> {
    let mut found = Vec::new();
    for line in &reply.lines {
        let controls = line.char_indices().filter(|(_, one)| one.is_control() && !matches!(one, '\t' | '\r' | '\n'));
        let rest = controls.map(|(at, _)| line[at..].chars().take(1 + CONTEXT).collect::<String>());
        // At the very end of a line nothing tells where the character came from.
        found.extend(rest.filter(|needle| needle.chars().count() > 1).take(MOST_PLACES));
    }
    found
}

#[cfg(test)]
mod tests {
    use smtp::Secret;

    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(reply: &str, said: Option<&str>) -> Seen {
        let given = Given { said: said.map(Secret::new), ..Given::default() };
        find(&CHECK, Talk::ehlo(&[]).cs("RCPT TO:<a@b.example>", reply).quit(), given)
    }

    const REPLY: &str = "550 \u{1b}[2J\u{1b}[31mowned \u{7}bell";

    #[test]
    fn repeated_as_it_came() {
        let said = "error: server said: 550 \u{1b}[2J\u{1b}[31mowned\n";
        seen(REPLY, Some(said)).observed("U+001B", &["550 \u{1b}[2J…"]);
        seen(REPLY, Some("\u{7}bell")).observed("U+0007", &["550…"]);
    }

    #[test]
    fn escaped_or_kept_quiet() {
        seen(REPLY, Some("550 \\x1b[2J\\x1b[31mowned")).not_observed("holds none", &["550 \u{1b}[2J…"]);
        // Colours of its own are no repetition.
        seen(REPLY, Some("\u{1b}[31merror\u{1b}[0m: 550")).not_observed("holds none", &["550…"]);
    }

    #[test]
    fn nothing_to_repeat_or_nothing_known() {
        seen("550 no", Some("550 no")).undetermined("no reply held");
        seen(REPLY, None).undetermined("not known");
        seen("550 end\u{7}", Some("550 end\u{7}")).undetermined("no reply held");
    }
}
