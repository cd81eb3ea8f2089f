//! The figures of a finding, by name.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::ops::Index;

/// Figures in the order of their names. A list: a finding has a few, and a tree with names of its own
/// takes longer to make and to drop than all the rest of a finding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures(Vec<(Cow<'static, str>, Value)>);

impl Figures {
    /// The figure of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let named = self.all().find(|(known, _)| *known == name);
        named.map(|(_, value)| value)
    }

    /// All of them, in the order of their names.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// Adds a figure, or takes the place of that of the same name.
    pub(super) fn insert(&mut self, name: &'static str, value: Value) {
        let place = self.0.partition_point(|(known, _)| known.as_ref() < name);
        match self.0.get_mut(place) {
            Some((known, old)) if known.as_ref() == name => *old = value,
            _ => self.0.insert(place, (name.into(), value)),
        }
    }
}

/// `null` where there is no figure of that name.
impl Index<&str> for Figures {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

impl Serialize for Figures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.all())
    }
}

impl<'de> Deserialize<'de> for Figures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // In the order of their names as well.
        let map = Map::<String, Value>::deserialize(deserializer)?;
        let owned = map
            .into_iter()
            .map(|(name, value)| (Cow::Owned(name), value));
        Ok(Self(owned.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::Figures;
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    const NAMES: [&str; 6] = ["seconds", "signs", "ttl", "usual_ttl", "a", "seconds_more"];

    proptest! {
        #[test]
        fn are_what_a_map_holds(added in prop::collection::vec((0..NAMES.len(), any::<u8>()), 0..12)) {
            let (mut figures, mut map) = (Figures::default(), Map::new());
            for (at, value) in added {
                figures.insert(NAMES[at], value.into());
                map.insert(NAMES[at].to_owned(), value.into());
            }
            let text = serde_json::to_string(&figures).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&map).unwrap());
            prop_assert_eq!(serde_json::from_str::<Figures>(&text).unwrap(), figures.clone());
            for name in NAMES {
                prop_assert_eq!(figures.get(name), map.get(name));
                prop_assert_eq!(&figures[name], map.get(name).unwrap_or(&Value::Null));
            }
        }
    }
}
