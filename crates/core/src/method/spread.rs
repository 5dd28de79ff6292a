//! Parts of a step on their devices: the encoder there, its features, and their way back.
//!
//! What the host launches on one GPU while another computes runs beside it, as long as the host reads
//! nothing in between. So everything that parts need is on their devices before the first of them is
//! launched, and what they give comes back after the last. For the same reason no graph of a backward pass
//! leads from one device to another: burn would read the slopes for the second device behind all that the
//! first has to do.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};

use super::parts::{Part, Site, joined};
use super::remote::Kept;
use super::{Network, NoBuffers, Pass};
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
    /// Where the loss is, and the encoder there.
    home: (Device, Alone),
    /// The same on each device of this process that has parts.
    encoders: Vec<(Device, Alone)>,
    /// Of each part.
    views: Vec<Vec<Tensor<4>>>,
    pass: Pass,
}

impl<'a> Spread<'a> {
    /// Of an encoder that is where the views are.
    pub(super) fn new(
        encoder: &Encoder,
        parts: &'a [Part],
        views: &[Tensor<4>],
        pass: Pass,
    ) -> Self {
        let alone = |encoder: Encoder| Network { encoder, heads: NoBuffers {} };
        let home = (home(views), alone(encoder.clone()));
        let mut encoders: Vec<(Device, Alone)> = Vec::new();
        for part in parts {
            let Site::Local(device) = part.site() else { continue };
            if encoders.iter().all(|(known, _)| known != device) {
                let own = match *device == home.0 {
                    true => encoder.clone(),
                    false => copied(encoder, device),
                };
                encoders.push((device.clone(), alone(own)));
            }
        }
        let views = parts.iter().map(|part| part.of_views(views)).collect();
        Self { parts, home, encoders, views, pass }
    }

    /// Whether no device has more than one part.
    pub(super) fn once(&self) -> bool {
        (0..self.parts.len()).all(|part| self.is_first(part))
    }

    /// The features of each part, those of this process's devices with all that a backward pass needs.
    pub(super) fn tracked(&self, kept: Kept) -> Vec<Tensor<2>> {
        self.all(kept, Tensor::autodiff)
    }

    /// The same without a backward pass.
    pub(super) fn untracked(&self) -> Vec<Tensor<2>> {
        let encoders = self.encoders.iter().map(|(device, alone)| (device.clone(), alone.valid()));
        let (views, encoders, home) = (self.views.clone(), encoders.collect(), self.home.clone());
        Self { views, encoders, home, ..*self }.all(Kept::Nothing, |features| features)
    }

    fn all(&self, kept: Kept, from_afar: impl Fn(Tensor<2>) -> Tensor<2>) -> Vec<Tensor<2>> {
        self.parts.iter().enumerate().for_each(|(part, _)| self.ask(part, kept));
        let mut features: Vec<Option<Tensor<2>>> = vec![None; self.parts.len()];
        for part in self.order() {
            features[part] = Some(match self.parts[part].site() {
                Site::Local(device) => self.features(part, device),
                Site::Remote(_) => from_afar(self.answer(part)),
            });
        }
        features.into_iter().flatten().collect()
    }

    /// The gradients at the encoder's weights on its own device, where the loss has such slopes at the
    /// features of all images: of the features of [`tracked`](Self::tracked), or computed anew.
    pub(super) fn slopes(&self, slope: &Tensor<2>, tracked: Option<Vec<Tensor<2>>>) -> Slopes {
        let n = self.parts.iter().map(Part::count).sum();
        let slopes: Vec<Tensor<2>> = self.parts.iter().map(|part| part.of_rows(slope, n)).collect();
        for (part, slope) in slopes.iter().enumerate() {
            if tracked.is_none() {
                self.ask(part, Kept::Graph);
            }
            if let Site::Remote(remote) = self.parts[part].site() {
                remote.backward(slope.clone());
            }
        }
        let is_known = tracked.is_some();
        let mut tracked = tracked.unwrap_or_default().into_iter().map(Some).collect::<Vec<_>>();
        let mut sums = self.encoders.iter().map(|_| Slopes::default()).collect::<Vec<_>>();
        for (part, device) in self.order().into_iter().filter_map(|part| self.local(part)) {
            let kept = tracked.get_mut(part).and_then(Option::take);
            let along = kept.unwrap_or_else(|| self.features(part, device)) * slopes[part].clone();
            let place = self.place(device);
            let own = Slopes::of(&self.encoders[place].1, &along.sum().backward());
            sums[place] = core::mem::take(&mut sums[place]).plus(own);
        }
        let here = sums.into_iter().map(|sum| sum.to_device(&self.home.0));
        let here = here.fold(Slopes::default(), Slopes::plus);
        let afar = self.parts.iter().enumerate().filter_map(|(part, of)| {
            let Site::Remote(remote) = of.site() else { return None };
            if !is_known {
                self.answer(part);
            }
            Some(remote.slopes(&self.home.1, &self.home.0))
        });
        afar.fold(here, Slopes::plus)
    }

    /// A part, if it is computed here, and where.
    fn local(&self, part: usize) -> Option<(usize, &Device)> {
        match self.parts[part].site() {
            Site::Local(device) => Some((part, device)),
            Site::Remote(_) => None,
        }
    }

    /// Asks another process for a part's features; the first time also by which weights.
    fn ask(&self, part: usize, kept: Kept) {
        if let Site::Remote(remote) = self.parts[part].site() {
            let encoder = self.is_first(part).then_some(&self.home.1.encoder);
            remote.forward(encoder, &self.views[part], (self.pass, kept));
        }
    }

    /// Waits for a part's features of another process.
    fn answer(&self, part: usize) -> Tensor<2> {
        let views = self.pass.passes.of(self.views[part].len());
        match self.parts[part].site() {
            Site::Remote(remote) => {
                let (device, sent) = &self.home;
                remote.features(views * self.parts[part].count(), (sent, device))
            }
            Site::Local(device) => self.features(part, device),
        }
    }

    fn features(&self, part: usize, device: &Device) -> Tensor<2> {
        self.encoders[self.place(device)].1.features(&self.views[part], self.pass)
    }

    /// Which of the encoders is on a device.
    fn place(&self, device: &Device) -> usize {
        self.encoders.iter().position(|(known, _)| known == device).unwrap_or(0)
    }

    /// Whether no part before it is on the same device.
    fn is_first(&self, part: usize) -> bool {
        self.parts[..part].iter().all(|before| before.site() != self.parts[part].site())
    }

    /// The parts as they are computed here: those of GPUs first, then those of the CPU, for which the host
    /// itself computes; at last those of other processes, which were asked before.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.parts.len()).collect();
        order.sort_by_key(|&part| match self.parts[part].site() {
            Site::Local(device) if !device::is_cpu(device) => 0,
            Site::Local(_) => 1,
            Site::Remote(_) => 2,
        });
        order
    }
}

/// Where views are.
fn home(views: &[Tensor<4>]) -> Device {
    views.first().map(|view| view.device().inner()).unwrap_or_default()
}

impl<H: Module + ModuleDisplay> Network<H> {
    /// [`features`](Self::features), a part of the images after the other on a device, which takes less
    /// memory; of no use for a backward pass. The same where the encoder does not normalise by the batch.
    pub fn features_in_parts(&self, views: &[Tensor<4>], pass: Pass, parts: &[Part]) -> Tensor<2> {
        let home = home(views);
        if Part::is_whole(parts, &home) {
            return self.features(views, pass);
        }
        let spread = Spread::new(&self.encoder, parts, views, pass);
        joined(parts, spread.tracked(Kept::Nothing), &home)
    }
}
