//! Singular values of features, in f64.
//!
//! The matrix is never squared: by way of the products of its rows, values below the square root of
//! the precision would be noise, which a measure that takes logarithms of them cannot bear.

use super::Features;

/// Sums, or searches, that run beside each other, so that none waits for another.
const LANES: usize = 8;

/// Halvings of an interval that holds all singular values: as many as f64 can tell apart.
const HALVINGS: usize = 54;

/// The min(n, dim) singular values of the matrix of all rows, `[n, dim]`, not centred, falling.
///
/// Householder's bidiagonalisation, one pass over the matrix a column, and bisection by Sturm
/// sequences on the tridiagonal matrix of Golub and Kahan (Golub and Van Loan, sections 5.4.8, 8.4.1
/// and 8.6.2). Errors are of the size of the largest value times f64's precision. The time is that of
/// 4·n·m² operations for a smaller side of m.
pub fn singular_values(features: &Features) -> Vec<f64> {
    let (n, dim) = (features.len(), features.dim);
    let (long, short) = (n.max(dim), n.min(dim));
    let at = |row: usize, column: usize| match n >= dim {
        true => features.row(row)[column],
        false => features.row(column)[row],
    };
    let cells = (0..long).flat_map(|row| (0..short).map(move |column| (row, column)));
    let mut values: Vec<f64> = cells.map(|(row, column)| f64::from(at(row, column))).collect();
    bisected(&bidiagonal(&mut values, short))
}

/// Diagonal and upper diagonal of the bidiagonal matrix with the same singular values, alternating:
/// d₀, e₀, d₁, …, d of the last column. Rows are at least as many as columns; they are overwritten.
///
/// A step reflects a column from the left and a row from the right. Rows below are updated by both,
/// and add to what the next step needs, while they are in the cache.
fn bidiagonal(values: &mut [f64], columns: usize) -> Vec<f64> {
    let mut entries = Vec::with_capacity(2 * columns);
    // Of the step's column with each of those to its right.
    let mut products = vec![0.0; columns.saturating_sub(1)];
    for row in values.chunks_exact(columns.max(1)) {
        add(&mut products, row[0], &row[1..]);
    }
    for k in 0..columns {
        let active = &mut values[k * columns..];
        let mut left: Vec<f64> = active.chunks_exact(columns).map(|row| row[k]).collect();
        let before = left[0];
        let Reflection { length, scale } = reflection(&mut left);
        entries.push(length);
        let (first, below) = active.split_at_mut(columns);
        let first = &mut first[k + 1..];
        if first.is_empty() {
            break;
        }
        add(&mut products, left[0] - before, first);
        products.iter_mut().for_each(|product| *product *= scale);
        add(first, -left[0], &products);
        let Reflection { length, scale } = reflection(first);
        entries.push(length);
        let mut next = vec![0.0; first.len()];
        for (row, along) in below.chunks_exact_mut(columns).zip(&left[1..]) {
            let row = &mut row[k + 1..];
            let along = scale * subtract_and_dot(row, *along, &products, first);
            let head = row[0] - along * first[0];
            subtract_and_add((row, &mut next), along, first, head);
        }
        products = next.split_off(1);
    }
    entries
}

/// x - scale·v·(v·x) mirrors the vector that it was made of onto the first axis.
struct Reflection {
    /// Where on the first axis.
    length: f64,
    scale: f64,
}

/// Turns a vector into the v of its reflection; of zeros, into one that changes nothing.
fn reflection(vector: &mut [f64]) -> Reflection {
    let norm = dot(vector, vector).sqrt();
    if norm == 0.0 {
        return Reflection { length: 0.0, scale: 0.0 };
    }
    let scale = 1.0 / (norm * (norm + vector[0].abs()));
    let length = -norm.copysign(vector[0]);
    vector[0] -= length;
    Reflection { length, scale }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.0.iter().zip(b.0) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a.1.iter().zip(b.1).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// `sum` += `factor` · `vector`.
fn add(sum: &mut [f64], factor: f64, vector: &[f64]) {
    sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += factor * x);
}

/// `row` -= `factor` · `other`; then the product of `row` and `with`. One pass over all three.
fn subtract_and_dot(row: &mut [f64], factor: f64, other: &[f64], with: &[f64]) -> f64 {
    let rows = row.as_chunks_mut::<LANES>();
    let (others, withs) = (other.as_chunks::<LANES>(), with.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for ((row, other), with) in rows.0.iter_mut().zip(others.0).zip(withs.0) {
        for lane in 0..LANES {
            row[lane] -= factor * other[lane];
            sums[lane] += row[lane] * with[lane];
        }
    }
    let rest = rows.1.iter_mut().zip(others.1).zip(withs.1).map(|((row, other), with)| {
        *row -= factor * other;
        *row * with
    });
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

/// `row` -= `factor` · `other`; then `sum` += `head` · `row`. One pass over all three.
fn subtract_and_add((row, sum): (&mut [f64], &mut [f64]), factor: f64, other: &[f64], head: f64) {
    for ((row, sum), other) in row.iter_mut().zip(sum).zip(other) {
        *row -= factor * other;
        *sum += head * *row;
    }
}

/// Singular values of a bidiagonal matrix, falling.
///
/// They are the positive half of the eigenvalues of the tridiagonal matrix with zeros on its diagonal
/// and the entries beside it; the other half are their opposites.
fn bisected(entries: &[f64]) -> Vec<f64> {
    let count = entries.len().div_ceil(2);
    let squares: Vec<f64> = entries.iter().map(|entry| entry * entry).collect();
    // No eigenvalue is larger than the largest sum of a row (Gershgorin).
    let most = entries.iter().zip(entries.iter().skip(1).chain([&0.0]));
    let most = most.map(|(a, b)| a.abs() + b.abs()).fold(0.0, f64::max);
    if most == 0.0 {
        return vec![0.0; count];
    }
    let places: Vec<usize> = (0..count).rev().collect();
    let halves = |places: &[usize]| {
        let (mut low, mut high) = ([0.0; LANES], [most; LANES]);
        for _ in 0..HALVINGS {
            let middle: [f64; LANES] = std::array::from_fn(|k| (low[k] + high[k]) / 2.0);
            let below = eigenvalues_below(&squares, middle);
            for (lane, &place) in places.iter().enumerate() {
                match below[lane] > count + place {
                    true => high[lane] = middle[lane],
                    false => low[lane] = middle[lane],
                }
            }
        }
        (0..places.len()).map(|lane| (low[lane] + high[lane]) / 2.0).collect::<Vec<_>>()
    };
    places.chunks(LANES).flat_map(halves).collect()
}

/// How many eigenvalues of a tridiagonal matrix with a diagonal of zeros are below each of some
/// positive numbers: the sign changes of a Sturm sequence.
fn eigenvalues_below(squares: &[f64], numbers: [f64; LANES]) -> [usize; LANES] {
    let mut quotients = numbers.map(|x| -x);
    let mut counts = [1; LANES];
    for square in squares {
        for lane in 0..LANES {
            let quotient = -numbers[lane] - square / quotients[lane];
            quotients[lane] = if quotient == 0.0 { -f64::MIN_POSITIVE } else { quotient };
            counts[lane] += usize::from(quotients[lane] < 0.0);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    fn drawn(n: usize, dim: usize, seed: u64) -> Features {
        let mut stream = stream(seed, Purpose::Test, 0, 0);
        Features { values: (0..n * dim).map(|_| stream.normal() as f32).collect(), dim }
    }

    /// By one-sided Jacobi rotations: another algorithm, slow and exact (Hestenes 1958).
    fn by_rotations(features: &Features) -> Vec<f64> {
        let column = |k: usize| (0..features.len()).map(move |row| f64::from(features.row(row)[k]));
        let mut columns: Vec<Vec<f64>> = (0..features.dim).map(|k| column(k).collect()).collect();
        let pairs = || (0..features.dim).flat_map(|j| (0..j).map(move |i| (i, j)));
        for (i, j) in (0..40).flat_map(|_| pairs()) {
            let (a, b) = columns.split_at_mut(j);
            rotate(&mut a[i], &mut b[0]);
        }
        let mut found: Vec<f64> = columns.iter().map(|c| dot(c, c).sqrt()).collect();
        found.sort_unstable_by(|a, b| b.total_cmp(a));
        found.truncate(features.len().min(features.dim));
        found
    }

    fn rotate(a: &mut [f64], b: &mut [f64]) {
        let (aa, bb, ab) = (dot(a, a), dot(b, b), dot(a, b));
        if ab == 0.0 {
            return;
        }
        let zeta = (bb - aa) / (2.0 * ab);
        let tangent = 1.0_f64.copysign(zeta) / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
        let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
        let sine = cosine * tangent;
        for (a, b) in a.iter_mut().zip(b) {
            (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
        }
    }

    #[test]
    fn values_are_those_of_another_algorithm() {
        for (n, dim) in [(1, 1), (1, 5), (5, 1), (2, 2), (9, 4), (4, 9), (40, 23), (17, 33)] {
            let features = drawn(n, dim, 3);
            let (got, expected) = (singular_values(&features), by_rotations(&features));
            assert_eq!(got.len(), n.min(dim), "{n} by {dim}");
            for (got, expected) in got.iter().zip(&expected) {
                let off = (got - expected).abs();
                assert!(off <= 1e-13 * expected.max(1.0), "{n} by {dim}: {got}, not {expected}");
            }
        }
    }

    /// What products of rows in f64 could not tell from zero.
    #[test]
    fn a_value_far_below_the_largest_is_right() {
        let tiny = 1e-12_f32;
        let features = Features { values: vec![1.0, 0.0, 0.0, tiny, 0.0, 0.0], dim: 2 };
        let values = singular_values(&features);
        assert!((values[0] - 1.0).abs() < 1e-15, "{values:?}");
        assert!((values[1] - f64::from(tiny)).abs() < 1e-16, "{values:?}");
    }

    #[test]
    fn features_of_low_rank_have_zeros() {
        let (left, right) = (drawn(30, 3, 4), drawn(3, 20, 5));
        // Few bits, so that products are exact in f32.
        let coarse = |x: f32| (8.0 * x).round();
        let cell = |row: usize, column: usize| -> f32 {
            (0..3).map(|k| coarse(left.row(row)[k]) * coarse(right.row(k)[column])).sum()
        };
        let cells = (0..30).flat_map(|row| (0..20).map(move |column| (row, column)));
        let values = cells.map(|(row, column)| cell(row, column)).collect();
        let values = singular_values(&Features { values, dim: 20 });
        assert!(values[2] > 1.0 && values[3] < 1e-13 * values[0], "{values:?}");
        let nothing = Features { values: vec![0.0; 12], dim: 3 };
        assert_eq!(singular_values(&nothing), [0.0; 3]);
        assert!(singular_values(&Features::default()).is_empty());
    }
}
