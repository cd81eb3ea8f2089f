//! Any bytes are a policy or are told what is wrong with them; what is a policy asks something.

use whoclosed::check::policy::Policy;
use whoclosed::check::policy::rules::Ask;

/// A policy file.
pub(crate) fn policies(input: &[u8]) {
    match Policy::parse("close.toml", input) {
        Err(error) => {
            assert!(error.count() > 0);
            let plain = error.render(false);
            assert!(plain.contains("close.toml"), "{plain}");
            assert!(!plain.contains('\x1b'), "a terminal would obey {plain:?}");
            assert!(!error.render(true).is_empty());
        }
        Ok(policy) => {
            let rules = policy.scopes.iter().flat_map(|scope| &scope.rules);
            assert!(rules.clone().any(|rule| rule.line.is_some()));
            let counts = rules.filter(|rule| matches!(rule.row.ask, Ask::MinFlows));
            assert_eq!(counts.count(), policy.scopes.len());
        }
    }
}
