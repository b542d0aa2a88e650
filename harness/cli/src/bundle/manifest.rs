//! What a bundle says of itself: `manifest.json`, and the same hashes as `sha256sum` reads them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::archive;

/// The name of the schema that this build writes.
pub(super) const SCHEMA: &str = "smtpspec.bundle/1";

/// The first entry of a bundle.
pub(super) const MANIFEST: &str = "manifest.json";

/// The second entry of a bundle: the hash of the manifest and of everything in it.
pub(super) const SUMS: &str = "SHA256SUMS";

/// The longest manifest that is read.
pub(super) const LONGEST_MANIFEST: u64 = 64 << 20;

/// What a bundle says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// The format and its version.
    pub schema: String,
    /// What made it: name and version.
    pub tool: String,
    /// What was done: `run`, `audit` or `serve`.
    pub command: String,
    /// Ids of the profile that was applied.
    pub profile: String,
    /// When (RFC 3339, UTC): `SOURCE_DATE_EPOCH` where that is set, or else the time of the last packet; empty where
    /// neither is known.
    pub time: String,
    /// The machine that judged, unless it was to be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What became of the captures: `full`, `redacted` or `none`.
    pub captures: String,
    /// Everything else that is in the bundle, in the order of its entries.
    pub files: Vec<Member>,
}

/// A file in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Member {
    /// Its name in the bundle, with `/` between folders.
    pub name: String,
    /// What it is: `result`, `report`, `profile`, `capture`.
    pub kind: String,
    /// Its length in bytes.
    pub size: u32,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Of a capture: the path under which the result names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Of a redacted capture: the SHA-256 of the capture that was judged, as the result names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted_from: Option<String>,
}

impl Manifest {
    /// As it stands in the bundle.
    pub fn to_json(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(self).expect("a manifest holds only strings and numbers");
        text.push('\n');
        text
    }

    /// The list for `sha256sum --check`.
    pub fn sums(&self, own: &str) -> String {
        let mut text = format!("{own}  {MANIFEST}\n");
        for file in &self.files {
            let _ = writeln!(text, "{}  {}", file.sha256, file.name);
        }
        text
    }

    /// Reads one, and makes sure that what it lists could be in a bundle.
    ///
    /// # Errors
    ///
    /// Why it cannot be the manifest of a bundle.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if manifest.schema != SCHEMA {
            return Err(format!(
                "schema `{}`; this build reads {SCHEMA}",
                manifest.schema.escape_debug()
            ));
        }
        if manifest.files.len() + 2 > archive::MOST_ENTRIES {
            return Err(format!("it lists {} files", manifest.files.len()));
        }
        let mut names = BTreeSet::from([MANIFEST, SUMS]);
        for file in &manifest.files {
            if let Some(why) = unsafe_name(&file.name) {
                return Err(format!("the name `{}` {why}", file.name.escape_debug()));
            }
            if !names.insert(&file.name) {
                return Err(format!("it lists {} twice", file.name));
            }
            let digits = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if file.sha256.len() != 64 || !file.sha256.bytes().all(digits) {
                return Err(format!("{} has no SHA-256", file.name));
            }
        }
        Ok(manifest)
    }
}

/// Why a name may not be in a bundle, if it may not: unpacked anywhere, it must stay inside the folder, and be one name
/// on every system.
pub(super) fn unsafe_name(name: &str) -> Option<&'static str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._+,=@[]/".contains(&b);
    if name.is_empty() || name.len() > 255 {
        return Some("is empty or too long");
    }
    if !name.bytes().all(plain) {
        return Some("has characters that names in a bundle do not have");
    }
    let parts = name.split('/');
    if parts
        .into_iter()
        .any(|part| matches!(part, "" | "." | ".."))
    {
        return Some("leads out of the bundle, or nowhere");
    }
    None
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("captures/BAS-01.pcapng", true)]
    #[case("captures/DAT-03[4096].pcapng", true)]
    #[case("../x", false)]
    #[case("a/../../x", false)]
    #[case("/etc/passwd", false)]
    #[case("C:\\x", false)]
    #[case("a//b", false)]
    #[case("a/", false)]
    #[case(".", false)]
    #[case("a\0b", false)]
    #[case("a\nb", false)]
    #[case("", false)]
    fn names_stay_inside(#[case] name: &str, #[case] good: bool) {
        assert_eq!(unsafe_name(name).is_none(), good, "{name:?}");
    }
}
