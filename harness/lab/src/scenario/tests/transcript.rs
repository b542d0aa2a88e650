//! Transcripts: what each line means, and how mistakes are shown in their line.

use super::*;

/// A dialogue as an RFC would have it, with every directive.
const DIALOGUES: &str = r#"
[server]
tls = "starttls"
"#;

fn file(transcript: &str) -> String {
    format!("{MINIMAL}transcript = \"\"\"\n{transcript}\n\"\"\"\n{DIALOGUES}")
}

fn acts(transcript: &str) -> Vec<Vec<Act>> {
    let scenario = parse(&file(transcript));
    let dialogues = scenario.transcript.expect("a transcript").dialogues;
    dialogues
        .into_iter()
        .map(|dialogue| dialogue.lines.into_iter().map(|line| line.act).collect())
        .collect()
}

#[test]
fn every_line_means_what_it_says() {
    let acts = acts(
        "# a comment\nS: 220 hello\n  C: EHLO *\nS:250 x\nS:\n\n(tls)\nC: (content)\n(content)\n(wait 2s)\n\
         (read 10)\n(hex 32 0a)\n(flush)\n(close)\n(connection)\n(half-close)\n(connection)\n(reset)",
    );
    let send = |text: &str| Act::Send(text.as_bytes().to_vec());
    assert_eq!(acts.len(), 3);
    assert_eq!(acts[0][0], send("220 hello\r\n"));
    assert!(matches!(&acts[0][1], Act::Expect(pattern) if pattern.text == "EHLO *"));
    assert_eq!(
        acts[0][2..],
        [
            send("250 x\r\n"),
            send("\r\n"),
            Act::Tls,
            Act::Content,
            Act::Content,
            Act::Wait(Duration::from_secs(2)),
            Act::Read(10),
            send("2\n"),
            Act::Flush,
            Act::End(Ending::Close),
        ]
    );
    assert_eq!(acts[1], [Act::End(Ending::HalfClose)]);
    assert_eq!(acts[2], [Act::End(Ending::Reset)]);
}

#[test]
fn a_mistake_in_a_transcript_is_shown_in_its_line() {
    let text = file("S: 220 hello\nC: EHLO *\n  (wiat 2s)\nquit\n(close)\nS: 250 late");
    insta::assert_snapshot!(problems(&text), @r#"
    error[bad-value]: there is no directive `(wiat 2s)`
     --> scenarios/envelope/x.toml:6:3
      |
    6 |   (wiat 2s)
      |   ^^^^^^^^^
      |
      = help: did you mean `wait`?

    error[bad-value]: a line of a transcript is `S: …`, `C: …` or a directive in parentheses
     --> scenarios/envelope/x.toml:7:1
      |
    7 | quit
      | ^^^^
      |
      = help: the directives are `content`, `read`, `hex`, `flush`, `wait`, `tls`, `close`, `reset`, `half-close`, `connection`; a comment begins with `#`

    error[never-matches]: the connection has ended before this line: it is never played
     --> scenarios/envelope/x.toml:9:1
      |
    8 | (close)
      | ------- it ends here
    9 | S: 250 late
      | ^^^^^^^^^^^
      |
      = help: the dialogue of the next connection begins with `(connection)`
    "#);
}

#[test]
fn other_mistakes_are_found() {
    for (text, expected) in [
        (file(""), "a connection of this transcript has no line"),
        (file("S: 220 x\n(connection)"), "has no line"),
        (file("(connection)\nS: 220 x"), "nothing is played before"),
        (file("(wait 2)"), "write how long"),
        (file("(wait)"), "write how long"),
        (file("(read many)"), "write how many bytes"),
        (file("(hex 3)"), "write bytes"),
        (file("(close now)"), "`(close)` takes nothing"),
        (file("C: (close)"), "a client does not send `(close)`"),
        (
            format!("{MINIMAL}transcript = \"S: 220 x\\n(tls)\""),
            "the server does no TLS",
        ),
        (
            format!("{MINIMAL}transcript = \"(tls)\"\n[server]\ntls = \"implicit\"\n"),
            "TLS is up from the first byte",
        ),
        (
            format!("{MINIMAL}transcript = \"S: 220 x\"\n[[on]]\nclose = true\n"),
            "leaves no room for rules",
        ),
        (
            format!("{MINIMAL}transcript = [\"S: 220 x\"]\n"),
            "expected a string, found a list",
        ),
    ] {
        let shown = problems(&text);
        assert!(shown.contains(expected), "{text}\n{shown}");
    }
}

#[test]
fn places_are_right_whatever_quotes_are_used_and_wide_where_escapes_hide_them() {
    let line_of = |text: &str| {
        let shown = problems(text);
        let place = shown.split("x.toml:").nth(1).unwrap_or_default();
        place.split('\n').next().unwrap_or_default().to_owned()
    };
    let literal = format!("{MINIMAL}transcript = \'\'\'S: 220 \\x\r\n(clsoe)\'\'\'\n");
    assert_eq!(line_of(&literal), "4:1");
    let one_line = format!("{MINIMAL}transcript = \'(clsoe)\'\n");
    assert_eq!(line_of(&one_line), "3:15");
    let escaped = format!("{MINIMAL}transcript = \"S: 220 x\\n(clsoe)\"\n");
    assert_eq!(line_of(&escaped), "3:14", "the whole string");
}

proptest::proptest! {
    #[test]
    fn no_transcript_makes_the_reader_panic(
        text in "(S: |C: |\\(|\\)|content|wait|read|hex|2s|1|\n| |\\*|ö|#|connection|close){0,30}",
    ) {
        let file = format!("{MINIMAL}transcript = \'\'\'{text}\'\'\'\n");
        if let Err(problems) = Scenario::parse("x.toml", &file) {
            proptest::prop_assert!(problems.to_string().starts_with("error["));
        }
    }
}
