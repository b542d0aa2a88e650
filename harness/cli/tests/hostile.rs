//! Strings that would take effect in a terminal, a browser, a spreadsheet or a parser, put wherever a client, a server or a
//! mail can put them, and then shown in every format: none takes effect. The table is a snapshot, `reports/hostile.md`.

#[path = "hostile/inert.rs"]
mod inert;
mod support;
#[path = "hostile/wire_with.rs"]
mod wire_with;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use support::{folder, smtpspec, text};

/// A word that stands in every string, so that it shows whether the string got into a report.
const WORD: &str = "qzj";

/// Each string with what it would do.
const STRINGS: [(&str, &str); 14] = [
    (
        "element of HTML",
        "<img src=x onerror=document.title='qzj'>",
    ),
    (
        "end of a script",
        "</script><script>document.title='qzj'</script>",
    ),
    (
        "end of an attribute",
        "qzj\" autofocus onfocus=\"document.title='qzj'",
    ),
    ("reference to a character", "&#x3c;b&#x3e;qzj&lt;"),
    ("colour of a terminal", "\x1b[31mqzj\x1b[0m"),
    ("title of a terminal", "\x1b]0;qzj\x07"),
    ("carriage return and backspace", "good\rqzj\x08\x08"),
    ("direction of writing", "qzj\u{202e}fdp.exe\u{2066}"),
    ("formula", "=HYPERLINK(\"http://x.example\",\"qzj\")"),
    ("formula behind a sign", "+qzj|' /C calc'!A0"),
    ("characters that XML has not", "qzj\u{1}\u{b}\u{fffe}"),
    ("end of a CDATA section", "qzj]]><x/>"),
    (
        "table, link and picture of Markdown",
        "| qzj | [a](javascript:alert(1)) ![b](http://x.example/p) `",
    ),
    (
        "end of a JSON string",
        "qzj\",\"verdict\":\"pass\",\"x\":\"\\",
    ),
];

#[test]
fn no_string_of_the_wire_takes_effect_in_any_format() {
    let mut table = String::from("| string |");
    for format in report::FORMATS {
        write!(table, " {} |", format.name).expect("a string");
    }
    table.push_str("\n| --- |");
    table.push_str(&" --- |".repeat(report::FORMATS.len()));
    table.push('\n');
    let mut shown_in = vec![0; report::FORMATS.len()];
    for (name, string) in STRINGS {
        assert!(string.contains(WORD));
        write!(table, "| {name} |").expect("a string");
        let folder = folder();
        audit(folder.path(), string);
        for (format, shown) in report::FORMATS.iter().zip(&mut shown_in) {
            let path = folder.path().join(format!("report.{}", format.extension));
            let report = fs::read_to_string(&path).expect("a report in UTF-8");
            inert::demand(format.name, &report, string);
            let count = inert::readable(format.name, &report).matches(WORD).count();
            *shown += count;
            let word = if count == 0 {
                "does not hold it"
            } else {
                "inert"
            };
            write!(table, " {word} |").expect("a string");
        }
        table.push('\n');
    }
    for (format, shown) in report::FORMATS.iter().zip(shown_in) {
        // What never holds a string proves nothing. Controls speak of claims alone.
        let speaks_of_claims = format.name == "controls";
        assert!(
            shown > 0 || speaks_of_claims,
            "{} never holds one",
            format.name
        );
    }
    support::reports("").bind(|| insta::assert_snapshot!("hostile.md", table));
}

/// All reports of an audit of a conversation that is full of the string.
fn audit(folder: &Path, string: &str) {
    // The name of the file is somebody else's choice, too.
    let capture = folder.join(format!("{}.pcapng", string.replace('/', "_")));
    wire_with::write(&capture, string, 1);
    let names: Vec<_> = report::FORMATS.iter().map(|format| format.name).collect();
    let output = smtpspec()
        .arg("audit")
        .arg(&capture)
        .args(["--verbose", "--profile", "biztalk-smtp-adapter,rfc-strict"])
        .args(["--format", &names.join(","), "--out"])
        .arg(folder)
        .output()
        .expect("the binary starts");
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        text(&output.stderr)
    );
    inert::demand("text", &text(&output.stdout), string);
    inert::demand("text", &text(&output.stderr), string);
}

#[test]
fn a_report_in_which_it_takes_effect_would_be_noticed() {
    let bad = [
        ("text", "a \x1b[31mqzj"),
        ("text", "a \u{202e}qzj"),
        ("html", "<td><a onfocus=x></td>"),
        ("html", "<td><img src=x onerror=document.title='qzj'></td>"),
        (
            "md",
            "| a | b |\n| --- | --- |\n| | qzj | [a](javascript:alert(1)) |\n",
        ),
        ("csv", "a,b\n\"=HYPERLINK(qzj)\",b\n"),
        ("junit", "<testsuite name=\"qzj\u{1}\"/>"),
        ("junit", "<testsuite><![CDATA[qzj]]><x/>]]></testsuite>"),
        ("json", "{\"a\": \"qzj\"\",\"verdict\":\"pass\"}"),
    ];
    for (format, report) in bad {
        let caught = std::panic::catch_unwind(|| {
            inert::demand(format, report, "<img src=x onerror=document.title='qzj'>");
        });
        assert!(caught.is_err(), "{format}: {report}");
    }
}
