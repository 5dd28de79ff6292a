//! GELU on the CPU.

use core::f32::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E};

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;

use crate::array::{Array, array, tracked};
use crate::threads;
use crate::vectors::{Loop, widest};

/// Numbers that a thread takes at a time.
const PART: usize = 1 << 14;

/// As [`super::gelu`].
pub(super) fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let shape = x.dims();
    let records = x.is_autodiff();
    let (x, node) = tracked(x).into_parts();
    let x = x.to_contiguous();
    let values = threads::mapped(x.storage(), |_, numbers, values| {
        widest(Values { numbers, values });
    });
    let result = array(values, shape);
    if !records {
        return Tensor::from_primitive::<Flex>(result);
    }
    let tracked = match Gelu.prepare::<NoCheckpointing>([node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(x, result),
        OpsKind::UnTracked(prepared) => prepared.finish(result),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(tracked)
}

struct Values<'a> {
    numbers: &'a [f32],
    values: &'a mut [f32],
}

impl Loop for Values<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (x, value) in self.numbers.iter().zip(self.values) {
            [*value, _] = value_and_slope(*x);
        }
    }
}

/// Gradients, each times the slope at its number.
struct Scaled<'a> {
    gradients: &'a mut [f32],
    numbers: &'a [f32],
}

impl Loop for Scaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (gradient, x) in self.gradients.iter_mut().zip(self.numbers) {
            let [_, slope] = value_and_slope(*x);
            *gradient *= slope;
        }
    }
}

/// The step back.
#[derive(Debug)]
struct Gelu;

impl Backward<Flex, 1> for Gelu {
    /// The numbers: to compute slopes again takes less time than to write and read them.
    type State = Array;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let mut gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let numbers = ops.state.storage::<f32>();
        threads::each_part(gradient.storage_mut(), PART, |number, gradients| {
            let numbers = &numbers[number * PART..][..gradients.len()];
            widest(Scaled { gradients, numbers });
        });
        let [parent] = ops.parents;
        if let Some(node) = parent {
            grads.register::<Flex>(node.id, gradient);
        }
    }
}

/// Of Abramowitz and Stegun's formula 7.1.26 for the error function, which is off by 1.5e-7 at most:
/// as much as single precision. Without branches or calls, so that several numbers go at once.
const FACTORS: [f32; 5] = [0.254_829_6, -0.284_496_74, 1.421_413_7, -1.453_152, 1.061_405_4];
const P: f32 = 0.327_591_1;

/// x · Φ(x), and Φ(x) + x · φ(x).
#[inline(always)]
fn value_and_slope(x: f32) -> [f32; 2] {
    let bell = power_of_two(-0.5 * LOG2_E * x * x);
    let t = 1.0 / (1.0 + P * FRAC_1_SQRT_2 * x.abs());
    let sum = FACTORS.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t);
    let beyond = 0.5 * bell * sum;
    let below = if x < 0.0 { beyond } else { 1.0 - beyond };
    let density = (0.5 * FRAC_1_SQRT_2 * core::f32::consts::FRAC_2_SQRT_PI) * bell;
    [x * below, below + x * density]
}

/// 2 to a power that is not above 0.
#[inline(always)]
fn power_of_two(power: f32) -> f32 {
    /// The least exponent of an ordinary number, and what is added to exponents in their bits.
    const LEAST: f32 = -126.0;
    const BIAS: u32 = 127;
    /// 1.5 · 2²³: added, it leaves the nearest whole number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    const FRACTION_BITS: u32 = f32::MANTISSA_DIGITS - 1;
    /// What each term of the exponential's series is of the one before it, but for the number.
    const SHARES: [f32; 7] = [1.0 / 7.0, 1.0 / 6.0, 0.2, 0.25, 1.0 / 3.0, 0.5, 1.0];
    let shifted = power.max(LEAST) + ROUND;
    let rest = (power.max(LEAST) - (shifted - ROUND)) * LN_2;
    let series = SHARES.iter().fold(1.0, |sum, share| 1.0 + sum * rest * share);
    let whole = (shifted.to_bits() << FRACTION_BITS).wrapping_add(BIAS << FRACTION_BITS);
    series * f32::from_bits(whole)
}
