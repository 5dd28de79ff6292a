//! Loops in vectors as wide as the processor's.

use pulp::{Arch, NullaryFnOnce};

/// Work on arrays, with what it needs.
pub(crate) trait Loop {
    /// What comes of it.
    type Output;

    /// Does it. This, and what it calls, must be `#[inline(always)]`: what is not inlined is compiled for
    /// the least processor.
    fn run(self) -> Self::Output;
}

/// Runs a loop that is compiled for every kind of vector, for the widest that there is here.
///
/// Nothing is added up in another order and no product is fused with a sum, so that results are the same
/// everywhere, to the bit.
pub(crate) fn widest<L: Loop>(of: L) -> L::Output {
    Arch::new().dispatch(Compiled(of))
}

/// A loop under the trait by which it is compiled.
struct Compiled<L>(L);

impl<L: Loop> NullaryFnOnce for Compiled<L> {
    type Output = L::Output;

    #[inline(always)]
    fn call(self) -> L::Output {
        self.0.run()
    }
}
