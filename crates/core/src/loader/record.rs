//! Which images a split holds, in short.

use serde::{Deserialize, Serialize};

use super::ImageSet;
use crate::hash::Hash;

/// Images of a split that its fingerprint is of, evenly spread; all of a smaller one.
pub const LOOKED_AT: usize = 4096;
/// Images that are read at a time.
const AT_A_TIME: usize = 64;

/// Which images a split holds, and in which order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct SplitRecord {
    /// How many.
    pub images: usize,
    /// Of the pixels and classes of [`LOOKED_AT`] of them: 16 hexadecimal digits (FNV-1a).
    pub fingerprint: String,
}

impl SplitRecord {
    /// Of a split of so many images.
    ///
    /// # Errors
    /// Those of [`ImageSet::read`].
    pub fn of<S: ImageSet>(split: &S, images: usize) -> Result<Self, S::Error> {
        let mut hash = Hash::new();
        for places in spread(images).chunks(AT_A_TIME) {
            let read = split.read(places)?;
            for (number, &place) in places.iter().enumerate() {
                hash.eat(read.picture(number));
                hash.eat(
                    &split.class(place).map_or([0xff; 4], |class| u32::from(class).to_le_bytes()),
                );
            }
        }
        Ok(Self { images, fingerprint: hash.digits() })
    }
}

/// At most [`LOOKED_AT`] of so many places, evenly spread from the first on.
fn spread(images: usize) -> Vec<u32> {
    let looked_at = images.min(LOOKED_AT);
    (0..looked_at).map(|k| (k * images / looked_at) as u32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Images;
    use crate::loader::MemoryDataset;

    fn records(greys: &[u8], labels: &[u16]) -> [SplitRecord; 2] {
        let pixels = greys.iter().flat_map(|&grey| [grey; 12]).collect();
        let images = Images::new(pixels, [greys.len(), 2, 2]).expect("as many bytes");
        let mut dataset = MemoryDataset::new(2);
        dataset.add(&images).expect("of that size");
        dataset.add_labelled(&images, labels).expect("as many");
        dataset.records().map(|(_, record)| record)
    }

    #[test]
    fn other_pixels_labels_or_orders_have_other_fingerprints() {
        let [unlabelled, labelled] = records(&[1, 2, 3], &[0, 1, 1]);
        assert_eq!(unlabelled.images, 3);
        assert_ne!(unlabelled.fingerprint, labelled.fingerprint, "labels count");
        assert_eq!(records(&[1, 2, 3], &[0, 1, 1]), [unlabelled.clone(), labelled.clone()]);
        for (greys, labels) in [([1, 2, 4], [0, 1, 1]), ([2, 1, 3], [0, 1, 1])] {
            assert!(!records(&greys, &labels).contains(&unlabelled), "{greys:?}");
        }
        assert_ne!(records(&[1, 2, 3], &[0, 1, 0])[1], labelled);
        assert_eq!(records(&[1, 2, 3], &[0, 1, 0])[0], unlabelled);
    }

    #[test]
    fn of_many_images_some_are_looked_at_from_all_parts() {
        assert_eq!(spread(0), Vec::<u32>::new());
        assert_eq!(spread(3), [0, 1, 2]);
        let some = spread(100_000);
        assert_eq!((some.len(), some[0]), (LOOKED_AT, 0));
        assert!(some.windows(2).all(|pair| (24..=25).contains(&(pair[1] - pair[0]))));
        assert!(*some.last().expect("some") >= 99_975);
    }
}
