//! A page of explanation, and how it is written.

use std::fmt::Write as _;

/// Columns of a terminal.
const WIDTH: usize = 80;

/// Where a page belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Folder {
    /// Beside the front page.
    Top,
    /// Claims, and statements that no packet decides.
    Claims,
    /// Checks.
    Checks,
    /// Cases of the catalogue.
    Cases,
    /// Profiles.
    Profiles,
    /// Controls.
    Controls,
    /// Bad twins of the reference adapter.
    Twins,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it belongs.
    pub folder: Folder,
    /// What it is about: the id.
    pub id: String,
    /// In a sentence; may be empty.
    pub title: String,
    /// What it says, in order.
    pub blocks: Vec<Block>,
}

/// A piece of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A label and what belongs to it, on one line where it fits.
    Fact(&'static str, String),
    /// A label, and what leads elsewhere.
    Links(&'static str, Vec<Link>),
    /// A list.
    List(&'static str, Vec<String>),
    /// A text that stays as it is, and its language.
    Code(&'static str, String),
}

/// A place that a page leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where that page belongs.
    pub folder: Folder,
    /// Its id.
    pub id: String,
    /// What is shown.
    pub text: String,
}

impl Folder {
    /// All that have a name, in the order of the table of contents.
    pub const ALL: [Self; 6] = [
        Self::Claims,
        Self::Checks,
        Self::Cases,
        Self::Profiles,
        Self::Controls,
        Self::Twins,
    ];

    /// The name of the folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Top => "",
            Self::Claims => "claims",
            Self::Checks => "checks",
            Self::Cases => "cases",
            Self::Profiles => "profiles",
            Self::Controls => "controls",
            Self::Twins => "twins",
        }
    }

    /// What stands in it, as a heading.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Top => "smtpspec",
            Self::Claims => "Claims",
            Self::Checks => "Checks",
            Self::Cases => "Cases",
            Self::Profiles => "Profiles",
            Self::Controls => "Controls",
            Self::Twins => "Bad twins",
        }
    }
}

/// The file of a page, from the folder of the site.
fn path(folder: Folder, id: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = id.chars().map(|c| if safe(c) { c } else { '-' }).collect();
    let name = name.trim_end_matches('-');
    match folder {
        Folder::Top => format!("{name}.md"),
        _ => format!("{}/{name}.md", folder.name()),
    }
}

impl Link {
    /// To the page of `id`.
    pub fn new(folder: Folder, id: &str, text: impl Into<String>) -> Self {
        Self {
            folder,
            id: id.to_owned(),
            text: text.into(),
        }
    }

    /// The file that it leads to, from the folder of the site.
    pub fn path(&self) -> String {
        path(self.folder, &self.id)
    }
}

impl Page {
    /// One that says nothing yet.
    pub fn new(folder: Folder, id: &str, title: &str) -> Self {
        Self {
            folder,
            id: id.to_owned(),
            title: title.to_owned(),
            blocks: Vec::new(),
        }
    }

    /// Adds a paragraph.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Text(text.into()));
        self
    }

    /// Adds a label with what belongs to it.
    #[must_use]
    pub fn fact(mut self, label: &'static str, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Fact(label, text.into()));
        self
    }

    /// Adds what leads elsewhere; nothing where that is nowhere.
    #[must_use]
    pub fn links(mut self, label: &'static str, links: Vec<Link>) -> Self {
        if !links.is_empty() {
            self.blocks.push(Block::Links(label, links));
        }
        self
    }

    /// Adds a list; nothing where it is empty.
    #[must_use]
    pub fn list(mut self, label: &'static str, lines: Vec<String>) -> Self {
        if !lines.is_empty() {
            self.blocks.push(Block::List(label, lines));
        }
        self
    }

    /// Adds a text that stays as it is.
    #[must_use]
    pub fn code(mut self, language: &'static str, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Code(language, text.into()));
        self
    }

    /// Its file, from the folder of the site.
    pub fn path(&self) -> String {
        path(self.folder, &self.id)
    }

    /// Every place that it leads to.
    pub fn every_link(&self) -> impl Iterator<Item = &Link> {
        self.blocks.iter().flat_map(|block| match block {
            Block::Links(_, links) => links.as_slice(),
            _ => &[],
        })
    }

    /// Id and title.
    pub fn heading(&self) -> String {
        if self.title.is_empty() {
            self.id.clone()
        } else {
            format!("{}: {}", self.id, self.title)
        }
    }

    /// For a terminal of eighty columns.
    pub fn to_text(&self) -> String {
        let mut out = fold(&self.heading(), 0);
        out.push_str("\n\n");
        let mut before: Option<&Block> = None;
        for block in &self.blocks {
            // Facts stand together; all else stands apart.
            let together = |one: &Block| matches!(one, Block::Fact(..));
            if before.is_some_and(|before| !(together(before) && together(block))) {
                out.push('\n');
            }
            before = Some(block);
            let list = |out: &mut String, label: &str, lines: &mut dyn Iterator<Item = &str>| {
                let _ = writeln!(out, "{label}:");
                for line in lines {
                    let _ = writeln!(out, "- {}", fold(line, 2));
                }
            };
            match block {
                Block::Text(text) => {
                    let _ = writeln!(out, "{}", fold(text, 0));
                }
                Block::Fact(label, text) => {
                    let _ = writeln!(out, "{}", fold(&format!("{label}: {text}"), 0));
                }
                Block::Links(label, links) => match links.as_slice() {
                    [one] => {
                        let _ = writeln!(out, "{}", fold(&format!("{label}: {}", one.text), 0));
                    }
                    _ => list(
                        &mut out,
                        label,
                        &mut links.iter().map(|one| one.text.as_str()),
                    ),
                },
                Block::List(label, lines) => {
                    list(&mut out, label, &mut lines.iter().map(String::as_str));
                }
                Block::Code(_, text) => {
                    let _ = writeln!(out, "{}", text.trim_end());
                }
            }
        }
        out
    }

    /// As Markdown. `linked`: for the site, with its heading and links that lead to its other pages; otherwise for a place
    /// that has neither.
    pub fn to_markdown(&self, linked: bool) -> String {
        let mut out = String::new();
        if linked {
            let _ = writeln!(out, "# {}\n", escape(&self.heading()));
        }
        for block in &self.blocks {
            match block {
                Block::Text(text) => {
                    let _ = writeln!(out, "{}\n", escape(&flat(text)));
                }
                Block::Fact(label, text) => {
                    let _ = writeln!(out, "**{label}**: {}\n", escape(&flat(text)));
                }
                Block::Links(label, links) => {
                    let _ = writeln!(out, "**{label}**:\n");
                    for link in links {
                        let text = escape(&link.text);
                        let _ = if linked {
                            writeln!(out, "- [{text}]({})", self.way_to(link))
                        } else {
                            writeln!(out, "- {text}")
                        };
                    }
                    out.push('\n');
                }
                Block::List(label, lines) => {
                    let _ = writeln!(out, "**{label}**:\n");
                    for line in lines {
                        let _ = writeln!(out, "- {}", escape(line));
                    }
                    out.push('\n');
                }
                Block::Code(language, text) => {
                    // Longer than any fence in the text.
                    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
                    let _ = writeln!(out, "{fence}{language}\n{}\n{fence}\n", text.trim_end());
                }
            }
        }
        out
    }

    fn way_to(&self, link: &Link) -> String {
        match self.folder {
            Folder::Top => link.path(),
            _ => format!("../{}", link.path()),
        }
    }
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text in which nothing is taken for Markdown, or for HTML, but for what stands between single backticks.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let balanced = text.matches('`').count().is_multiple_of(2);
    let mut code = false;
    for character in text.chars() {
        if character == '`' && balanced {
            code = !code;
        } else if !code
            && matches!(
                character,
                '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#'
            )
        {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// Breaks a paragraph at 80 columns; lines after the first are indented.
fn fold(text: &str, indent: usize) -> String {
    let room = WIDTH - indent;
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > room {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escape("a <b> *c* [d] `e_f` #"),
            "a \\<b\\> \\*c\\* \\[d\\] `e_f` \\#"
        );
        assert_eq!(escape("one ` only"), "one \\` only");
        let page = Page::new(Folder::Top, "x", "").code("toml", "a\n````\nb");
        assert!(page.to_markdown(false).starts_with("`````toml\n"));
    }

    #[test]
    fn a_file_name_holds_no_sign() {
        assert_eq!(
            path(Folder::Controls, "hipaa 164.312(e)(2)(ii)"),
            "controls/hipaa-164.312-e--2--ii.md"
        );
    }
}
