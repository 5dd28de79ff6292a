//! Position embeddings for a grid of another size than that for which they were learnt.

use burn::tensor::{Tensor, TensorData};

/// Resamples a table as timm does: a cubic that widens where the grid shrinks, along rows and along
/// columns.
///
/// # Shapes
/// - table: `[side², dim]`, row by row
/// - result: `[rows · columns, dim]`
pub(super) fn resampled(table: Tensor<2>, side: usize, [rows, columns]: [usize; 2]) -> Tensor<2> {
    let (device, [_, dim]) = (table.device(), table.dims());
    let matrix = |to: usize| {
        let data = TensorData::new::<f32, _>(cubic(side, to), [to, side]);
        Tensor::<2>::from_data(data, &device)
    };
    let lines = matrix(rows).matmul(table.reshape([side, side * dim]));
    let turned = lines.reshape([rows, side, dim]).swap_dims(0, 1).reshape([side, rows * dim]);
    let both = matrix(columns).matmul(turned);
    both.reshape([columns, rows, dim]).swap_dims(0, 1).reshape([rows * columns, dim])
}

/// The matrix `[to, from]`, row-major, that resamples a line with half-pixel centres; its rows sum
/// to 1.
fn cubic(from: usize, to: usize) -> Vec<f32> {
    /// Pixels of the source, or of the target where those are larger, that the kernel reaches to
    /// either side.
    const REACH: f64 = 2.0;
    let scale = from as f64 / to as f64;
    let spread = scale.max(1.0);
    let line = |place: usize| {
        let centre = scale * (place as f64 + 0.5);
        let start = (centre - REACH * spread + 0.5).floor().max(0.0) as usize;
        let end = ((centre + REACH * spread + 0.5).floor() as usize).min(from);
        let weight = |j: usize| match (start..end).contains(&j) {
            true => kernel((j as f64 - centre + 0.5) / spread),
            false => 0.0,
        };
        let weights: Vec<f64> = (0..from).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(move |weight| (weight / sum) as f32)
    };
    (0..to).flat_map(line).collect()
}

/// The cubic of Keys (1981) with his a = -½.
fn kernel(x: f64) -> f64 {
    const A: f64 = -0.5;
    match x.abs() {
        x if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        x if x < 2.0 => A * (((x - 5.0) * x + 8.0) * x - 4.0),
        _ => 0.0,
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::*;

    #[test]
    fn rows_sum_to_one_and_the_same_size_changes_nothing() {
        for (from, to) in [(4, 4), (4, 6), (7, 3), (1, 5), (5, 1)] {
            let matrix = cubic(from, to);
            for (place, row) in matrix.chunks(from).enumerate() {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{from} to {to}");
                let own = (from != to)
                    || row
                        .iter()
                        .enumerate()
                        .all(|(j, &w)| (w - f32::from(u8::from(j == place))).abs() < 1e-6);
                assert!(own, "{from} to {to}: {row:?}");
            }
        }
    }

    /// A parabola is what Keys's cubic keeps, away from the edge.
    #[test]
    fn a_parabola_stays_one_where_nothing_is_cut_off() {
        let (from, to) = (12, 24);
        let matrix = cubic(from, to);
        let parabola = |x: f64| 0.3 * x * x - x + 2.0;
        for (place, row) in matrix.chunks(from).enumerate().skip(6).take(12) {
            let terms = row.iter().enumerate().map(|(j, w)| f64::from(*w) * parabola(j as f64));
            let centre = (place as f64 + 0.5) / 2.0 - 0.5;
            assert!((terms.sum::<f64>() - parabola(centre)).abs() < 1e-5, "{place}");
        }
    }

    #[test]
    fn both_axes_are_resampled_and_the_gradient_is_the_transpose() {
        let device = Device::flex().autodiff();
        let (side, [rows, columns], dim) = (3, [5, 2], 2);
        let table = Tensor::<2>::random([side * side, dim], Distribution::Default, &device);
        let table = table.require_grad();
        let found = resampled(table.clone(), side, [rows, columns]);
        assert_eq!(found.dims(), [rows * columns, dim]);
        let weighs = Tensor::<2>::random(found.dims(), Distribution::Default, &device);
        let gradients = (found.clone() * weighs.clone()).sum().backward();
        let read = |x: Tensor<2>| x.into_data().try_to_vec::<f32>().unwrap();
        let gradient = read(table.grad(&gradients).unwrap());
        let (table, found, weighs) = (read(table), read(found), read(weighs));
        let (down, across) = (cubic(side, rows), cubic(side, columns));
        // What a target of the grid takes of a source.
        let share = |target: usize, source: usize| {
            let (y, x) = (target / columns, target % columns);
            down[y * side + source / side] * across[x * side + source % side]
        };
        for channel in 0..dim {
            for target in 0..rows * columns {
                let terms = (0..side * side).map(|s| share(target, s) * table[s * dim + channel]);
                assert!((terms.sum::<f32>() - found[target * dim + channel]).abs() < 1e-5);
            }
            for source in 0..side * side {
                let terms =
                    (0..rows * columns).map(|t| share(t, source) * weighs[t * dim + channel]);
                assert!((terms.sum::<f32>() - gradient[source * dim + channel]).abs() < 1e-5);
            }
        }
    }
}
