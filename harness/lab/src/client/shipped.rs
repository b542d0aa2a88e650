//! The definitions that come with the program, with the scripts that they name.

use super::Definition;

/// A definition and its scripts, each with its name.
type Shipped = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../clients/", $name))
    };
}

/// In the order in which they are listed.
static SHIPPED: [Shipped; 12] = [
    ("curl", file!("curl.toml"), &[]),
    ("exim", file!("exim.toml"), &[("exim.sh", file!("exim.sh"))]),
    (
        "javamail",
        file!("javamail.toml"),
        &[("JavaMailClient.java", file!("JavaMailClient.java"))],
    ),
    ("lettre", file!("lettre.toml"), &[]),
    (
        "mono",
        file!("mono.toml"),
        &[("MonoClient.cs", file!("MonoClient.cs"))],
    ),
    ("msmtp", file!("msmtp.toml"), &[]),
    (
        "nodemailer",
        file!("nodemailer.toml"),
        &[("nodemailer.cjs", file!("nodemailer.cjs"))],
    ),
    (
        "pyspnego",
        file!("pyspnego.toml"),
        &[("pyspnego_client.py", file!("pyspnego_client.py"))],
    ),
    ("s-nail", file!("s-nail.toml"), &[]),
    (
        "smtplib",
        file!("smtplib.toml"),
        &[("smtplib_client.py", file!("smtplib_client.py"))],
    ),
    ("sspi", file!("sspi.toml"), &[]),
    ("swaks", file!("swaks.toml"), &[]),
];

/// The names of the shipped definitions.
pub fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _, _)| *name)
}

/// A shipped definition.
///
/// # Panics
///
/// It is not valid, which a test excludes.
pub fn find(name: &str) -> Option<Definition> {
    let (name, text, _) = SHIPPED.iter().find(|(known, _, _)| *known == name)?;
    match Definition::parse(&format!("{name}.toml"), text) {
        Ok(definition) => Some(definition),
        Err(problems) => panic!("{}", problems.render(false)),
    }
}

/// The text of a script of a shipped definition.
pub(super) fn script(client: &str, script: &str) -> Option<&'static str> {
    let (_, _, scripts) = SHIPPED.iter().find(|(known, _, _)| *known == client)?;
    scripts
        .iter()
        .find(|(name, _)| *name == script)
        .map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_definition_is_valid_and_has_its_scripts() {
        for name in names() {
            let definition = find(name).expect("it is there");
            assert_eq!(definition.id, name);
            assert!(!definition.probe.is_empty(), "{name} can be probed");
            for one in &definition.scripts {
                assert!(script(name, one).is_some(), "{name}: {one}");
            }
        }
    }

    #[test]
    fn every_shipped_definition_does_or_says_why_not() {
        let words = [
            "none",
            "basic",
            "ntlm",
            "never",
            "opportunistic",
            "required",
            "implicit",
        ];
        for name in names() {
            let definition = find(name).expect("it is there");
            for word in words {
                let does = definition.modes.contains_key(word) || definition.tls.contains_key(word);
                let says = definition.cannot.contains_key(word);
                assert!(does != says, "{name}: {word}");
            }
            for (word, block) in [
                ("receipt", &definition.receipt),
                ("retry", &definition.retry),
            ] {
                let says = definition.cannot.contains_key(word);
                assert!(block.is_some() != says, "{name}: {word}");
            }
        }
    }
}
