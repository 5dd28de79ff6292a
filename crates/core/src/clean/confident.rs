//! The confident joint: how many images of each given label confidently look like each class (Northcutt,
//! Jiang and Chuang 2021).

/// Labels as given, and probabilities of classes by classifiers that have not seen the image.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// The given label of every image, below `classes`.
    pub labels: &'a [u16],
    /// Probabilities of classes, `[n, classes]`; a row sums to 1.
    pub probabilities: &'a [f32],
    /// Number of classes.
    pub classes: usize,
}

/// The least threshold of a class, as cleanlab has it.
const LEAST_THRESHOLD: f64 = 2e-16;
/// What a probability may be below its threshold, as cleanlab has it.
const SLACK: f64 = 1e-6;

impl Judged<'_> {
    /// Probabilities of an image's classes.
    pub fn row(&self, image: usize) -> &[f32] {
        &self.probabilities[image * self.classes..][..self.classes]
    }

    /// Number of images of every given label.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        self.labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
        counts
    }

    /// The mean probability of each class among the images of its label, above which a probability is
    /// confident; none for a class without images.
    pub fn thresholds(&self) -> Vec<Option<f64>> {
        let mut sums = vec![0.0_f64; self.classes];
        for (image, &label) in self.labels.iter().enumerate() {
            sums[usize::from(label)] += f64::from(self.row(image)[usize::from(label)]);
        }
        let mean = |(sum, count): (f64, usize)| {
            (count > 0).then(|| (sum / count as f64).max(LEAST_THRESHOLD))
        };
        sums.into_iter().zip(self.counts()).map(mean).collect()
    }

    /// The class that each image confidently looks like; none where it looks like no class confidently.
    pub fn confident(&self) -> Vec<Option<usize>> {
        let thresholds = self.thresholds();
        let class = |image: usize| {
            let row = self.row(image);
            let sure = |class: &usize| {
                thresholds[*class].is_some_and(|least| f64::from(row[*class]) >= least - SLACK)
            };
            let mut sure = (0..self.classes).filter(sure);
            let first = sure.next()?;
            // The largest of several, which need not be one of them.
            Some(if sure.next().is_some() { largest(row) } else { first })
        };
        (0..self.labels.len()).map(class).collect()
    }

    /// Images by given label (row) and by the class that they confidently look like (column), scaled so
    /// that every row has as many images as there are of its label: estimates of how many images of a
    /// label are of a class. Whole numbers.
    pub fn joint(&self) -> Vec<Vec<f64>> {
        let mut joint = vec![vec![0.0_f64; self.classes]; self.classes];
        for (&label, class) in self.labels.iter().zip(self.confident()) {
            if let Some(class) = class {
                joint[usize::from(label)][class] += 1.0;
            }
        }
        let counts = self.counts();
        for (label, row) in joint.iter_mut().enumerate() {
            row[label] = row[label].max(1.0);
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|count| *count = *count / sum * counts[label] as f64);
            round_keeping_sum(row);
        }
        joint
    }
}

/// The place of the largest number, the first on ties.
pub(super) fn largest(row: &[f32]) -> usize {
    usize::from(crate::probe::knn::best(row))
}

/// Rounds numbers such that their sum stays what it is, rounded, as cleanlab does it.
pub(super) fn round_keeping_sum(numbers: &mut [f64]) {
    let exact = numbers.to_vec();
    let sum = exact.iter().sum::<f64>().round_ties_even();
    numbers.iter_mut().for_each(|number| *number = number.round_ties_even());
    loop {
        let missing = sum - numbers.iter().sum::<f64>().round_ties_even();
        if missing == 0.0 || numbers.is_empty() {
            return;
        }
        let mut order: Vec<usize> = (0..numbers.len()).collect();
        order.sort_by(|&a, &b| (exact[a] - numbers[a]).total_cmp(&(exact[b] - numbers[b])));
        if missing > 0.0 {
            order.reverse();
        }
        let changes = (missing.abs() as usize).min(numbers.len());
        order[..changes].iter().for_each(|&place| numbers[place] += missing.signum());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_keeps_the_sum() {
        let mut numbers = [0.4, 0.4, 0.4, 1.8];
        round_keeping_sum(&mut numbers);
        assert_eq!(numbers.iter().sum::<f64>(), 3.0);
        assert_eq!(numbers[3], 2.0);
        let mut halves = [0.5, 1.5, 2.5, 3.5];
        round_keeping_sum(&mut halves);
        assert_eq!(halves.iter().sum::<f64>(), 8.0);
    }

    #[test]
    fn the_joint_counts_who_confidently_looks_like_what() {
        // Six images of two classes; one of class 0 surely looks like class 1.
        let labels = [0, 0, 0, 0, 1, 1];
        let probabilities = [0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.1, 0.9, 0.2, 0.8, 0.3, 0.7];
        let judged = Judged { labels: &labels, probabilities: &probabilities, classes: 2 };
        let thresholds = judged.thresholds();
        assert!((thresholds[0].unwrap() - 0.625).abs() < 1e-6, "{thresholds:?}");
        let confident = [Some(0), Some(0), Some(0), Some(1), Some(1), None];
        assert_eq!(judged.confident(), confident);
        assert_eq!(judged.joint(), [[3.0, 1.0], [0.0, 2.0]]);
    }

    #[test]
    fn a_class_without_images_is_nobodys() {
        let labels = [0, 0];
        let probabilities = [0.1, 0.9, 0.2, 0.8];
        let judged = Judged { labels: &labels, probabilities: &probabilities, classes: 2 };
        assert_eq!(judged.thresholds()[1], None);
        assert_eq!(judged.joint(), [[2.0, 0.0], [0.0, 0.0]]);
    }
}
