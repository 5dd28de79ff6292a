//! Curriculum pseudo-labelling: a threshold a class (`FlexMatch`, Zhang et al. 2021).

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::fixmatch::Agreement;

/// For which class each unlabelled picture was last taken with certainty.
///
/// Everything stays on the device: nobody waits for a threshold.
#[derive(Clone, Debug)]
pub struct Curriculum {
    /// The class of each picture, -1 before the first time, `[pictures]`.
    latest: Tensor<1, Int>,
    classes: usize,
    /// What certainty is.
    threshold: f64,
}

/// Stands for no class yet.
const UNUSED: i32 = -1;

impl Curriculum {
    /// Nothing is learnt yet.
    pub fn new(pictures: usize, classes: usize, threshold: f64, device: &Device) -> Self {
        let latest = TensorData::new(vec![UNUSED; pictures], [pictures]);
        Self { latest: Tensor::from_data(latest, device), classes, threshold }
    }

    /// One that goes on from [`latest`](Self::latest).
    pub fn resumed(self, latest: Tensor<1, Int>) -> Self {
        Self { latest, ..self }
    }

    /// The class of each picture, -1 before the first time, `[pictures]`.
    pub fn latest(&self) -> Tensor<1, Int> {
        self.latest.clone()
    }

    /// Thresholds of the classes, `[classes]`: τ · M(β) with β = σ(c) / max(max σ, unused) (equations
    /// 6 and 11) and the convex M(x) = x / (2 − x) (section 3.3).
    pub fn thresholds(&self) -> Tensor<1> {
        let [pictures] = self.latest.dims();
        let classes = Tensor::<1, Int>::arange(0..self.classes as i64, &self.latest.device());
        let own = self.latest.clone().reshape([pictures, 1]).expand([pictures, self.classes]);
        let classes = classes.reshape([1, self.classes]).expand([pictures, self.classes]);
        let learnt = own.equal(classes).float().sum_dim(0).reshape([self.classes]);
        let unused = self.latest.clone().equal_elem(UNUSED).float().sum();
        let most = Tensor::cat(vec![learnt.clone(), unused], 0).max();
        let share = learnt / most.clamp_min(1.0);
        (share.clone() / share.neg().add_scalar(2.0)).mul_scalar(self.threshold)
    }

    /// Takes note of a batch: of each picture whose certainty reaches the full threshold, the class.
    ///
    /// `places` are those of the batch's pictures among all unlabelled ones. A picture that comes
    /// twice in a batch counts the first time.
    pub fn note(&mut self, places: &[usize], found: &Agreement) {
        let mut seen = std::collections::BTreeSet::new();
        let first = places.iter().map(|place| i32::from(seen.insert(*place)));
        let first = TensorData::new(first.collect::<Vec<i32>>(), [places.len()]);
        let numbers: Vec<i32> = places.iter().map(|&place| place as i32).collect();
        let device = self.latest.device();
        let places = TensorData::new(numbers, [places.len()]);
        let places = Tensor::<1, Int>::from_data(places, &device);
        let certain = found.certainty.clone().greater_equal_elem(self.threshold).int();
        let moves = certain * Tensor::<1, Int>::from_data(first, &device);
        let before = self.latest.clone().select(0, places.clone());
        let change = (found.labels.clone() - before) * moves;
        let add = burn::tensor::IndexingUpdateOp::Add;
        self.latest = self.latest.clone().select_assign(0, places, change, add);
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use super::*;

    fn found(labels: &[i32], certainty: &[f32]) -> Agreement {
        let device = Device::flex();
        let certainty = Tensor::from_data(certainty, &device);
        let labels = Tensor::from_data(labels, &device);
        Agreement { losses: certainty.clone(), mask: certainty.clone(), labels, certainty }
    }

    fn thresholds(curriculum: &Curriculum) -> Vec<f32> {
        curriculum.thresholds().into_data().try_to_vec().unwrap()
    }

    #[test]
    fn slowly_learnt_classes_ask_for_less() {
        let mut curriculum = Curriculum::new(6, 3, 0.9, &Device::flex());
        assert_eq!(thresholds(&curriculum), [0.0; 3], "nothing is learnt: anything goes");
        // Certain: pictures 0, 1, 5 as class 0, picture 2 as class 1; picture 3 is not certain.
        curriculum.note(&[0, 1, 2, 3, 5], &found(&[0, 0, 1, 2, 0], &[0.95, 0.9, 1.0, 0.5, 0.99]));
        // σ = 3, 1, 0 and two unused: β = 1, 1/3, 0.
        let expected = [0.9, 0.9 * (1.0 / 3.0) / (2.0 - 1.0 / 3.0), 0.0];
        for (got, expected) in thresholds(&curriculum).into_iter().zip(expected) {
            assert!((got - expected).abs() < 1e-6, "expected {expected}, got {got}");
        }
    }

    #[test]
    fn a_picture_changes_its_class_and_counts_once_a_batch() {
        let mut curriculum = Curriculum::new(3, 2, 0.5, &Device::flex());
        curriculum.note(&[1, 1], &found(&[0, 1], &[1.0, 1.0]));
        curriculum.note(&[1, 2], &found(&[1, 1], &[1.0, 0.4]));
        let latest = curriculum.latest().into_data().convert::<i32>().try_to_vec::<i32>().unwrap();
        assert_eq!(latest, [UNUSED, 1, UNUSED]);
    }
}
