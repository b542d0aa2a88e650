//! How a client is run: the definition of one, as its TOML file has it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::template::{Item, Splice, Template, Values};
use crate::adapter::config::{AuthMode, BasicMechanism};
use claims::given::ClientTls;

/// The exit status that means "this client cannot do that", unless a definition names another.
pub const CANNOT: u8 = 89;

/// What goes to the client's standard input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing: it is at its end.
    #[default]
    Nothing,
    /// The whole message.
    Message,
    /// The body of the message.
    Body,
    /// The password.
    Password,
}

/// How lines end in the files that a client reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnds {
    /// As the message has them: CR LF, and what else a case puts there.
    #[default]
    AsGiven,
    /// CR LF becomes LF, for a client that reads text files of the system and sends CR LF for each LF.
    Lf,
}

impl LineEnds {
    /// A text with these line ends.
    pub(super) fn of(self, text: Vec<u8>) -> Vec<u8> {
        if self == Self::AsGiven {
            return text;
        }
        let mut out = Vec::with_capacity(text.len());
        for (at, byte) in text.iter().enumerate() {
            if *byte != b'\r' || text.get(at + 1) != Some(&b'\n') {
                out.push(*byte);
            }
        }
        out
    }
}

/// Arguments and settings for one way of being configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// What `{mode...}` and its like stand for.
    pub arguments: Vec<Item>,
    /// Values of places.
    pub set: Values,
    /// A command that ends well where the client, as it is installed, can do this.
    pub probe: Vec<Template>,
}

/// How a client is run.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Short name, as in `--client curl`.
    pub id: String,
    /// Name for people.
    pub title: String,
    /// The program and its arguments.
    pub command: Vec<Item>,
    /// What it reads.
    pub stdin: Stdin,
    /// How lines end in what it reads.
    pub line_ends: LineEnds,
    /// Variables of its environment.
    pub env: Vec<(String, Template)>,
    /// Whether it gets the whole environment of the harness, and not only what programs need to run.
    pub inherit: bool,
    /// Files of its work folder, by name.
    pub files: Vec<(String, Template)>,
    /// Programs that come with a shipped definition, by name.
    pub scripts: Vec<String>,
    /// Commands that are run once, before the first case.
    pub prepare: Vec<Vec<Template>>,
    /// A command that shows whether it is installed; its first line of output is the version.
    pub probe: Vec<Template>,
    /// The exit status that means that it cannot do what the case asks.
    pub not_applicable: u8,
    /// Values of places, whatever the case.
    pub set: Values,
    /// Modes of authentication that it has.
    pub modes: BTreeMap<&'static str, Block>,
    /// Mechanisms of mode basic that it can be told to use; `any` where it is to choose by itself.
    pub mechanisms: BTreeMap<&'static str, Block>,
    /// Ways of using TLS that it has.
    pub tls: BTreeMap<&'static str, Block>,
    /// How delivery receipts are asked for, where it can.
    pub receipt: Option<Block>,
    /// How it is told to try again, where it can.
    pub retry: Option<Block>,
    /// Why it cannot do what has no block, by the word of the block.
    pub cannot: BTreeMap<String, String>,
    /// The folder of the file; `None` for shipped ones, whose scripts are written into a folder of the run.
    pub here: Option<PathBuf>,
}

/// The word for a mode of authentication.
pub const fn mode_word(mode: AuthMode) -> &'static str {
    match mode {
        AuthMode::None => "none",
        AuthMode::Basic => "basic",
        AuthMode::Ntlm => "ntlm",
    }
}

/// The word for a way of using TLS.
pub const fn tls_word(tls: ClientTls) -> &'static str {
    match tls {
        ClientTls::Never => "never",
        ClientTls::Opportunistic => "opportunistic",
        ClientTls::Required => "required",
        ClientTls::Implicit => "implicit",
    }
}

/// The word for the mechanism of mode basic.
pub const fn mechanism_word(mechanism: Option<BasicMechanism>) -> &'static str {
    match mechanism {
        None => "any",
        Some(BasicMechanism::Login) => "login",
        Some(BasicMechanism::Plain) => "plain",
    }
}

impl Definition {
    /// A client that is nothing but a command line, `--client-cmd` and `--trigger`: it is asked for everything, and says
    /// by its exit status what it cannot do.
    ///
    /// # Errors
    ///
    /// A sentence: the text is no command, or has a place that does not exist.
    pub fn of_command(id: &str, title: &str, text: &str) -> Result<Self, String> {
        let words = shell_words::split(text).map_err(|error| format!("`{text}`: {error}"))?;
        if words.is_empty() {
            return Err("an empty command".to_owned());
        }
        let command: Vec<_> = words.iter().map(|word| item(word)).collect();
        let mut definition = Self::bare(id, title, command);
        definition.inherit = true;
        let open =
            |words: &[&'static str]| words.iter().map(|word| (*word, Block::default())).collect();
        definition.modes = open(&["none", "basic", "ntlm"]);
        definition.tls = open(&["never", "opportunistic", "required", "implicit"]);
        definition.receipt = Some(Block::default());
        definition.retry = Some(Block::default());
        match definition.unknown_places().first() {
            Some(name) => Err(format!("there is no placeholder `{{{name}}}`")),
            None => Ok(definition),
        }
    }

    /// A definition with nothing but a command.
    pub(super) fn bare(id: &str, title: &str, command: Vec<Item>) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            command,
            stdin: Stdin::Nothing,
            line_ends: LineEnds::AsGiven,
            env: Vec::new(),
            inherit: false,
            files: Vec::new(),
            scripts: Vec::new(),
            prepare: Vec::new(),
            probe: Vec::new(),
            not_applicable: CANNOT,
            set: Values::new(),
            modes: BTreeMap::new(),
            mechanisms: BTreeMap::new(),
            tls: BTreeMap::new(),
            receipt: None,
            retry: None,
            cannot: BTreeMap::new(),
            here: None,
        }
    }

    /// Why it cannot do what has this word, as its definition says.
    pub(super) fn reason(&self, word: &str) -> String {
        self.cannot.get(word).cloned().unwrap_or_else(|| {
            format!(
                "the definition of {} does not say how to do `{word}`",
                self.id
            )
        })
    }

    /// All blocks.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.modes
            .values()
            .chain(self.mechanisms.values())
            .chain(self.tls.values())
            .chain(&self.receipt)
            .chain(&self.retry)
    }

    /// All values of settings, of every block.
    pub(super) fn settings(&self) -> Vec<&Values> {
        std::iter::once(&self.set)
            .chain(self.blocks().map(|block| &block.set))
            .collect()
    }

    fn unknown_places(&self) -> Vec<String> {
        let settings = self.settings();
        templates(&self.command)
            .flat_map(Template::places)
            .filter(|name| {
                !super::PLACES.contains(name) && !settings.iter().any(|set| set.contains_key(*name))
            })
            .map(str::to_owned)
            .collect()
    }

    /// Whether it is told the Subject, and does not only find it in the message.
    pub(super) fn writes_subject(&self) -> bool {
        self.is_told("subject")
    }

    /// Whether a place is filled anywhere in what the client is told: its arguments, files and environment.
    pub fn is_told(&self, place: &str) -> bool {
        let settings = self.settings();
        templates(&self.command)
            .chain(self.files.iter().map(|(_, template)| template))
            .chain(self.env.iter().map(|(_, template)| template))
            .chain(self.blocks().flat_map(|block| templates(&block.arguments)))
            .any(|template| template.reaches(place, &settings))
    }

    /// The words of the modes of authentication that it has.
    pub fn mode_words(&self) -> Vec<&'static str> {
        ["none", "basic", "ntlm"]
            .into_iter()
            .filter(|word| self.modes.contains_key(word))
            .collect()
    }
}

/// The item that a word of a command is.
pub(super) fn item(word: &str) -> Item {
    let splice = word
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .and_then(|name| Splice::ALL.iter().find(|(known, _)| *known == name));
    match splice {
        Some((_, splice)) => Item::Several(*splice),
        None => Item::One(Template::parse(word)),
    }
}

/// The templates of a command.
pub(super) fn templates(items: &[Item]) -> impl Iterator<Item = &Template> {
    items.iter().flat_map(|item| match item {
        Item::One(template) => std::slice::from_ref(template),
        Item::Group(group) => group.as_slice(),
        Item::Several(_) => &[],
    })
}
