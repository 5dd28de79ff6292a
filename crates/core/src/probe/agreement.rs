//! How far clusters agree with classes.

use super::assignment::best_assignment;

/// Three measures of one agreement; none depends on how clusters are numbered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Share of images whose cluster stands for their class, by the best one-to-one naming of clusters
    /// (Yang et al. 2010); images of clusters beyond the number of classes are wrong. In [0, 1].
    pub accuracy: f64,
    /// Normalised mutual information, by the mean of both entropies (Strehl and Ghosh 2002; Vinh et
    /// al. 2010): 0 where the cluster tells nothing of the class, 1 where it tells all.
    pub nmi: f64,
    /// Adjusted Rand index (Hubert and Arabie 1985): pairs of images that are together or apart in
    /// both; 0 is chance, 1 full agreement, below 0 worse than chance.
    pub ari: f64,
}

impl Agreement {
    /// Of the class and the cluster of each image.
    ///
    /// Where nothing can disagree, because all images are of one class and one cluster, or each is
    /// alone in both, agreement is full. Without images it is 0.
    ///
    /// # Panics
    /// For another number of clusters than of classes.
    pub fn of(classes: &[u16], clusters: &[usize]) -> Self {
        assert_eq!(classes.len(), clusters.len(), "a cluster for every image");
        if classes.is_empty() {
            return Self { accuracy: 0.0, nmi: 0.0, ari: 0.0 };
        }
        let table = Table::count(classes, clusters);
        Self { accuracy: table.accuracy(), nmi: table.nmi(), ari: table.ari() }
    }
}

/// Images by cluster (row) and class (column), with the sums of both.
struct Table {
    counts: Vec<Vec<u32>>,
    clusters: Vec<u32>,
    classes: Vec<u32>,
    all: f64,
}

impl Table {
    fn count(classes: &[u16], clusters: &[usize]) -> Self {
        let most_class = classes.iter().copied().max().map_or(0, usize::from);
        let most_cluster = clusters.iter().copied().max().unwrap_or(0);
        let mut counts = vec![vec![0; most_class + 1]; most_cluster + 1];
        for (&class, &cluster) in classes.iter().zip(clusters) {
            counts[cluster][usize::from(class)] += 1;
        }
        let column = |class: usize| counts.iter().map(|row: &Vec<u32>| row[class]).sum();
        Self {
            clusters: counts.iter().map(|row| row.iter().sum()).collect(),
            classes: (0..=most_class).map(column).collect(),
            all: classes.len() as f64,
            counts,
        }
    }

    fn accuracy(&self) -> f64 {
        let named = self.counts.iter().zip(best_assignment(&self.counts));
        let right: u32 = named.filter_map(|(row, class)| Some(row[class?])).sum();
        f64::from(right) / self.all
    }

    /// -Σ p·ln p of the shares of some counts.
    fn entropy<'a>(&self, counts: impl IntoIterator<Item = &'a u32>) -> f64 {
        let shares = counts.into_iter().filter(|count| **count > 0);
        let shares = shares.map(|count| f64::from(*count) / self.all);
        -shares.map(|share| share * share.ln()).sum::<f64>()
    }

    fn nmi(&self) -> f64 {
        let (clusters, classes) = (self.entropy(&self.clusters), self.entropy(&self.classes));
        let joint = self.entropy(self.counts.iter().flatten());
        let mean = (clusters + classes) / 2.0;
        if mean > 0.0 { ((clusters + classes - joint) / mean).clamp(0.0, 1.0) } else { 1.0 }
    }

    fn ari(&self) -> f64 {
        let clusters = pairs(&self.clusters);
        let classes = pairs(&self.classes);
        let both = pairs(self.counts.iter().flatten());
        let chance = clusters * classes / (self.all * (self.all - 1.0) / 2.0).max(1.0);
        let most = (clusters + classes) / 2.0;
        if most > chance { (both - chance) / (most - chance) } else { 1.0 }
    }
}

/// Pairs of images that are together.
fn pairs<'a>(counts: impl IntoIterator<Item = &'a u32>) -> f64 {
    counts.into_iter().map(|&count| f64::from(count) * (f64::from(count) - 1.0) / 2.0).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renumbered_classes_agree_in_full() {
        let agreement = Agreement::of(&[0, 0, 1, 2, 2], &[7, 7, 0, 3, 3]);
        assert!((agreement.accuracy - 1.0).abs() < 1e-12);
        assert!((agreement.nmi - 1.0).abs() < 1e-12 && (agreement.ari - 1.0).abs() < 1e-12);
    }

    /// Against pairs and shares that were counted by hand.
    #[test]
    fn a_small_case_by_hand() {
        let Agreement { accuracy, nmi, ari } = Agreement::of(&[0, 0, 0, 1, 1], &[0, 0, 1, 1, 2]);
        assert!((accuracy - 0.6).abs() < 1e-12, "0 is class 0, 1 or 2 is class 1: {accuracy}");
        // One pair is together in both, 2 in clusters, 4 in classes, of 10.
        let expected = (1.0 - 0.8) / (3.0 - 0.8);
        assert!((ari - expected).abs() < 1e-12, "{ari}");
        let part = |share: f64| -share * share.ln();
        let (classes, clusters) = (part(0.6) + part(0.4), 2.0 * part(0.4) + part(0.2));
        let joint = part(0.4) + 3.0 * part(0.2);
        let expected = 2.0 * (classes + clusters - joint) / (classes + clusters);
        assert!((nmi - expected).abs() < 1e-12, "{nmi}");
    }

    #[test]
    fn where_nothing_can_disagree_agreement_is_full() {
        let full = Agreement { accuracy: 1.0, nmi: 1.0, ari: 1.0 };
        assert_eq!(Agreement::of(&[3, 3], &[1, 1]), full);
        assert_eq!(Agreement::of(&[3], &[1]), full);
        assert_eq!(Agreement::of(&[], &[]), Agreement { accuracy: 0.0, nmi: 0.0, ari: 0.0 });
        let alone = Agreement::of(&[0, 1, 2], &[2, 1, 0]);
        assert!((alone.nmi - 1.0).abs() < 1e-12 && alone.ari == 1.0, "{alone:?}");
    }
}
