//! The profiles that a command line names, put together into one.

use std::fs;

use claims::Profile;

use super::is_path;
use crate::Failure;

/// What these words come to: ids of shipped profiles, or files. It lives as long as the program does, since everything
/// that judges keeps a hold of it.
pub(super) fn profile(words: &[String]) -> Result<&'static Profile, Failure> {
    if let [word] = words
        && let Some(shipped) = Profile::find(word)
    {
        return Ok(shipped);
    }
    let mut all: Vec<Profile> = Vec::new();
    for word in words {
        let one = one(word)?;
        if all.iter().all(|known| known.id != one.id) {
            all.push(one);
        }
    }
    let whole = Profile::together(&all).map_err(Failure::input)?;
    Ok(Box::leak(Box::new(whole)))
}

fn one(word: &str) -> Result<Profile, Failure> {
    if is_path(word) {
        let text = fs::read_to_string(word)
            .map_err(|error| Failure::input(format!("cannot read {word}: {error}")))?;
        return Profile::read(&text).map_err(|problem| Failure::input(format!("{word}:{problem}")));
    }
    Profile::find(word).cloned().ok_or_else(|| {
        let known: Vec<_> = Profile::all().iter().map(|one| one.id.as_str()).collect();
        Failure::input(format!(
            "there is no profile `{word}`; there is {}; or give a file NAME.toml",
            known.join(", ")
        ))
    })
}
