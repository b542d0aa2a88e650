//! What it means for each format that a string does not take effect.

/// Demands that the report is what its format promises, and that the string is nothing but text in it.
pub(crate) fn demand(format: &str, report: &str, string: &str) {
    let odd = report
        .chars()
        .find(|&one| (one.is_control() && !matches!(one, '\n' | '\t')) || turns(one));
    // JSON and its like may hold such characters inside strings only as escapes, and so hold none.
    assert_eq!(odd, None, "{format} drives whatever shows it");
    match format {
        "json" | "sarif" | "oscal" => {
            let read: Result<serde_json::Value, _> = serde_json::from_str(report);
            assert!(read.is_ok(), "{format}: {:?}", read.err());
        }
        "jsonl" => {
            for line in report.lines() {
                let read: Result<serde_json::Value, _> = serde_json::from_str(line);
                assert!(read.is_ok(), "{format}: {:?}", read.err());
            }
        }
        "junit" => xml(report),
        "csv" | "controls" => spreadsheet(report),
        "md" | "comment" => markdown(report),
        "html" => html(report, string),
        _ => {}
    }
}

/// The report as its reader has it, with what is packed unpacked and escapes undone, as far as the word needs.
pub(crate) fn readable(format: &str, report: &str) -> String {
    if format != "html" {
        return report.to_owned();
    }
    let mut all = report.to_owned();
    for piece in packed(report) {
        all.push_str(&piece);
    }
    all
}

/// Whether a character turns the direction of writing or is unseen.
fn turns(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fffe}'..='\u{ffff}'
    )
}

/// Well-formed, without an element that is not JUnit's.
fn xml(report: &str) {
    let mut reader = quick_xml::Reader::from_str(report);
    let known = [
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "error",
        "skipped",
        "properties",
        "property",
        "system-out",
        "system-err",
    ];
    let mut depth = 0;
    loop {
        let event = reader.read_event().expect("well-formed XML");
        let name = match &event {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(start) => {
                depth += 1;
                Some(start.name().as_ref().to_vec())
            }
            quick_xml::events::Event::Empty(start) => Some(start.name().as_ref().to_vec()),
            quick_xml::events::Event::End(_) => {
                depth -= 1;
                None
            }
            _ => None,
        };
        if let Some(name) = name {
            let name = String::from_utf8_lossy(&name).into_owned();
            assert!(known.contains(&name.as_str()), "an element {name}");
        }
    }
    assert_eq!(depth, 0, "every element ends");
}

/// No cell that a spreadsheet would compute, and rows of one length.
fn spreadsheet(report: &str) {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(report.as_bytes());
    for row in reader.records() {
        let row = row.expect("rows of one length");
        for cell in &row {
            let first = cell.trim_start().chars().next();
            assert!(
                !matches!(first, Some('=' | '+' | '-' | '@')),
                "a formula: {cell}"
            );
        }
    }
}

/// No element of HTML but those that reports use, no link that the harness did not make, and tables of one width.
fn markdown(report: &str) {
    let mut width = None;
    let mut fenced = false;
    for line in report.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        let bare = without_code(line);
        let markup = [
            "<img",
            "<script",
            "</script",
            "<b>",
            "<x/>",
            "](javascript:",
            "](http://x.example",
        ];
        for one in markup {
            for (at, _) in bare.match_indices(one) {
                let escapes = bare[..at].chars().rev().take_while(|&one| one == '\\');
                assert!(escapes.count() % 2 == 1, "{one} in {line}");
            }
        }
        if !line.starts_with('|') {
            width = None;
            continue;
        }
        let cells = cells(line);
        assert_eq!(*width.get_or_insert(cells), cells, "another width: {line}");
    }
}

/// A table's bars: a bar divides even inside code, unless it is escaped.
fn cells(line: &str) -> usize {
    let mut before = ' ';
    let mut count = 0;
    for character in line.chars() {
        count += usize::from(character == '|' && before != '\\');
        before = if before == '\\' && character == '\\' {
            ' '
        } else {
            character
        };
    }
    count
}

/// A line without its code spans, in which nothing is a tag or a link.
fn without_code(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let ticks = rest[start..].chars().take_while(|&one| one == '`').count();
        let fence = &rest[start..start + ticks];
        let behind = &rest[start + ticks..];
        out.push_str(&rest[..start]);
        if let Some(end) = behind.find(fence) {
            rest = &behind[end + ticks..];
        } else {
            out.push_str(behind);
            return out;
        }
    }
    out.push_str(rest);
    out
}

/// The string stands nowhere as it is where it would be markup. The browser's own test shows that nothing of it runs.
fn html(report: &str, string: &str) {
    let (markup, _) = report.split_once("<script").unwrap_or((report, ""));
    for dangerous in ["<img", "<x/>", "<b>qzj"] {
        assert!(!report.contains(dangerous), "{dangerous} in the page");
    }
    let scripts = report.matches("<script").count();
    let ends = report.matches("</script>").count();
    assert_eq!(scripts, ends, "every script ends once");
    for tag in tags(markup) {
        assert!(!tag.contains(" on"), "a handler in <{tag}>");
    }
    if string.contains(['<', '"']) {
        assert!(!report.contains(string), "the string as it is");
    }
}

/// The tags of a page, without the values of their attributes.
fn tags(page: &str) -> Vec<String> {
    let mut tags = Vec::new();
    for piece in page.split('<').skip(1) {
        let mut names = String::new();
        let mut quote = None;
        for character in piece.chars() {
            match (quote, character) {
                (None, '>') => break,
                (None, '"' | '\'') => quote = Some(character),
                (None, _) => names.push(character),
                (Some(open), close) if open == close => quote = None,
                (Some(_), _) => {}
            }
        }
        tags.push(names);
    }
    tags
}

/// What is packed in a page: base64 of deflated text.
fn packed(report: &str) -> Vec<String> {
    use base64::Engine as _;
    use std::io::Read as _;
    let alphabet = |one: char| one.is_ascii_alphanumeric() || matches!(one, '+' | '/' | '=');
    let mut all = Vec::new();
    for run in report
        .split(|one| !alphabet(one))
        .filter(|run| run.len() >= 64)
    {
        let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(run) else {
            continue;
        };
        let mut text = String::new();
        if flate2::read::DeflateDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .is_ok()
        {
            all.push(text);
        }
    }
    all
}
