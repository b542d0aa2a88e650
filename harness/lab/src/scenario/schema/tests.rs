//! The schema holds what the reader takes, and the shipped scenarios are within it.

use rstest::rstest;
use serde_json::{Value, json};
use toml::de::{DeTable, DeValue};

use super::super::Scenario;
use super::*;

/// A TOML document as JSON.
fn document(text: &str) -> Value {
    let root = DeTable::parse(text).expect("a document");
    table(root.get_ref())
}

fn table(table: &DeTable<'_>) -> Value {
    let entries = table
        .iter()
        .map(|(key, value)| (key.get_ref().to_string(), value_of(value.get_ref())));
    Value::Object(entries.collect())
}

fn value_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => json!(text),
        DeValue::Integer(number) => json!(number.as_str().parse::<i64>().expect("a number")),
        DeValue::Boolean(flag) => json!(flag),
        DeValue::Array(items) => items.iter().map(|item| value_of(item.get_ref())).collect(),
        DeValue::Table(entries) => table(entries),
        other => panic!("no scenario has {other:?}"),
    }
}

/// Why a document is outside a schema, as far as our schemas go; patterns are left out.
fn refuse(root: &Value, schema: &Value, found: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = root
            .pointer(&reference[1..])
            .ok_or("a dangling reference")?;
        return refuse(root, target, found, at);
    }
    if let Some(shapes) = schema.get("anyOf").and_then(Value::as_array) {
        let fits = |shape| refuse(root, shape, found, at).is_ok();
        return shapes
            .iter()
            .any(fits)
            .then_some(())
            .ok_or(format!("{at}: fits nothing"));
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words
            .contains(found)
            .then_some(())
            .ok_or(format!("{at}: {found}"));
    }
    if let Some(wanted) = schema.get("const") {
        return (wanted == found)
            .then_some(())
            .ok_or(format!("{at}: {found}"));
    }
    match (schema["type"].as_str(), found) {
        (Some("string"), Value::String(_)) | (Some("boolean"), Value::Bool(_)) => Ok(()),
        (Some("integer"), Value::Number(number)) => {
            let number = number.as_i64();
            let fits = number >= schema["minimum"].as_i64() && number <= schema["maximum"].as_i64();
            fits.then_some(()).ok_or(format!("{at}: {found}"))
        }
        (Some("array"), Value::Array(items)) => {
            items.iter().enumerate().try_for_each(|(place, item)| {
                refuse(root, &schema["items"], item, &format!("{at}/{place}"))
            })
        }
        (Some("object"), Value::Object(entries)) => {
            for key in schema["required"].as_array().into_iter().flatten() {
                let key = key.as_str().unwrap_or_default();
                if !entries.contains_key(key) {
                    return Err(format!("{at}: no {key}"));
                }
            }
            let options = schema["oneOf"].as_array().into_iter().flatten();
            let present = options.filter(|option| {
                option["required"][0]
                    .as_str()
                    .is_some_and(|key| entries.contains_key(key))
            });
            if schema.get("oneOf").is_some() && present.count() != 1 {
                return Err(format!("{at}: not exactly one action"));
            }
            entries.iter().try_for_each(|(key, value)| {
                let at = format!("{at}/{key}");
                match (
                    schema["properties"].get(key),
                    &schema["additionalProperties"],
                ) {
                    (None, Value::Bool(false)) => Err(format!("{at}: unknown")),
                    (Some(shape), _) | (None, shape) => refuse(root, shape, value, &at),
                }
            })
        }
        (wanted, _) => Err(format!("{at}: {found} is not {wanted:?}")),
    }
}

#[test]
fn every_shipped_scenario_is_within_the_schema() {
    let schema = schema();
    let mut files = 0;
    for (name, text) in crate::runner::catalogue_files() {
        files += 1;
        if let Err(why) = refuse(&schema, &schema, &document(text), "") {
            panic!("{name}{why}");
        }
    }
    assert!(files > 50, "{files}");
}

/// Small mistakes that the reader refuses, and the schema must refuse too.
#[rstest]
#[case("title = \"t\"")]
#[case("id = \"ENV-01\"\ntitle = 1")]
#[case("id = \"ENV-01\"\ntitle = \"t\"\nserver = { extention = [] }")]
#[case("id = \"ENV-01\"\ntitle = \"t\"\nserver = { tls = \"startls\" }")]
#[case("id = \"ENV-01\"\ntitle = \"t\"\nserver = { port = 70000 }")]
#[case("id = \"ENV-01\"\ntitle = \"t\"\n[[on]]\ncommand = \"RCTP\"\nclose = true")]
#[case("id = \"ENV-01\"\ntitle = \"t\"\n[[on]]\nclose = false")]
#[case("id = \"ENV-01\"\ntitle = \"t\"\n[[on]]\nclose = true\nreply = \"250 x\"")]
#[case("id = \"ENV-01\"\ntitle = \"t\"\n[[on]]\nreply = [{ send = \"x\", wait = \"1s\" }]")]
#[case("id = \"ENV-01\"\ntitle = \"t\"\n[expect]\nclaims = { ADP-01 = \"passed\" }")]
fn what_the_reader_refuses_the_schema_refuses(#[case] text: &str) {
    let schema = schema();
    assert!(Scenario::parse("x.toml", text).is_err());
    assert!(refuse(&schema, &schema, &document(text), "").is_err());
}

#[test]
fn every_key_is_explained_here_and_in_the_reference() {
    let reference = include_str!("../../../../../docs/scenarios.md");
    for table in TABLES {
        for key in table.list {
            let sentence = key.doc.trim_end_matches(')');
            assert!(sentence.ends_with('.'), "{}: {}", table.name, key.name);
            let named = [format!("`{}`", key.name), format!("`{} = ", key.name)];
            let within = ["{ ", ", "].map(|before| format!("{before}{}", key.name));
            assert!(
                named
                    .iter()
                    .chain(&within)
                    .any(|text| reference.contains(text)),
                "docs/scenarios.md says nothing of `{}` in {:?}",
                key.name,
                table.name
            );
        }
    }
}

#[test]
fn the_schema_names_its_draft_and_has_no_dangling_reference() {
    let schema = schema();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    let text = schema.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap_or_default();
        assert!(schema.pointer(pointer).is_some(), "{pointer}");
    }
}
