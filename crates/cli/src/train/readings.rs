//! Numbers by name, as an epoch has them: many epochs share the names.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Numbers in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Readings {
    names: Arc<Vec<Arc<str>>>,
    /// As many.
    values: Vec<f64>,
}

impl Readings {
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        let place = self.place(name).ok()?;
        Some(self.values[place])
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Takes a number in, in the place of one that had the name.
    pub(crate) fn insert(&mut self, name: impl Into<Arc<str>>, value: f64) {
        let name = name.into();
        match self.place(&name) {
            Ok(place) => self.values[place] = value,
            Err(place) => {
                Arc::make_mut(&mut self.names).insert(place, name);
                self.values.insert(place, value);
            }
        }
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.names.binary_search_by(|known| (**known).cmp(name))
    }

    /// The same with a name's number under another name, if there is one.
    pub(crate) fn renamed(mut self, from: &str, to: &str) -> Self {
        if let Ok(place) = self.place(from) {
            Arc::make_mut(&mut self.names).remove(place);
            let value = self.values.remove(place);
            self.insert(to, value);
        }
        self
    }

    /// Takes the names of others for its own where they are the same, so that they are kept once.
    pub(crate) fn share_names(&mut self, others: &Self) {
        self.values.shrink_to_fit();
        if self.names == others.names {
            self.names = others.names.clone();
            return;
        }
        let names = Arc::make_mut(&mut self.names);
        for name in &mut *names {
            if let Ok(place) = others.place(name) {
                *name = others.names[place].clone();
            }
        }
        names.shrink_to_fit();
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
        serializer.collect_map(self.names().zip(&self.values))
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
        assert!(Arc::ptr_eq(&first.names, &second.names), "all of them");
        assert_eq!(second, of(2.0));
        let mut third = of(3.0);
        third.insert("accuracy", 0.5);
        third.share_names(&first);
        assert!(Arc::ptr_eq(&first.names[0], &third.names[1]), "those that are the same");
        assert_eq!((third.get("accuracy"), third.get("loss")), (Some(0.5), Some(3.0)));
    }
}
