//! Classes that blend: many images of one confidently look like the other.

/// Two classes whose images are taken for each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blend {
    /// The classes, the lower first.
    pub classes: [usize; 2],
    /// Images of the first that look like the second, and of the second that look like the first.
    pub counts: [usize; 2],
    /// Both together, as a share of the images of both classes.
    pub share: f64,
}

/// The least share of two classes' images that makes them blend.
pub const LEAST_SHARE: f64 = 0.05;

/// Pairs of classes of which [`LEAST_SHARE`] or more of the images confidently look like the other class,
/// the largest share first; from a confident joint, whose rows are given labels.
pub fn blends(joint: &[Vec<f64>]) -> Vec<Blend> {
    let sums: Vec<f64> = joint.iter().map(|row| row.iter().sum()).collect();
    let pairs = (0..joint.len()).flat_map(|a| (a + 1..joint.len()).map(move |b| [a, b]));
    let blend = |[a, b]: [usize; 2]| {
        let counts = [joint[a][b], joint[b][a]];
        let share = (counts[0] + counts[1]) / (sums[a] + sums[b]).max(1.0);
        Blend { classes: [a, b], counts: counts.map(|count| count as usize), share }
    };
    let mut found: Vec<Blend> =
        pairs.map(blend).filter(|blend| blend.share >= LEAST_SHARE).collect();
    found.sort_by(|a, b| b.share.total_cmp(&a.share));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pair_that_is_taken_for_each_other_comes_first() {
        let joint = [vec![80.0, 15.0, 5.0], vec![30.0, 69.0, 1.0], vec![5.0, 0.0, 95.0]];
        let found = blends(&joint);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].classes, found[0].counts), ([0, 1], [15, 30]));
        assert!((found[0].share - 0.225).abs() < 1e-12);
        assert_eq!(found[1].classes, [0, 2]);
        assert!(blends(&[vec![9.0]]).is_empty() && blends(&[]).is_empty());
    }
}
