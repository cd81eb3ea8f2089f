//! The reference document, in Markdown: the fields of the report and the meaning of every name.

use crate::check::policy::KEYS;
use crate::check::policy::rules::{RULES, Row};
use crate::close::terms::{Entry, Group};
use crate::report::csv::columns;
use crate::report::fields::{Field, Kind, LINES, Need, Object, PARTS};
use std::io::{self, Write};

/// Writes the whole reference.
pub fn write(out: &mut impl Write) -> io::Result<()> {
    out.write_all(HEAD.as_bytes())?;
    for object in LINES.iter().chain(PARTS) {
        fields(out, object)?;
    }
    csv(out)?;
    writeln!(out, "\n## Names")?;
    for group in Group::ALL {
        names(out, *group)?;
    }
    Ok(())
}

/// Writes the table of outcomes: name, meaning in a line, Zeek's name.
pub fn outcomes(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "| outcome | what it is | Zeek |")?;
    writeln!(out, "| --- | --- | --- |")?;
    for entry in Group::Outcome.entries() {
        let term = entry.term;
        writeln!(
            out,
            "| `{}` | {} | {} |",
            term.name, term.summary, term.zeek
        )?;
    }
    Ok(())
}

const HEAD: &str = "\
# The report and its words

Made from the tables in `src/close` and `src/report/fields.rs`; `UPDATE=1 cargo test --test docs`
writes it anew. `whoclosed terms NAME` prints the same about one name, `whoclosed schema` the
[JSON Schema](schema.json).

The JSON report is JSON Lines: a `flow` object per flow, then a `diagnosis` for each thing that many
of them show, then one `summary`. `whoclosed timewait --format json` writes `ledger`, `port_use` and
`bind_conflict` objects, with `--at` a `socket_at` for each socket, then the `summary`; `whoclosed sockets` a `socket` per
socket of the list, a `missing_socket` for each that is not in it, then one `sockets`; `whoclosed diff` a
`count_change` for each thing that is counted, a `duration_change` for each that is measured, then one
`comparison`. Names and
values are an interface: within a version fields and names are added, never changed. What is not
known is `null` or `unknown`. Times are RFC 3339, UTC, with nine decimals.

## Fields
";

const CSV: &str = "
## Columns of CSV

`--format csv` writes a row per flow. A column is a field of `flow`, or of an object in it, whose name
comes before: `client_addr`. TIME-WAIT has columns for each side. An empty cell is `null` or absent;
a list is JSON.
";

/// Writes the table of the rules of policies.
pub fn rules(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "| rule | asks | how flows count |\n| --- | --- | --- |"
    )?;
    for row in RULES {
        let Row {
            summary,
            detail,
            example,
            ..
        } = row;
        writeln!(out, "| `{example}` | {summary} | {detail} |")?;
    }
    Ok(())
}

/// Writes the table of their other keys.
pub fn keys(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "| key | stands in | says |\n| --- | --- | --- |")?;
    for key in KEYS {
        let place = match (key.in_scope, key.in_rule) {
            (true, true) => "a scope, a rule",
            (true, false) => "a scope",
            _ => "a rule",
        };
        writeln!(out, "| `{}` | {place} | {} |", key.key, key.summary)?;
    }
    Ok(())
}

fn fields(out: &mut impl Write, object: &Object) -> io::Result<()> {
    let line = LINES.iter().any(|line| line.name == object.name);
    writeln!(out, "\n### `{}`: {}\n", object.name, object.text)?;
    writeln!(out, "| field | holds | meaning |\n| --- | --- | --- |")?;
    if line {
        writeln!(out, "| `type` | `\"{}\"` | kind of line |", object.name)?;
    }
    for field in object.fields {
        let (holds, text) = (holds(field), field.text);
        writeln!(out, "| `{}` | {holds} | {text} |", field.name)?;
    }
    Ok(())
}

fn csv(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{CSV}")?;
    writeln!(out, "| column | holds | meaning |\n| --- | --- | --- |")?;
    for column in columns() {
        let (name, field) = (column.name, column.field);
        writeln!(out, "| `{name}` | {} | {} |", kind(&field.kind), field.text)?;
    }
    Ok(())
}

fn holds(field: &Field) -> String {
    let kind = kind(&field.kind);
    match field.need {
        Need::Always => kind,
        Need::Nullable => format!("{kind} or `null`"),
        Need::Optional => format!("{kind}, may be absent"),
    }
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Version => "version".to_owned(),
        Kind::Count => "number".to_owned(),
        Kind::Int => "whole number".to_owned(),
        Kind::Number => "number with decimals".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::Time => "time".to_owned(),
        Kind::Addr => "address".to_owned(),
        Kind::Name(group) => format!("[{group}](#names-{group})"),
        Kind::OneOfNames(names) => names.join(", "),
        Kind::Nested(object) => format!("`{}`", object.name),
        Kind::OneOf(a, b) => format!("`{}` or `{}`", a.name, b.name),
        Kind::List(items) => format!("list of {}", self::kind(items)),
        Kind::Map(Some(group)) => format!("numbers by [{group}](#names-{group})"),
        Kind::Map(None) => "numbers by name".to_owned(),
        Kind::Free => "object".to_owned(),
    }
}

fn names(out: &mut impl Write, group: Group) -> io::Result<()> {
    let (title, field) = (group.title(), group.field());
    writeln!(
        out,
        "\n<a id=\"names-{group}\"></a>\n### {title} (`{field}`)"
    )?;
    for entry in group.entries() {
        name(out, entry)?;
    }
    Ok(())
}

fn name(out: &mut impl Write, entry: Entry) -> io::Result<()> {
    let term = entry.term;
    write!(out, "\n#### {}\n\n{}", term.name, capital(term.summary))?;
    if let Some(severity) = entry.severity {
        write!(out, " ({severity})")?;
    }
    writeln!(out, ".\n")?;
    for (label, text) in [
        ("Belief", entry.belief.unwrap_or_default()),
        ("Recognised", term.recognised),
        ("Meaning", term.meaning),
        ("Advice", term.advice),
        ("Linux", term.linux),
        ("Zeek", term.zeek),
        ("RFC", &term.rfc.join(", ")),
    ] {
        if !text.is_empty() {
            writeln!(out, "- *{label}:* {}", text.replace('<', "&lt;"))?;
        }
    }
    Ok(())
}

/// The text with a capital letter.
fn capital(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + rest.as_str()
}
