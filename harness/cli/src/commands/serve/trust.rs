//! What the options of `serve` about those who connect make of a scenario.

use lab::scenario::{AcceptAuth, ServerTable};

use crate::args::TrustArgs;

/// Changes what the server offers and accepts.
pub(super) fn apply(args: &TrustArgs, server: &mut ServerTable) {
    if args.no_auth {
        server.accept_auth = AcceptAuth::None;
        server.extensions.retain(|line| keyword(line) != "AUTH");
    }
    if let Some(bytes) = args.message_size {
        server.message_limit = bytes;
        for line in &mut server.extensions {
            if keyword(line) == "SIZE" {
                *line = format!("SIZE {bytes}");
            }
        }
    }
}

/// The keyword of an EHLO line, in upper case. `AUTH=LOGIN`, as old servers say it, is AUTH as well.
fn keyword(line: &str) -> String {
    let end = line.find([' ', '=']).unwrap_or(line.len());
    line[..end].to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(extensions: &[&str]) -> ServerTable {
        ServerTable {
            extensions: extensions.iter().map(ToString::to_string).collect(),
            ..ServerTable::default()
        }
    }

    #[test]
    fn without_options_the_scenario_stands() {
        let mut server = table(&["SIZE 10", "AUTH LOGIN"]);
        let before = server.clone();
        apply(&TrustArgs::default(), &mut server);
        assert_eq!(format!("{server:?}"), format!("{before:?}"));
    }

    #[test]
    fn no_form_of_auth_is_offered_and_none_accepted() {
        let mut server = table(&["auth LOGIN", "AUTH=LOGIN", "AUTHOR", "DSN"]);
        apply(
            &TrustArgs {
                no_auth: true,
                ..TrustArgs::default()
            },
            &mut server,
        );
        assert_eq!(server.extensions, ["AUTHOR", "DSN"]);
        assert!(matches!(server.accept_auth, AcceptAuth::None));
    }

    #[test]
    fn the_size_that_is_offered_is_the_one_that_holds() {
        let mut server = table(&["DSN", "SIZE 16777216"]);
        apply(
            &TrustArgs {
                message_size: Some(1000),
                ..TrustArgs::default()
            },
            &mut server,
        );
        assert_eq!(server.extensions, ["DSN", "SIZE 1000"]);
        assert_eq!(server.message_limit, 1000);
    }
}
