//! The JSON Schema of scenario files (draft 2020-12), for editors that check TOML while it is written.
//!
//! It is made out of [`keys::TABLES`]. In tests every table that is read is held against that list, so neither can have a
//! key that the other has not.

mod client_keys;
mod keys;
mod place_keys;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

pub(super) use keys::names_of;
use keys::{Key, Shape, TABLES, Words};

/// The schema.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    let mut root = Value::Null;
    for table in TABLES {
        let object = object(table.list, table.one_of);
        if table.name.is_empty() {
            root = object;
        } else {
            definitions.insert(slug(table.name), object);
        }
    }
    if let Some(root) = root.as_object_mut() {
        root.insert(
            "$schema".into(),
            "https://json-schema.org/draft/2020-12/schema".into(),
        );
        root.insert("title".into(), "A scenario of smtpspec".into());
        root.insert("$defs".into(), definitions.into());
    }
    root
}

/// A table whose keys are known, and no others. Of `one_of`, exactly one must be there.
fn object(keys: &[Key], one_of: &[&str]) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let mut shape = of(&key.shape);
        if let Some(shape) = shape.as_object_mut() {
            shape.insert("description".into(), key.doc.into());
        }
        properties.insert(key.name.into(), shape);
    }
    let required: Vec<_> = keys
        .iter()
        .filter(|key| key.required)
        .map(|key| key.name)
        .collect();
    let mut object = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    if !one_of.is_empty() {
        let each: Vec<_> = one_of
            .iter()
            .map(|key| json!({ "required": [key] }))
            .collect();
        object["oneOf"] = json!(each);
    }
    object
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Line => json!({ "type": "string", "pattern": "^[^\\r\\n]*$" }),
        Shape::Like(pattern) => json!({ "type": "string", "pattern": pattern }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Set => json!({ "const": true }),
        Shape::Number(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Shape::Duration => json!({ "type": "string", "pattern": "^[0-9]+(ms|s)$" }),
        Shape::Words(words) => json!({ "enum": words() }),
        Shape::List(item) => json!({ "type": "array", "items": of(item) }),
        Shape::Table(name) => json!({ "$ref": format!("#/$defs/{}", slug(name)) }),
        Shape::Map(words) => map(*words),
        Shape::Matrix => matrix(),
        Shape::Either(shapes) => {
            let all: Vec<_> = shapes.iter().map(of).collect();
            json!({ "anyOf": all })
        }
    }
}

/// A table whose keys are data.
fn map(words: Words) -> Value {
    json!({ "type": "object", "additionalProperties": { "enum": words() } })
}

/// Every key of the server and the client that can be varied, alone or behind the name of its table.
fn matrix() -> Value {
    let mut all = Map::new();
    for (side, table) in [("server", "[server]"), ("client", "[client]")] {
        let Some(table) = TABLES.iter().find(|keys| keys.name == table) else {
            continue;
        };
        let lists = table.list.iter().map(|key| {
            let list = json!({ "type": "array", "minItems": 1, "items": of(&key.shape) });
            (key.name.to_owned(), list)
        });
        let lists: Map<_, _> = lists.collect();
        let nested = json!({
            "type": "object",
            "properties": lists,
            "additionalProperties": false,
        });
        // A key that both tables have must name its table.
        let (mut twice, fresh): (Vec<_>, Vec<_>) = lists
            .into_iter()
            .partition(|(key, _)| all.contains_key(key));
        for (key, _) in twice.drain(..) {
            all.remove(&key);
        }
        all.extend(fresh);
        all.insert(side.to_owned(), nested);
    }
    json!({ "type": "object", "properties": all, "additionalProperties": false })
}

/// The name of a table as the end of a reference.
fn slug(name: &str) -> String {
    name.trim_matches(['[', ']']).replace('.', "-")
}
