//! The JSON Schema of the report, made from the table of fields and the tables of names.

use crate::close::SCHEMA;
use crate::close::terms::Group;
use crate::report::fields::{Field, Kind, LINES, Need, Object, PARTS};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// The schema (JSON Schema 2020-12) of one line of the JSON report.
///
/// Objects are open: a later release may add fields. Names are closed: within a version of the
/// format a value that is not listed is an error.
#[must_use]
pub fn schema() -> Value {
    let mut defs = Map::new();
    for object in LINES {
        defs.insert(object.name.to_owned(), line(object));
    }
    for object in PARTS {
        defs.insert(object.name.to_owned(), part(object));
    }
    for group in Group::ALL {
        defs.insert(definition(*group), names(*group));
    }
    let lines: Vec<Value> = LINES.iter().map(|object| reference(object.name)).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("whoclosed report, version {SCHEMA}"),
        "description": "One line of the JSON Lines reports: flows, diagnoses, then one summary; or the books \
            on TIME-WAIT and ports, then one summary.",
        "oneOf": lines,
        "$defs": defs,
    })
}

/// Writes [`schema`], indented, with a line end.
pub fn write(out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &schema())?;
    writeln!(out)
}

/// The name of a taxonomy's definition: no object has such a one.
fn definition(group: Group) -> String {
    format!("name-{group}")
}

fn reference(definition: &str) -> Value {
    json!({"$ref": format!("#/$defs/{definition}")})
}

/// An object that is a line: with its `type`.
fn line(object: &Object) -> Value {
    let mut schema = part(object);
    schema["properties"]["type"] = json!({"const": object.name, "description": "kind of line"});
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.insert(0, "type".into());
    }
    schema
}

fn part(object: &Object) -> Value {
    let properties = object.fields.iter().map(property);
    let required = object.fields.iter();
    let required = required.filter(|field| field.need != Need::Optional);
    json!({
        "type": "object",
        "description": object.text,
        "properties": properties.collect::<Map<_, _>>(),
        "required": required.map(|field| field.name).collect::<Vec<_>>(),
    })
}

fn property(field: &Field) -> (String, Value) {
    let mut schema = kind(&field.kind);
    if field.need == Need::Nullable {
        schema = json!({"anyOf": [schema, {"type": "null"}]});
    }
    schema["description"] = field.text.into();
    (field.name.to_owned(), schema)
}

fn kind(kind: &Kind) -> Value {
    match kind {
        Kind::Version => json!({"const": SCHEMA}),
        Kind::Count => json!({"type": "integer", "minimum": 0}),
        Kind::Int => json!({"type": "integer"}),
        Kind::Number => json!({"type": "number"}),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Text => json!({"type": "string"}),
        Kind::Time => json!({
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$",
        }),
        Kind::Addr => json!({
            "type": "string",
            "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}],
        }),
        Kind::Name(group) => reference(&definition(*group)),
        Kind::OneOfNames(names) => json!({"enum": names}),
        Kind::Nested(object) => reference(object.name),
        Kind::OneOf(a, b) => json!({"oneOf": [reference(a.name), reference(b.name)]}),
        Kind::List(items) => json!({"type": "array", "items": self::kind(items)}),
        Kind::Map(group) => counts(*group),
        Kind::Free => json!({"type": "object"}),
    }
}

fn counts(group: Option<Group>) -> Value {
    let mut schema = json!({"type": "object", "additionalProperties": self::kind(&Kind::Count)});
    if let Some(group) = group {
        schema["propertyNames"] = reference(&definition(group));
    }
    schema
}

/// The names of a taxonomy: a closed list, with the summaries as description.
fn names(group: Group) -> Value {
    let entries = group.entries();
    let mut description = format!("{}.", group.title());
    for entry in &entries {
        description.push_str("\n- ");
        description.push_str(entry.term.name);
        description.push_str(": ");
        description.push_str(entry.term.summary);
    }
    let names = entries.iter().map(|entry| entry.term.name);
    json!({"description": description, "enum": names.collect::<Vec<_>>()})
}
