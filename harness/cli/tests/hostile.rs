//! Strings that would take effect in a terminal, a browser, a spreadsheet or a parser, put wherever a client, a server or a
//! mail can put them, and then shown in every format: none takes effect. The table is a snapshot, `reports/hostile.md`.

#[path = "hostile/inert.rs"]
mod inert;
mod support;
#[path = "hostile/wire_with.rs"]
mod wire_with;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
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

/// A result may come from somebody else, with anything in any place of it.
#[test]
fn no_string_of_a_result_takes_effect_in_any_format() {
    let folder = folder();
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures");
    let results = [
        vec!["run", "BAS-01", "RPL-01", "--pinned", "--quiet"],
        vec![
            "audit",
            "NLM-01.pcapng",
            "SMI-07.pcapng",
            "--quiet",
            "--profile",
            "biztalk-smtp-adapter,pci-dss-4.0.1",
        ],
    ];
    let names: Vec<_> = report::FORMATS.iter().map(|format| format.name).collect();
    let mut shown = 0;
    for mut arguments in results {
        let out = folder.path().join(arguments[0]);
        let place = out.to_str().expect("text");
        // One format alone would go to standard output.
        arguments.extend(["--format", "json,md", "--out", place]);
        let output = smtpspec().args(&arguments).current_dir(&captures).output();
        let output = output.expect("the binary starts");
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{}",
            text(&output.stderr)
        );
        let result = fs::read_to_string(out.join("report.json")).expect("a result");
        let result: Value = serde_json::from_str(&result).expect("JSON");
        let mut places = BTreeMap::new();
        strings(&result, String::new(), String::new(), &mut places);
        for pointer in places.values() {
            let before = result
                .pointer(pointer)
                .and_then(Value::as_str)
                .expect("a string");
            for odd in [
                format!("{before}<img src=x onerror=document.title='qzj'>\x1b]0;qzj\x07\u{202e}"),
                format!("=qzj|{before}|[a](javascript:alert(1))\"> ` <b>qzj"),
            ] {
                let mut other = result.clone();
                *other.pointer_mut(pointer).expect("it is there") = odd.clone().into();
                let path = folder.path().join("other.json");
                fs::write(&path, other.to_string()).expect("written");
                let output = smtpspec()
                    .arg("report")
                    .arg(&path)
                    .args(["--verbose", "--format", &names.join(","), "--out"])
                    .arg(folder.path())
                    .output()
                    .expect("the binary starts");
                // Some places take certain words alone.
                if output.status.code() == Some(2) {
                    continue;
                }
                shown += 1;
                for format in report::FORMATS {
                    let path = folder.path().join(format!("report.{}", format.extension));
                    let report = fs::read_to_string(&path).expect("a report in UTF-8");
                    let caught =
                        std::panic::catch_unwind(|| inert::demand(format.name, &report, &odd));
                    assert!(caught.is_ok(), "{} with {odd:?} at {pointer}", format.name);
                }
            }
        }
    }
    assert!(shown > 150, "{shown} were read");
}

/// A place of each kind that holds a string: what lists and what names differ by is the same kind.
fn strings(value: &Value, pointer: String, kind: String, places: &mut BTreeMap<String, String>) {
    match value {
        Value::String(_) => {
            places.entry(kind).or_insert(pointer);
        }
        Value::Array(all) => {
            for (at, one) in all.iter().enumerate() {
                strings(one, format!("{pointer}/{at}"), format!("{kind}/*"), places);
            }
        }
        Value::Object(all) => {
            for (key, one) in all {
                let step = key.replace('~', "~0").replace('/', "~1");
                strings(
                    one,
                    format!("{pointer}/{step}"),
                    format!("{kind}/{step}"),
                    places,
                );
            }
        }
        _ => {}
    }
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
