//! Outside clients: programs that are run for each case, as a definition says how.
//!
//! A [`Definition`] comes with the program ([`find`]), from a user's file, or from a command line. A [`Client`] is one
//! that is installed and prepared; it does one [`Job`] at a time, in a process and a folder of its own. What it says of
//! its message is kept as a statement; what it did is in the capture.

mod definition;
mod expected;
mod job;
mod message;
mod output;
mod place;
mod process;
mod read;
mod ready;
mod shipped;
mod template;
#[cfg(test)]
mod tests;

pub use definition::{
    Block, CANNOT, Definition, LineEnds, Stdin, mechanism_word, mode_word, tls_word,
};
pub use expected::{ExpectedFailure, ExpectedFailures};
pub use job::Job;
pub use message::Draft;
pub use output::{last_line, redact};
pub use read::DefinitionError;
pub use ready::{Client, NotReady, Said, Work};
pub use shipped::{find, names};
pub use template::{Item, Splice, Template, Values};

/// The places that a definition can name, whatever it sets itself.
pub const PLACES: [&str; 26] = [
    "bcc",
    "body",
    "ca",
    "case",
    "cc",
    "domain",
    "ehlo",
    "here",
    "host",
    "kit",
    "mechanism",
    "message",
    "mode",
    "name",
    "password",
    "password-file",
    "port",
    "recipient",
    "recipients",
    "sender",
    "subject",
    "timeout",
    "tls",
    "to",
    "user",
    "workdir",
];
