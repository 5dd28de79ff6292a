//! Pre-training on several devices, of which each takes a part of every batch, and what autodiff keeps on one.

use burn::tensor::{Device, Tensor};

use super::{Run, SelfSupervised, Task, Trainer};
use crate::error::Error;
use crate::method::parts::{PartDevice, Site};
use crate::method::remote::{Built, RemoteEncoder};

impl Run {
    /// Where networks are that learn.
    pub(super) fn tracked_device(&self) -> Device {
        self.device.clone().autodiff()
    }

    /// Where images go through the encoder.
    pub(super) fn sites(&self) -> Vec<Site> {
        let built = || Built {
            settings: self.recipe.encoder.clone(),
            side: self.plan.side,
            freeze: self.recipe.pretraining.freeze,
        };
        let site = |device: &PartDevice| match device {
            PartDevice::Local(device) => Site::Local(device.clone().inner()),
            PartDevice::Remote(remote) => Site::Remote(RemoteEncoder::new(remote.clone(), built())),
        };
        match self.parts_on.as_slice() {
            [] => vec![Site::Local(self.device.clone())],
            devices => devices.iter().map(site).collect(),
        }
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
    /// The same run with the encoder's work on some devices, the trainer's own among them or not: the images
    /// of a step go through the encoder in parts, as many on each device. Everything else stays on the
    /// trainer's device: the loss compares the whole batch there, and the optimizer moves the weights, of
    /// which the others get copies at every step. So the run is the same but for rounding.
    ///
    /// # Errors
    /// [`Error::Setting`] for several devices and an encoder that normalises by the batch: parts have other
    /// statistics; for one that does not have the recipe's precision.
    pub fn in_parts_on(mut self, devices: Vec<PartDevice>) -> Result<Self, Error> {
        if devices.len() > 1 && self.run.recipe.encoder.normalises() {
            let expected = "one for an encoder that normalises by the batch: parts of a batch have other \
                            statistics; take one device, or an encoder that does not (conv4, vit)";
            return Err(Error::setting("devices", expected, devices.len()));
        }
        for device in &devices {
            if let PartDevice::Local(device) = device {
                self.run.recipe.precision.check(device)?;
            }
        }
        self.run.parts_on = devices;
        Ok(self)
    }
}
