//! Verdicts shown: one file per format.
//!
//! Every format is a pure function of the result. None knows where the result came from, and none may show what the
//! result does not hold: secrets were left out before it was made. What came from the wire (names, addresses) is
//! escaped here, for the sink that it goes to.

mod bounded;
pub mod clients;
mod conformance;
mod controls;
mod csv;
mod grid;
mod hexdump;
pub mod html;
pub mod json;
pub mod jsonl;
mod junit;
mod leaked;
mod markdown;
mod oscal;
mod page;
#[cfg(test)]
mod sample;
mod sarif;
mod seen;
mod text;
mod totals;
mod uri;

use claims::printable;
use claims::result::Outcome;

/// What a renderer may adapt to.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// ANSI colours. The words stay the same without them.
    pub color: bool,
    /// Every verdict of every conversation, with transcripts.
    pub verbose: bool,
    /// Columns of the terminal.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            color: false,
            verbose: false,
            width: 80,
        }
    }
}

/// A report format.
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// The extension of its files.
    pub extension: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// The renderer.
    pub render: fn(&Outcome, Style) -> String,
}

/// Every format.
pub static FORMATS: &[Format] = &[
    Format {
        name: "text",
        extension: "txt",
        summary: "for a terminal",
        render: text::render,
    },
    Format {
        name: "json",
        extension: "json",
        summary: "for programs; schema smtpspec.result/1",
        render: json::render,
    },
    Format {
        name: "jsonl",
        extension: "jsonl",
        summary: "for programs that read along: a conversation a line, then a summary",
        render: jsonl::render,
    },
    Format {
        name: "md",
        extension: "md",
        summary: "Markdown, for a step summary: up to 1 MiB",
        render: bounded::summary,
    },
    Format {
        name: "comment",
        extension: "comment.md",
        summary: "Markdown, for a comment on a pull request: up to 65,536 characters",
        render: bounded::comment,
    },
    Format {
        name: "html",
        extension: "html",
        summary: "a page that stands by itself, for a browser",
        render: html::render,
    },
    Format {
        name: "junit",
        extension: "xml",
        summary: "JUnit XML, for Jenkins, GitLab and their like",
        render: junit::render,
    },
    Format {
        name: "sarif",
        extension: "sarif",
        summary: "SARIF 2.1.0, for code scanning: the violations",
        render: sarif::render,
    },
    Format {
        name: "csv",
        extension: "csv",
        summary: "what leaked, a row each, for a spreadsheet",
        render: csv::render,
    },
    Format {
        name: "controls",
        extension: "controls.csv",
        summary: "controls of compliance, a row each, for a spreadsheet",
        render: controls::table,
    },
    Format {
        name: "oscal",
        extension: "oscal.json",
        summary: "OSCAL Assessment Results, for tools of compliance",
        render: oscal::render,
    },
];

/// The format with this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

#[cfg(test)]
mod tests {
    use claims::steers;

    use super::*;

    fn rendered(name: &str, verbose: bool) -> String {
        let style = Style {
            verbose,
            ..Style::default()
        };
        let format = format(name).expect("it is registered");
        (format.render)(&sample::audit(), style)
    }

    #[test]
    fn an_audit_on_a_terminal_and_as_a_document() {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../reports"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| {
            insta::assert_snapshot!("audit.txt", rendered("text", false));
            insta::assert_snapshot!("audit.verbose.txt", rendered("text", true));
            insta::assert_snapshot!("audit.md", rendered("md", false));
        });
    }

    /// An audit held against two standards of compliance, in the formats that are about them.
    #[test]
    fn an_audit_against_controls() {
        let outcome = sample::controls();
        let shown = |name: &str| {
            let format = format(name).expect("it is registered");
            (format.render)(&outcome, Style::default())
        };
        let mut part = String::new();
        controls::terminal(&mut part, &outcome, Style::default());
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../reports"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| {
            insta::assert_snapshot!("controls.txt", part.trim_start());
            insta::assert_snapshot!("controls.csv", shown("controls"));
            insta::assert_snapshot!("oscal.json", shown("oscal"));
        });
    }

    #[test]
    fn an_audit_fits_a_terminal_of_eighty_columns() {
        for line in rendered("text", true).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn what_an_auditor_wants_stands_in_the_order_of_its_weight() {
        for name in ["text", "md"] {
            let text = rendered(name, false);
            let place = |needle: &str| {
                text.find(needle)
                    .unwrap_or_else(|| panic!("no {needle} in {name}"))
            };
            let order = [
                place("150 of 150 messages crossed in clear"),
                place("client host"),
                place("its password"),
                place("RFC8314"),
                place("captured with 96"),
            ];
            assert!(order.is_sorted(), "{name}: {order:?}");
            assert!(text.contains("Showing 2 of 300 conversations"), "{text}");
        }
    }

    #[test]
    fn no_report_holds_the_password_or_drives_the_terminal() {
        for format in FORMATS {
            for verbose in [false, true] {
                let text = rendered(format.name, verbose);
                for secret in ["secret\"", "AHVzZXIAc2VjcmV0", "c2VjcmV0"] {
                    assert!(!text.contains(secret), "{secret} in {}", format.name);
                }
                let odd = text
                    .chars()
                    .find(|c| (c.is_control() && *c != '\n') || steers(*c));
                assert_eq!(odd, None, "in {}", format.name);
            }
        }
    }
}
