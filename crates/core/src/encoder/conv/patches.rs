//! Where the patches of a convolution lie in pictures of `[n, h, w, c]`.

use crate::vectors::{Loop, widest};

/// Pictures, and the side and the stride of the patches that are taken from them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patches {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
}

impl Patches {
    /// Rows and columns of patches in a picture.
    pub(super) fn grid(&self) -> [usize; 2] {
        [self.height, self.width].map(|side| {
            let beyond = side.checked_sub(self.kernel).expect("pictures are as large as a patch");
            beyond / self.stride + 1
        })
    }

    /// Patches of a picture.
    pub(super) fn count(&self) -> usize {
        self.grid().iter().product()
    }

    /// Numbers in a picture.
    pub(super) fn picture(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Numbers in a patch, `[k, k, c]`.
    pub(super) fn patch(&self) -> usize {
        self.kernel * self.run()
    }

    /// Numbers of a patch that lie side by side in the picture too.
    pub(super) fn run(&self) -> usize {
        self.kernel * self.channels
    }

    /// Numbers in a row of the picture.
    pub(super) fn line(&self) -> usize {
        self.width * self.channels
    }

    /// Where the patches of one picture start.
    pub(super) fn corners(self) -> impl Iterator<Item = usize> {
        let [rows, columns] = self.grid();
        let places = (0..rows).flat_map(move |row| (0..columns).map(move |column| [row, column]));
        places.map(move |[row, column]| (row * self.width + column) * self.stride * self.channels)
    }

    /// Where the runs of one picture's patches start.
    fn starts(self) -> impl Iterator<Item = usize> {
        let of = move |corner| (0..self.kernel).map(move |y| corner + y * self.line());
        self.corners().flat_map(of)
    }

    /// The patches of pictures, one after the other.
    pub(super) fn gather(&self, pictures: &[f32]) -> Vec<f32> {
        let count = pictures.len() / self.picture() * self.count();
        let mut patches = Vec::with_capacity(count * self.patch());
        for picture in pictures.chunks_exact(self.picture()) {
            for start in self.starts() {
                patches.extend_from_slice(&picture[start..start + self.run()]);
            }
        }
        patches
    }

    /// Adds patches to the pictures that they lie in: the transpose of [`Self::gather`].
    pub(super) fn scatter(&self, patches: &[f32], pictures: &mut [f32]) {
        let patches = patches.chunks_exact(self.count() * self.patch());
        for (patches, picture) in patches.zip(pictures.chunks_exact_mut(self.picture())) {
            for (run, start) in patches.chunks_exact(self.run()).zip(self.starts()) {
                add(&mut picture[start..start + self.run()], run);
            }
        }
    }
}

/// Adds numbers to sums, one to one.
pub(super) fn add(sums: &mut [f32], numbers: &[f32]) {
    widest(Added { sums, numbers });
}

struct Added<'a> {
    sums: &'a mut [f32],
    numbers: &'a [f32],
}

impl Loop for Added<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.sums.iter_mut().zip(self.numbers).for_each(|(sum, number)| *sum += number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ⟨gather(x), p⟩ = ⟨x, scatter(p)⟩ for whole numbers, where sums are exact.
    #[test]
    fn scattering_is_the_transpose_of_gathering() {
        for (kernel, stride) in [(3, 1), (3, 2), (1, 2), (5, 1)] {
            let patches = Patches { height: 7, width: 6, channels: 2, kernel, stride };
            let number = |k: usize| (k * k % 11) as f32 - 5.0;
            let pictures: Vec<f32> = (0..2 * patches.picture()).map(number).collect();
            let gathered = patches.gather(&pictures);
            assert_eq!(gathered.len(), 2 * patches.count() * patches.patch());
            let weights: Vec<f32> = (0..gathered.len()).map(|k| number(k + 3)).collect();
            let mut scattered = vec![0.0; pictures.len()];
            patches.scatter(&weights, &mut scattered);
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            assert_eq!(
                dot(&gathered, &weights),
                dot(&pictures, &scattered),
                "{kernel}, stride {stride}"
            );
        }
    }
}
