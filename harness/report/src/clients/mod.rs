//! Clients against cases: what each client did in each case, side by side.
//!
//! A [`Column`] is one run of the catalogue against one client. [`html`] makes a page that stands by itself: no script
//! is needed to read it, nothing is loaded, and every cell leads to the dialogue, the evidence and the capture.
//! [`markdown`] makes the table for a repository or a pull request, and [`ntlm`] those of who sent which NTLM response.

mod html;
mod markdown;
mod ntlm;
mod rows;

use std::collections::BTreeMap;

use claims::result::Outcome;

pub use html::html;
pub use markdown::markdown;
pub use ntlm::ntlm;

/// One client and what came of its cases.
#[derive(Clone, Debug)]
pub struct Column {
    /// The name of the client's definition: `curl`.
    pub name: String,
    /// What it is, with its version: `curl 7.88.1`.
    pub title: String,
    /// The result of its run.
    pub outcome: Outcome,
    /// Folder of its captures, relative to the page; empty where they lie beside it.
    pub folder: String,
    /// Why it fails a case, where somebody looked into it: case id to reason.
    pub reasons: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests;
