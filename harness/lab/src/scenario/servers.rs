//! `[servers.…]`: what else listens in a case, beside `[server]`, each with its part in the client's configuration.

use claims::given::Role;

use super::decode::{Problems, Table, Value};
use super::rule::{Draft, Rule};
use super::{Code, ServerTable, Spanned};

/// The server of `[server]`, as rules may name it.
const MAIN: &str = "main";

/// One of the servers of a case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ServerName {
    /// `[server]`: the one that the client is configured for.
    #[default]
    Main,
    /// `[servers.handler]`: the one that the send handler names, where the port names the main one.
    Handler,
    /// `[servers.backup]`: that of the backup transport.
    Backup,
    /// `[servers.partner]`: the mail server of the recipients' domain.
    Partner,
    /// `[servers.other_port]`: the main server's host on another port.
    OtherPort,
}

impl ServerName {
    /// The words that rules write, in the order in which the servers are started.
    pub const NAMES: [(&'static str, Self); 5] = [
        (MAIN, Self::Main),
        ("handler", Self::Handler),
        ("backup", Self::Backup),
        ("partner", Self::Partner),
        ("other_port", Self::OtherPort),
    ];

    /// Its part in the client's configuration.
    pub const fn role(self) -> Role {
        match self {
            Self::Main => Role::Configured,
            Self::Handler => Role::Handler,
            Self::Backup => Role::Backup,
            Self::Partner => Role::Partner,
            Self::OtherPort => Role::OtherPort,
        }
    }

    /// The word that rules write.
    pub fn as_str(self) -> &'static str {
        let mut names = Self::NAMES.iter();
        names
            .find(|(_, name)| *name == self)
            .map_or("", |(word, _)| word)
    }

    /// The last number of the address that captures show: hosts must be told apart there.
    pub(crate) const fn host_number(self) -> u8 {
        match self {
            Self::Main | Self::OtherPort => 1,
            Self::Handler => 2,
            Self::Backup => 3,
            Self::Partner => 4,
        }
    }

    /// What it is where the file says nothing.
    fn default_table(self, main: &ServerTable) -> ServerTable {
        let plain = ServerTable::default();
        let named = |name: &str| ServerTable {
            name: name.to_owned(),
            ..ServerTable::default()
        };
        match self {
            Self::Main => plain,
            Self::Handler => named("handler.example.test"),
            Self::Backup => named("backup.example.test"),
            Self::Partner => named("mx.partner.example"),
            Self::OtherPort => ServerTable {
                port: 587,
                ..named(&main.name)
            },
        }
    }
}

/// The servers of a case beside the main one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherServers(Vec<(ServerName, ServerTable)>);

impl OtherServers {
    /// All of them, in the order of [`ServerName::NAMES`].
    pub fn all(&self) -> impl Iterator<Item = (ServerName, &ServerTable)> {
        self.0.iter().map(|(name, table)| (*name, table))
    }

    /// One of them.
    pub fn get(&self, name: ServerName) -> Option<&ServerTable> {
        self.all()
            .find_map(|(one, table)| (one == name).then_some(table))
    }

    /// Whether there is no other server.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the table. `main` is the server of the file.
    pub(super) fn read(
        value: &Value<'_>,
        main: &ServerTable,
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut table = Table::open("[servers]", value, problems)?;
        let mut servers = Vec::new();
        for (word, name) in ServerName::NAMES
            .into_iter()
            .filter(|(word, _)| *word != MAIN)
        {
            let read = table.optional(word, problems, |value, problems| {
                ServerTable::read_over(name.default_table(main), value, problems)
            });
            servers.extend(read.map(|read| (name, read)));
        }
        let span = table.span();
        table.finish(problems);
        let other_port = servers
            .iter()
            .find(|(name, _)| *name == ServerName::OtherPort);
        if other_port.is_some_and(|(_, other)| other.port == main.port) {
            problems
                .add(
                    Code::Conflict,
                    span,
                    format!("`other_port` has the port of `[server]`, {}", main.port),
                )
                .help("give one of the two another `port`");
        }
        Some(Self(servers))
    }
}

/// Reports rules for a server that the file does not have.
pub(super) fn reject_absent(
    servers: &OtherServers,
    rules: &[Spanned<Draft>],
    problems: &mut Problems,
) {
    for rule in rules {
        let Some(named) = &rule.value.server else {
            continue;
        };
        if named.value != ServerName::Main && servers.get(named.value).is_none() {
            let word = named.value.as_str();
            problems
                .add(
                    Code::NeverMatches,
                    named.span.clone(),
                    format!("the file has no server `{word}`: the rule never matches"),
                )
                .help(format!("add a table `[servers.{word}]`"));
        }
    }
}

/// The rules of one server, in the order of the file.
pub(crate) fn rules_of(rules: &[Rule], name: ServerName) -> Vec<Rule> {
    let of_it = rules.iter().filter(|rule| rule.server == name);
    of_it.cloned().collect()
}
