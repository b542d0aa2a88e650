//! Reading a definition: TOML, every key known, all problems at once with line and column.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use super::PLACES;
use super::definition::{Block, Definition, LineEnds, Stdin, item};
use super::template::{Item, Splice, Template, Values};
use crate::scenario::decode::{Problems, Table, Value, nearest, quoted, wrong_type};
use crate::scenario::values::{boolean, choice, integer, list, plain, text};
use crate::scenario::{Code, Diagnostics, Source, Spanned};

/// What this kind of file is called in messages.
const FILE: &str = "the definition of a client";

/// Places of commands that are run before any case.
const EARLY_PLACES: [&str; 2] = ["here", "kit"];

/// Why there is no definition.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The file could not be read.
    #[error("{}: {cause}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file is not valid.
    #[error(transparent)]
    Invalid(Diagnostics),
}

impl Definition {
    /// Reads the definition in a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not valid.
    pub fn load(path: &Path) -> Result<Self, DefinitionError> {
        let text = fs::read_to_string(path).map_err(|cause| DefinitionError::Unreadable {
            path: path.to_owned(),
            cause,
        })?;
        let mut definition =
            Self::parse(&path.display().to_string(), &text).map_err(DefinitionError::Invalid)?;
        // Commands are run elsewhere, so the folder is written out.
        let folder = path.parent().unwrap_or(Path::new(""));
        definition.here = Some(std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()));
        Ok(definition)
    }

    /// Reads a definition. `name` is shown in messages.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the text, in the order of the text.
    pub fn parse(name: &str, text: &str) -> Result<Self, Diagnostics> {
        let source = Arc::new(Source {
            name: name.to_owned(),
            text: text.to_owned(),
        });
        let mut problems = Problems::default();
        let (root, syntax) = toml::de::DeTable::parse_recoverable(text);
        for error in syntax {
            problems.add(Code::Toml, error.span().unwrap_or(0..0), error.message());
        }
        let definition = if problems.is_empty() {
            let table = Table::top(FILE, root.get_ref());
            read(table, &mut problems)
        } else {
            None
        };
        match definition {
            Some(definition) if problems.is_empty() => Ok(definition),
            _ => Err(problems.into_diagnostics(source)),
        }
    }
}

/// What was read, with the positions that the check of places needs.
struct Places(Vec<(std::ops::Range<usize>, Template, Where)>);

/// Where a template stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    /// In an argument, which everybody on the machine can see.
    Argument,
    /// In a file, a variable or a setting.
    Hidden,
    /// In a command that runs before any case.
    Early,
}

fn read(mut root: Table<'_, '_>, problems: &mut Problems) -> Option<Definition> {
    let mut places = Places(Vec::new());
    let id = root.required("id", problems, identifier);
    let title = root.required("title", problems, text);
    let command = root.required("command", problems, |value, problems| {
        items(value, &mut places, problems)
    });
    if let (Some(command), Some(span)) = (&command, root.key_span("command"))
        && command.is_empty()
    {
        problems.add(Code::BadValue, span, "a command has at least a program");
    }
    let mut definition = Definition::bare("", "", Vec::new());
    read_process(&mut definition, &mut root, &mut places, problems);
    read_blocks(&mut definition, &mut root, &mut places, problems);
    let open = root
        .optional("password_in_arguments", problems, boolean)
        .is_some_and(|flag| flag.value);
    root.finish(problems);
    definition.id = id?.value;
    definition.title = title?.value;
    definition.command = command?;
    places.check(&definition, open, problems);
    Some(definition)
}

/// What concerns the process, whatever the case.
fn read_process(
    definition: &mut Definition,
    root: &mut Table<'_, '_>,
    places: &mut Places,
    problems: &mut Problems,
) {
    let stdin = [
        ("message", Stdin::Message),
        ("body", Stdin::Body),
        ("password", Stdin::Password),
    ];
    if let Some(stdin) = root.optional("stdin", problems, choice(&stdin)) {
        definition.stdin = stdin.value;
    }
    let line_ends = [("as-given", LineEnds::AsGiven), ("lf", LineEnds::Lf)];
    if let Some(ends) = root.optional("line_ends", problems, choice(&line_ends)) {
        definition.line_ends = ends.value;
    }
    if let Some(status) = root.optional("not_applicable", problems, integer::<u8>) {
        definition.not_applicable = status.value;
    }
    definition.inherit = root
        .optional("inherit_environment", problems, boolean)
        .is_some_and(|flag| flag.value);
    definition.scripts = root
        .optional("scripts", problems, list(text))
        .map(plain)
        .unwrap_or_default();
    definition.probe = root
        .optional("probe", problems, |value, problems| {
            early(value, places, problems)
        })
        .unwrap_or_default();
    definition.prepare = root
        .optional("prepare", problems, |value, problems| {
            let Some(commands) = value.get_ref().as_array() else {
                wrong_type(value, "a list of commands", problems);
                return None;
            };
            commands
                .iter()
                .map(|command| early(command, places, problems))
                .collect()
        })
        .unwrap_or_default();
    definition.env = root
        .optional("env", problems, |value, problems| {
            templates(value, places, Where::Hidden, problems)
        })
        .unwrap_or_default();
    definition.files = root
        .optional("files", problems, |value, problems| {
            let files = templates(value, places, Where::Hidden, problems)?;
            for (name, _) in &files {
                if name.contains(['/', '\\']) || name.starts_with('.') {
                    problems
                        .add(
                            Code::BadValue,
                            value.span(),
                            format!("`{name}` is not the name of a file in the work folder"),
                        )
                        .help("a name has no slash and does not begin with a dot");
                }
            }
            Some(files)
        })
        .unwrap_or_default();
    definition.set = root
        .optional("set", problems, |value, problems| {
            templates(value, places, Where::Hidden, problems)
        })
        .unwrap_or_default()
        .into_iter()
        .collect();
}

/// What depends on the case.
fn read_blocks(
    definition: &mut Definition,
    root: &mut Table<'_, '_>,
    places: &mut Places,
    problems: &mut Problems,
) {
    let mut named = |name, key, words: &[&'static str], problems: &mut Problems| {
        root.optional(key, problems, |value, problems| {
            blocks(name, words, value, places, problems)
        })
        .unwrap_or_default()
    };
    definition.modes = named("[mode]", "mode", &["none", "basic", "ntlm"], problems);
    definition.mechanisms = named(
        "[mechanism]",
        "mechanism",
        &["any", "login", "plain"],
        problems,
    );
    let words = ["never", "opportunistic", "required", "implicit"];
    definition.tls = named("[tls]", "tls", &words, problems);
    definition.receipt = root.optional("receipt", problems, |value, problems| {
        block("[receipt]", value, places, problems)
    });
    definition.retry = root.optional("retry", problems, |value, problems| {
        block("[retry]", value, places, problems)
    });
    let mut all = vec!["none", "basic", "ntlm", "receipt", "retry"];
    all.extend(words);
    definition.cannot = root
        .optional("cannot", problems, |value, problems| {
            reasons(value, &all, problems)
        })
        .unwrap_or_default();
}

fn reasons(
    value: &Value<'_>,
    words: &[&'static str],
    problems: &mut Problems,
) -> Option<BTreeMap<String, String>> {
    let mut table = Table::open_in(FILE, "[cannot]", value, problems)?;
    let mut reasons = BTreeMap::new();
    for word in words.iter().copied() {
        if let Some(reason) = table.optional(word, problems, text) {
            reasons.insert(word.to_owned(), reason.value);
        }
    }
    table.finish(problems);
    Some(reasons)
}

fn blocks(
    name: &'static str,
    words: &[&'static str],
    value: &Value<'_>,
    places: &mut Places,
    problems: &mut Problems,
) -> Option<BTreeMap<&'static str, Block>> {
    let mut table = Table::open_in(FILE, name, value, problems)?;
    let mut blocks = BTreeMap::new();
    for word in words.iter().copied() {
        if let Some(read) = table.optional(word, problems, |value, problems| {
            block(name, value, places, problems)
        }) {
            blocks.insert(word, read);
        }
    }
    table.finish(problems);
    Some(blocks)
}

fn block(
    name: &'static str,
    value: &Value<'_>,
    places: &mut Places,
    problems: &mut Problems,
) -> Option<Block> {
    let mut table = Table::open_in(FILE, name, value, problems)?;
    let block = Block {
        arguments: table
            .optional("arguments", problems, |value, problems| {
                block_items(value, places, problems)
            })
            .unwrap_or_default(),
        set: table
            .optional("set", problems, |value, problems| {
                templates(value, places, Where::Hidden, problems)
            })
            .unwrap_or_default()
            .into_iter()
            .collect(),
        probe: table
            .optional("probe", problems, |value, problems| {
                early(value, places, problems)
            })
            .unwrap_or_default(),
    };
    table.finish(problems);
    Some(block)
}

/// A command or a part of one: arguments, and groups of them.
fn items(value: &Value<'_>, places: &mut Places, problems: &mut Problems) -> Option<Vec<Item>> {
    let Some(values) = value.get_ref().as_array() else {
        wrong_type(value, "a list of arguments", problems);
        return None;
    };
    let mut items = Vec::new();
    for value in values {
        if value.get_ref().as_array().is_some() {
            let group = list(text)(value, problems)?;
            let group = group
                .into_iter()
                .map(|word| places.note(&word, Where::Argument))
                .collect();
            items.push(Item::Group(group));
        } else {
            let word = text(value, problems)?;
            let item = item(&word.value);
            if matches!(item, Item::One(_)) {
                places.note(&word, Where::Argument);
            }
            items.push(item);
        }
    }
    Some(items)
}

/// The arguments of a block, which can name the recipients and no other block.
fn block_items(
    value: &Value<'_>,
    places: &mut Places,
    problems: &mut Problems,
) -> Option<Vec<Item>> {
    let items = items(value, places, problems)?;
    let other =
        |item: &Item| matches!(item, Item::Several(splice) if *splice != Splice::Recipients);
    if items.iter().any(other) {
        problems.add(
            Code::BadValue,
            value.span(),
            "the arguments of a block cannot be made of those of a block",
        );
        return None;
    }
    Some(items)
}

/// A command that is run before any case.
fn early(value: &Value<'_>, places: &mut Places, problems: &mut Problems) -> Option<Vec<Template>> {
    let words = list(text)(value, problems)?;
    Some(
        words
            .iter()
            .map(|word| places.note(word, Where::Early))
            .collect(),
    )
}

/// A table of texts whose keys are the author's.
fn templates(
    value: &Value<'_>,
    places: &mut Places,
    stands: Where,
    problems: &mut Problems,
) -> Option<Vec<(String, Template)>> {
    let Some(entries) = value.get_ref().as_table() else {
        wrong_type(value, "a table of texts", problems);
        return None;
    };
    let mut read = Vec::new();
    for (key, value) in entries {
        let word = text(value, problems)?;
        read.push((key.get_ref().to_string(), places.note(&word, stands)));
    }
    Some(read)
}

fn identifier(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<String>> {
    let id = text(value, problems)?;
    let sound = !id.value.is_empty()
        && id
            .value
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if sound {
        return Some(id);
    }
    problems
        .add(
            Code::BadValue,
            id.span,
            format!("`{}` is not the id of a client", id.value),
        )
        .help("an id has small letters, digits and hyphens; it becomes the name of a folder");
    None
}

impl Places {
    fn note(&mut self, word: &Spanned<String>, stands: Where) -> Template {
        let template = Template::parse(&word.value);
        self.0.push((word.span.clone(), template.clone(), stands));
        template
    }

    /// Every place must be one that exists, and a password must not become an argument unless that is said outright.
    fn check(self, definition: &Definition, open: bool, problems: &mut Problems) {
        let settings = definition.settings();
        let set: Vec<&str> = settings
            .iter()
            .flat_map(|values| values.keys().map(String::as_str))
            .collect();
        for (span, template, stands) in self.0 {
            let builtin: &[&str] = if stands == Where::Early {
                &EARLY_PLACES
            } else {
                &PLACES
            };
            let known: Vec<&str> = builtin.iter().copied().chain(set.iter().copied()).collect();
            if let Some(name) = template.places().find(|name| !known.contains(name)) {
                let help = nearest(name, &known).map_or_else(
                    || format!("known here: {}", quoted(&known)),
                    |near| format!("did you mean `{{{near}}}`?"),
                );
                problems
                    .add(
                        Code::BadValue,
                        span.clone(),
                        format!("there is no placeholder `{{{name}}}` here"),
                    )
                    .help(help);
            }
            if stands == Where::Argument && !open && template.reaches("password", &settings) {
                problems
                    .add(
                        Code::Conflict,
                        span,
                        "a password in an argument can be seen by everybody on the machine",
                    )
                    .help(
                        "name `{password-file}`, or put it into a file under `[files]`; \
                         `password_in_arguments = true` where the client knows no other way",
                    );
            }
        }
    }
}

/// The settings of some blocks, later ones over earlier ones.
pub(super) fn layered<'b>(base: &Values, blocks: impl Iterator<Item = &'b Block>) -> Values {
    let mut values = base.clone();
    for block in blocks {
        values.extend(
            block
                .set
                .iter()
                .map(|(name, template)| (name.clone(), template.clone())),
        );
    }
    values
}
