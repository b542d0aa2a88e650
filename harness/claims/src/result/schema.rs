//! The JSON Schema of a result, made from its types. `SMTPSPEC_BLESS=1` writes the published files.

use std::path::Path;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{ConversationOutcome, JSON_SCHEMA, LINE_SCHEMA, Outcome, SCHEMA};

fn of_result() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Outcome>().to_value();
    schema["$id"] = json!("urn:smtpspec:schema:result:1");
    schema["title"] = json!("A result of smtpspec");
    schema["properties"]["schema"]["const"] = json!(SCHEMA);
    schema
}

/// Each line is a conversation, a note, or, at the end, the rest of the result.
fn of_line() -> Value {
    let mut whole = of_result();
    let of_type = |kind: &str| json!({ "type": "object", "required": ["type"], "properties": { "type": { "const": kind } } });
    let mut definitions = whole["$defs"].take();
    let conversation = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<ConversationOutcome>()
        .to_value();
    let mut conversation = conversation;
    if let Some(own) = conversation["$defs"].take().as_object() {
        for (name, one) in own {
            definitions[name] = one.clone();
        }
    }
    for part in [&mut whole, &mut conversation] {
        let part = part.as_object_mut().expect("an object");
        for key in ["$schema", "$id", "$defs", "title"] {
            part.remove(key);
        }
    }
    if let Some(properties) = whole["properties"].as_object_mut() {
        properties.remove("conversations");
    }
    if let Some(required) = whole["required"].as_array_mut() {
        required.retain(|name| name != "conversations");
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:smtpspec:schema:result-line:1",
        "title": "A line of a result of smtpspec, written while it judges",
        "oneOf": [
            { "allOf": [of_type("conversation"), conversation] },
            { "allOf": [of_type("summary"), whole] },
            {
                "type": "object",
                "required": ["type", "capture", "text"],
                "properties": {
                    "type": { "const": "note" },
                    "capture": { "type": "string" },
                    "text": { "type": "string" },
                },
            },
        ],
        "$defs": definitions,
    })
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    for (made, published, file) in [
        (of_result(), JSON_SCHEMA, "smtpspec.result-1.schema.json"),
        (of_line(), LINE_SCHEMA, "smtpspec.result-line-1.schema.json"),
    ] {
        let made = format!("{made:#}\n");
        if std::env::var_os("SMTPSPEC_BLESS").is_some() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
            std::fs::write(folder.join(file), &made).expect("the folder is ours");
        } else {
            assert_eq!(made, published, "{file}: `just bless` makes it again");
        }
    }
}

#[test]
fn fields_that_readers_rely_on_stay_required() {
    let schema = of_result();
    let required: Vec<_> = schema["required"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for name in [
        "schema",
        "tool",
        "command",
        "profile",
        "claims",
        "cases",
        "conversations",
        "summary",
    ] {
        assert!(required.contains(&name), "{name} in {required:?}");
    }
    // What was added within the version may be missing.
    for name in ["answer", "controls", "profiles", "client"] {
        assert!(!required.contains(&name), "{name}");
        assert!(schema["properties"].get(name).is_some(), "{name}");
    }
}
