//! How square kernels go over maps of known sides.

/// A kernel's side and steps, and the zeros around the maps that it goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Side of a kernel, in pixels.
    pub(crate) kernel: usize,
    /// Pixels from one place to the next.
    pub(crate) stride: usize,
    /// Rows of zeros above and below.
    pub(crate) rows: [usize; 2],
    /// Columns of zeros to the left and right.
    pub(crate) columns: [usize; 2],
}

impl Window {
    /// Without zeros.
    #[cfg(any(test, feature = "gpu"))]
    pub(crate) fn valid(kernel: usize, stride: usize) -> Self {
        Self { kernel, stride, rows: [0; 2], columns: [0; 2] }
    }

    #[cfg(feature = "cpu")]
    pub(crate) fn has_padding(self) -> bool {
        [self.rows, self.columns] != [[0; 2]; 2]
    }

    /// Sides of maps without their zeros, of those with them.
    #[cfg(feature = "cpu")]
    pub(crate) fn inside(self, [height, width]: [usize; 2]) -> [usize; 2] {
        [(height, self.rows), (width, self.columns)].map(|(side, zeros)| side - zeros[0] - zeros[1])
    }

    /// How the same kernels, turned by half a circle, go over the gradient of what comes of this, to find that
    /// of the maps; none where that is no such way: kernels leave places out, or zeros reach beyond them.
    #[cfg(feature = "cpu")]
    pub(crate) fn turned(self) -> Option<Self> {
        let around = |zeros: [usize; 2]| {
            let [before, after] = zeros.map(|zeros| (self.kernel - 1).checked_sub(zeros));
            Some([before?, after?])
        };
        let (rows, columns) = (around(self.rows)?, around(self.columns)?);
        (self.stride == 1).then_some(Self { rows, columns, ..self })
    }

    /// Rows and columns of what maps of such sides become.
    pub(crate) fn grid(self, [height, width]: [usize; 2]) -> [usize; 2] {
        [(height, self.rows), (width, self.columns)]
            .map(|(side, [before, after])| (before + side + after - self.kernel) / self.stride + 1)
    }
}
