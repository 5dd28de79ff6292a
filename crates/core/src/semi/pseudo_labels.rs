//! Pseudo-labels of a teacher: those above a threshold, and as many of each class.

use crate::probe::Features;
use crate::probe::knn::best;

/// Pictures that a teacher is sure of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PseudoLabels {
    /// Places among the unlabelled pictures; a picture of a rare class may come repeatedly.
    pub places: Vec<u32>,
    /// The class of each.
    pub labels: Vec<u16>,
    /// How many images of each class passed the threshold, before balancing.
    pub passed: Vec<usize>,
}

impl PseudoLabels {
    /// Labels every picture whose likeliest class has at least the probability `threshold`, then
    /// makes all classes alike in number, as Noisy Student does (Xie et al. 2020, section 3.1): of
    /// common classes the surest pictures stay, those of rare ones are repeated, surest first. Every
    /// class gets as many as there are images above the threshold a class on average; a class of which
    /// none is stays empty.
    ///
    /// `probabilities` has a row a picture and a column a class.
    pub fn balanced(probabilities: &Features, threshold: f64) -> Self {
        let mut members: Vec<Vec<(f32, u32)>> = vec![Vec::new(); probabilities.dim];
        for place in 0..probabilities.len() {
            let row = probabilities.row(place);
            let class = usize::from(best(row));
            if f64::from(row[class]) >= threshold {
                members[class].push((row[class], place as u32));
            }
        }
        let passed: Vec<usize> = members.iter().map(Vec::len).collect();
        let found = passed.iter().filter(|&&count| count > 0).count();
        let each = passed.iter().sum::<usize>().div_ceil(found.max(1));
        let mut all = Self { passed, ..Self::default() };
        for (class, mut members) in members.into_iter().enumerate() {
            members.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let taken = members.iter().cycle().take(if members.is_empty() { 0 } else { each });
            all.places.extend(taken.map(|(_, place)| place));
            all.labels.resize(all.places.len(), class as u16);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surest_stay_and_the_rare_come_again() {
        let rows = [
            [0.9, 0.1, 0.0],
            [0.8, 0.2, 0.0],
            [0.95, 0.05, 0.0],
            [0.1, 0.85, 0.05],
            [0.4, 0.35, 0.25],
        ];
        let probabilities = Features { values: rows.as_flattened().to_vec(), dim: 3 };
        let found = PseudoLabels::balanced(&probabilities, 0.7);
        assert_eq!(found.passed, [3, 1, 0]);
        assert_eq!(found.places, [2, 0, 3, 3]);
        assert_eq!(found.labels, [0, 0, 1, 1]);
    }

    #[test]
    fn an_unsure_teacher_labels_nothing() {
        let probabilities = Features { values: vec![0.5, 0.5], dim: 2 };
        let found = PseudoLabels::balanced(&probabilities, 0.9);
        assert!(found.places.is_empty() && found.labels.is_empty());
    }
}
