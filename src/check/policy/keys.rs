//! The keys of a policy file that are no rules: one row each.

/// A key beside the rules.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Key {
    /// How it is written.
    pub key: &'static str,
    /// What it holds.
    pub takes: Takes,
    /// What it says.
    pub summary: &'static str,
    /// It stands in a scope.
    pub in_scope: bool,
    /// It stands in a rule that is written as a table.
    pub in_rule: bool,
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Takes {
    /// An address or network, or a list of them.
    Nets,
    /// A port, or a list of them.
    Ports,
    /// A number of flows, or a share of them.
    Limit,
    /// A confidence.
    Confidence,
    /// A text.
    Text,
}

const fn scope(key: &'static str, takes: Takes, summary: &'static str) -> Key {
    let (in_scope, in_rule) = (true, false);
    Key {
        key,
        takes,
        summary,
        in_scope,
        in_rule,
    }
}

/// Every one of them.
pub const KEYS: &[Key] = &[
    scope("client", Takes::Nets, "only flows whose client is there"),
    scope("server", Takes::Nets, "only flows whose server is there"),
    scope("net", Takes::Nets, "only flows with one end there"),
    scope("port", Takes::Ports, "only flows to this port"),
    Key {
        key: "confidence",
        takes: Takes::Confidence,
        summary: "what counts is at least so sure: certain, likely (the default) or possible",
        in_scope: true,
        in_rule: true,
    },
    Key {
        key: "why",
        takes: Takes::Text,
        summary: "why it is asked, for whoever breaks it",
        in_scope: true,
        in_rule: true,
    },
    Key {
        key: "at-most",
        takes: Takes::Limit,
        summary: "so many flows need not comply: a number, or a share such as \"1%\"",
        in_scope: false,
        in_rule: true,
    },
];

/// The key of that name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.key == name)
}
