//! The tensors of a file below a prefix.

use crate::archive::{Archive, Stored};
use crate::error::Error;

/// A file seen from a prefix: names are what comes after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    file: &'a Archive,
    prefix: &'a str,
}

impl<'a> View<'a> {
    pub(super) fn new(file: &'a Archive, prefix: &'a str) -> Self {
        Self { file, prefix }
    }

    /// All names, in order.
    pub(super) fn names(self) -> impl Iterator<Item = &'a str> {
        self.file.names().filter_map(move |name| name.strip_prefix(self.prefix))
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.shape(name).is_some()
    }

    pub(super) fn shape(self, name: &str) -> Option<&'a [usize]> {
        self.file.shape(&self.whole(name))
    }

    /// The size along the first axis; 0 of what is not there.
    pub(super) fn rows(self, name: &str) -> usize {
        self.shape(name).and_then(|shape| shape.first()).copied().unwrap_or(0)
    }

    /// The name in the file.
    pub(super) fn whole(self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(super) fn prefix(self) -> &'a str {
        self.prefix
    }

    /// Whether the prefix is one of those that self-supervised methods save their encoders below.
    pub(super) fn is_self_supervised(self) -> bool {
        const WORDS: [&str; 6] =
            ["teacher", "student", "encoder", "backbone", "trunk", "online_network"];
        WORDS.iter().any(|word| self.prefix.contains(word))
    }

    /// # Errors
    /// As [`Archive::get`].
    pub(super) fn stored(self, name: &str) -> Result<Stored, Error> {
        self.file.get(&self.whole(name)).map(std::borrow::Cow::into_owned)
    }

    /// The largest number right after `before` in any name, plus one: how many blocks there are.
    pub(super) fn count(self, before: &str) -> usize {
        let number = |name: &str| -> Option<usize> {
            let rest = name.strip_prefix(before)?;
            rest.split('.').next()?.parse().ok()
        };
        self.names().filter_map(number).max().map_or(0, |last| last.saturating_add(1))
    }
}
