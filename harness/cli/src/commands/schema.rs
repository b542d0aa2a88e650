//! `smtpspec schema`: the JSON Schema of a format.

use super::output;
use crate::args::SchemaOf;
use crate::{Exit, Failure};

pub(super) fn run(of: SchemaOf) -> Result<Exit, Failure> {
    let schema = match of {
        SchemaOf::Scenario => lab::scenario::schema(),
    };
    output::text(&format!("{schema:#}\n"))?;
    Ok(Exit::Met)
}
