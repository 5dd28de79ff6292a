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

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::TensorData;

    use super::*;
    use crate::archive::Precision;
    use crate::augment::views::ViewCount;
    use crate::ema::{follow, in_training};
    use crate::encoder::{EncoderSettings, Pixels};
    use crate::head::Head;
    use crate::initial;
    use crate::linear::Linear;
    use crate::method::{NoBuffers, Steps, contrast};
    use crate::metrics::Unit;
    use crate::rng::{Purpose, stream};

    /// A method with all that a method may have: a predictor, a teacher, a centre, crops of two sizes.
    #[derive(Clone, Debug)]
    struct Taught {
        momentum: f64,
    }

    #[derive(Module, Debug)]
    struct Heads {
        projection: Option<Head>,
        predictor: Linear,
    }

    #[derive(Module, Debug)]
    struct Buffers {
        teacher: Network<Heads>,
        centre: Param<Tensor<1>>,
        none: NoBuffers,
    }

    const LOSS: Metric = Metric::loss("Distance to the teacher", Unit::Loss);
    const DIM: usize = 4;

    impl Method for Taught {
        type Heads = Heads;
        type Buffers = Buffers;

        fn views(&self) -> ViewCount {
            ViewCount::AtLeast(2)
        }

        fn metrics(&self) -> Vec<Metric> {
            vec![LOSS]
        }

        fn check(&self, _steps: &Steps) -> Result<(), Error> {
            Ok(())
        }

        fn heads(&self, build: &mut Build<'_>) -> Result<Heads, Error> {
            let projection = build.projection()?;
            let dim = build.projected();
            Ok(Heads { projection, predictor: Linear::new(dim, dim, build.weights, build.device) })
        }

        fn buffers(&self, network: &Network<Heads>, build: &Build<'_>) -> Buffers {
            let centre = initial::zeros([build.projected()], &build.plain_device());
            Buffers { teacher: network.valid(), centre, none: NoBuffers {} }
        }

        /// Every student view against the teacher's first view, less the centre.
        fn loss(&self, step: Step<'_, Self>) -> Loss {
            let (n, heads) = (step.batch(), &step.network.heads);
            let project = |heads: &Heads, x| Head::maybe(heads.projection.as_ref(), x);
            let first = step.views[0].clone();
            let (teacher, target) = in_training(&step.buffers.teacher, |teacher| {
                project(&teacher.heads, teacher.encoder.forward(first)).inner()
            });
            let centre = step.buffers.centre.val();
            step.buffers.teacher = teacher;
            step.buffers.centre = initial::parameter(target.clone().mean_dim(0).flatten(0, 1));
            let target = target - centre.unsqueeze();
            let predicted = heads.predictor.forward(project(heads, step.features));
            let views = step.views.len();
            let apart = predicted - target.repeat_dim(0, views);
            assert_eq!(apart.dims(), [views * n, DIM]);
            let value = apart.square().mean();
            Loss { metrics: vec![(LOSS, value.clone())], value }
        }

        fn after(&self, network: &Network<Heads>, buffers: &mut Buffers, _progress: Progress) {
            let teacher = buffers.teacher.clone();
            buffers.teacher = follow(teacher, &network.valid(), self.momentum);
        }
    }

    fn started() -> Box<dyn Running> {
        let device = Device::flex().autodiff();
        let settings = EncoderSettings::Conv4Pool { pixels: Pixels::Unit };
        let head = HeadSettings { hidden: vec![6], output: DIM };
        let start = Start {
            encoder: settings.init(16, 5, &device).unwrap(),
            features: settings.features(),
            projection: Some(&head),
            optimizer: AdamSettings::default(),
            seed: 5,
            weights: &mut stream(5, Purpose::Weights, 0, 1),
            device: &device,
        };
        Run::start(&Taught { momentum: 0.9 }, start).unwrap()
    }

    /// Two large views and two small ones.
    fn learn(running: &mut Box<dyn Running>, step: u64) -> f32 {
        let mut noise = stream(step, Purpose::Test, 0, 0);
        let mut view = |side: usize| -> Tensor<4> {
            let pixels: Vec<f32> = (0..3 * 3 * side * side).map(|_| noise.unit() as f32).collect();
            Tensor::from_data(TensorData::new(pixels, [3, 3, side, side]), &Device::flex())
        };
        let views = [view(16), view(16), view(8), view(8)];
        let metrics = running.learn(Compared {
            views: &views,
            labels: Tensor::from_data([-1, -1, -1], &Device::flex()),
            reduction: Reduction::Mean,
            accuracy_on: AccuracyOn::Features,
            progress: Progress { step, total: 6 },
        });
        let value = metrics[0].1.clone().inner();
        pollster::block_on(crate::read::read(value)).unwrap()[0]
    }

    fn stored(running: &dyn Running) -> Archive {
        let mut archive = Archive::default();
        pollster::block_on(running.store(&mut archive)).unwrap();
        pollster::block_on(running.store_optimizer(&mut archive)).unwrap();
        archive
    }

    #[test]
    fn a_teacher_and_crops_of_two_sizes_go_on_to_the_same_bits() {
        let mut whole = started();
        let expected: Vec<f32> = (0..5).map(|step| learn(&mut whole, step)).collect();
        let mut first = started();
        let mut got: Vec<f32> = (0..2).map(|step| learn(&mut first, step)).collect();
        let bytes = stored(&*first).to_bytes(Precision::Single).unwrap();
        let mut second = started();
        second.resume(&Archive::from_bytes(&bytes).unwrap(), 2).unwrap();
        got.extend((2..5).map(|step| learn(&mut second, step)));
        assert_eq!(got, expected);
        assert!(stored(&*second) == stored(&*whole), "the states differ");
        assert!(expected[4] < expected[0], "it learns: {expected:?}");
    }

    #[test]
    fn a_teacher_lies_beside_the_network_and_follows_it() {
        let mut running = started();
        let before = stored(&*running);
        learn(&mut running, 0);
        let after = stored(&*running);
        let weight = |archive: &Archive, name: &str| archive.get(name).unwrap().values.clone();
        for name in ["projection.layers.0.weight", "encoder.layers.0.conv.weight"] {
            let [old, new] = [&before, &after].map(|archive| weight(archive, name)[0]);
            let [start, teacher] =
                [&before, &after].map(|archive| weight(archive, &format!("teacher.{name}"))[0]);
            assert_eq!(old, start, "{name}: the teacher starts as a copy");
            assert!((teacher - (0.9 * start + 0.1 * new)).abs() < 1e-6, "{name} follows");
        }
        let norm = "encoder.layers.0.norm.running_mean";
        assert_ne!(
            weight(&before, &format!("teacher.{norm}")),
            weight(&after, &format!("teacher.{norm}"))
        );
        assert_ne!(weight(&after, norm), weight(&after, &format!("teacher.{norm}")), "its own");
        assert_eq!(weight(&after, "centre").len(), DIM);
    }

    /// Views of one size that stand apart are encoded apart, in the order of the recipe.
    #[test]
    fn features_come_in_the_order_of_the_views() {
        let device = Device::flex();
        let settings = EncoderSettings::Conv4Pool { pixels: Pixels::Unit };
        let encoder = settings.init(16, 5, &device).unwrap();
        let view = |side: usize, level: f64| Tensor::full([2, 3, side, side], level, &device);
        let views = [view(16, 0.2), view(8, 0.4), view(16, 0.6)];
        let all = features(&encoder, &views);
        let read = |x: Tensor<2>| pollster::block_on(crate::read::read(x)).unwrap();
        for (place, view) in views.into_iter().enumerate() {
            let own = all.clone().narrow(0, 2 * place, 2);
            assert_eq!(read(own), read(encoder.forward(view)), "view {place}");
        }
        let [first, second] = contrast::first_two(all, 2);
        assert_ne!(read(first), read(second));
    }
}
