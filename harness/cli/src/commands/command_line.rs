//! `smtpspec completions` and `smtpspec man`: the command line described for shells and for `man`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::output;
use crate::args::Cli;
use crate::{Exit, Failure};

pub(super) fn completions(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "smtpspec", &mut script);
    output::text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Met)
}

/// One page with every subcommand.
pub(super) fn man() -> Result<Exit, Failure> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    let render = |command: clap::Command, page: &mut Vec<u8>| {
        clap_mangen::Man::new(command)
            .render(page)
            .map_err(|error| Failure::input(format!("cannot write the manual page: {error}")))
    };
    render(command.clone(), &mut page)?;
    for subcommand in command
        .get_subcommands()
        .filter(|one| one.get_name() != "help")
    {
        let name: &'static str = format!("smtpspec {}", subcommand.get_name()).leak();
        let described = subcommand.clone().name(name).version(None::<&str>);
        let mut section = Vec::new();
        clap_mangen::Man::new(described.clone())
            .render_synopsis_section(&mut section)
            .and_then(|()| {
                clap_mangen::Man::new(described.clone()).render_description_section(&mut section)
            })
            .and_then(|()| clap_mangen::Man::new(described).render_options_section(&mut section))
            .map_err(|error| Failure::input(format!("cannot write the manual page: {error}")))?;
        page.extend_from_slice(&section);
    }
    output::text(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Met)
}
