//! Position embeddings for a grid of another size than that for which they were learnt.

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::matrix::Times;

/// By which rule a table of positions is resampled. They differ by a tenth of what positions are:
/// weights that were made by one see other pictures by another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Positions {
    /// timm's, and Meta's for `DINOv2` with registers: a cubic that widens where the grid shrinks.
    #[default]
    Timm,
    /// Meta's for DINO and for `DINOv2` without registers: a plain cubic, whose step is that of a grid
    /// larger by a tenth of a patch.
    Hub,
    /// That of Hugging Face's transformers: a plain cubic.
    Transformers,
}

/// What a grid is larger by than it is, where its step is computed.
const HUBS_OFFSET: f64 = 0.1;

/// Resamples a table along rows and along columns.
///
/// # Shapes
/// - table: `[side², dim]`, row by row
/// - result: `[rows · columns, dim]`
pub(super) fn resampled(
    table: Tensor<2>,
    side: usize,
    [rows, columns]: [usize; 2],
    rule: Positions,
) -> Tensor<2> {
    let (device, [_, dim]) = (table.device(), table.dims());
    let matrix = |to: usize| {
        let data = TensorData::new::<f32, _>(rule.matrix(side, to), [to, side]);
        Tensor::<2>::from_data(data, &device)
    };
    let lines = matrix(rows).times(table.reshape([side, side * dim]));
    let turned = lines.reshape([rows, side, dim]).swap_dims(0, 1).reshape([side, rows * dim]);
    let both = matrix(columns).times(turned);
    both.reshape([columns, rows, dim]).swap_dims(0, 1).reshape([rows * columns, dim])
}

impl Positions {
    /// The matrix `[to, from]`, row-major, that resamples a line with half-pixel centres; its rows sum
    /// to 1.
    pub(crate) fn matrix(self, from: usize, to: usize) -> Vec<f32> {
        match self {
            Self::Timm => widened(from, to),
            Self::Hub => plain([from, to], from as f64 / (to as f64 + HUBS_OFFSET)),
            Self::Transformers => plain([from, to], from as f64 / to as f64),
        }
    }
}

/// Four places of the source for each of the target, `step` apart; beyond the edge lies the edge.
fn plain([from, to]: [usize; 2], step: f64) -> Vec<f32> {
    /// Places before the centre, and all.
    const BEFORE: i64 = 1;
    const TAPS: i64 = 4;
    /// torch's.
    const A: f64 = -0.75;
    let mut matrix = vec![0.0; from * to];
    for (place, row) in matrix.chunks_exact_mut(from).enumerate() {
        let centre = (place as f64 + 0.5) * step - 0.5;
        let start = centre.floor() as i64 - BEFORE;
        for tap in start..start + TAPS {
            let edge = tap.clamp(0, from as i64 - 1) as usize;
            row[edge] += kernel(A, tap as f64 - centre) as f32;
        }
    }
    matrix
}

/// A cubic as wide as one place of the source, or of the target where that is more.
fn widened(from: usize, to: usize) -> Vec<f32> {
    /// Pixels of the source, or of the target where those are larger, that the kernel reaches to
    /// either side.
    const REACH: f64 = 2.0;
    /// Keys's own.
    const A: f64 = -0.5;
    let scale = from as f64 / to as f64;
    let spread = scale.max(1.0);
    let line = |place: usize| {
        let centre = scale * (place as f64 + 0.5);
        let start = (centre - REACH * spread + 0.5).floor().max(0.0) as usize;
        let end = ((centre + REACH * spread + 0.5).floor() as usize).min(from);
        let weight = |j: usize| match (start..end).contains(&j) {
            true => kernel(A, (j as f64 - centre + 0.5) / spread),
            false => 0.0,
        };
        let weights: Vec<f64> = (0..from).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(move |weight| (weight / sum) as f32)
    };
    (0..to).flat_map(line).collect()
}

/// The cubic of Keys (1981).
fn kernel(a: f64, x: f64) -> f64 {
    match x.abs() {
        x if x < 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
        x if x < 2.0 => a * (((x - 5.0) * x + 8.0) * x - 4.0),
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
        let sizes = [(4, 4), (4, 6), (7, 3), (1, 5), (5, 1)];
        let rules = [Positions::Timm, Positions::Transformers];
        for ((from, to), rule) in sizes.into_iter().flat_map(|size| rules.map(|rule| (size, rule)))
        {
            let matrix = rule.matrix(from, to);
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
        let matrix = Positions::Timm.matrix(from, to);
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
        let (rule, side, [rows, columns], dim) = (Positions::Timm, 3, [5, 2], 2);
        let table = Tensor::<2>::random([side * side, dim], Distribution::Default, &device);
        let table = table.require_grad();
        let found = resampled(table.clone(), side, [rows, columns], rule);
        assert_eq!(found.dims(), [rows * columns, dim]);
        let weighs = Tensor::<2>::random(found.dims(), Distribution::Default, &device);
        let gradients = (found.clone() * weighs.clone()).sum().backward();
        let read = |x: Tensor<2>| x.into_data().try_to_vec::<f32>().unwrap();
        let gradient = read(table.grad(&gradients).unwrap());
        let (table, found, weighs) = (read(table), read(found), read(weighs));
        let (down, across) = (rule.matrix(side, rows), rule.matrix(side, columns));
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
