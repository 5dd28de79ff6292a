//! Images of a step that go through the encoder a part at a time.

use burn::tensor::Tensor;

/// Images that follow each other in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    start: usize,
    count: usize,
}

impl Part {
    /// n images in so many parts, none larger than the first.
    pub(super) fn all(n: usize, parts: usize) -> Vec<Self> {
        let size = n.div_ceil(parts.max(1)).max(1);
        let part = |start| Self { start, count: size.min(n - start) };
        (0..n).step_by(size).map(part).collect()
    }

    /// The views of these images.
    pub(super) fn of_views(self, views: &[Tensor<4>]) -> Vec<Tensor<4>> {
        views.iter().map(|view| view.clone().narrow(0, self.start, self.count)).collect()
    }

    /// The rows of these images in every view.
    ///
    /// # Shapes
    /// - rows: `[views · n, dim]`, view by view
    /// - result: `[views · count, dim]`, view by view
    pub(super) fn of_rows(self, rows: &Tensor<2>, n: usize) -> Tensor<2> {
        let views = rows.dims()[0] / n;
        let of = |view| rows.clone().narrow(0, view * n + self.start, self.count);
        Tensor::cat((0..views).map(of).collect(), 0)
    }
}

/// The rows of all images, view by view, of the rows of all parts.
pub(super) fn joined(parts: &[(Part, Tensor<2>)]) -> Tensor<2> {
    let views = parts.first().map_or(0, |(part, rows)| rows.dims()[0] / part.count);
    let of = |view: usize| {
        let rows = |(part, rows): &(Part, Tensor<2>)| {
            rows.clone().narrow(0, view * part.count, part.count)
        };
        Tensor::cat(parts.iter().map(rows).collect(), 0)
    };
    Tensor::cat((0..views).map(of).collect(), 0)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    /// Rows of two views of five images: the image's number, and the view's.
    fn rows(images: core::ops::Range<usize>) -> Tensor<2> {
        let numbers: Vec<[f32; 2]> = (0..2)
            .flat_map(|view| images.clone().map(move |image| [image as f32, view as f32]))
            .collect();
        let data = burn::tensor::TensorData::new(numbers.concat(), [numbers.len(), 2]);
        Tensor::from_data(data, &Device::flex())
    }

    #[test]
    fn parts_are_taken_apart_and_joined_in_their_order() {
        let parts = Part::all(5, 2);
        assert_eq!(parts, [Part { start: 0, count: 3 }, Part { start: 3, count: 2 }]);
        let values = |x: Tensor<2>| pollster::block_on(crate::read::read(x)).unwrap();
        let taken: Vec<(Part, Tensor<2>)> =
            parts.iter().map(|part| (*part, part.of_rows(&rows(0..5), 5))).collect();
        assert_eq!(values(taken[1].1.clone()), values(rows(3..5)));
        assert_eq!(values(joined(&taken)), values(rows(0..5)));
        assert_eq!(Part::all(3, 7).len(), 3, "no part is empty");
    }
}
