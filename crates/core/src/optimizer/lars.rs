//! LARS: each layer's step in proportion to the length of its weights (You et al. 2017).

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::parameter::{At, Parameter};
use super::sgd::velocity;
use crate::error::Error;
use crate::range;

/// Settings of LARS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LarsSettings {
    /// Share of the last change that goes on.
    pub momentum: f64,
    /// η: how far a layer moves, as a share of the length of its weights, at a learning rate of 1.
    pub trust: f64,
    /// Whose LARS.
    pub form: TrustForm,
}

/// What goes by the name of LARS: the forms differ in numbers that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustForm {
    /// g′ = g + decay·w, times η·‖w‖/‖g′‖; v = m·v + lr·g′; w −= v: `SimCLR`'s own code. As `facebook`
    /// while the rate stands still.
    Google,
    /// The same, but v = m·v + g′; w −= lr·v: Barlow Twins, `VICReg`, DINO, `MoCo` v3, BYOL.
    Facebook,
    /// The factor is η·‖w‖/(‖g‖ + decay·‖w‖ + 1e-8), and 1 without weight decay: lightly.
    Lightly,
    /// Lightly's factor, which the learning rate bounds: min(factor/lr, 1): solo-learn's `clip_lr`,
    /// for which η is 0.02.
    Clipped,
}

impl Default for LarsSettings {
    fn default() -> Self {
        Self { momentum: 0.9, trust: 1e-3, form: TrustForm::Google }
    }
}

/// Keeps lightly's divisor above 0.
const EPSILON: f64 = 1e-8;

/// The length of a vector, `[1]`.
fn length(x: &Tensor<1>) -> Tensor<1> {
    x.clone().square().sum().sqrt()
}

impl LarsSettings {
    pub(super) fn check(&self) -> Result<(), Error> {
        range::above_zero("trust", self.trust)?;
        range::within("momentum", self.momentum, 0.0..=0.9999, "0 to 0.9999")
    }

    pub(super) fn moved(
        &self,
        parameter: Parameter,
        memory: Vec<Tensor<1>>,
        At { rate, .. }: At,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        let gradient = self.scaled(&parameter, rate);
        let (gradient, rate) = match self.form {
            TrustForm::Google => (gradient.mul_scalar(rate), 1.0),
            _ => (gradient, rate),
        };
        let velocity = velocity(self.momentum, memory, gradient);
        (parameter.weight - velocity.clone().mul_scalar(rate), vec![velocity])
    }

    /// The gradient with its decay, as long as the trust ratio has it.
    fn scaled(&self, parameter: &Parameter, rate: f64) -> Tensor<1> {
        let decayed = parameter.decayed();
        let left_alone = self.form == TrustForm::Lightly && parameter.decay <= 0.0;
        if parameter.excluded || left_alone {
            return decayed;
        }
        let weight = length(&parameter.weight);
        match self.form {
            TrustForm::Google | TrustForm::Facebook => {
                let gradient = length(&decayed);
                let ratio = weight.clone().mul_scalar(self.trust) / gradient.clone();
                let still = weight.equal_elem(0.0).bool_or(gradient.equal_elem(0.0));
                decayed * ratio.mask_fill(still, 1.0)
            }
            TrustForm::Lightly | TrustForm::Clipped => {
                let gradient = length(&parameter.gradient);
                let damped = weight.clone().mul_scalar(parameter.decay).add_scalar(EPSILON);
                let factor = weight.clone().mul_scalar(self.trust) / (gradient.clone() + damped);
                let factor = match self.form {
                    TrustForm::Clipped => factor.div_scalar(rate).clamp_max(1.0),
                    _ => factor,
                };
                // Without a gradient, or without a weight, nothing is scaled and nothing decays.
                let still = weight.equal_elem(0.0).bool_or(gradient.equal_elem(0.0));
                let size = parameter.gradient.dims();
                let scaled = decayed * factor;
                scaled.mask_where(still.expand(size), parameter.gradient.clone())
            }
        }
    }
}
