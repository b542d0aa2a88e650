//! Making a bundle.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Crc;
use sha2::{Digest as _, Sha256};

use super::archive::{Archive, Entry};
use super::manifest::{MANIFEST, Manifest, Member, SCHEMA, SUMS, unsafe_name};
use crate::Failure;

/// What a bundle says of itself beside the list of its files.
#[derive(Clone, Debug)]
pub struct Head {
    /// What was done: `run`, `audit` or `serve`.
    pub command: String,
    /// The profile that was applied.
    pub profile: String,
    /// When, as RFC 3339; empty where that is not known.
    pub time: String,
    /// The machine, unless it is left out.
    pub host: Option<String>,
    /// What became of the captures: `full`, `redacted` or `none`.
    pub captures: String,
}

/// Where a file of a bundle comes from.
#[derive(Clone, Debug)]
pub enum Content {
    /// From memory.
    Bytes(Vec<u8>),
    /// From a file.
    File(PathBuf),
}

/// A file that goes into a bundle.
#[derive(Clone, Debug)]
pub struct Ingredient {
    /// Its folder in the bundle; empty for none.
    pub folder: &'static str,
    /// What it is to be called. Characters that names in a bundle do not have are replaced, and a name that is taken gets a
    /// number.
    pub name: String,
    /// What it is: `result`, `report`, `profile`, `capture`.
    pub kind: &'static str,
    /// Its bytes.
    pub content: Content,
    /// Of a capture: the path under which the result names it.
    pub path: Option<String>,
    /// Of a redacted capture: the SHA-256 of the one that was judged.
    pub redacted_from: Option<String>,
}

impl Content {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(bytes.as_slice()),
            Self::File(path) => Box::new(File::open(path)?),
        })
    }
}

/// Writes a bundle, readable by its owner only, whole or not at all. The answer is the SHA-256 of the file.
///
/// # Errors
///
/// Something cannot be read or written, changed meanwhile, or is too long for a bundle.
pub fn write(path: &Path, head: Head, ingredients: &[Ingredient]) -> Result<String, Failure> {
    let partial = path.with_extension("zip.partial");
    let written = try_write(&partial, head, ingredients)
        .and_then(|sum| fs::rename(&partial, path).map(|()| sum));
    written.map_err(|error| {
        let _ = fs::remove_file(&partial);
        Failure::input(format!("cannot write {}: {error}", path.display()))
    })
}

fn try_write(path: &Path, head: Head, ingredients: &[Ingredient]) -> io::Result<String> {
    let mut taken = BTreeSet::new();
    let mut entries = Vec::new();
    let mut files = Vec::new();
    for one in ingredients {
        let (entry, sha256) = measured(free_name(one, &mut taken), &one.content)?;
        files.push(Member {
            name: entry.name.clone(),
            kind: one.kind.to_owned(),
            size: entry.size,
            sha256,
            path: one.path.clone(),
            redacted_from: one.redacted_from.clone(),
        });
        entries.push(entry);
    }
    let manifest = Manifest {
        schema: SCHEMA.to_owned(),
        tool: concat!("smtpspec ", env!("CARGO_PKG_VERSION")).to_owned(),
        command: head.command,
        profile: head.profile,
        time: head.time,
        host: head.host,
        captures: head.captures,
        files,
    };
    let text = Content::Bytes(manifest.to_json().into_bytes());
    let (own, own_sum) = measured(MANIFEST.to_owned(), &text)?;
    let sums = Content::Bytes(manifest.sums(&own_sum).into_bytes());
    let (sums_entry, _) = measured(SUMS.to_owned(), &sums)?;

    let out = Hashing {
        inner: BufWriter::new(wire::create_private(path)?),
        hash: Sha256::new(),
    };
    let mut archive = Archive::new(out);
    archive.add(&own, &mut text.open()?)?;
    archive.add(&sums_entry, &mut sums.open()?)?;
    for (entry, one) in entries.iter().zip(ingredients) {
        archive.add(entry, &mut one.content.open()?)?;
    }
    let out = archive.finish()?;
    let file = out
        .inner
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(hex::encode(out.hash.finalize()))
}

/// A name that nothing else in the bundle has, and that stays inside it.
fn free_name(one: &Ingredient, taken: &mut BTreeSet<String>) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || "-._+,=@[]".contains(c);
    let mut plain: String = one
        .name
        .chars()
        .map(|c| if keep(c) { c } else { '_' })
        .collect();
    // Long names keep their end, which says what they are.
    plain = plain.split_off(plain.len().saturating_sub(180));
    if matches!(plain.as_str(), "" | "." | "..") {
        plain = String::from("_");
    }
    let folder = if one.folder.is_empty() {
        String::new()
    } else {
        format!("{}/", one.folder)
    };
    let first = format!("{folder}{plain}");
    let numbered = (2..).map(|number| format!("{folder}{number}-{plain}"));
    let name = std::iter::once(first)
        .chain(numbered)
        .find(|name| !taken.contains(name))
        .expect("there is no end of numbers");
    debug_assert!(unsafe_name(&name).is_none());
    taken.insert(name.clone());
    name
}

/// The entry of a content, and its SHA-256.
fn measured(name: String, content: &Content) -> io::Result<(Entry, String)> {
    let named = |error: io::Error| match content {
        Content::File(path) => io::Error::new(error.kind(), format!("{}: {error}", path.display())),
        Content::Bytes(_) => error,
    };
    let mut reader = content.open().map_err(named)?;
    let mut crc = Crc::new();
    let mut hash = Sha256::new();
    let mut size = 0u64;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = reader.read(&mut buffer).map_err(named)?;
        if read == 0 {
            break;
        }
        crc.update(&buffer[..read]);
        hash.update(&buffer[..read]);
        size += read as u64;
    }
    let size = u32::try_from(size).map_err(|_| {
        io::Error::other(format!(
            "{name} is longer than the 4 GiB of a bundle; leave the captures out with --bundle-captures none"
        ))
    })?;
    let entry = Entry {
        name,
        size,
        crc: crc.sum(),
    };
    Ok((entry, hex::encode(hash.finalize())))
}

struct Hashing<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hash.update(&buffer[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
