//! Evidence bundles: everything that a verdict rests on in one file, which can be checked later and elsewhere.
//!
//! A bundle is a ZIP that any program opens. What is in it, and in which bytes, follows from the evidence alone, so the
//! same audit makes the same bundle, and `smtpspec verify` finds every byte that was changed. It cannot tell who made a
//! bundle: whoever can write can make another one. For that its SHA-256, which is printed when it is made, is to be kept
//! or signed elsewhere.

mod archive;
mod foreign;
mod manifest;
mod verify;
mod write;

pub use manifest::{Manifest, Member};
pub use verify::{Verified, verify};
pub use write::{Content, Head, Ingredient, write};
