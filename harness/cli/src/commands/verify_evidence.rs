//! `smtpspec verify`: whether the messages of an evidence folder are what its captures hold.

use std::path::Path;

use super::output;
use crate::{Exit, Failure};

pub(super) fn run(folder: &Path) -> Result<Exit, Failure> {
    let report = evidence::verify::verify(folder).map_err(|error| {
        let text = error.to_string();
        let place = folder.display().to_string();
        if text.contains(&place) {
            Failure::input(text)
        } else {
            Failure::input(format!("{place}: {text}"))
        }
    })?;
    output::text(&report.to_string())?;
    Ok(if report.agrees() {
        Exit::Met
    } else {
        Exit::NotMet
    })
}
