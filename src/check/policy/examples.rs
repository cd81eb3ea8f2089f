//! Policies to begin with.

/// A policy to begin with.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Example {
    /// What it is called.
    pub name: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// The policy file, with comments.
    pub text: &'static str,
}

/// Every one of them.
pub const EXAMPLES: &[Example] = &[
    Example {
        name: "strict",
        summary: "every connection closes with two FINs, at once, and nothing is left behind",
        text: include_str!("examples/strict.toml"),
    },
    Example {
        name: "web-server",
        summary: "clients or idle timeouts close, the server neither aborts nor forgets",
        text: include_str!("examples/web-server.toml"),
    },
    Example {
        name: "proxy",
        summary: "connections to backends are kept, and closed without a race",
        text: include_str!("examples/proxy.toml"),
    },
    Example {
        name: "database",
        summary: "few connections that live long, closed by the client",
        text: include_str!("examples/database.toml"),
    },
];
