//! An archive that is not as this program writes it, read as any ZIP is read, to say which of its files differ.
//!
//! Whatever comes of that, such an archive is refused. It may have been made to exhaust its reader: no more is unpacked
//! than the manifest says that there is, and never more than a bound.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use zip::ZipArchive;

use super::manifest::{LONGEST_MANIFEST, MANIFEST, Manifest, SUMS, unsafe_name};

/// The most bytes that are unpacked of one archive.
const MOST_UNPACKED: u64 = 1 << 30;

/// A line for each file that was altered, added or lost.
///
/// # Errors
///
/// It cannot be read as a ZIP, or has no manifest.
pub(super) fn differences(path: &Path) -> Result<Vec<String>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut archive = ZipArchive::new(BufReader::new(file))
        .map_err(|error| format!("it cannot be read as a ZIP: {error}"))?;
    let mut left = MOST_UNPACKED;
    let bytes = unpack(&mut archive, MANIFEST, LONGEST_MANIFEST, &mut left)?;
    let manifest = Manifest::read(&bytes).map_err(|why| format!("altered: {MANIFEST}: {why}"))?;
    let mut problems = Vec::new();
    let mut wanted = BTreeSet::from([MANIFEST, SUMS]);
    for member in &manifest.files {
        wanted.insert(&member.name);
        if archive.index_for_name(&member.name).is_none() {
            problems.push(format!("missing: {}", member.name));
            continue;
        }
        // One byte more shows that it is longer.
        let most = u64::from(member.size) + 1;
        match unpack(&mut archive, &member.name, most, &mut left) {
            Ok(bytes) if hex::encode(Sha256::digest(&bytes)) == member.sha256 => {}
            Ok(_) => problems.push(format!("altered: {}", member.name)),
            Err(why) => problems.push(format!("altered: {}: {why}", member.name)),
        }
    }
    for name in archive.file_names() {
        let Ok(name) = name else {
            problems.push("added: a file whose name is no text".to_owned());
            continue;
        };
        let name = &*name;
        if wanted.contains(name) {
            continue;
        }
        let shown = name.escape_debug();
        problems.push(match unsafe_name(name) {
            None => format!("added: {shown}"),
            Some(why) => format!("added: `{shown}`, a name that {why}"),
        });
    }
    problems.sort();
    Ok(problems)
}

/// The content of an entry, at most so many bytes of it.
fn unpack(
    archive: &mut ZipArchive<BufReader<File>>,
    name: &str,
    most: u64,
    left: &mut u64,
) -> Result<Vec<u8>, String> {
    let entry = archive
        .by_name(name)
        .map_err(|error| format!("{name}: {error}"))?;
    let mut bytes = Vec::new();
    let read = entry.take(most.min(*left)).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    *left -= bytes.len() as u64;
    if *left == 0 {
        return Err("the archive unpacks to more than 1 GiB, and was read no further".to_owned());
    }
    Ok(bytes)
}
