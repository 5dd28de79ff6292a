//! Parts of a step on their devices: the encoder there, its features, and their way back.
//!
//! What the host launches on one GPU while another computes runs beside it, as long as the host reads
//! nothing in between. So everything that parts need is on their devices before the first of them is
//! launched, and what they give comes back after the last. For the same reason no graph of a backward pass
//! leads from one device to another: burn would read the slopes for the second device behind all that the
//! first has to do.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};

use super::parts::{Part, joined};
use super::{Network, NoBuffers, Passes};
use crate::device;
use crate::encoder::Encoder;
use crate::optimizer::Slopes;
use crate::transfer::copied;

/// An encoder, under the names that it has in a network.
type Alone = Network<NoBuffers>;

/// An encoder on the devices of some parts, and their views there.
#[derive(Debug)]
pub(super) struct Spread<'a> {
    parts: &'a [Part],
    /// Of each device once, the first part's first.
    encoders: Vec<(Device, Alone)>,
    /// Of each part.
    views: Vec<Vec<Tensor<4>>>,
    passes: Passes,
}

impl<'a> Spread<'a> {
    /// Of an encoder that is on the first part's device.
    pub(super) fn new(
        encoder: &Encoder,
        parts: &'a [Part],
        views: &[Tensor<4>],
        passes: Passes,
    ) -> Self {
        let mut devices: Vec<&Device> = Vec::new();
        for device in parts.iter().map(Part::device) {
            if !devices.contains(&device) {
                devices.push(device);
            }
        }
        let copy = |(place, device): (usize, &Device)| {
            let encoder = if place == 0 { encoder.clone() } else { copied(encoder, device) };
            (device.clone(), Network { encoder, heads: NoBuffers {} })
        };
        let encoders = devices.into_iter().enumerate().map(copy).collect();
        let views = parts.iter().map(|part| part.of_views(views)).collect();
        Self { parts, encoders, views, passes }
    }

    /// Whether no device has more than one part.
    pub(super) fn once(&self) -> bool {
        self.parts.len() == self.encoders.len()
    }

    /// The features of each part on its device, with all that a backward pass needs.
    pub(super) fn tracked(&self) -> Vec<Tensor<2>> {
        let mut features = self.parts.iter().map(|_| None).collect::<Vec<_>>();
        for part in self.order() {
            features[part] = Some(self.features(part));
        }
        features.into_iter().flatten().collect()
    }

    /// The same without a backward pass.
    pub(super) fn untracked(&self) -> Vec<Tensor<2>> {
        let encoders = self.encoders.iter().map(|(device, alone)| (device.clone(), alone.valid()));
        let (views, encoders) = (self.views.clone(), encoders.collect());
        Self { views, encoders, ..*self }.tracked()
    }

    /// The gradients at the encoder's weights on the first part's device, where the loss has such slopes at
    /// the features of all images: of the features of [`tracked`](Self::tracked), or computed anew.
    pub(super) fn slopes(&self, slope: &Tensor<2>, tracked: Option<Vec<Tensor<2>>>) -> Slopes {
        let n = self.parts.iter().map(Part::count).sum();
        let slopes: Vec<Tensor<2>> = self.parts.iter().map(|part| part.of_rows(slope, n)).collect();
        let mut sums = self.encoders.iter().map(|_| Slopes::default()).collect::<Vec<_>>();
        let mut tracked = tracked.unwrap_or_default().into_iter().map(Some).collect::<Vec<_>>();
        for part in self.order() {
            let kept = tracked.get_mut(part).and_then(Option::take);
            let along = kept.unwrap_or_else(|| self.features(part)) * slopes[part].clone();
            let place = self.place(part);
            let own = Slopes::of(&self.encoders[place].1, &along.sum().backward());
            sums[place] = core::mem::take(&mut sums[place]).plus(own);
        }
        let first = &self.encoders[0].0;
        let there = sums.into_iter().map(|sum| sum.to_device(first));
        there.fold(Slopes::default(), Slopes::plus)
    }

    fn features(&self, part: usize) -> Tensor<2> {
        self.encoders[self.place(part)].1.features(&self.views[part], self.passes)
    }

    /// Which of the encoders is on a part's device.
    fn place(&self, part: usize) -> usize {
        let device = self.parts[part].device();
        self.encoders.iter().position(|(known, _)| known == device).unwrap_or(0)
    }

    /// The parts as they are launched: those of the CPU last, for which the host itself computes.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.parts.len()).collect();
        order.sort_by_key(|&part| device::is_cpu(self.parts[part].device()));
        order
    }
}

impl<H: Module + ModuleDisplay> Network<H> {
    /// [`features`](Self::features), a part of the images after the other on a device, which takes less
    /// memory. The same where the encoder does not normalise by the batch.
    pub fn features_in_parts(
        &self,
        views: &[Tensor<4>],
        passes: Passes,
        parts: &[Part],
    ) -> Tensor<2> {
        match parts {
            [_] => self.features(views, passes),
            _ => joined(parts, Spread::new(&self.encoder, parts, views, passes).tracked()),
        }
    }
}
