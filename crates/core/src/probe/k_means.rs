//! k-means: clusters of features around their means (Lloyd 1982), from k-means++ (Arthur and
//! Vassilvitskii 2007).

use super::Features;
use super::distance::squared_distance;
use crate::error::Error;
use crate::rng::{Purpose, Stream, stream};

/// How clusters are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KMeans {
    /// Clusters to find, at least 1.
    pub clusters: usize,
    /// Times that it begins anew; the tightest clusters are kept. At least 1.
    pub restarts: u64,
    /// Rounds of Lloyd's algorithm after which it is left as it is.
    pub rounds: usize,
}

impl KMeans {
    /// With 10 restarts of at most 300 rounds, as scikit-learn's examples have it.
    pub fn new(clusters: usize) -> Self {
        Self { clusters, restarts: 10, rounds: 300 }
    }

    /// Clusters of rows by Euclidean distance; for cosines, give it [`Features::unit`] rows. The same
    /// seed finds the same clusters.
    ///
    /// # Errors
    /// [`Error::Setting`] for no clusters or no restarts, [`Error::TooFew`] for fewer rows than
    /// clusters.
    pub fn fit(&self, features: &Features, seed: u64) -> Result<Clusters, Error> {
        if self.clusters == 0 {
            return Err(Error::setting("clusters", "at least 1", 0));
        }
        if features.len() < self.clusters {
            let (expected, got) = (self.clusters, features.len());
            return Err(Error::TooFew { what: "pictures to cluster", expected, got });
        }
        let found = (0..self.restarts).map(|restart| {
            let mut drawn = stream(seed, Purpose::Clusters, restart, 0);
            self.lloyd(features, spread_out(features, self.clusters, &mut drawn))
        });
        let tighter = |a: Clusters, b: Clusters| if b.inertia < a.inertia { b } else { a };
        found.reduce(tighter).ok_or_else(|| Error::setting("restarts", "at least 1", 0))
    }

    /// Means and members in turn, until no member changes.
    fn lloyd(&self, features: &Features, mut centres: Features) -> Clusters {
        let mut members = Members::of(features, &centres);
        for _ in 0..self.rounds {
            let before = members.clusters.clone();
            members.fill_empty(self.clusters);
            centres = means(features, &members.clusters, centres);
            members = Members::of(features, &centres);
            if members.clusters == before {
                break;
            }
        }
        let inertia = members.distances.iter().map(|&distance| f64::from(distance)).sum();
        Clusters { assignments: members.clusters, centres, inertia }
    }
}

/// What k-means found.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// The cluster of each row, below their number.
    pub assignments: Vec<usize>,
    /// The mean of each cluster, `[clusters, dim]`. A cluster without rows, which only equal rows leave
    /// behind, stays where it began.
    pub centres: Features,
    /// Sum of the squared distances of all rows to their cluster's mean.
    pub inertia: f64,
}

/// The nearest centre of each row, the first on ties, and its squared distance.
struct Members {
    clusters: Vec<usize>,
    distances: Vec<f32>,
}

impl Members {
    fn of(features: &Features, centres: &Features) -> Self {
        let nearest = |place: usize| {
            let row = features.row(place);
            let distances = (0..centres.len()).map(|k| squared_distance(row, centres.row(k)));
            let nearer = |a: (usize, f32), b: (usize, f32)| if b.1 < a.1 { b } else { a };
            distances.enumerate().reduce(nearer).expect("there is a cluster")
        };
        let (clusters, distances) = (0..features.len()).map(nearest).unzip();
        Self { clusters, distances }
    }

    /// Gives each cluster without members the row that lies farthest from its own centre.
    fn fill_empty(&mut self, clusters: usize) {
        let mut sizes = vec![0_usize; clusters];
        self.clusters.iter().for_each(|&cluster| sizes[cluster] += 1);
        for empty in 0..clusters {
            let Some(place) = self.farthest().filter(|_| sizes[empty] == 0) else { continue };
            sizes[self.clusters[place]] -= 1;
            sizes[empty] += 1;
            (self.clusters[place], self.distances[place]) = (empty, 0.0);
        }
    }

    /// The row that lies farthest from its own centre, the first on ties; none where none lies apart.
    fn farthest(&self) -> Option<usize> {
        let farther =
            |a: usize, b: usize| if self.distances[b] > self.distances[a] { b } else { a };
        (0..self.distances.len()).reduce(farther).filter(|&place| self.distances[place] > 0.0)
    }
}

/// Rows to begin at: the first drawn evenly, each further one with a chance that grows with the squared
/// distance to the nearest so far.
fn spread_out(features: &Features, clusters: usize, drawn: &mut Stream) -> Features {
    let mut chosen = vec![drawn.below(features.len())];
    let mut distances = vec![f32::INFINITY; features.len()];
    while chosen.len() < clusters {
        let last = features.row(chosen[chosen.len() - 1]);
        for (place, distance) in distances.iter_mut().enumerate() {
            *distance = distance.min(squared_distance(features.row(place), last));
        }
        chosen.push(weighted(&distances, drawn));
    }
    features.select(&chosen)
}

/// A place drawn with the chance of its weight; evenly where no weight is above 0.
fn weighted(weights: &[f32], drawn: &mut Stream) -> usize {
    let sum: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
    if sum <= 0.0 {
        return drawn.below(weights.len());
    }
    let mut left = drawn.unit() * sum;
    let mut last = 0;
    for (place, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        last = place;
        left -= f64::from(weight);
        if left < 0.0 {
            break;
        }
    }
    last
}

/// The mean of each cluster's rows; the old centre of a cluster without any.
fn means(features: &Features, clusters: &[usize], old: Features) -> Features {
    let dim = features.dim;
    let mut sums = vec![0.0_f64; old.values.len()];
    let mut sizes = vec![0_usize; old.len()];
    for (place, &cluster) in clusters.iter().enumerate() {
        sizes[cluster] += 1;
        let sums = &mut sums[cluster * dim..(cluster + 1) * dim];
        sums.iter_mut().zip(features.row(place)).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    let mean = |(place, old): (usize, f32)| match sizes[place / dim] {
        0 => old,
        size => (sums[place] / size as f64) as f32,
    };
    Features { values: old.values.into_iter().enumerate().map(mean).collect(), dim }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(n: usize, seed: u64) -> Features {
        let mut stream = stream(seed, Purpose::Test, 0, 0);
        Features { values: (0..2 * n).map(|_| stream.normal() as f32).collect(), dim: 2 }
    }

    /// The smallest sum of squared distances to means of all partitions that there are.
    fn tried(features: &Features, clusters: usize) -> f64 {
        let n = features.len();
        let inertia = |mut code: usize| {
            let own: Vec<usize> = (0..n)
                .map(|_| {
                    let cluster = code % clusters;
                    code /= clusters;
                    cluster
                })
                .collect();
            (0..clusters).map(|cluster| scatter(features, &own, cluster)).sum::<f64>()
        };
        (0..clusters.pow(n as u32)).map(inertia).fold(f64::INFINITY, f64::min)
    }

    fn scatter(features: &Features, own: &[usize], cluster: usize) -> f64 {
        let members: Vec<&[f32]> = (0..features.len())
            .filter(|&place| own[place] == cluster)
            .map(|place| features.row(place))
            .collect();
        let of = |axis: usize| {
            let mean = members.iter().map(|row| f64::from(row[axis])).sum::<f64>()
                / members.len().max(1) as f64;
            members.iter().map(|row| (f64::from(row[axis]) - mean).powi(2)).sum::<f64>()
        };
        (0..features.dim).map(of).sum()
    }

    #[test]
    fn no_partition_is_tighter_than_the_best_of_many_starts() {
        for seed in 0..6 {
            for (n, clusters) in [(9, 2), (8, 3), (6, 4), (3, 3), (4, 1)] {
                let features = cloud(n, seed);
                let often = KMeans { restarts: 200, ..KMeans::new(clusters) };
                let found = often.fit(&features, seed).unwrap();
                let best = tried(&features, clusters);
                let off = (found.inertia - best).abs();
                assert!(off < 1e-5, "{n} in {clusters}: {}, not {best}", found.inertia);
                let own: f64 =
                    (0..clusters).map(|k| scatter(&features, &found.assignments, k)).sum();
                assert!((own - found.inertia).abs() < 1e-5, "its inertia is that of its members");
            }
        }
    }

    #[test]
    fn the_seed_decides() {
        let features = cloud(200, 1);
        let once = KMeans { restarts: 1, ..KMeans::new(7) };
        assert_eq!(once.fit(&features, 1).unwrap(), once.fit(&features, 1).unwrap());
        assert_ne!(once.fit(&features, 1).unwrap(), once.fit(&features, 2).unwrap());
        let [one, ten] = [once, KMeans::new(7)].map(|k| k.fit(&features, 1).unwrap().inertia);
        assert!(ten <= one, "restarts never make it worse: {one}, {ten}");
    }

    #[test]
    fn an_empty_cluster_takes_the_farthest_row() {
        let mut members =
            Members { clusters: vec![0, 0, 2, 2], distances: vec![1.0, 4.0, 9.0, 0.0] };
        members.fill_empty(4);
        assert_eq!(members.clusters, [0, 3, 1, 2]);
    }

    /// A start outside all rows empties clusters; none is empty in the end.
    #[test]
    fn clusters_that_begin_far_away_are_filled() {
        let features = cloud(40, 3);
        let far = Features { values: vec![0.0, 0.0, 90.0, 90.0, 91.0, 91.0], dim: 2 };
        let found = KMeans::new(3).lloyd(&features, far);
        for cluster in 0..3 {
            assert!(found.assignments.contains(&cluster), "{:?}", found.assignments);
        }
    }

    #[test]
    fn equal_rows_leave_clusters_empty() {
        let features = Features { values: vec![1.0; 10], dim: 2 };
        let found = KMeans::new(3).fit(&features, 1).unwrap();
        assert_eq!((found.assignments, found.inertia), (vec![0; 5], 0.0));
    }

    #[test]
    fn what_cannot_be_clustered_is_refused() {
        let code = |how: KMeans| how.fit(&cloud(3, 1), 1).expect_err("it cannot").code();
        assert_eq!(code(KMeans::new(0)), "SETTING");
        assert_eq!(code(KMeans::new(4)), "TOO_FEW");
        assert_eq!(code(KMeans { restarts: 0, ..KMeans::new(2) }), "SETTING");
    }
}
