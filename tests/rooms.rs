//! Who may use whom: the table of rooms in the architecture, compared with the paths in `src/`.

use std::fs;
use std::path::{Path, PathBuf};

/// A room and the rooms it may use besides itself, `seq` and `stamp`.
const ROOMS: &[(&str, &[&str])] = &[
    ("seq", &[]),
    ("stamp", &[]),
    ("capture", &[]),
    ("packet", &[]),
    ("flow", &["packet"]),
    ("close", &["flow"]),
    ("patterns", &["close", "flow"]),
    ("ledger", &["close", "flow"]),
    ("sockets", &["close", "flow"]),
    ("check", &["close", "flow", "ledger", "patterns"]),
    (
        "report",
        &["check", "close", "flow", "ledger", "patterns", "sockets"],
    ),
    ("rewrite", &["capture", "packet", "flow", "close"]),
    (
        "analysis",
        &[
            "capture", "packet", "flow", "close", "ledger", "patterns", "check",
        ],
    ),
];

#[test]
fn rooms_use_only_what_they_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for path in sources(&src) {
        let below = path.strip_prefix(&src).expect("below src");
        let room = below.iter().next().and_then(|name| name.to_str());
        let room = room.unwrap_or_default().trim_end_matches(".rs");
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            // `lib` shows everything; `main` and `cli` reach it through the library's name.
            assert!(matches!(room, "lib" | "main" | "cli"), "{room} is no room");
            continue;
        };
        let text = fs::read_to_string(&path).expect("readable");
        for used in text.split("crate::").skip(1) {
            let name: String = used
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let free = name == room || matches!(name.as_str(), "seq" | "stamp");
            if !free && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{} uses {name:?}", below.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .collect()
}
