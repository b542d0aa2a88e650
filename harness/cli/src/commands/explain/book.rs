//! The pages as the source of an mdBook: a file for each, a table of contents, and an index for each part.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use claims::explain::{Folder, Page};

use crate::Failure;
use crate::commands::output;

const FRONT: &str = "# smtpspec: what is judged, and how

Each claim, check, case, profile and control of this version has a page here. The text is that of `smtpspec explain ID`, and
is made from the program itself: `smtpspec explain --all --out docs/book/src`.

";

/// Writes the source of the book into `folder`, which is made if missing. Files of pages that no longer exist stay.
pub(super) fn write(folder: &Path, pages: &[Page]) -> Result<(), Failure> {
    let mut contents = String::from("# Summary\n\n[Introduction](README.md)\n\n");
    let mut front = String::from(FRONT);
    for part in Folder::ALL {
        let of: Vec<&Page> = pages.iter().filter(|page| page.folder == part).collect();
        // Not README.md, which mdBook makes index.html of and does not mend the links to.
        let index = format!("{}/index.md", part.name());
        let _ = writeln!(contents, "- [{}]({index})", part.heading());
        let _ = writeln!(front, "- [{}]({index}): {}", part.heading(), of.len());
        let mut text = format!("# {}\n\n", part.heading());
        for page in of {
            let _ = writeln!(contents, "  - [{}]({})", label(&page.id), page.path());
            let own = page.path();
            let name = own.rsplit('/').next().unwrap_or_default();
            let heading = label(&page.heading());
            let _ = writeln!(text, "- [{heading}]({name})");
        }
        save(folder, &index, &text)?;
    }
    for page in pages.iter().filter(|page| page.folder == Folder::Top) {
        let _ = writeln!(contents, "- [{}]({})", label(&page.title), page.path());
        let _ = writeln!(front, "- [{}]({})", label(&page.title), page.path());
    }
    save(folder, "SUMMARY.md", &contents)?;
    save(folder, "README.md", &front)?;
    for page in pages {
        save(folder, &page.path(), &page.to_markdown(true))?;
    }
    Ok(())
}

/// The text of a link.
fn label(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '[' | ']' | '<' | '>' | '*' | '_' | '`') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

fn save(folder: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        output::folder(parent)?;
    }
    fs::write(&path, text)
        .map_err(|error| Failure::input(format!("cannot write {}: {error}", path.display())))
}
