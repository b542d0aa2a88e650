//! The scenario language: one case a file, in TOML.
//!
//! A scenario says what the server does ([`ServerTable`] and the ordered [`Rule`]s over a correct default server), how
//! the client is configured ([`ClientTable`]) and what must come of it ([`Expect`]). Everything written down is
//! checked when the file is read, and all problems of a file are reported together as [`Diagnostics`].

mod client;
mod client_levels;
mod client_mime;
mod client_parts;
pub(crate) mod client_places;
mod command;
pub(crate) mod decode;
mod diagnostic;
mod expect;
mod load;
mod matrix;
mod reach;
mod reply;
mod rule;
mod schema;
mod server;
mod servers;
mod template;
mod transcript;
pub(crate) mod values;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

pub use client::{ClientTable, PayloadTable};
pub use client_levels::BackupTable;
pub use client_parts::{AccountTable, EncoderTable, RetryTable};
pub use client_places::{ContextTable, ReadingsTable};
pub use command::{Command, Phase};
pub use diagnostic::{Code, Diagnostic, Diagnostics, Source};
pub use expect::{AdapterOutcome, Expect, Expected};
pub use load::{LoadError, LoadErrors, load_cases, load_file, load_tree, reject_duplicates};
pub use reply::{Chunk, Reply};
pub use rule::{Action, Ending, Ordinal, Rule, Selector};
pub use schema::schema;
pub(crate) use server::is_starttls;
pub use server::{AcceptAuth, CertificateKind, NtlmChallenge, ServerTable, TlsMode};
pub(crate) use servers::rules_of;
pub use servers::{OtherServers, ServerName};
pub use transcript::{Act, Dialogue, Line, Pattern, Transcript};
pub use values::parse_duration;

use decode::{Problems, Table, Value};

/// A value together with the bytes of the file that it was written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Byte range in the text of the scenario.
    pub span: Range<usize>,
}

/// One case, as its file has it.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Stable name: three capital letters for the family and a number, `ENV-03`. Never reused. A case out of a matrix has
    /// its values behind it: `ENV-03[auth=basic,segment=1]`.
    pub id: Spanned<String>,
    /// What the case is about, in one line.
    pub title: String,
    /// Name of the folder that the file is in; empty where the file name has no folder.
    pub family: String,
    /// The sections of the documents that the case rests on.
    pub reference: Vec<String>,
    /// What must be true of the client, in a sentence; empty where the case is about claims of the adapter's documentation.
    pub requirement: String,
    /// How much the requirement weighs.
    pub level: Level,
    /// Ids of the clauses in the ledger that the case covers.
    pub clauses: Vec<Spanned<String>>,
    /// Whether it takes long where the client's time limits are not ours to set.
    pub slow: bool,
    /// More about it, where one line is not enough.
    pub description: Option<String>,
    /// The server.
    pub server: ServerTable,
    /// What else listens.
    pub servers: OtherServers,
    /// The client, where it differs from what the runner configures by itself.
    pub client: ClientTable,
    /// What the server does differently, in order; the first match wins.
    pub rules: Vec<Rule>,
    /// The dialogue that is played instead of the correct server; a file has this or rules.
    pub transcript: Option<Transcript>,
    /// What must come of it.
    pub expect: Expect,
    /// The file, kept so that a problem found later can be shown in its place.
    pub source: Arc<Source>,
}

/// How much a requirement weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// A MUST of an RFC.
    Must,
    /// A SHOULD of an RFC.
    Should,
    /// Asked by no RFC, and safer.
    Hardening,
    /// A statement about a deployment, which can be true or not.
    Claim,
    /// Worth knowing, and right either way.
    Information,
}

impl Level {
    /// The words that scenarios and results write.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("must", Self::Must),
        ("should", Self::Should),
        ("hardening", Self::Hardening),
        ("claim", Self::Claim),
        ("information", Self::Information),
    ];

    /// The word that scenarios and results write.
    pub fn as_str(self) -> &'static str {
        let mut names = Self::NAMES.iter();
        names
            .find(|(_, level)| *level == self)
            .map_or("", |(name, _)| name)
    }
}

impl Scenario {
    /// Reads a scenario. `file_name` is shown in messages, and its last folder names the family.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the text, in the order of the text. A file whose matrix makes several cases is not one
    /// scenario; [`Scenario::parse_all`] reads it.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, Diagnostics> {
        let mut all = Self::parse_all(file_name, text)?;
        let count = all.len();
        match all.pop() {
            Some(only) if count == 1 => Ok(only),
            last => {
                let source = last.map_or_else(|| source(file_name, text), |last| last.source);
                let (root, _) = toml::de::DeTable::parse_recoverable(text);
                let span = matrix::span(root.get_ref()).unwrap_or(0..0);
                let message = format!("this file makes {count} cases, and one is wanted here");
                let problem = Diagnostic::new(Code::Conflict, span, message);
                Err(Diagnostics::new(source, vec![problem]))
            }
        }
    }

    /// Reads all cases of a file: one, or as many as its matrix makes, in the order of the matrix.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the text, in the order of the text.
    pub fn parse_all(file_name: &str, text: &str) -> Result<Vec<Self>, Diagnostics> {
        let source = source(file_name, text);
        let mut problems = Problems::default();
        let (root, syntax) = toml::de::DeTable::parse_recoverable(text);
        for error in syntax {
            problems.add(Code::Toml, error.span().unwrap_or(0..0), error.message());
        }
        // A file that is not TOML is not looked into any further: what recovery guessed would be reported as if the
        // author had written it.
        let mut cases = Vec::new();
        if problems.is_empty() {
            match matrix::expand(root.get_ref(), &mut problems) {
                None => cases.extend(read(Table::root(root.get_ref()), &source, &mut problems)),
                Some(variants) => cases = read_variants(&variants, &source, &mut problems),
            }
        }
        if problems.is_empty() && !cases.is_empty() {
            Ok(cases)
        } else {
            Err(problems.into_diagnostics(source))
        }
    }

    /// The id of the file, without the values of a matrix.
    pub fn file_id(&self) -> &str {
        let id = &self.id.value;
        id.split_once('[').map_or(id, |(file, _)| file)
    }

    /// Whether a word names the case: its id, or that of its file, in any case of letters.
    pub fn is_named(&self, word: &str) -> bool {
        self.id.value.eq_ignore_ascii_case(word) || self.file_id().eq_ignore_ascii_case(word)
    }

    /// A problem that was found only after reading, shown at its place in the file.
    pub fn problem(
        &self,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Diagnostics {
        Diagnostics::new(
            Arc::clone(&self.source),
            vec![Diagnostic::new(code, span, message)],
        )
    }
}

fn source(file_name: &str, text: &str) -> Arc<Source> {
    Arc::new(Source {
        name: file_name.to_owned(),
        text: text.to_owned(),
    })
}

/// Reads each combination of a matrix. What is wrong in several is reported once.
fn read_variants(
    variants: &[matrix::Variant<'_>],
    source: &Arc<Source>,
    problems: &mut Problems,
) -> Vec<Scenario> {
    let mut cases = Vec::new();
    for variant in variants {
        let mut found = Problems::default();
        let case = read(Table::root(&variant.root), source, &mut found);
        cases.extend(case.map(|mut case| {
            case.id.value = format!("{}[{}]", case.id.value, variant.name);
            case
        }));
        problems.merge(found);
        if problems.len() >= ENOUGH_PROBLEMS {
            break;
        }
    }
    cases
}

/// Problems after which no further combination of a matrix is read.
const ENOUGH_PROBLEMS: usize = 64;

fn read(
    mut root: Table<'_, '_>,
    source: &Arc<Source>,
    problems: &mut Problems,
) -> Option<Scenario> {
    let id = root.required("id", problems, identifier);
    let title = root.required("title", problems, values::text);
    let reference = root
        .optional("reference", problems, values::list(values::text))
        .map(values::plain)
        .unwrap_or_default();
    let requirement = root.optional("requirement", problems, values::text);
    let level = root.optional("level", problems, values::choice(&Level::NAMES));
    let clauses = root
        .optional("clauses", problems, values::list(values::text))
        .unwrap_or_default();
    let slow = root
        .optional("slow", problems, values::boolean)
        .is_some_and(|flag| flag.value);
    let description = root.optional("description", problems, values::text);
    // It was read before, and what it makes stands in the tables by now.
    root.optional("matrix", problems, |_, _| Some(()));
    let before = problems.len();
    let server = root
        .optional("server", problems, ServerTable::read)
        .unwrap_or_default();
    let tls = (problems.len() == before).then_some(server.tls);
    let servers = root
        .optional("servers", problems, |value, problems| {
            OtherServers::read(value, &server, problems)
        })
        .unwrap_or_default();
    let client = root
        .optional("client", problems, ClientTable::read)
        .unwrap_or_default();
    let rules = root
        .optional("on", problems, values::list(rule::read))
        .unwrap_or_default();
    let transcript = root.optional("transcript", problems, |value, problems| {
        transcript::read(value, &source.text, problems)
    });
    reject_both(&root, problems);
    if let Some(transcript) = &transcript {
        transcript::check_tls(transcript, tls, problems);
    }
    let expect = root
        .optional("expect", problems, Expect::read)
        .unwrap_or_default();
    if let (Some(requirement), None) = (&requirement, &level) {
        let message = "a requirement needs a `level`";
        problems
            .add(Code::MissingKey, requirement.span.clone(), message)
            .help("`must`, `should`, `hardening`, `claim` or `information`");
    }
    if let Some(requirement) = requirement
        .as_ref()
        .filter(|_| expect.checks.is_empty() && expect.claims.is_empty())
    {
        problems
            .add(
                Code::MissingKey,
                requirement.span.clone(),
                "nothing decides whether the requirement is met",
            )
            .help("name the checks that do: `[expect]` `checks = { \"dot-stuffing-wrong\" = \"not-observed\" }`");
    }
    root.finish(problems);
    servers::reject_absent(&servers, &rules, problems);
    if let (Some(backup), None) = (&client.backup, servers.get(ServerName::Backup)) {
        problems
            .add(
                Code::Conflict,
                backup.span.clone(),
                "the backup transport has no server to go to",
            )
            .help("add a table `[servers.backup]`");
    }
    let tls_of = |name| match name {
        ServerName::Main => tls,
        other => servers.get(other).map(|table| table.tls),
    };
    reach::check(tls_of, &rules, problems);
    Some(Scenario {
        id: id?,
        title: title?.value,
        family: family(&source.name),
        reference,
        requirement: requirement.map(|text| text.value).unwrap_or_default(),
        level: level.map_or(Level::Claim, |level| level.value),
        clauses,
        slow,
        description: description.map(|text| text.value),
        server,
        servers,
        client,
        rules: rules
            .into_iter()
            .filter_map(|rule| rule.value.finish(rule.span))
            .collect(),
        transcript,
        expect,
        source: Arc::clone(source),
    })
}

/// A file has rules or a transcript.
fn reject_both(root: &Table<'_, '_>, problems: &mut Problems) {
    if let (Some(rules), Some(transcript)) = (root.key_span("on"), root.key_span("transcript")) {
        problems
            .add(
                Code::Conflict,
                transcript,
                "a transcript says everything that happens, and leaves no room for rules",
            )
            .related(rules, "the first rule");
    }
}

/// The name of the folder that a file is in.
fn family(file_name: &str) -> String {
    let mut parts = file_name.rsplit(['/', '\\']);
    parts.next();
    parts.next().unwrap_or_default().to_owned()
}

fn identifier(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<String>> {
    let id = values::text(value, problems)?;
    let well_formed = id.value.split_once('-').is_some_and(|(family, number)| {
        family.len() == 3
            && number.len() == 2
            && family.bytes().all(|byte| byte.is_ascii_uppercase())
            && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    if well_formed {
        return Some(id);
    }
    problems
        .add(
            Code::BadValue,
            id.span,
            format!("`{}` is not the id of a scenario", id.value),
        )
        .help("an id is three capital letters, a hyphen and two digits: `ENV-03`");
    None
}
