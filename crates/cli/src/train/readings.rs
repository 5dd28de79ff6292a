//! Numbers by name, as an epoch has them: many epochs share the names.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Numbers in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Readings(Vec<(Arc<str>, f64)>);

impl Readings {
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        let place = self.place(name).ok()?;
        Some(self.0[place].1)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a number in, in the place of one that had the name.
    pub(crate) fn insert(&mut self, name: impl Into<Arc<str>>, value: f64) {
        let name = name.into();
        match self.place(&name) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => self.0.insert(place, (name, value)),
        }
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }

    /// The same with a name's number under another name, if there is one.
    pub(crate) fn renamed(mut self, from: &str, to: &str) -> Self {
        if let Ok(place) = self.place(from) {
            let (_, value) = self.0.remove(place);
            self.insert(to, value);
        }
        self
    }

    /// Takes the names of others for its own where they are the same, so that they are kept once.
    pub(crate) fn share_names(&mut self, others: &Self) {
        for (name, _) in &mut self.0 {
            if let Ok(place) = others.place(name) {
                *name = others.0[place].0.clone();
            }
        }
        self.0.shrink_to_fit();
    }
}

/// What is no number is left out: it has no value.
impl<N: Into<Arc<str>>> FromIterator<(N, f64)> for Readings {
    fn from_iter<I: IntoIterator<Item = (N, f64)>>(numbers: I) -> Self {
        let mut readings = Self::default();
        let finite = numbers.into_iter().filter(|(_, value)| value.is_finite());
        finite.for_each(|(name, value)| readings.insert(name, value));
        readings
    }
}

impl Serialize for Readings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(&**name, value)?;
        }
        map.end()
    }
}

/// What has no value is left out.
impl<'de> Deserialize<'de> for Readings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbers = BTreeMap::<String, Option<f64>>::deserialize(deserializer)?;
        Ok(numbers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_the_order_of_their_names() {
        let mut readings: Readings = [("loss", 2.5), ("accuracy", 0.125)].into_iter().collect();
        readings.insert("loss", 1e-300);
        let text = serde_json::to_string(&readings).unwrap();
        assert_eq!(text, r#"{"accuracy":0.125,"loss":1e-300}"#);
        assert_eq!(serde_json::from_str::<Readings>(&text).unwrap(), readings);
        let holes = r#"{"loss":null,"accuracy":3}"#;
        assert_eq!(serde_json::from_str::<Readings>(holes).unwrap().get("accuracy"), Some(3.0));
        assert_eq!(readings.get("others"), None);
        assert!([("loss", f64::NAN)].into_iter().collect::<Readings>().is_empty());
        let renamed = readings.renamed("loss", "a loss");
        assert_eq!(renamed.names().collect::<Vec<_>>(), ["a loss", "accuracy"]);
    }

    #[test]
    fn names_are_kept_once() {
        let of = |value| [("loss", value)].into_iter().collect::<Readings>();
        let (first, mut second) = (of(1.0), of(2.0));
        second.share_names(&first);
        assert!(Arc::ptr_eq(&first.0[0].0, &second.0[0].0));
        assert_eq!(second, of(2.0));
    }
}
