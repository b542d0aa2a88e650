//! What each documented property of the adapter and of its S/MIME encoder puts on the wire: left out, set at each place where
//! it can be set, and set beyond its limit. Everything shown is read from the capture, by the road that every audit goes. The
//! table is a snapshot, `reports/properties.md`.

#[path = "properties/rows.rs"]
mod rows;
#[path = "properties/seen.rs"]
mod seen;
mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use lab::scenario::Scenario;
use rows::{COLUMNS, Row, Setting};
use seen::Show;
use support::{folder, pinned, timelines};

/// The case of a setting.
fn scenario(id: &str, setting: &Setting) -> Scenario {
    let text = format!(
        "id = \"{id}\"\ntitle = \"A property\"\n{}\n[client]\ntimeout = \"2s\"\n{}\n",
        setting.server, setting.client
    );
    Scenario::parse(id, &text).unwrap_or_else(|problems| panic!("{text}\n{problems}"))
}

/// What the wire showed in a case.
fn observe(capture: &Path, show: Show) -> String {
    let all = timelines(capture);
    let mut shown: Vec<_> = all.iter().map(|one| seen::look(one, show)).collect();
    shown.dedup();
    match shown.as_slice() {
        [] => "no connection".to_owned(),
        _ => shown.join(", then "),
    }
}

#[test]
fn every_property_shows_on_the_wire_as_documented() {
    let rows = rows::all();
    let mut scenarios = Vec::new();
    let mut places: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        for (column, setting) in row.settings.iter().enumerate() {
            let Some(setting) = setting else { continue };
            // An id has two digits.
            let number = places.len();
            let family = if number < 100 { "PRA" } else { "PRB" };
            let id = format!("{family}-{:02}", number % 100);
            scenarios.push(scenario(&id, setting));
            places.insert(id, (at, column));
        }
    }
    let folder = folder();
    let outcome = pinned(scenarios, folder.path());
    let mut cells: BTreeMap<(usize, usize), String> = BTreeMap::new();
    for case in &outcome.cases {
        let place = places[&case.id];
        let shown = observe(&PathBuf::from(&case.capture.path), rows[place.0].show);
        cells.insert(place, shown);
    }
    assert_eq!(cells.len(), places.len(), "each case has its capture");
    let table = table(&rows, &cells);
    for (at, row) in rows.iter().enumerate() {
        let cell = |column: usize| cells.get(&(at, column));
        let plain = row.property;
        assert_ne!(cell(0), cell(1), "{plain}: set is not told from left out");
        if let Some(over) = cell(COLUMNS.len() - 1) {
            assert_eq!(over, "no connection", "{plain} beyond its limit");
        }
    }
    support::reports("").bind(|| insta::assert_snapshot!("properties.md", table));
}

fn table(rows: &[Row], cells: &BTreeMap<(usize, usize), String>) -> String {
    let mut table = String::from("| property |");
    for column in COLUMNS {
        write!(table, " {column} |").expect("a string");
    }
    table.push_str("\n| --- |");
    table.push_str(&" --- |".repeat(COLUMNS.len()));
    table.push('\n');
    for (at, row) in rows.iter().enumerate() {
        write!(table, "| {} |", row.property).expect("a string");
        for column in 0..COLUMNS.len() {
            let cell = match (&row.settings[column], cells.get(&(at, column))) {
                (Some(setting), Some(seen)) if setting.told.is_empty() => seen.clone(),
                (Some(setting), Some(seen)) => format!("{}: {seen}", setting.told),
                _ => String::new(),
            };
            write!(table, " {cell} |").expect("a string");
        }
        table.push('\n');
    }
    table
}
