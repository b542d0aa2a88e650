//! The clause ledger, `docs/clauses/*.toml`, against the cases: no clause without an entry, no case without a clause.
//!
//! What is wrong is listed in full. The counts and the table of clauses and cases are a snapshot, `reports/clauses.md`.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use lab::runner;
use lab::scenario::Level as Weight;
use rstest::rstest;
use serde::Deserialize;

/// One file of the ledger.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// How the document is cited, `RFC 5321`.
    #[serde(rename = "document")]
    name: String,
    title: String,
    extent: Extent,
    /// Which text was read.
    source: String,
    #[serde(rename = "clause")]
    clauses: Vec<Clause>,
}

/// How much of a document has entries.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Extent {
    /// Every clause that binds a client.
    Complete,
    /// Those of the sections that cases cite.
    Cited,
}

/// One requirement on a client.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Clause {
    id: String,
    level: Level,
    text: String,
    status: Status,
    why: Option<String>,
    note: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Level {
    Must,
    MustNot,
    Should,
    ShouldNot,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::MustNot => "must not",
            Self::Should => "should",
            Self::ShouldNot => "should not",
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Covered,
    Implicit,
    Untestable,
    OutOfScope,
}

impl Status {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Covered, "covered"),
        (Self::Implicit, "implicit"),
        (Self::Untestable, "untestable"),
        (Self::OutOfScope, "out of scope"),
    ];
}

/// What the ledger needs to know of a case.
#[derive(Clone)]
struct Case {
    id: String,
    /// A claim is about what a deployment's documents say, and binds no clause.
    claim: bool,
    clauses: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/clauses")
}

/// The files of the ledger with their names, sorted.
fn ledger() -> Vec<(String, Document)> {
    let files = fs::read_dir(folder()).expect("docs/clauses can be listed");
    let mut read: Vec<_> = files
        .map(|file| file.expect("docs/clauses can be listed").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .map(|path| {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let text = fs::read_to_string(&path).expect("a file of the ledger can be read");
            let document =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{name}.toml: {error}"));
            (name, document)
        })
        .collect();
    read.sort_by(|one, other| one.0.cmp(&other.0));
    read
}

/// The cases that ask something; those of a matrix, which share a file, as one.
fn cases() -> Vec<Case> {
    let mut found: Vec<Case> = Vec::new();
    let catalogue = runner::catalogue().expect("the catalogue is valid");
    for scenario in catalogue.iter().filter(|one| !one.requirement.is_empty()) {
        let full = scenario.id.value.as_str();
        let case = Case {
            id: full.split('[').next().unwrap_or(full).to_owned(),
            claim: scenario.level == Weight::Claim,
            clauses: scenario.clauses.iter().map(|id| id.value.clone()).collect(),
        };
        if found.last().is_none_or(|last| last.id != case.id) {
            found.push(case);
        }
    }
    found
}

/// A section as it sorts: numbers by value, appendices after them by letter.
type Section = Vec<(bool, u32)>;

fn section(text: &str) -> Option<Section> {
    text.split('.')
        .enumerate()
        .map(|(place, part)| {
            if let Ok(number) = part.parse() {
                return (!part.starts_with('0')).then_some((false, number));
            }
            let mut letters = part.chars();
            let letter = letters.next().filter(char::is_ascii_uppercase)?;
            (place == 0 && letters.next().is_none()).then_some((true, u32::from(letter)))
        })
        .collect()
}

/// Document, section and letter of an id such as `RFC5321-4.5.2-a`.
fn parts(id: &str) -> Option<(&str, Section, char)> {
    let (rest, letter) = id.rsplit_once('-')?;
    let (document, place) = rest.rsplit_once('-')?;
    let mut letters = letter.chars();
    let letter = letters.next().filter(char::is_ascii_lowercase)?;
    if letters.next().is_some() || document.is_empty() {
        return None;
    }
    Some((document, section(place)?, letter))
}

/// Whether the ids of a document are well formed, in the order of its sections, and lettered without a gap.
fn id_problems(name: &str, document: &Document, problems: &mut Vec<String>) {
    let expected = document.name.replace(' ', "");
    if name != expected.to_lowercase() {
        problems.push(format!("{name}.toml is about {}", document.name));
    }
    let mut last: Option<(Section, char)> = None;
    for clause in &document.clauses {
        let id = &clause.id;
        let Some((prefix, place, letter)) = parts(id) else {
            problems.push(format!("{id} is not well formed"));
            continue;
        };
        if prefix != expected {
            problems.push(format!("{id} is not of {}", document.name));
        }
        let due = match &last {
            Some((before, _)) if place < *before => {
                problems.push(format!("{id} is out of the order of sections"));
                letter
            }
            Some((before, letter)) if place == *before => char::from(*letter as u8 + 1),
            _ => 'a',
        };
        if letter != due {
            problems.push(format!("{id} should end in {due}"));
        }
        last = Some((place, letter));
    }
}

/// Whether an entry says what its status asks for, in sentences.
fn entry_problems(clause: &Clause, problems: &mut Vec<String>) {
    let id = &clause.id;
    let sentence = clause.text.trim();
    if sentence != clause.text || !sentence.ends_with('.') || sentence.len() < 20 {
        problems.push(format!("{id}: the text is not a sentence"));
    }
    let why = clause.why.as_deref().map(str::trim);
    match (clause.status, why) {
        (Status::Covered, Some(_)) => {
            problems.push(format!("{id} is covered, so its cases say why"));
        }
        (Status::Covered, None) => {}
        (_, None | Some("")) => problems.push(format!("{id} is not covered and does not say why")),
        (_, Some(_)) => {}
    }
    if clause.note.as_deref().is_some_and(str::is_empty) {
        problems.push(format!("{id} has an empty note"));
    }
}

/// Everything that is wrong with the ledger by itself.
fn ledger_problems(ledger: &[(String, Document)]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, document) in ledger {
        id_problems(name, document, &mut problems);
        if document.title.is_empty() || document.source.is_empty() {
            problems.push(format!("{name}.toml lacks its title or source"));
        }
        for clause in &document.clauses {
            if !seen.insert(clause.id.as_str()) {
                problems.push(format!("{} has two entries", clause.id));
            }
            entry_problems(clause, &mut problems);
        }
    }
    problems
}

/// The cases of each clause that one names.
fn named(cases: &[Case]) -> BTreeMap<&str, Vec<&str>> {
    let mut named: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in cases {
        for id in &case.clauses {
            named.entry(id).or_default().push(&case.id);
        }
    }
    named
}

/// Everything that is wrong between the ledger and the cases, but for covered clauses that no case names.
fn case_problems(ledger: &[(String, Document)], cases: &[Case]) -> Vec<String> {
    let entries: BTreeMap<&str, &Clause> = ledger
        .iter()
        .flat_map(|(_, document)| &document.clauses)
        .map(|clause| (clause.id.as_str(), clause))
        .collect();
    let mut problems = Vec::new();
    for case in cases {
        let id = &case.id;
        if case.clauses.is_empty() && !case.claim {
            problems.push(format!("{id} names no clause"));
        }
        let distinct: BTreeSet<_> = case.clauses.iter().collect();
        if distinct.len() < case.clauses.len() {
            problems.push(format!("{id} names a clause twice"));
        }
        for name in distinct {
            match entries.get(name.as_str()) {
                None => problems.push(format!("{id} names {name}, which has no entry")),
                Some(clause) if clause.status != Status::Covered => {
                    problems.push(format!("{id} names {name}, which is {:?}", clause.status));
                }
                Some(_) => {}
            }
        }
    }
    problems
}

/// Covered clauses that no case names.
fn unnamed(ledger: &[(String, Document)], cases: &[Case]) -> Vec<String> {
    let named = named(cases);
    ledger
        .iter()
        .flat_map(|(_, document)| &document.clauses)
        .filter(|one| one.status == Status::Covered && !named.contains_key(one.id.as_str()))
        .map(|one| one.id.clone())
        .collect()
}

/// The counts, and what is covered by which case.
fn table(ledger: &[(String, Document)], cases: &[Case]) -> String {
    let mut out = String::from("| document | clauses |");
    for (_, name) in Status::ALL {
        let _ = write!(out, " {name} |");
    }
    let _ = writeln!(out, "\n| --- |{}", " --- |".repeat(Status::ALL.len() + 1));
    let mut sums = [0; Status::ALL.len()];
    for (_, document) in ledger {
        let star = if document.extent == Extent::Cited {
            " (in part)"
        } else {
            ""
        };
        let _ = write!(
            out,
            "| {}{star} | {} |",
            document.name,
            document.clauses.len()
        );
        for (place, (status, _)) in Status::ALL.iter().enumerate() {
            let count = document
                .clauses
                .iter()
                .filter(|one| one.status == *status)
                .count();
            sums[place] += count;
            let _ = write!(out, " {count} |");
        }
        out.push('\n');
    }
    let _ = write!(out, "| in all | {} |", sums.iter().sum::<usize>());
    for sum in sums {
        let _ = write!(out, " {sum} |");
    }
    let named = named(cases);
    out.push_str("\n\n| clause | level | requirement | cases |\n| --- | --- | --- | --- |\n");
    let clauses = || ledger.iter().flat_map(|(_, document)| &document.clauses);
    for clause in clauses().filter(|one| one.status == Status::Covered) {
        let of = named
            .get(clause.id.as_str())
            .map_or_else(|| "none".to_owned(), |ids| ids.join(", "));
        let level = clause.level.as_str();
        let _ = writeln!(out, "| {} | {level} | {} | {of} |", clause.id, clause.text);
    }
    out
}

#[test]
fn ledger_is_well_formed() {
    let problems = ledger_problems(&ledger());
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn every_case_names_clauses_that_have_an_entry() {
    let problems = case_problems(&ledger(), &cases());
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn every_covered_clause_is_named_by_a_case() {
    let missing = unnamed(&ledger(), &cases());
    assert!(
        missing.is_empty(),
        "{} clauses: {missing:#?}",
        missing.len()
    );
}

#[test]
fn counts_and_cases() {
    support::reports("").bind(|| insta::assert_snapshot!("clauses.md", table(&ledger(), &cases())));
}

/// A ledger of one document with these entries.
fn small(entries: &str) -> Vec<(String, Document)> {
    let head = "document = \"RFC 1\"\ntitle = \"t\"\nextent = \"complete\"\nsource = \"s\"\n";
    let document = toml::from_str(&format!("{head}{entries}")).expect("a document");
    vec![("rfc1".to_owned(), document)]
}

fn entry(id: &str, rest: &str) -> String {
    format!(
        "[[clause]]\nid = \"{id}\"\nlevel = \"must\"\ntext = \"Something is so and not otherwise.\"\n{rest}\n"
    )
}

const COVERED: &str = "status = \"covered\"";
const IMPLICIT: &str = "status = \"implicit\"\nwhy = \"w\"";

#[rstest]
#[case::good(entry("RFC1-2-a", COVERED) + &entry("RFC1-2-b", IMPLICIT) + &entry("RFC1-10.1-a", IMPLICIT) + &entry("RFC1-F.1-a", IMPLICIT), None)]
#[case::twice(entry("RFC1-2-a", COVERED) + &entry("RFC1-2-a", COVERED), Some("RFC1-2-a has two entries"))]
#[case::gap(entry("RFC1-2-b", COVERED), Some("RFC1-2-b should end in a"))]
#[case::order(entry("RFC1-10-a", COVERED) + &entry("RFC1-2-a", COVERED), Some("RFC1-2-a is out of the order of sections"))]
#[case::other(entry("RFC2-2-a", COVERED), Some("RFC2-2-a is not of RFC 1"))]
#[case::form(entry("RFC1-2", COVERED), Some("RFC1-2 is not well formed"))]
#[case::zero(entry("RFC1-02-a", COVERED), Some("RFC1-02-a is not well formed"))]
#[case::no_why(
    entry("RFC1-2-a", "status = \"implicit\""),
    Some("RFC1-2-a is not covered and does not say why")
)]
#[case::blank(
    entry("RFC1-2-a", "status = \"untestable\"\nwhy = \" \""),
    Some("RFC1-2-a is not covered and does not say why")
)]
#[case::with_why(
    entry("RFC1-2-a", "status = \"covered\"\nwhy = \"w\""),
    Some("RFC1-2-a is covered, so its cases say why")
)]
fn faults_in_a_ledger_are_found(#[case] entries: String, #[case] problem: Option<&str>) {
    let problems = ledger_problems(&small(&entries));
    match problem {
        None => assert!(problems.is_empty(), "{problems:?}"),
        Some(text) => assert!(problems.iter().any(|one| one == text), "{problems:?}"),
    }
}

#[rstest]
#[case::good("SES-01", false, &["RFC1-2-a"], None)]
#[case::claim("CLM-01", true, &[], None)]
#[case::none("SES-01", false, &[], Some("SES-01 names no clause"))]
#[case::unknown("SES-01", false, &["RFC1-9-a"], Some("SES-01 names RFC1-9-a, which has no entry"))]
#[case::uncovered("SES-01", false, &["RFC1-2-b"], Some("SES-01 names RFC1-2-b, which is Implicit"))]
#[case::twice("SES-01", false, &["RFC1-2-a", "RFC1-2-a"], Some("SES-01 names a clause twice"))]
fn faults_between_ledger_and_cases_are_found(
    #[case] id: &str,
    #[case] claim: bool,
    #[case] clauses: &[&str],
    #[case] problem: Option<&str>,
) {
    let ledger = small(&(entry("RFC1-2-a", COVERED) + &entry("RFC1-2-b", IMPLICIT)));
    let case = Case {
        id: id.to_owned(),
        claim,
        clauses: clauses.iter().map(|&id| id.to_owned()).collect(),
    };
    let problems = case_problems(&ledger, std::slice::from_ref(&case));
    assert_eq!(problems.first().map(String::as_str), problem);
    let missing = unnamed(&ledger, &[case]);
    assert_eq!(missing.is_empty(), clauses.contains(&"RFC1-2-a"));
}

#[rstest]
#[case::key("cases = [\"SES-01\"]")]
#[case::status("status = \"done\"")]
fn unknown_keys_and_words_are_errors(#[case] line: &str) {
    let status = if line.starts_with("status") {
        ""
    } else {
        COVERED
    };
    let text = format!(
        "document = \"RFC 1\"\ntitle = \"t\"\nextent = \"complete\"\nsource = \"s\"\n{}{status}\n",
        entry("RFC1-2-a", line)
    );
    assert!(toml::from_str::<Document>(&text).is_err());
}
