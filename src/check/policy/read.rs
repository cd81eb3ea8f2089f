//! From the text of a policy file to a policy: what is unknown, mistyped or impossible is an error.

use crate::check::policy::asked;
use crate::check::policy::error::{Mistake, PolicyError};
use crate::check::policy::keys::{self, KEYS, Takes};
use crate::check::policy::rules::{self, Ask, RULES, Row};
use crate::check::policy::value::{self, Place, meant, mistake, quoted};
use crate::check::policy::{Limit, Policy, Rule, Scope, Select, Value};
use crate::close::verdict::Confidence;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Larger files are no policies.
const MOST: usize = 1 << 20;
/// The scope of every flow.
pub(super) const ALL: &str = "all";
/// The table of scopes.
const SCOPE: &str = "scope";
/// What counts unless a policy says otherwise.
const CONFIDENCE: Confidence = Confidence::Likely;

/// Reads a policy file.
pub(super) fn policy(file: &str, bytes: &[u8]) -> Result<Policy, PolicyError> {
    if bytes.len() > MOST {
        let title = format!("a policy of {} bytes: more than {MOST}", bytes.len());
        let wrong = mistake(title, 0..0, "is this a policy?");
        return Err(PolicyError::new(file, "", vec![wrong]));
    }
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            let wrong = mistake("a policy is UTF-8", at..at, "this is not");
            let text = String::from_utf8_lossy(bytes);
            return Err(PolicyError::new(file, &text, vec![wrong]));
        }
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader {
        text,
        wrong: errors.iter().map(syntax).collect(),
    };
    if !reader.wrong.is_empty() {
        return Err(PolicyError::new(file, text, reader.wrong));
    }
    let scopes = reader.scopes(table.get_ref());
    if reader.wrong.is_empty() {
        let file = file.into();
        return Ok(Policy { file, scopes });
    }
    Err(PolicyError::new(file, text, reader.wrong))
}

fn syntax(error: &toml::de::Error) -> Mistake {
    let at = error.span().unwrap_or(0..0);
    mistake("this is no TOML", at, error.message())
}

/// The entries of a table as they stand in the file.
fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<Entry<'a, 'i>> {
    let mut entries: Vec<Entry> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

type Entry<'a, 'i> = (&'a Spanned<DeString<'i>>, &'a Spanned<DeValue<'i>>);

/// What a scope or a rule says besides.
#[derive(Default)]
struct Besides {
    at_most: Option<Limit>,
    confidence: Option<Confidence>,
    why: Option<String>,
}

struct Reader<'t> {
    text: &'t str,
    wrong: Vec<Mistake>,
}

impl Reader<'_> {
    /// The value, unless it is wrong.
    fn take<T>(&mut self, value: Result<T, Mistake>) -> Option<T> {
        value.map_err(|wrong| self.wrong.push(wrong)).ok()
    }

    fn line(&self, at: usize) -> u64 {
        let before = self.text.get(..at).unwrap_or_default();
        before.bytes().filter(|b| *b == b'\n').count() as u64 + 1
    }

    fn scopes(&mut self, table: &DeTable) -> Vec<Scope> {
        let mut scopes: Vec<Scope> = Vec::new();
        for (key, value) in in_order(table) {
            if key.get_ref() != SCOPE {
                self.wrong.push(unknown_at_top(key, value));
                continue;
            }
            let Some(table) = value.get_ref().as_table() else {
                let wrong = value::wrong_kind(value, "the scopes, each a table");
                self.wrong
                    .push(wrong.help("write `[scope.all]` above the rules"));
                continue;
            };
            for (name, value) in in_order(table) {
                scopes.extend(self.scope(name, value));
            }
        }
        if scopes.is_empty() && self.wrong.is_empty() {
            let wrong = mistake("the policy asks nothing", 0..0, "no scope");
            let help = "write `[scope.all]` and rules below it; `whoclosed check --print-policy \
                        strict` shows some";
            self.wrong.push(wrong.help(help));
        }
        if !scopes.iter().any(|scope| scope.name == ALL) {
            scopes.insert(0, implied());
        }
        scopes
    }

    fn scope(&mut self, name: &Spanned<DeString>, value: Place) -> Option<Scope> {
        let Some(table) = value.get_ref().as_table() else {
            let title = format!("the scope {} is no table", quoted(name.get_ref()));
            let help = "rules stand in a scope: write `[scope.all]` above them";
            self.wrong.push(mistake(title, name.span(), "").help(help));
            return None;
        };
        self.check_name(name);
        let before = self.wrong.len();
        let (mut select, mut besides) = (Select::default(), Besides::default());
        let mut found = Vec::new();
        for (key, value) in in_order(table) {
            if let Some(row) = rules::find(key.get_ref()) {
                found.push((row, key, value));
            } else if !self.selects(key, value, &mut select) {
                self.besides((key, value), &mut besides, None);
            }
        }
        let count = found.len();
        let rules = found
            .into_iter()
            .filter_map(|(row, key, value)| self.rule(row, (key, value), &besides));
        let mut rules: Vec<Rule> = rules.collect();
        self.check_selection(name, &select);
        self.check_emptiness(name, &rules);
        if count == 0 && self.wrong.len() == before {
            let title = format!("the scope {} asks nothing", quoted(name.get_ref()));
            let help = "write rules below it; `whoclosed check --print-policy strict` shows some";
            let wrong = mistake(title, name.span(), "no rule");
            self.wrong.push(wrong.help(help));
        }
        if self.wrong.len() == before {
            asked::contradictions(&rules, table, &mut self.wrong);
        }
        if !rules.iter().any(is_min) {
            rules.splice(0..0, min_flows());
        }
        let name = name.get_ref().to_string();
        Some(Scope::new(name, select, rules))
    }

    /// The name is part of the names of rules.
    fn check_name(&mut self, name: &Spanned<DeString>) {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.get_ref().is_empty() || !name.get_ref().chars().all(plain) {
            let title = format!("{} cannot name a scope", quoted(name.get_ref()));
            let wrong = mistake(title, name.span(), "expected letters, digits, - and _");
            self.wrong.push(wrong);
        }
    }

    /// A scope may be empty, but not a capture.
    fn check_emptiness(&mut self, name: &Spanned<DeString>, rules: &[Rule]) {
        let may_be_empty = |rule: &Rule| is_min(rule) && rule.value == Value::Count(0);
        if name.get_ref() == ALL && rules.iter().any(may_be_empty) {
            let title = "an empty capture would pass";
            let wrong = mistake(title, name.span(), "at least 1 flow");
            self.wrong
                .push(wrong.help("write `min-flows = 1`, or leave it out"));
        }
    }

    /// Says what the scope is about; false if the key has nothing to do with that.
    fn selects(&mut self, key: &Spanned<DeString>, value: Place, select: &mut Select) -> bool {
        let takes = keys::find(key.get_ref()).map(|key| key.takes);
        let result = match (takes, key.get_ref().as_ref()) {
            (Some(Takes::Ports), _) => {
                value::several(value, value::port).map(|ports| select.port = ports)
            }
            (Some(Takes::Nets), name) => value::several(value, value::net).map(|nets| match name {
                "client" => select.client = nets,
                "server" => select.server = nets,
                _ => select.net = nets,
            }),
            _ => return false,
        };
        self.wrong.extend(result.err().into_iter().flatten());
        true
    }

    /// The scope `all` takes every flow, another one those that it names.
    fn check_selection(&mut self, name: &Spanned<DeString>, select: &Select) {
        let wrong_value = self
            .wrong
            .iter()
            .any(|wrong| wrong.at.start > name.span().start);
        let (title, help) = match (name.get_ref() == ALL, select.is_all()) {
            (true, false) => (
                "the scope `all` has every flow".to_owned(),
                "give a scope that selects flows another name",
            ),
            (false, true) if !wrong_value => (
                format!(
                    "the scope {} does not say which flows it is about",
                    quoted(name.get_ref())
                ),
                "add client, server, net or port; or call it `all`",
            ),
            _ => return,
        };
        self.wrong.push(mistake(title, name.span(), "").help(help));
    }

    /// A key that says something besides; of a rule, if that is one.
    fn besides(&mut self, (key, value): Entry, besides: &mut Besides, rule: Option<&Row>) {
        let known = keys::find(key.get_ref()).filter(|key| match rule {
            None => key.in_scope,
            Some(row) => key.in_rule && (key.key == "why" || row.ask.is_of_each_flow()),
        });
        match known.map(|key| key.takes) {
            Some(Takes::Limit) => besides.at_most = self.take(value::limit(value)),
            Some(Takes::Confidence) => besides.confidence = self.take(value::confidence(value)),
            Some(Takes::Text) => besides.why = self.take(value::words(value)),
            _ => self.wrong.push(unknown_key(key, rule)),
        }
    }

    fn rule(&mut self, row: &'static Row, (key, value): Entry, scope: &Besides) -> Option<Rule> {
        let mut own = Besides::default();
        let wanted = match value.get_ref() {
            DeValue::Table(table) => self.long(row, (key, table), &mut own)?,
            _ => value,
        };
        let parsed = asked::value(row, wanted);
        let value = parsed.map_err(|wrong| self.wrong.extend(wrong)).ok()?;
        Some(Rule {
            row,
            line: Some(self.line(key.span().start)),
            value,
            at_most: own.at_most.unwrap_or(Limit::NONE),
            confidence: own.confidence.or(scope.confidence).unwrap_or(CONFIDENCE),
            why: own.why.or_else(|| scope.why.clone()),
        })
    }

    /// A rule that is written as a table: its value, and what it says besides.
    fn long<'a, 'i>(
        &mut self,
        row: &Row,
        (key, table): (&Spanned<DeString>, &'a DeTable<'i>),
        own: &mut Besides,
    ) -> Option<Place<'a, 'i>> {
        let field = row.ask.field();
        let mut wanted = None;
        for (key, value) in in_order(table) {
            if key.get_ref() == field {
                wanted = Some(value);
            } else {
                self.besides((key, value), own, Some(row));
            }
        }
        if wanted.is_none() {
            let title = format!("{} does not say what it asks", quoted(key.get_ref()));
            let help = format!("add `{field}`, as in `{}`", row.long_example());
            self.wrong.push(mistake(title, key.span(), "").help(help));
        }
        wanted
    }
}

const fn is_min(rule: &Rule) -> bool {
    matches!(rule.row.ask, Ask::MinFlows)
}

/// What a policy asks that has no scope `all`: a flow at least.
fn implied() -> Scope {
    let rules = min_flows().into_iter().collect();
    Scope::new(ALL.to_owned(), Select::default(), rules)
}

/// A flow at least goes without saying.
fn min_flows() -> Option<Rule> {
    let row = rules::find("min-flows")?;
    Some(Rule {
        row,
        line: None,
        value: Value::Count(1),
        at_most: Limit::NONE,
        confidence: CONFIDENCE,
        why: None,
    })
}

impl Scope {
    fn new(name: String, select: Select, rules: Vec<Rule>) -> Self {
        let doubt = rules
            .iter()
            .find(|rule| rule.row.key == "max-indeterminate");
        let doubt = match doubt.map(|rule| &rule.value) {
            Some(Value::Limit(limit)) => *limit,
            _ => Limit::NONE,
        };
        Self {
            name,
            select,
            rules,
            doubt,
        }
    }
}

fn unknown_at_top(key: &Spanned<DeString>, value: Place) -> Mistake {
    let name = key.get_ref().as_ref();
    let wrong = mistake(format!("unknown key {}", quoted(name)), key.span(), "");
    if let Some(help) = meant(name, [SCOPE].into_iter()) {
        return wrong.help(help);
    }
    let is_rule = rules::find(name).is_some() || keys::find(name).is_some();
    if value.get_ref().is_table() && !is_rule {
        return wrong.help(format!("did you mean the scope `[scope.{name}]`?"));
    }
    wrong.help("rules stand in a scope: write `[scope.all]` above them")
}

/// A key that nothing of that name is: in a scope, or in a rule.
fn unknown_key(key: &Spanned<DeString>, rule: Option<&Row>) -> Mistake {
    let name = key.get_ref().as_ref();
    let wrong = mistake(format!("unknown key {}", quoted(name)), key.span(), "");
    let names: Vec<&str> = match rule {
        None => {
            let keys = KEYS.iter().filter(|key| key.in_scope).map(|key| key.key);
            RULES.iter().map(|row| row.key).chain(keys).collect()
        }
        Some(row) => row.keys().collect(),
    };
    match rule {
        None if keys::find(name).is_some() => {
            wrong.help("it stands in a rule: `allow-outcomes = { names = [..], at-most = \"1%\" }`")
        }
        None => match meant(name, names.into_iter()) {
            Some(help) => wrong.help(help),
            None => wrong.help("`whoclosed check --help` lists the rules"),
        },
        Some(_) => wrong.help(value::choice(name, &names)),
    }
}
