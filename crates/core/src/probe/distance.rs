//! Squared Euclidean distance of two rows on the host, in a form that compilers vectorise.

/// Sums that run beside each other, so that none waits for another.
const LANES: usize = 8;

/// Σ (aᵢ - bᵢ)².
pub(crate) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    let (a, b) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a.0.iter().zip(b.0) {
        for lane in 0..LANES {
            sums[lane] += (a[lane] - b[lane]) * (a[lane] - b[lane]);
        }
    }
    let rest: f32 = a.1.iter().zip(b.1).map(|(a, b)| (a - b) * (a - b)).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_counts_once() {
        for length in [1, 7, 8, 9, 31] {
            let a: Vec<f32> = (0..length).map(|i| i as f32).collect();
            let b: Vec<f32> = (0..length).map(|i| (2 * i) as f32 + 1.0).collect();
            let expected: i32 = (0..length).map(|i| (i + 1) * (i + 1)).sum();
            assert_eq!(squared_distance(&a, &b), expected as f32, "{length} numbers");
        }
    }
}
