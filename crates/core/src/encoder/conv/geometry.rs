//! How kernels go over pictures.

use burn::tensor::Tensor;

/// Where a convolution of a stride above 1 has its padding. It decides which pixels a kernel sees:
/// weights of one kind are of no use to a network of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strided {
    /// All around, as the geometry says (`PyTorch`).
    #[default]
    Around,
    /// TensorFlow's `same`: as much as gives one pixel for each stride, the larger half below and to
    /// the right. A kernel of 3 and stride 2 has one row below an even side, and is padded all around
    /// an odd one.
    Same,
    /// One row below and one column to the right (Keras's depthwise layers of `MobileNet`).
    After,
}

impl Strided {
    /// Zeros before and after maps of such a side.
    pub(crate) fn padding(self, side: usize, kernel: usize, geometry: Geometry) -> [usize; 2] {
        match self {
            Self::Around => [geometry.padding; 2],
            Self::Same => same(side, kernel, geometry.stride),
            Self::After => [0, 1],
        }
    }

    /// The images with those zeros that are not all around, and what remains of the geometry.
    pub(super) fn pad(
        self,
        x: Tensor<4>,
        kernel: usize,
        geometry: Geometry,
    ) -> (Tensor<4>, Geometry) {
        let [_, _, height, width] = x.dims();
        let [above, below] = self.padding(height, kernel, geometry);
        let [left, right] = self.padding(width, kernel, geometry);
        if [below, left, right] == [above; 3] {
            return (x, Geometry { padding: above, ..geometry });
        }
        (x.pad((left, right, above, below), 0.0), Geometry { padding: 0, ..geometry })
    }
}

/// TensorFlow's padding of a side: before and after.
pub(crate) fn same(side: usize, kernel: usize, stride: usize) -> [usize; 2] {
    let reached = side.div_ceil(stride).saturating_sub(1) * stride + kernel;
    let total = reached.saturating_sub(side);
    [total / 2, total - total / 2]
}

/// How kernels go over pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Pixels from one place to the next.
    pub stride: usize,
    /// Pixels of zeros around a picture.
    pub padding: usize,
    /// Groups of channels that do not meet.
    pub groups: usize,
}

/// Side of the usual kernel, in pixels.
pub const KERNEL: usize = 3;

impl Geometry {
    /// Where pictures have no padding and all channels meet.
    pub const fn valid(stride: usize) -> Self {
        Self { stride, padding: 0, groups: 1 }
    }

    /// The same with a kernel a channel, of so many.
    pub const fn of_channels(self, channels: usize) -> Self {
        Self { groups: channels, ..self }
    }

    /// With the padding at which a stride of 1 keeps the size of pictures.
    pub const fn same(kernel: usize, stride: usize) -> Self {
        Self { stride, padding: kernel / 2, groups: 1 }
    }

    /// A kernel of 3×3 a channel, of so many.
    pub const fn depthwise(channels: usize, stride: usize) -> Self {
        Self { groups: channels, ..Self::same(KERNEL, stride) }
    }
}

/// Side of what a 3×3 convolution without padding makes of pictures of `side` pixels; `None` if
/// they are too small.
pub fn side_after(side: usize, stride: usize) -> Option<usize> {
    Some(side.checked_sub(KERNEL)? / stride + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TensorFlow's rule, by its own documentation.
    #[test]
    fn the_larger_half_of_the_padding_comes_after() {
        for (side, kernel, stride, expected) in [
            (56, 3, 2, [0, 1]),
            (57, 3, 2, [1, 1]),
            (56, 5, 2, [1, 2]),
            (57, 5, 2, [2, 2]),
            (8, 5, 1, [2, 2]),
            (1, 5, 2, [2, 2]),
            (6, 1, 2, [0, 0]),
        ] {
            assert_eq!(same(side, kernel, stride), expected, "{side} {kernel} {stride}");
        }
    }
}
