//! Pre-training on several devices, of which each takes a part of every batch, and what autodiff keeps on one.

use burn::tensor::{Device, Tensor};

use super::{Run, SelfSupervised, Task, Trainer};
use crate::error::Error;

impl Run {
    /// All devices, the one that has the network first.
    pub(super) fn devices(&self) -> Vec<Device> {
        [&self.device].into_iter().chain(&self.further).cloned().collect()
    }
}

impl<T: Task> Trainer<T> {
    /// Lets go of what autodiff keeps of other networks that are gone and took no step: burn looks for such
    /// after a backward pass only.
    pub fn forget_others(&self) {
        Tensor::<1>::zeros([1], &self.run.tracked_device()).require_grad().neg().backward();
    }
}

impl Trainer<SelfSupervised> {
    /// The same run with further devices: the images of a step go through the encoder in parts, as many on
    /// each device. Everything else stays on the first one: the loss compares the whole batch there, and the
    /// optimizer moves the weights, of which the others get copies at every step. So the run is the same
    /// but for rounding.
    ///
    /// # Errors
    /// [`Error::Setting`] for an encoder that normalises by the batch, whose parts have other statistics.
    pub fn also_on(mut self, further: &[Device]) -> Result<Self, Error> {
        if !further.is_empty() && self.run.recipe.encoder.normalises() {
            let expected = "one for an encoder that normalises by the batch: parts of a batch have other \
                            statistics; take one device, or an encoder that does not (conv4, vit)";
            return Err(Error::setting("devices", expected, further.len() + 1));
        }
        self.run.further = further.iter().map(|device| device.clone().inner()).collect();
        Ok(self)
    }
}
