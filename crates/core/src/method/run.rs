//! A method in a run: its network, its buffers and the optimizer, between two steps.

use core::pin::Pin;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};

use super::{AccuracyOn, Build, Loss, Method, Network, Progress, Reduction, Step};
use crate::archive::Archive;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::head::HeadSettings;
use crate::metrics::Metric;
use crate::optimizer::{Adam, AdamSettings};
use crate::rng::Stream;

/// What a method in a run does, whichever it is.
pub(crate) trait Running: core::fmt::Debug + Send {
    /// One step: loss, update of the network, then of the buffers; what was measured, unread.
    fn learn(&mut self, batch: Compared<'_>) -> Vec<(Metric, Tensor<1>)>;
    /// The encoder as it is now, without autodiff.
    fn encoder(&self) -> Encoder;
    /// Adds network and buffers, which a checkpoint holds.
    fn store<'a>(&'a self, archive: &'a mut Archive) -> Storing<'a>;
    /// Adds what the optimizer remembers.
    fn store_optimizer<'a>(&'a self, archive: &'a mut Archive) -> Storing<'a>;
    /// Goes on from what both have stored, after so many steps.
    fn resume(&mut self, archive: &Archive, steps: u64) -> Result<(), Error>;
}

/// Tensors on their way into an archive.
pub(crate) type Storing<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

/// What a method starts from.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    pub(crate) encoder: Encoder,
    /// Features of an image.
    pub(crate) features: usize,
    pub(crate) projection: Option<&'a HeadSettings>,
    pub(crate) optimizer: AdamSettings,
    pub(crate) seed: u64,
    pub(crate) weights: &'a mut Stream,
    /// With autodiff.
    pub(crate) device: &'a Device,
}

/// The views of a step.
#[derive(Debug)]
pub(crate) struct Compared<'a> {
    /// In the order of the recipe.
    pub(crate) views: &'a [Tensor<4>],
    /// The class of each image, or unknown, `[n]`.
    pub(crate) labels: Tensor<1, Int>,
    pub(crate) reduction: Reduction,
    pub(crate) accuracy_on: AccuracyOn,
    pub(crate) progress: Progress,
}

/// A method of some kind in a run.
#[derive(Debug)]
pub(crate) struct Run<M: Method> {
    method: M,
    network: Network<M::Heads>,
    buffers: M::Buffers,
    optimizer: Adam,
    device: Device,
}

/// Where the optimizer's moments lie in a state.
const OPTIMIZER: &str = "optimizer";

impl<M: Method> Run<M> {
    /// A method at the start of a run.
    ///
    /// # Errors
    /// [`Error::Setting`] when a layer of a head has no unit.
    pub(crate) fn start(method: &M, start: Start<'_>) -> Result<Box<dyn Running>, Error> {
        let Start { encoder, features, projection, optimizer, seed, weights, device } = start;
        let mut build = Build { projection, features, seed, weights, device };
        let network = Network { encoder, heads: method.heads(&mut build)? };
        let buffers = method.buffers(&network, &build);
        let (optimizer, device) = (Adam::new(optimizer), build.plain_device());
        Ok(Box::new(Self { method: method.clone(), network, buffers, optimizer, device }))
    }
}

impl<M: Method> Running for Run<M> {
    fn learn(&mut self, batch: Compared<'_>) -> Vec<(Metric, Tensor<1>)> {
        let Compared { views, labels, reduction, accuracy_on, progress } = batch;
        let features = features(&self.network.encoder, views);
        let Loss { value, metrics } = self.method.loss(Step {
            network: &self.network,
            buffers: &mut self.buffers,
            views,
            features,
            labels,
            reduction,
            accuracy_on,
            progress,
        });
        let gradients = value.backward();
        self.network = self.optimizer.step(self.network.clone(), &gradients, progress.total);
        self.method.after(&self.network, &mut self.buffers, progress);
        metrics
    }

    fn encoder(&self) -> Encoder {
        self.network.encoder.valid()
    }

    fn store<'a>(&'a self, archive: &'a mut Archive) -> Storing<'a> {
        Box::pin(async {
            archive.add("", &self.network).await?;
            archive.add("", &self.buffers).await
        })
    }

    fn store_optimizer<'a>(&'a self, archive: &'a mut Archive) -> Storing<'a> {
        Box::pin(self.optimizer.store(archive, OPTIMIZER))
    }

    fn resume(&mut self, archive: &Archive, steps: u64) -> Result<(), Error> {
        self.network = archive.restore("", self.network.clone())?;
        self.buffers = archive.restore("", self.buffers.clone())?;
        self.optimizer = self.optimizer.resumed(steps, (archive, OPTIMIZER), &self.device)?;
        Ok(())
    }
}

/// Features of all views, in their order, `[views · n, dim]`: views of one size go through the encoder
/// together.
fn features(encoder: &Encoder, views: &[Tensor<4>]) -> Tensor<2> {
    let same_size = views.chunk_by(|one, other| one.dims() == other.dims());
    let forward = |views: &[Tensor<4>]| encoder.forward(Tensor::cat(views.to_vec(), 0));
    Tensor::cat(same_size.map(forward).collect(), 0)
}
