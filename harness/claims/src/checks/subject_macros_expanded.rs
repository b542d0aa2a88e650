//! Do the macros of the Subject turn into what they stand for?

use super::each;
use crate::given::GivenSubject;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "subject-macros-expanded",
    observed_when: "the Subject is the configured one, with each macro that has a value replaced by it",
    trigger: "a message was sent whose configured Subject holds a macro that has a value",
    method: "The configured Subject is laid over the Subject field: names of parties and the id of the message must stand \
             there as they are known, dates and times in their documented form. Names of partners then cross in the header, \
             which no encryption of the body hides.",
    references: &["RFC 5322 3.6.5"],
    run,
};

/// The documented macros.
pub(super) const NAMES: [&str; 10] = [
    "MessageID",
    "datetime",
    "datetime_bts2000",
    "datetime.tz",
    "time",
    "time.tz",
    "SourceParty",
    "SourcePartyQualifier",
    "DestinationParty",
    "DestinationPartyQualifier",
];

/// What must stand somewhere in the Subject.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// `0` for a digit, `?` for one that can be missing, `+` for a sign, anything else for itself.
    Shape(&'static str),
}

fn run(subject: &Subject<'_>) -> Finding {
    let template = match &subject.given().subject {
        Some(GivenSubject::Text(template)) => template,
        Some(GivenSubject::Default { .. }) => {
            return Finding::not_applicable("about a Subject that is configured with macros");
        }
        None => return Finding::undetermined("whether a Subject is configured is not known"),
    };
    let (pieces, replaced) = pieces(template, &subject.given().configured.macros);
    if !replaced {
        return Finding::not_applicable("about a Subject with a macro that has a value");
    }
    each::message(subject, Observation::NotObserved, |sent| judge(subject, sent, &pieces))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>, pieces: &[Piece<'_>]) -> Finding {
    if each::is_control(subject, sent) {
        return Finding::undetermined("the control message: its Subject is not the configured one");
    }
    let Some(field) = sent.message.header("Subject") else {
        return match sent.incomplete() {
            Some(reason) => Finding::undetermined(reason),
            None => Finding::not_observed("the message has no Subject field", vec![sent.all("the message")]),
        };
    };
    let evidence = vec![sent.evidence(field.range.clone(), "Subject field")];
    if matches(&field.decoded, pieces) {
        return Finding::observed("the Subject holds what its macros stand for", evidence);
    }
    match sent.incomplete() {
        Some(reason) => Finding::undetermined(reason),
        None => Finding::not_observed("the Subject is not the configured one with its macros replaced", evidence),
    }
}

/// What a template turns into, and whether any macro of it is replaced.
fn pieces<'a>(template: &'a str, macros: &'a [(String, Option<String>)]) -> (Vec<Piece<'a>>, bool) {
    let mut pieces = Vec::new();
    let mut replaced = false;
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        let name = rest[at + 1..].split('%').next().unwrap_or_default();
        let known = macros.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.as_deref());
        let ended = rest.as_bytes()[at + 1..].get(name.len()) == Some(&b'%');
        let piece = match name {
            "datetime" => Some(Piece::Shape("0000-00-00T000000")),
            "datetime_bts2000" => Some(Piece::Shape("000000000000000")),
            "datetime.tz" => Some(Piece::Shape("0000-00-00T000000+000?")),
            "time" => Some(Piece::Shape("000000")),
            "time.tz" => Some(Piece::Shape("000000+000?")),
            _ => known.map(Piece::Text),
        };
        match piece.filter(|_| ended) {
            Some(piece) => {
                pieces.push(Piece::Text(&rest[..at]));
                pieces.push(piece);
                replaced = true;
                rest = &rest[at + name.len() + 2..];
            }
            // The text between two percent signs that is no macro with a value stays, its second sign too.
            None if ended && is_name(name) => {
                pieces.push(Piece::Text(&rest[..at + name.len() + 2]));
                rest = &rest[at + name.len() + 2..];
            }
            None => {
                pieces.push(Piece::Text(&rest[..=at]));
                rest = &rest[at + 1..];
            }
        }
    }
    pieces.push(Piece::Text(rest));
    (pieces, replaced)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}

/// Whether the pieces, one behind the other, are the text. Every place where a piece can end is followed at once.
fn matches(text: &str, pieces: &[Piece<'_>]) -> bool {
    let text = text.trim();
    let mut places = vec![0];
    let last = pieces.len().saturating_sub(1);
    for (number, piece) in pieces.iter().enumerate() {
        let mut next = Vec::new();
        for place in places {
            let rest = &text.as_bytes()[place..];
            match piece {
                Piece::Text(wanted) => {
                    // A Subject has no blanks at its ends on the wire.
                    let wanted = if number == 0 { wanted.trim_start() } else { wanted };
                    let wanted = if number == last { wanted.trim_end() } else { wanted };
                    if rest.starts_with(wanted.as_bytes()) {
                        next.push(place + wanted.len());
                    }
                }
                Piece::Shape(shape) => next.extend(shape_ends(rest, shape).map(|end| place + end)),
            }
        }
        next.sort_unstable();
        next.dedup();
        places = next;
    }
    places.contains(&text.len())
}

/// Where a shape can end that begins at the beginning of `text`.
fn shape_ends(text: &[u8], shape: &str) -> impl Iterator<Item = usize> {
    let fits = |shape: &str| {
        let holds = |(at, wanted): (usize, u8)| {
            text.get(at).is_some_and(|found| match wanted {
                b'0' | b'?' => found.is_ascii_digit(),
                b'+' => matches!(found, b'+' | b'-'),
                other => *found == other,
            })
        };
        shape.bytes().enumerate().all(holds).then_some(shape.len())
    };
    [fits(shape), shape.strip_suffix('?').and_then(fits)].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;
    use crate::given::Withheld;

    fn macros() -> Vec<(String, Option<String>)> {
        [("MessageID", Some("0f8f")), ("SourceParty", Some("Contoso")), ("DestinationParty", None)]
            .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
            .to_vec()
    }

    fn given(template: &str) -> Given {
        let mut given = Given {
            subject: Some(GivenSubject::Text(template.to_owned())),
            ..Given::default()
        };
        given.configured.macros = macros();
        given
    }

    fn seen(template: &str, talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given(template))
    }

    fn sent(subject: &str) -> Talk {
        Talk::ehlo(&[]).message(&plain(&format!("Subject: {subject}\n"), "x"))
    }

    #[rstest]
    #[case("from %SourceParty%", "from Contoso", true)]
    #[case("from %SourceParty%", "from %SourceParty%", false)]
    #[case("from %SourceParty%", "from Fabrikam", false)]
    #[case("%MessageID%/%DestinationParty%", "0f8f/%DestinationParty%", true)]
    #[case("%MessageID%/%DestinationParty%", "0f8f/", false)]
    #[case("at %datetime%", "at 2026-01-31T120000", true)]
    #[case("at %datetime%", "at 2026-01-31 12:00:00", false)]
    #[case("%datetime_bts2000%", "202601311200001", true)]
    #[case("%datetime.tz%", "2026-01-31T120000+800", true)]
    #[case("%datetime.tz%", "2026-01-31T120000-1130", true)]
    #[case("%time.tz%00", "120000+80000", true)]
    #[case("%time%%time.tz%", "120000120000-330", true)]
    #[case("100% %SourceParty% %", "100% Contoso %", true)]
    #[case("%%MessageID%%", "%0f8f%", true)]
    #[case("%time", "120000", false)]
    #[case("%other%time%", "%other%time%", true)]
    fn templates(#[case] template: &str, #[case] subject: &str, #[case] same: bool) {
        let macros = macros();
        assert_eq!(matches(subject, &pieces(template, &macros).0), same);
    }

    #[test]
    fn replaced_and_not() {
        seen("from %SourceParty%", sent("from Contoso")).observed("stand for", &["Subject: from Contoso\r\n"]);
        seen("from %SourceParty%", sent("from %SourceParty%")).not_observed("is not the configured", &["Subject: …"]);
        let nothing = Talk::ehlo(&[]).message(&plain("", "x"));
        seen("%time%", nothing).not_observed("no Subject", &["From: …"]);
    }

    #[test]
    fn no_macro_with_a_value() {
        seen("Order", sent("Order")).not_applicable("a macro that has a value");
        seen("%DestinationParty%", sent("x")).not_applicable("a macro that has a value");
        let default = Given {
            subject: Some(GivenSubject::Default { message_id: "x".to_owned() }),
            ..Given::default()
        };
        find(&CHECK, sent("x").quit(), default).not_applicable("configured with macros");
    }

    #[test]
    fn what_cannot_be_told() {
        find(&CHECK, sent("x").quit(), Given::default()).undetermined("is not known");
        seen("%time%", Talk::ehlo(&[])).undetermined("no message was sent");
        let torn = Talk::ehlo(&[]).torn(&plain("Subject: 120000\n", "x"), "0000");
        seen("%time%", torn).undetermined("the whole message");
        let mut with_control = given("%time%");
        with_control.withheld = Some(Withheld { control: "ctrl".to_owned() });
        find(&CHECK, sent("ctrl").quit(), with_control).undetermined("the control message");
    }

    proptest::proptest! {
        #[test]
        fn any_template_over_any_subject(template in "[%a-zA-Z.0 ]{0,60}", subject in "\\PC{0,60}") {
            let macros = macros();
            let _ = matches(&subject, &pieces(&template, &macros).0);
        }
    }
}
