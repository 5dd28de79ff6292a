//! Classes as sets write them: whole numbers, with or without a list of names, or names.

use std::collections::BTreeSet;

/// Names of classes by what a set writes of each.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    /// Names of the numbers from 0 on; empty where numbers are their own names.
    pub(crate) names: Vec<String>,
}

/// A number that is none of a list of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfRange(pub(crate) i64);

impl Classes {
    /// Classes of a list of names; names that occur several times are followed by their numbers.
    pub(crate) fn new(names: Vec<String>) -> Self {
        let unique: BTreeSet<&String> = names.iter().collect();
        if unique.len() == names.len() {
            return Self { names };
        }
        let names = names.iter().enumerate().map(|(number, name)| format!("{name} ({number})"));
        Self { names: names.collect() }
    }

    /// The class that a number stands for; none for -1, which stands for no class.
    pub(crate) fn of(&self, number: i64) -> Result<Option<String>, OutOfRange> {
        match usize::try_from(number) {
            Err(_) if number == -1 => Ok(None),
            Err(_) => Err(OutOfRange(number)),
            Ok(_) if self.names.is_empty() => Ok(Some(number.to_string())),
            Ok(place) => self.names.get(place).cloned().map(Some).ok_or(OutOfRange(number)),
        }
    }

    /// The highest number of the list.
    pub(crate) fn highest(&self) -> i64 {
        self.names.len() as i64 - 1
    }

    /// The order of their labels: that of the list, of numbers, or of the alphabet.
    pub(crate) fn order<'a>(&self, classes: impl Iterator<Item = &'a String>) -> Vec<String> {
        if !self.names.is_empty() {
            return self.names.clone();
        }
        let classes: BTreeSet<&String> = classes.collect();
        let mut numbered: Vec<(Option<i64>, &String)> =
            classes.into_iter().map(|class| (class.parse().ok(), class)).collect();
        if numbered.iter().all(|(number, _)| number.is_some()) {
            numbered.sort();
        }
        numbered.into_iter().map(|(_, class)| class.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn numbers_have_the_names_of_a_list() {
        let classes = Classes::new(strings(&["cat", "dog"]));
        assert_eq!(classes.of(1), Ok(Some("dog".to_owned())));
        assert_eq!(classes.of(-1), Ok(None));
        assert_eq!([classes.of(2), classes.of(-2)], [Err(OutOfRange(2)), Err(OutOfRange(-2))]);
        assert_eq!(classes.order([].iter()), ["cat", "dog"]);
        let twice = Classes::new(strings(&["crane", "crane"]));
        assert_eq!(twice.names, ["crane (0)", "crane (1)"]);
    }

    #[test]
    fn numbers_without_names_are_in_their_order() {
        let classes = Classes::default();
        assert_eq!(classes.of(10), Ok(Some("10".to_owned())));
        assert_eq!(classes.order(strings(&["10", "9", "10"]).iter()), ["9", "10"]);
        assert_eq!(classes.order(strings(&["10", "b", "9"]).iter()), ["10", "9", "b"]);
    }
}
