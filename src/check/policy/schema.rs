//! The JSON Schema of policy files, made from the tables of rules and keys.

use crate::check::policy::keys::{KEYS, Key, Takes};
use crate::check::policy::rules::{Ask, Names, RULES, Row};
use crate::close::verdict::Confidence;
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// The schema (JSON Schema 2020-12) of a policy file, for editors: TOML read as JSON.
#[must_use]
pub fn schema() -> Value {
    let rules = RULES.iter().map(|row| (row.key.to_owned(), rule(row)));
    let keys = KEYS.iter().filter(|key| key.in_scope);
    let keys = keys.map(|key| (key.key.to_owned(), besides(key)));
    let properties: Map<String, Value> = rules.chain(keys).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "whoclosed policy",
        "description": "What is asked of the connections of a capture: `whoclosed check --policy`.",
        "type": "object",
        "properties": {"scope": {
            "type": "object",
            "description": "Flows, and what is asked of them. `all` has every flow; another scope says \
                which ones with client, server, net or port.",
            "propertyNames": {"pattern": "^[A-Za-z0-9_-]+$"},
            "minProperties": 1,
            "additionalProperties": {"$ref": "#/$defs/scope"},
        }},
        "required": ["scope"],
        "additionalProperties": false,
        "$defs": {"scope": {
            "type": "object",
            "properties": properties,
            "anyOf": RULES.iter().map(|row| json!({"required": [row.key]})).collect::<Vec<_>>(),
            "additionalProperties": false,
        }},
    })
}

/// Writes [`schema`], indented, with a line end.
pub fn write(out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &schema())?;
    writeln!(out)
}

/// A rule: its value alone, or a table of that and what it says besides.
fn rule(row: &Row) -> Value {
    let plain = asked(row);
    let keys = row.keys().map(|name| {
        let key = KEYS.iter().find(|key| key.key == name);
        (name.to_owned(), key.map_or_else(|| plain.clone(), besides))
    });
    let keys: Map<String, Value> = keys.collect();
    let long = json!({
        "type": "object",
        "properties": keys,
        "required": [row.ask.field()],
        "additionalProperties": false,
    });
    let description = format!("{}. {}\n{}", row.summary, row.detail, row.example);
    json!({"description": description, "anyOf": [plain, long]})
}

fn asked(row: &Row) -> Value {
    match row.ask {
        Ask::Allow(of) | Ask::Forbid(of) => json!({
            "type": "array",
            "items": {"enum": names(of)},
            "minItems": 1,
            "uniqueItems": true,
        }),
        Ask::Worst(of) => {
            let mut names = names(of);
            // Nothing is above the last one.
            names.pop();
            json!({"enum": names})
        }
        Ask::Within(_) => json!({
            "type": "string",
            "pattern": r"^[0-9]{1,10}(\.[0-9]{1,9})?(ms|s|m|h)?$",
        }),
        Ask::Share(_) => value(Takes::Limit),
        Ask::MinFlows | Ask::MaxFlows | Ask::Peak => count(),
    }
}

fn names(of: Names) -> Vec<&'static str> {
    of.group
        .entries()
        .iter()
        .map(|entry| entry.term.name)
        .collect()
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn besides(key: &Key) -> Value {
    let mut schema = value(key.takes);
    schema["description"] = key.summary.into();
    schema
}

fn value(takes: Takes) -> Value {
    let several = |one: Value| {
        let list = json!({"type": "array", "items": one, "minItems": 1, "uniqueItems": true});
        json!({"anyOf": [one, list]})
    };
    match takes {
        Takes::Nets => {
            several(json!({"type": "string", "pattern": "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$"}))
        }
        Takes::Ports => several(json!({"type": "integer", "minimum": 1, "maximum": 65535})),
        Takes::Limit => json!({"anyOf": [
            count(),
            {"type": "string", "pattern": r"^[0-9]{1,4}(\.[0-9]{1,4})?%$"},
        ]}),
        Takes::Confidence => {
            let names = Confidence::ALL.iter().map(|confidence| confidence.name());
            json!({"enum": names.collect::<Vec<_>>()})
        }
        Takes::Text => json!({"type": "string", "minLength": 1}),
    }
}
