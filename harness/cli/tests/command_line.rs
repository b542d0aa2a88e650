//! Completions, the manual page and the help are made from the same definition, and say all of it.

use std::process::Command;

use clap::CommandFactory as _;
use smtpspec::args::Cli;

fn print(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_smtpspec"))
        .args(arguments)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = print(&["completions", shell]);
        for word in ["audit", "serve", "--profile", "grid"] {
            assert!(
                script.contains(word) || (shell == "fish" && script.contains(&word[2..])),
                "{word} is not completed in {shell}"
            );
        }
    }
}

#[test]
fn the_manual_page_has_every_option_of_every_command() {
    let page = print(&["man"]).replace('\\', "");
    for command in Cli::command().get_subcommands() {
        assert!(page.contains(command.get_name()), "{}", command.get_name());
        for option in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(
                page.contains(&format!("--{option}")),
                "{} --{option} is not in the page",
                command.get_name()
            );
        }
    }
}

#[test]
fn help_fits_eighty_columns() {
    for command in Cli::command().get_subcommands() {
        for line in print(&[command.get_name(), "--help"]).lines() {
            assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
        }
    }
}

#[test]
fn the_schema_of_scenarios_is_json_that_names_its_draft() {
    let schema: serde_json::Value =
        serde_json::from_str(&print(&["schema", "scenario"])).expect("JSON");
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert_eq!(schema["required"], serde_json::json!(["id", "title"]));
}
