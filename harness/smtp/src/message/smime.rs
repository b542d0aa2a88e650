//! Finding CMS in the body of a part, whatever its label says.
//!
//! Most bodies are none, and can be long: the first bytes decide.

use std::borrow::Cow;

use super::transfer;
use crate::cms::{self, Cms, Cut};

/// How many letters of base64 are decoded to look at what they begin with.
const LOOK: usize = 64;

/// How the body holds the object.
enum Form<'a> {
    /// As it is.
    Binary,
    /// As base64 that was not declared, or in PEM armour.
    Letters(&'a [u8]),
}

fn form(body: &[u8]) -> Option<Form<'_>> {
    if cms::sniff(body).is_some() {
        return Some(Form::Binary);
    }
    let text = body.trim_ascii_start();
    let letters = match text.strip_prefix(b"-----BEGIN ") {
        Some(armour) => armour
            .iter()
            .take(LOOK)
            .position(|byte| *byte == b'\n')
            .and_then(|line| armour.get(line + 1..))?,
        None => text,
    };
    // A SEQUENCE begins with this letter.
    if letters.first() != Some(&b'M') {
        return None;
    }
    let head = transfer::base64(letters.get(..LOOK).unwrap_or(letters));
    cms::sniff(&head)?;
    let end = memchr::memmem::find(letters, b"-----END").unwrap_or(letters.len());
    letters.get(..end).map(Form::Letters)
}

/// The bytes to read CMS from: the body as it is, or, where its encoding was not declared, the base64 that it is.
pub(super) fn bytes(body: &[u8]) -> Cow<'_, [u8]> {
    if let Some(form) = form(body) {
        return match form {
            Form::Binary => Cow::Borrowed(body),
            Form::Letters(letters) => Cow::Owned(transfer::base64(letters)),
        };
    }
    let text = body.trim_ascii();
    let encoded =
        text.starts_with(b"MI") && transfer::base64_runs(text).first() == Some(&(0..text.len()));
    if encoded {
        Cow::Owned(transfer::base64(text))
    } else {
        Cow::Borrowed(body)
    }
}

/// What a body is as CMS, and where that breaks off; `None` where it is none. Where only the label says CMS, the error
/// tells what is wrong.
pub(super) fn read(body: &[u8], labelled: bool) -> Option<(Result<Cms, cms::Error>, Option<Cut>)> {
    if form(body).is_none() && !labelled {
        return None;
    }
    let bytes = bytes(body);
    match Cms::read(&bytes) {
        Ok(cms) => Some((Ok(cms), None)),
        Err(error) => match cms::read_cut(&bytes) {
            Some((cms, cut)) => Some((Ok(cms), Some(cut))),
            None => labelled.then_some((Err(error), None)),
        },
    }
}

#[cfg(test)]
mod tests;
