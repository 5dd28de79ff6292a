//! Sums of a few lines, each times a factor.

use pulp::Simd;

/// What is added: which of some lines, and its factor.
pub(super) type Term = (usize, f32);

/// Terms of a sum, at most.
pub(super) const TERMS: usize = 4;

/// Several sums of the same lines: a matrix that is mostly zeros.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums(pub(super) Vec<Vec<Term>>);

impl Sums {
    /// Sums from a table.
    pub(super) fn of(table: &[&[Term]]) -> Self {
        let mut sums = Self::default();
        sums.add(table, 0);
        sums
    }

    /// With sums of more lines, whose first is this one.
    pub(super) fn add(&mut self, table: &[&[Term]], first: usize) {
        let moved = |terms: &&[Term]| terms.iter().map(|(line, by)| (line + first, *by)).collect();
        self.0.extend(table.iter().map(moved));
    }

    /// The transpose, of so many lines: what each of them is added to.
    pub(super) fn transposed(&self, lines: usize) -> Self {
        let mut all = vec![Vec::new(); lines];
        for (sum, terms) in self.0.iter().enumerate() {
            terms.iter().for_each(|(line, by)| all[*line].push((sum, *by)));
        }
        Self(all)
    }
}

/// A sum of lines that begin at some places among some numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Placed {
    terms: [Term; TERMS],
    count: usize,
}

impl Placed {
    /// Of lines at such places.
    #[inline(always)]
    pub(super) fn of(terms: &[Term], place: impl Fn(usize) -> usize) -> Self {
        terms.iter().map(|(line, by)| (place(*line), *by)).collect()
    }

    /// Where its only line begins, if it is this line.
    #[inline(always)]
    pub(super) fn only(&self) -> Option<usize> {
        (self.count == 1 && self.terms[0].1 == 1.0).then_some(self.terms[0].0)
    }

    /// Writes it. It fills whole vectors.
    #[inline(always)]
    pub(super) fn write<S: Simd>(&self, simd: S, to: &mut [f32], from: &[f32]) {
        let [a, b, c, d] = self.terms;
        match self.count {
            0 => to.fill(0.0),
            1 => write(simd, to, from, [a]),
            2 => write(simd, to, from, [a, b]),
            3 => write(simd, to, from, [a, b, c]),
            _ => write(simd, to, from, [a, b, c, d]),
        }
    }
}

impl FromIterator<Term> for Placed {
    #[inline(always)]
    fn from_iter<T: IntoIterator<Item = Term>>(terms: T) -> Self {
        let mut placed = Self::default();
        for (place, term) in placed.terms.iter_mut().zip(terms) {
            *place = term;
            placed.count += 1;
        }
        placed
    }
}

#[inline(always)]
fn write<S: Simd, const N: usize>(simd: S, to: &mut [f32], from: &[f32], terms: [Term; N]) {
    let count = to.len();
    let (to, _) = S::as_mut_simd_f32s(to);
    let lines = terms.map(|(line, _)| &S::as_simd_f32s(&from[line..][..count]).0[..to.len()]);
    let factors = terms.map(|(_, by)| simd.splat_f32s(by));
    for (at, to) in to.iter_mut().enumerate() {
        let mut sum = simd.mul_f32s(lines[0][at], factors[0]);
        for term in 1..N {
            // Factors are 1, 2 and 1/2, so that products are exact and it is the same whether they are fused.
            sum = simd.mul_add_e_f32s(lines[term][at], factors[term], sum);
        }
        *to = sum;
    }
}
