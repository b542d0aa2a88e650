//! The scenario language: one case a file, in TOML.
//!
//! A scenario says what the server does ([`ServerTable`] and the ordered [`Rule`]s over a correct default server), how
//! the client is configured ([`ClientTable`]) and what must come of it ([`Expect`]). Everything written down is
//! checked when the file is read, and all problems of a file are reported together as [`Diagnostics`].

mod client;
mod client_parts;
mod command;
mod decode;
mod diagnostic;
mod expect;
mod load;
mod reach;
mod reply;
mod rule;
mod server;
mod template;
mod values;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

pub use client::{ClientTable, PayloadTable};
pub use client_parts::{AccountTable, EncoderTable, RetryTable};
pub use command::{Command, Phase};
pub use diagnostic::{Code, Diagnostic, Diagnostics, Source};
pub use expect::{AdapterOutcome, Expect, Expected};
pub use load::{LoadError, LoadErrors, load_file, load_tree, reject_duplicates};
pub use reply::{Chunk, Reply};
pub use rule::{Action, Ending, Ordinal, Rule, Selector};
pub(crate) use server::is_starttls;
pub use server::{AcceptAuth, CertificateKind, NtlmChallenge, ServerTable, TlsMode};

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
    /// Stable name: three capital letters for the family and a number, `ENV-03`. Never reused.
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
    /// The client, where it differs from what the runner configures by itself.
    pub client: ClientTable,
    /// What the server does differently, in order; the first match wins.
    pub rules: Vec<Rule>,
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
    /// Everything that is wrong with the text, in the order of the text.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, Diagnostics> {
        let source = Arc::new(Source {
            name: file_name.to_owned(),
            text: text.to_owned(),
        });
        let mut problems = Problems::default();
        let (root, syntax) = toml::de::DeTable::parse_recoverable(text);
        for error in syntax {
            problems.add(Code::Toml, error.span().unwrap_or(0..0), error.message());
        }
        // A file that is not TOML is not looked into any further: what recovery guessed would be reported as if the
        // author had written it.
        let scenario = if problems.is_empty() {
            let table = Table::root(root.get_ref());
            read(table, &source, &mut problems)
        } else {
            None
        };
        match scenario {
            Some(scenario) if problems.is_empty() => Ok(scenario),
            _ => Err(problems.into_diagnostics(source)),
        }
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
    let before = problems.len();
    let server = root
        .optional("server", problems, ServerTable::read)
        .unwrap_or_default();
    let tls = (problems.len() == before).then_some(server.tls);
    let client = root
        .optional("client", problems, ClientTable::read)
        .unwrap_or_default();
    let rules = root
        .optional("on", problems, values::list(rule::read))
        .unwrap_or_default();
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
    reach::check(tls, &rules, problems);
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
        client,
        rules: rules
            .into_iter()
            .filter_map(|rule| rule.value.finish(rule.span))
            .collect(),
        expect,
        source: Arc::clone(source),
    })
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
