//! Which clients are tested: names, files and commands from the command line.

use std::path::Path;
use std::time::Duration;

use lab::client::{self, Definition, DefinitionError};

use crate::Failure;
use crate::args::ClientArgs;

/// A client that was chosen.
pub(super) struct Chosen {
    /// Its short name; that of its folder.
    pub(super) id: String,
    /// How it is set going.
    pub(super) how: How,
    /// Whether it is left out where it is not installed.
    pub(super) optional: bool,
}

/// How a client is set going.
pub(super) enum How {
    /// It is the reference adapter.
    Adapter,
    /// It is a program.
    Program(Box<Definition>),
    /// A program makes a service elsewhere send.
    Trigger(Box<Definition>),
    /// A person does.
    Attended,
}

/// The clients that the command line names; none where it leaves that to the reference adapter.
pub(super) fn clients(args: &ClientArgs) -> Result<Vec<Chosen>, Failure> {
    let mut chosen: Vec<Chosen> = Vec::new();
    let mut add = |id: &str, how: How, optional: bool| {
        // Folders must not be shared.
        let mut name = id.to_owned();
        let mut number = 2;
        while chosen.iter().any(|one| one.id == name) {
            name = format!("{id}-{number}");
            number += 1;
        }
        chosen.push(Chosen {
            id: name,
            how,
            optional,
        });
    };
    for word in &args.client {
        if word == "adapter" {
            add("adapter", How::Adapter, false);
            continue;
        }
        if word == "installed" {
            for definition in client::names().filter_map(client::find) {
                let id = definition.id.clone();
                add(&id, How::Program(Box::new(definition)), true);
            }
            continue;
        }
        let definition = named(word)?;
        add(
            &definition.id.clone(),
            How::Program(Box::new(definition)),
            false,
        );
    }
    for text in &args.client_cmd {
        let definition = command("command", text, text)?;
        add("command", How::Program(Box::new(definition)), false);
    }
    if let Some(text) = &args.trigger {
        let definition = command("trigger", "a service elsewhere", text)?;
        add("trigger", How::Trigger(Box::new(definition)), false);
    }
    if args.attended {
        add("attended", How::Attended, false);
    }
    Ok(chosen)
}

/// How long a connection is waited for.
pub(super) fn patience(args: &ClientArgs) -> Duration {
    let by_itself = if args.attended { 300 } else { 30 };
    args.wait.unwrap_or(Duration::from_secs(by_itself))
}

fn named(word: &str) -> Result<Definition, Failure> {
    if super::super::is_path(word) {
        return Definition::load(Path::new(word)).map_err(|error| invalid(&error));
    }
    client::find(word).ok_or_else(|| {
        let names: Vec<_> = client::names().collect();
        Failure::input(format!(
            "there is no client `{word}`; there is adapter, installed, {}, or a file NAME.toml",
            names.join(", ")
        ))
    })
}

/// What is wrong with a file, as a failure.
pub(super) fn invalid(error: &DefinitionError) -> Failure {
    match error {
        DefinitionError::Invalid(problems) => Failure::rendered(&problems.render(false)),
        other @ DefinitionError::Unreadable { .. } => {
            Failure::input(format!("cannot read {other}"))
        }
    }
}

fn command(id: &str, title: &str, text: &str) -> Result<Definition, Failure> {
    Definition::of_command(id, title, text).map_err(Failure::input)
}
