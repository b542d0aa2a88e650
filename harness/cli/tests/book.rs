//! The book that `explain --all` makes is complete, and each of its links leads somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use claims::{Claim, Profile, checks, explain};
use lab::adapter::Twin;

fn smtpspec(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_smtpspec"))
        .args(arguments)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// What the links of a page lead to.
fn links(text: &str) -> Vec<&str> {
    // A link to a page ends with its file; scenario files, which are shown as they are, have no such thing.
    let parts = text.split("](").skip(1);
    parts
        .filter_map(|rest| Some(rest.split_once(')')?.0))
        .filter(|link| {
            Path::new(link)
                .extension()
                .is_some_and(|extension| extension == "md")
        })
        .collect()
}

/// Every file under a folder.
fn walk(folder: &Path, all: &mut Vec<String>, root: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, all, root);
        } else {
            let name = path.strip_prefix(root).expect("under the root");
            all.push(name.to_str().expect("UTF-8").to_owned());
        }
    }
}

#[test]
fn the_book_has_a_page_for_everything_and_no_dead_link() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("src");
    smtpspec(&["explain", "--all", "--out", source.to_str().expect("UTF-8")]);
    let contents = fs::read_to_string(source.join("SUMMARY.md")).expect("a table of contents");
    let listed: BTreeSet<&str> = links(&contents).into_iter().collect();
    for (folder, ids) in [
        (
            "claims",
            Claim::all()
                .iter()
                .map(|one| one.id.as_str())
                .collect::<Vec<_>>(),
        ),
        ("checks", checks::ALL.iter().map(|one| one.id).collect()),
        (
            "profiles",
            Profile::all().iter().map(|one| one.id.as_str()).collect(),
        ),
        ("twins", Twin::ALL.iter().map(|one| one.name()).collect()),
    ] {
        assert!(!ids.is_empty());
        for id in ids {
            let page = format!("{folder}/{id}.md");
            assert!(
                listed.contains(page.as_str()),
                "{page} is not in the table of contents"
            );
        }
    }
    for (folder, count) in [
        ("controls", explain::controls().count()),
        ("cases", case_files()),
    ] {
        let pages = listed.iter().filter(|page| page.starts_with(folder));
        // The index of the part is one of them.
        assert_eq!(pages.count(), count + 1, "{folder}");
    }
    let mut files = Vec::new();
    walk(&source, &mut files, &source);
    for file in files.iter().filter(|file| *file != "SUMMARY.md") {
        assert!(
            listed.contains(file.as_str()),
            "{file} is not in the table of contents"
        );
    }
    for file in &files {
        let path = source.join(file);
        let text = fs::read_to_string(&path).expect("text");
        assert!(
            file == "SUMMARY.md" || text.starts_with("# "),
            "{file} has no heading"
        );
        for link in links(&text) {
            let to = path.parent().expect("a folder").join(link);
            assert!(to.is_file(), "{file} links to {link}");
        }
    }
}

/// Files of the catalogue: several cases of a matrix are one.
fn case_files() -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut files = Vec::new();
    walk(&root, &mut files, &root);
    let toml = |file: &&String| {
        Path::new(file)
            .extension()
            .is_some_and(|extension| extension == "toml")
    };
    files.iter().filter(toml).count()
}

#[test]
fn the_book_is_the_same_each_time_and_its_pages_are_what_explain_says() {
    let text = smtpspec(&["explain", "--all"]);
    assert_eq!(text, smtpspec(&["explain", "--all"]));
    for id in [
        "ADP-16",
        "password-readable",
        "BAS-01",
        "rfc-strict",
        "pci-dss-4.0.1/4.2.1",
    ] {
        let page = smtpspec(&["explain", id]);
        assert!(
            text.contains(&page),
            "{id} is explained in another way:\n{page}"
        );
    }
}

#[test]
fn a_control_is_found_by_its_id_alone_and_with_its_standard() {
    let page = smtpspec(&["explain", "sc-8"]);
    assert!(page.starts_with("nist-sp-800-53r5 SC-8: "), "{page}");
    assert_eq!(page, smtpspec(&["explain", "nist-sp-800-53r5/SC-8"]));
    let listed = smtpspec(&["list", "controls"]);
    for (standard, control) in explain::controls() {
        let id = format!("{}/{}", standard.id, control.id);
        assert!(listed.contains(&id), "{id}");
        let page = smtpspec(&["explain", &id]);
        for part in ["Rule: ", "Not tested: ", "Cited: "] {
            assert!(page.contains(part), "{id} says no {part}");
        }
    }
}
