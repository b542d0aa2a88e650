//! Checking a bundle: every byte of it has to be what its manifest, and the form of bundles, make it.
//!
//! Nothing that the file says is believed before it is checked: lengths are held against the length of the file, and no
//! more than a buffer of it is held. Nothing is unpacked, and no name is used as a path.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::Crc;
use sha2::{Digest as _, Sha256};

use super::archive::{self, Entry, LOCAL};
use super::foreign;
use super::manifest::{LONGEST_MANIFEST, MANIFEST, Manifest, SUMS};
use crate::Failure;

/// A bundle that is as it was made.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What it says of itself.
    pub manifest: Manifest,
    /// SHA-256 of the whole file.
    pub sha256: String,
}

/// Most problems that are listed.
const MOST_PROBLEMS: usize = 100;

/// Checks a bundle. The inner error has a line for each thing that is not as it was made.
///
/// # Errors
///
/// The file cannot be read.
pub fn verify(path: &Path) -> Result<Result<Verified, Vec<String>>, Failure> {
    check(path)
        .map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))
        .map(|checked| {
            checked.map_err(|mut problems| {
                let more = problems.len().saturating_sub(MOST_PROBLEMS);
                problems.truncate(MOST_PROBLEMS);
                if more > 0 {
                    problems.push(format!("{more} more problems"));
                }
                problems
            })
        })
}

fn check(path: &Path) -> io::Result<Result<Verified, Vec<String>>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut walk = Walk {
        input: BufReader::with_capacity(1 << 16, file),
        at: 0,
        length: metadata.len(),
        whole: Sha256::new(),
        passed: Vec::new(),
        content: Vec::new(),
        form: Vec::new(),
    };
    let manifest = match walk.manifest()? {
        Ok(manifest) => manifest,
        Err(why) => {
            let mut problems = foreign::differences(path).unwrap_or_else(|why| vec![why]);
            problems.insert(0, why);
            return Ok(Err(problems));
        }
    };
    walk.rest(&manifest)?;
    let Walk {
        whole,
        mut content,
        form,
        ..
    } = walk;
    if let Some(first) = form.into_iter().next() {
        // Where files moved, what stands in the place of each says nothing of it; another reader finds them.
        if let Ok(found) = foreign::differences(path) {
            content = found;
        }
        content.push(first);
    }
    if content.is_empty() {
        let sha256 = hex::encode(whole.finalize());
        Ok(Ok(Verified { manifest, sha256 }))
    } else {
        Ok(Err(content))
    }
}

/// Goes through the file from its first byte to its last.
struct Walk {
    input: BufReader<File>,
    at: u64,
    length: u64,
    whole: Sha256,
    passed: Vec<Passed>,
    /// Files that are not what they were.
    content: Vec<String>,
    /// What is not as this program writes it.
    form: Vec<String>,
}

/// An entry that was passed: its headers as they should be.
struct Passed {
    entry: Entry,
    offset: u32,
}

impl Walk {
    /// The next bytes, fewer at the end of the file.
    fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; count.min(left)];
        self.input.read_exact(&mut bytes)?;
        self.at += bytes.len() as u64;
        self.whole.update(&bytes);
        Ok(bytes)
    }

    /// The manifest, which has to come first; what stands around it is checked with the rest.
    fn manifest(&mut self) -> io::Result<Result<Manifest, String>> {
        let header = self.take(LOCAL + MANIFEST.len())?;
        let Some((fixed, name)) = header.split_first_chunk::<LOCAL>() else {
            return Ok(Err(format!(
                "truncated: the file ends after {} bytes",
                header.len()
            )));
        };
        let ours = fixed.starts_with(b"PK\x03\x04");
        if ours && name.len() < MANIFEST.len() && MANIFEST.as_bytes().starts_with(name) {
            return Ok(Err(format!(
                "truncated: the file ends at byte {}, inside the header of {MANIFEST}",
                self.at
            )));
        }
        if !ours || name != MANIFEST.as_bytes() {
            return Ok(Err(format!(
                "altered: the file does not begin with {MANIFEST}, as a bundle of smtpspec does"
            )));
        }
        let size = u32::from_le_bytes([fixed[22], fixed[23], fixed[24], fixed[25]]);
        if u64::from(size) > LONGEST_MANIFEST {
            return Ok(Err(format!(
                "altered: {MANIFEST} claims {size} bytes, more than any manifest has"
            )));
        }
        let bytes = self.take(usize::try_from(size).unwrap_or(usize::MAX))?;
        if bytes.len() < usize::try_from(size).unwrap_or(usize::MAX) {
            return Ok(Err(format!(
                "truncated: the file ends at byte {}, inside {MANIFEST}",
                self.at
            )));
        }
        let manifest = match Manifest::read(&bytes) {
            Ok(manifest) => manifest,
            Err(why) => return Ok(Err(unreadable(&header, fixed, size, &why))),
        };
        let entry = Entry {
            name: MANIFEST.to_owned(),
            size,
            crc: crc(&bytes),
        };
        self.form(
            &header,
            &entry.local_header(),
            0,
            "the header of manifest.json",
        );
        self.passed.push(Passed { entry, offset: 0 });
        let altered = self.sums(&manifest, &bytes)?;
        self.content.extend(altered);
        Ok(Ok(manifest))
    }

    /// The list of hashes, which follows from the manifest; with it, whether the manifest itself is as it was.
    fn sums(&mut self, manifest: &Manifest, bytes: &[u8]) -> io::Result<Option<String>> {
        let text = manifest.sums(&hex::encode(Sha256::digest(bytes)));
        let entry = Entry {
            name: SUMS.to_owned(),
            size: u32::try_from(text.len()).unwrap_or(u32::MAX),
            crc: crc(text.as_bytes()),
        };
        let at = self.at;
        let header = entry.local_header();
        let found = self.take(header.len())?;
        let list = self.take(text.len())?;
        self.form(&found, &header, at, "the header of SHA256SUMS");
        self.passed.push(Passed {
            entry,
            offset: u32::try_from(at).unwrap_or(u32::MAX),
        });
        Ok((list != text.as_bytes()).then(|| {
            format!(
                "altered: {MANIFEST} or {SUMS}: the one does not have the hash that the other says"
            )
        }))
    }

    /// Everything behind the list of hashes.
    fn rest(&mut self, manifest: &Manifest) -> io::Result<()> {
        for (number, file) in manifest.files.iter().enumerate() {
            let at = self.at;
            let header_length = LOCAL + file.name.len();
            let header = self.take(header_length)?;
            let (crc, sha256, size) = self.content(u64::from(file.size))?;
            if size < u64::from(file.size) {
                let missing: Vec<_> = manifest.files[number + 1..]
                    .iter()
                    .map(|file| file.name.as_str())
                    .collect();
                self.content.push(format!(
                    "truncated: the file ends at byte {}, inside {}",
                    self.at, file.name
                ));
                self.content
                    .extend(missing.iter().map(|name| format!("missing: {name}")));
                return Ok(());
            }
            let intact = sha256 == file.sha256;
            if !intact {
                self.content.push(format!(
                    "altered: {} (bytes {} to {} of the bundle)",
                    file.name,
                    at + header_length as u64,
                    self.at
                ));
            }
            let declared = header.get(14..18).map_or(0, |crc| {
                u32::from_le_bytes([crc[0], crc[1], crc[2], crc[3]])
            });
            let entry = Entry {
                name: file.name.clone(),
                size: file.size,
                crc: if intact { crc } else { declared },
            };
            let what = format!("the header of {}", file.name);
            self.form(&header, &entry.local_header(), at, &what);
            let offset = u32::try_from(at).unwrap_or(u32::MAX);
            self.passed.push(Passed { entry, offset });
        }
        self.directory()
    }

    /// The directory, and what has to be the end of the file.
    fn directory(&mut self) -> io::Result<()> {
        let passed = std::mem::take(&mut self.passed);
        let start = self.at;
        for one in &passed {
            let at = self.at;
            let wanted = one.entry.central_header(one.offset);
            let found = self.take(wanted.len())?;
            let what = format!("the directory's entry for {}", one.entry.name);
            self.form(&found, &wanted, at, &what);
        }
        let at = self.at;
        let wanted = archive::end_record(
            u16::try_from(passed.len()).unwrap_or(u16::MAX),
            u32::try_from(at - start).unwrap_or(u32::MAX),
            u32::try_from(start).unwrap_or(u32::MAX),
        );
        let found = self.take(wanted.len())?;
        self.form(&found, &wanted, at, "the end of the archive");
        if let left @ 1.. = self.length - self.at {
            self.form.push(format!(
                "added: {left} bytes behind the end of the archive, from byte {} on",
                self.at
            ));
        }
        Ok(())
    }

    /// Passes over the content of a file: its CRC, its SHA-256, and how long it really is.
    fn content(&mut self, size: u64) -> io::Result<(u32, String, u64)> {
        let mut crc = Crc::new();
        let mut hash = Sha256::new();
        let mut left = size;
        while left > 0 {
            let piece = self.take(usize::try_from(left.min(1 << 16)).unwrap_or(1 << 16))?;
            if piece.is_empty() {
                break;
            }
            crc.update(&piece);
            hash.update(&piece);
            left -= piece.len() as u64;
        }
        Ok((crc.sum(), hex::encode(hash.finalize()), size - left))
    }

    fn form(&mut self, found: &[u8], wanted: &[u8], at: u64, what: &str) {
        if found.len() < wanted.len() && self.at == self.length && wanted.starts_with(found) {
            self.form.push(format!(
                "truncated: the file ends at byte {}, inside {what}",
                self.at
            ));
        } else if found != wanted {
            let same = found.iter().zip(wanted).take_while(|(a, b)| a == b).count();
            self.form
                .push(format!("altered: {what}, at byte {}", at + same as u64));
        }
    }
}

/// What is wrong with a manifest that cannot be read: another program packed it, or it is another manifest.
fn unreadable(header: &[u8], fixed: &[u8; LOCAL], size: u32, why: &str) -> String {
    let declared = Entry {
        name: MANIFEST.to_owned(),
        size,
        crc: u32::from_le_bytes([fixed[14], fixed[15], fixed[16], fixed[17]]),
    };
    let wanted = declared.local_header();
    let differs = header.iter().zip(&wanted).position(|(a, b)| a != b);
    differs.map_or_else(
        || format!("altered: {MANIFEST}: {why}"),
        |byte| format!("altered: the header of {MANIFEST}, at byte {byte}"),
    )
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
