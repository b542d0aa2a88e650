//! `smtpspec schema`: the JSON Schema of a format.

use super::output;
use crate::args::SchemaOf;
use crate::{Exit, Failure};

pub(super) fn run(of: SchemaOf) -> Result<Exit, Failure> {
    let schema = match of {
        SchemaOf::Scenario => format!("{:#}\n", lab::scenario::schema()),
        SchemaOf::Result => claims::result::JSON_SCHEMA.to_owned(),
        SchemaOf::ResultLine => claims::result::LINE_SCHEMA.to_owned(),
    };
    output::text(&schema)?;
    Ok(Exit::Met)
}
