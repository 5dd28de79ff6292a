//! Products of whole numbers: of a query's in 16 bits with those of rows in 8.

#[cfg(not(target_family = "wasm"))]
use crate::vectors::{Loop, widest};

/// Numbers that are multiplied together; what is shorter ends in zeros.
pub(super) const TOGETHER: usize = 16;

/// Rows that are multiplied together in a browser.
#[cfg(target_family = "wasm")]
const SIDE_BY_SIDE: usize = 4;

/// Some numbers of a row.
pub(super) type Bytes = [i8; TOGETHER];

/// Some numbers of a query.
pub(super) type Steps = [i16; TOGETHER];

/// The products of a query with rows in bytes.
#[cfg(not(target_family = "wasm"))]
pub(super) fn products(query: &[Steps], rows: &[Bytes], products: &mut [i32]) {
    struct Products<'a> {
        query: &'a [Steps],
        rows: &'a [Bytes],
        products: &'a mut [i32],
    }

    impl Loop for Products<'_> {
        type Output = ();

        #[inline(always)]
        fn run(self) {
            let rows = self.rows.chunks_exact(self.query.len());
            for (product, row) in self.products.iter_mut().zip(rows) {
                let pairs = self.query.as_flattened().iter().zip(row.as_flattened());
                *product = pairs.map(|(step, byte)| i32::from(*step) * i32::from(*byte)).sum();
            }
        }
    }

    widest(Products { query, rows, products });
}

/// The products of a query with rows in bytes: in a loop over numbers the compiler does not see that WebAssembly
/// multiplies pairs.
#[cfg(target_family = "wasm")]
pub(super) fn products(query: &[Steps], rows: &[Bytes], products: &mut [i32]) {
    let (groups, rest) = products.as_chunks_mut::<SIDE_BY_SIDE>();
    let mut rows = rows.chunks_exact(query.len() * SIDE_BY_SIDE);
    for (products, rows) in groups.iter_mut().zip(&mut rows) {
        *products = side_by_side(query, rows);
    }
    let single = rows.remainder().chunks_exact(query.len());
    for (product, row) in rest.iter_mut().zip(single) {
        [*product] = side_by_side(query, row);
    }
}

/// The products of a query with some rows in bytes, for which it is read once.
#[cfg(target_family = "wasm")]
#[inline(always)]
fn side_by_side<const ROWS: usize>(query: &[Steps], rows: &[Bytes]) -> [i32; ROWS] {
    use core::arch::wasm32::v128;
    use pulp::bytemuck::cast;
    /// Pieces without a look at where rows end.
    const UNROLLED: usize = 4;
    let simd = pulp::core_arch::wasm::Simd128::new_unchecked();
    let add = |sum: &mut v128, steps: &Steps, bytes: &Bytes| {
        let [low, high] = cast::<Steps, [v128; 2]>(*steps);
        let bytes = cast::<Bytes, v128>(*bytes);
        let low = simd.i32x4_dot_i16x8(simd.i16x8_extend_low_i8x16(bytes), low);
        let high = simd.i32x4_dot_i16x8(simd.i16x8_extend_high_i8x16(bytes), high);
        *sum = simd.i32x4_add(*sum, simd.i32x4_add(low, high));
    };
    let rows: [_; ROWS] = core::array::from_fn(|row| {
        rows[row * query.len()..(row + 1) * query.len()].as_chunks::<UNROLLED>()
    });
    let (query, rest) = query.as_chunks::<UNROLLED>();
    let mut sums = [simd.i32x4_splat(0); ROWS];
    for (place, steps) in query.iter().enumerate() {
        let pieces = rows.map(|(pieces, _)| &pieces[place]);
        for (unrolled, steps) in steps.iter().enumerate() {
            for (sum, pieces) in sums.iter_mut().zip(pieces) {
                add(sum, steps, &pieces[unrolled]);
            }
        }
    }
    for (sum, (_, bytes)) in sums.iter_mut().zip(rows) {
        rest.iter().zip(bytes).for_each(|(steps, bytes)| add(sum, steps, bytes));
    }
    sums.map(|sum| cast::<v128, [i32; 4]>(sum).into_iter().sum())
}
