//! What a rule asks, from its value in the file; and what cannot be asked.

use crate::check::policy::error::Mistake;
use crate::check::policy::rules::{Ask, Names, Row};
use crate::check::policy::value::{self, Place, choice, mistake, quoted};
use crate::check::policy::{Limit, Rule, Value};
use crate::close::terms::Group;
use toml::de::DeTable;

/// Reads what a rule compares with.
pub(super) fn value(row: &Row, place: Place) -> Result<Value, Vec<Mistake>> {
    let one = |value: Result<Value, Mistake>| value.map_err(|wrong| vec![wrong]);
    match row.ask {
        Ask::Allow(names) | Ask::Forbid(names) => listed(row, names, place).map(Value::Names),
        Ask::Worst(names) => one(worse(names, place).map(Value::Names)),
        Ask::Within(_) => one(value::span(place).map(Value::Duration)),
        Ask::Share(_) => one(value::limit(place).map(Value::Limit)),
        Ask::MinFlows | Ask::MaxFlows | Ask::Peak => one(value::count(place).map(Value::Count)),
    }
}

fn names_of(group: Group) -> Vec<&'static str> {
    group
        .entries()
        .iter()
        .map(|entry| entry.term.name)
        .collect()
}

fn name(group: Group, place: Place) -> Result<&'static str, Mistake> {
    let name = value::text(place, "a name in quotes")?;
    let all = names_of(group);
    let found = all.iter().find(|known| **known == name);
    found.copied().ok_or_else(|| {
        let title = format!("there is no {group} {}", quoted(name));
        mistake(title, place.span(), "").help(choice(name, &all))
    })
}

/// The names of a list, which has to ask something.
fn listed(row: &Row, names: Names, place: Place) -> Result<Vec<&'static str>, Vec<Mistake>> {
    let list = value::list(place, "a list of names").map_err(|wrong| {
        let text = place.get_ref().as_str();
        let help = text.map(|text| format!("write [\"{}\"]", text.escape_default()));
        vec![Mistake { help, ..wrong }]
    })?;
    let forbids = matches!(row.ask, Ask::Forbid(_));
    let fail = |title: &str, label: &str| Err(vec![mistake(title, place.span(), label)]);
    if list.is_empty() {
        let label = if forbids {
            "forbids nothing: this cannot be broken"
        } else {
            "allows nothing: no flow could comply"
        };
        return fail("the list is empty", label);
    }
    let found = value::several(place, |place| name(names.group, place))?;
    let all = found.len() == names_of(names.group).len();
    let always_one = matches!(names.group, Group::Outcome | Group::ActiveCloser);
    match (all, forbids) {
        (true, false) => fail("every name is allowed", "this cannot be broken"),
        (true, true) if always_one => fail("every name is forbidden", "no flow could comply"),
        _ => Ok(found),
    }
}

/// The names above one in the order of their taxonomy.
fn worse(names: Names, place: Place) -> Result<Vec<&'static str>, Mistake> {
    let least = name(names.group, place)?;
    let all = names_of(names.group).into_iter();
    let above: Vec<&str> = all.skip_while(|name| *name != least).skip(1).collect();
    if above.is_empty() {
        let title = format!("no {} is above `{least}`", names.group);
        return Err(mistake(title, place.span(), "this cannot be broken"));
    }
    Ok(above)
}

/// Rules of a scope that cannot hold, or not be broken, together.
pub(super) fn contradictions(rules: &[Rule], table: &DeTable, wrong: &mut Vec<Mistake>) {
    let at = |key: &str| {
        let entry = table.iter().find(|(known, _)| known.get_ref() == key);
        entry.map_or(0..0, |(key, _)| key.span())
    };
    for rule in rules {
        let Value::Names(forbidden) = &rule.value else {
            continue;
        };
        let Some(what) = rule.row.key.strip_prefix("forbid-") else {
            continue;
        };
        let other = format!("allow-{what}");
        let allowed = rules.iter().find(|rule| rule.row.key == other);
        let Some((Value::Names(allowed), Some(line))) =
            allowed.map(|rule| (&rule.value, rule.line))
        else {
            continue;
        };
        if let Some(both) = forbidden.iter().find(|name| allowed.contains(name)) {
            let title = format!("`{both}` is allowed and forbidden");
            let label = format!("`{other}` in line {line} allows it");
            wrong.push(mistake(title, at(rule.row.key), &label));
        }
    }
    counts(rules, wrong, at);
}

/// Numbers of flows that contradict each other.
fn counts(rules: &[Rule], wrong: &mut Vec<Mistake>, at: impl Fn(&str) -> std::ops::Range<usize>) {
    let count = |key: &str| {
        let rule = rules.iter().find(|rule| rule.row.key == key)?;
        match rule.value {
            Value::Count(count) => Some(count),
            _ => None,
        }
    };
    let Some(most) = count("max-flows") else {
        return;
    };
    let least = count("min-flows");
    if least.unwrap_or(1) > most {
        let title = match least {
            Some(least) => format!("at least {least} flows and at most {most}"),
            None => format!("at least 1 flow, which goes without saying, and at most {most}"),
        };
        wrong.push(mistake(title, at("max-flows"), "no capture could comply"));
    }
    for rule in rules {
        let exempt = match (rule.at_most, &rule.value) {
            (Limit::Flows(exempt), _) if exempt > 0 => exempt,
            (_, Value::Limit(Limit::Flows(exempt))) if *exempt > 0 => *exempt,
            _ => continue,
        };
        if exempt >= most {
            let title = format!("{exempt} of at most {most} flows need not comply");
            wrong.push(mistake(title, at(rule.row.key), "this cannot be broken"));
        }
    }
}
