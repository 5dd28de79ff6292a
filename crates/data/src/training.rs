//! The labelled and unlabelled splits of sources that do not say which of their training pictures
//! are which.

use std::sync::Arc;

use crate::divide::{by_class, drawn, rest, unlabelled};
use crate::split::{Metadata, Split};
use crate::storage::Storage;
use crate::{Error, Options};
use kith_core::square::Frame;

/// Labelled pictures of the sets that are usually learnt from a labelled part.
pub(crate) const USUALLY_LABELLED: usize = 5_000;

/// Training pictures that are yet to be split.
pub(crate) struct Training {
    /// Their bytes.
    pub(crate) storage: Arc<Storage>,
    /// What is known about them.
    pub(crate) metadata: Arc<Metadata>,
    /// Those that have a label, in rising order.
    pub(crate) labelled: Vec<u32>,
    /// Those that have none, in rising order.
    pub(crate) loose: Vec<u32>,
    /// Number of classes.
    pub(crate) classes: usize,
    /// Height and width to read them in.
    pub(crate) frame: Frame,
}

impl Training {
    /// The number of labelled pictures of a set that is usually learnt from a labelled part, with a
    /// note where it has no more: then every picture is in both splits.
    pub(crate) fn usual_count(&self, options: &Options) -> (Option<usize>, Option<String>) {
        let there = self.labelled.len();
        match options.labelled {
            None if there <= USUALLY_LABELLED => (
                None,
                Some(format!(
                    "{there} training images, {USUALLY_LABELLED} are usually labelled: all are \
                     labelled and unlabelled; with fewer labels asked for the rest have none"
                )),
            ),
            None => (Some(USUALLY_LABELLED), None),
            asked => (asked, None),
        }
    }

    /// The labelled and the unlabelled split: `count` labelled pictures and the rest, or, with no
    /// count, all of them in both.
    pub(crate) fn split(
        self,
        count: Option<usize>,
        options: &Options,
    ) -> Result<[Split; 2], Error> {
        let members = by_class(&self.labelled, |p| self.metadata.labels[p as usize], self.classes);
        let (labelled, mut pool) = match count {
            None => (self.labelled.clone(), self.labelled),
            Some(count) => {
                let drawn = drawn(&members, count, options)?;
                let rest = rest(&self.labelled, &drawn);
                (drawn, rest)
            }
        };
        pool.extend(self.loose);
        let free = unlabelled(pool, options.unlabelled, options.seed)?;
        let split = |pictures| {
            let (storage, metadata) = (Arc::clone(&self.storage), Arc::clone(&self.metadata));
            Split::unlabelled(storage, metadata, pictures, self.frame)
        };
        Ok([split(labelled).with_labels(), split(free)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twenty() -> Training {
        let labels = (0..18).map(|p| p % 3).collect();
        Training {
            storage: Storage::Memory { pixels: vec![0; 20], planes: 1, size: [1, 1] }.into(),
            metadata: Metadata { labels, ..Metadata::default() }.into(),
            labelled: (0..18).collect(),
            loose: vec![18, 19],
            classes: 3,
            frame: 1.into(),
        }
    }

    #[test]
    fn labelled_pictures_are_balanced_and_the_rest_is_unlabelled() {
        let [labelled, free] = twenty().split(Some(6), &Options::default()).unwrap();
        let count = |class| labelled.labels().unwrap().iter().filter(|&&l| l == class).count();
        assert_eq!([count(0), count(1), count(2)], [2, 2, 2]);
        assert_eq!((free.len(), free.labels()), (14, None));
        assert!(labelled.pictures().iter().all(|p| !free.pictures().contains(p)));
    }

    #[test]
    fn without_a_count_the_splits_overlap() {
        let options = Options { unlabelled: Some(19), ..Options::default() };
        let [labelled, free] = twenty().split(None, &options).unwrap();
        assert_eq!((labelled.len(), free.len()), (18, 19));
    }
}
