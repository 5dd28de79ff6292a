//! A method in a run: its network, its buffers and the optimizer, between two steps.

use core::pin::Pin;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};

use super::parts::{Part, Site, joined};
use super::remote::Kept;
use super::spread::Spread;
use super::{AccuracyOn, Build, Loss, Method, Network, Progress, Reduction, Step};
use crate::archive::Archive;
use crate::encoder::{Encoder, EncoderSettings};
use crate::error::Error;
use crate::freeze::frozen;
use crate::head::HeadSettings;
use crate::metrics::Metric;
use crate::optimizer::{Optimizer, OptimizerSettings, Slopes};
use crate::precision::TrainingPrecision;
use crate::rng::Stream;

/// What a step measured, unread.
pub(crate) type Measured = Vec<(Metric, Tensor<1>)>;

/// What a method in a run does, whichever it is.
pub(crate) trait Running: core::fmt::Debug + Send {
    /// One step: loss, update of the network, then of the buffers; what was measured, unread.
    ///
    /// # Errors
    /// Those of devices of other processes, after which it cannot go on.
    fn learn(&mut self, batch: Compared<'_>) -> Result<Measured, Error>;
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
    pub(crate) settings: &'a EncoderSettings,
    /// First layers of the encoder that stay as they are.
    pub(crate) freeze: usize,
    /// Features of an image.
    pub(crate) features: usize,
    pub(crate) projection: Option<&'a HeadSettings>,
    pub(crate) optimizer: OptimizerSettings,
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
    /// How finely the encoder computes.
    pub(crate) precision: TrainingPrecision,
    /// How many parts of the images go through the encoder one after the other.
    pub(crate) accumulate: usize,
    /// Where they do.
    pub(crate) sites: &'a [Site],
}

/// A method of some kind in a run.
#[derive(Debug)]
pub(crate) struct Run<M: Method> {
    method: M,
    network: Network<M::Heads>,
    buffers: M::Buffers,
    optimizer: Optimizer,
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
        Ok(Box::new(Self::new(method, start)?))
    }

    fn new(method: &M, start: Start<'_>) -> Result<Self, Error> {
        let Start { encoder, settings, freeze, features, projection, optimizer, seed, .. } = start;
        let Start { weights, device, .. } = start;
        let mut build = Build { projection, features, seed, weights, device };
        let network = Network { encoder, heads: method.heads(&mut build)? };
        let buffers = method.buffers(&network, &build);
        let network = frozen(network, ("pretraining.freeze", freeze), settings)?;
        let optimizer = Optimizer::new(optimizer).of_encoder(settings, "encoder.");
        let device = build.plain_device();
        Ok(Self { method: method.clone(), network, buffers, optimizer, device })
    }
}

impl<M: Method> Run<M> {
    /// The gradients of a step, and what was measured.
    fn all_slopes(&mut self, batch: Compared<'_>) -> Result<(Slopes, Measured), Error> {
        let (sites, step) = (batch.sites, batch.progress.step);
        let parts = Part::all(batch.images(), batch.accumulate, sites);
        let found = match Part::is_whole(&parts, &self.device) {
            true => self.slopes(batch, &parts),
            false => self.slopes_in_parts(batch, &parts),
        };
        let failed = |site: &Site| match site {
            Site::Local(_) => None,
            Site::Remote(encoder) => match encoder.remote.failure()? {
                // Such numbers are not sent; here the loss would have told.
                Error::NotFinite { name } => {
                    Some(Error::DivergedAfter { step, what: format!("tensor {name} is") })
                }
                other => Some(other),
            },
        };
        // All are asked, so that each begins the next step anew.
        sites.iter().filter_map(failed).reduce(|first, _| first).map_or(Ok(found), Err)
    }

    /// The gradients of a step, all images through the encoder at once.
    fn slopes(&mut self, batch: Compared<'_>, parts: &[Part]) -> (Slopes, Measured) {
        let pass = self.method.passes().at(batch.precision);
        let features = self.network.features(batch.views, pass);
        let Loss { value, metrics } = self.loss(batch, features, parts);
        (Slopes::of(&self.network, &value.backward()), metrics)
    }

    /// The same gradients with the memory of one part at a time: the loss and its slope at all features
    /// first, then each part of the features again, followed back by that slope (Gao et al. 2021,
    /// section 3.2). The heads see the whole batch. Where each device has one part, its features are
    /// computed once.
    fn slopes_in_parts(&mut self, batch: Compared<'_>, parts: &[Part]) -> (Slopes, Measured) {
        let pass = self.method.passes().at(batch.precision);
        let spread = Spread::new(&self.network.encoder, parts, batch.views, pass);
        let tracked = spread.once().then(|| spread.tracked(Kept::Graph));
        let rows = match &tracked {
            Some(tracked) => tracked.iter().map(|features| features.clone().inner()).collect(),
            None => spread.untracked(),
        };
        let features = joined(parts, rows, &self.device).autodiff().require_grad();
        let Loss { value, metrics } = self.loss(batch, features.clone(), parts);
        let gradients = value.backward();
        let slopes = Slopes::of(&self.network, &gradients);
        let slope = features.grad(&gradients);
        let slopes = match slope.map(|slope| spread.slopes(&slope.inner(), tracked)) {
            Some(of_encoder) => slopes.plus(of_encoder),
            None => slopes,
        };
        (slopes, metrics)
    }

    fn loss(&mut self, batch: Compared<'_>, features: Tensor<2>, parts: &[Part]) -> Loss {
        let Compared { views, labels, reduction, accuracy_on, progress, precision, .. } = batch;
        self.method.loss(Step {
            network: &self.network,
            buffers: &mut self.buffers,
            views,
            features,
            parts,
            precision,
            labels,
            reduction,
            accuracy_on,
            progress,
        })
    }
}

impl Compared<'_> {
    fn images(&self) -> usize {
        self.views.first().map_or(0, |view| view.dims()[0])
    }
}

impl<M: Method> Running for Run<M> {
    fn learn(&mut self, batch: Compared<'_>) -> Result<Measured, Error> {
        let progress = batch.progress;
        self.network = self.method.prepared(self.network.clone());
        let (slopes, metrics) = self.all_slopes(batch)?;
        let pace = |name: &str| self.method.pace(name, progress);
        let network = self.network.clone();
        self.network = self.optimizer.step_at(network, slopes, progress.total, pace);
        self.method.after(&self.network, &mut self.buffers, progress);
        Ok(metrics)
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

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use burn::module::Param;
    use burn::tensor::TensorData;

    use super::*;
    use crate::archive::Precision;
    use crate::augment::views::ViewCount;
    use crate::ema::{follow, in_training};
    use crate::encoder::Pixels;
    use crate::head::Head;
    use crate::initial;
    use crate::linear::Linear;
    use crate::method::{NoBuffers, Passes, Steps, contrast};
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
            let (teacher, target) = in_training(&step.buffers.teacher, step.network, |teacher| {
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
            buffers.teacher = follow(teacher, network, self.momentum);
        }
    }

    fn started() -> Box<dyn Running> {
        started_with(
            &EncoderSettings::Conv4Pool { width: 8, grid: 1, features: None, pixels: Pixels::Unit },
            16,
        )
    }

    fn started_with(settings: &EncoderSettings, side: usize) -> Box<dyn Running> {
        Box::new(begun(settings, side, &Device::flex()))
    }

    fn begun(settings: &EncoderSettings, side: usize, device: &Device) -> Run<Taught> {
        let device = device.clone().autodiff();
        let head = HeadSettings::new(vec![6], DIM);
        let start = Start {
            encoder: settings.init(side, 5, &device).unwrap(),
            settings,
            freeze: 0,
            features: settings.features(),
            projection: Some(&head),
            optimizer: OptimizerSettings::default(),
            seed: 5,
            weights: &mut stream(5, Purpose::Weights, 0, 1),
            device: &device,
        };
        Run::new(&Taught { momentum: 0.9 }, start).unwrap()
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
            precision: TrainingPrecision::Full,
            progress: Progress { step, total: 6, epoch: 6 },
            accumulate: 1,
            sites: &[Site::Local(Device::flex())],
        });
        let value = metrics.unwrap()[0].1.clone().inner();
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
        second.resume(&Archive::from_foreign(&bytes).unwrap(), 2).unwrap();
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

    /// An encoder that does not normalise by the batch: parts of a batch are the batch.
    fn started_without_norm() -> Box<dyn Running> {
        started_with(&EncoderSettings::Conv4 { width: 6 }, 32)
    }

    #[test]
    fn parts_of_a_batch_learn_what_the_batch_does() {
        let (mut whole, mut parted) = (started_without_norm(), started_without_norm());
        let view = |step: u64, side: usize| -> Tensor<4> {
            let mut noise = stream(step, Purpose::Test, 0, side as u64);
            let pixels: Vec<f32> = (0..5 * 3 * side * side).map(|_| noise.unit() as f32).collect();
            Tensor::from_data(TensorData::new(pixels, [5, 3, side, side]), &Device::flex())
        };
        for step in 0..3 {
            let views = [view(step, 32), view(step + 9, 32), view(step, 31)];
            let of = |running: &mut Box<dyn Running>, accumulate| {
                let metrics = running.learn(Compared {
                    views: &views,
                    labels: Tensor::from_data([-1; 5], &Device::flex()),
                    reduction: Reduction::Mean,
                    accuracy_on: AccuracyOn::Features,
                    precision: TrainingPrecision::Full,
                    progress: Progress { step, total: 6, epoch: 6 },
                    accumulate,
                    sites: &[Site::Local(Device::flex())],
                });
                pollster::block_on(crate::read::read(metrics.unwrap()[0].1.clone().inner()))
                    .unwrap()[0]
            };
            let (expected, got) = (of(&mut whole, 1), of(&mut parted, 3));
            assert!(
                (expected - got).abs() < 1e-5 * expected.abs(),
                "step {step}: {expected}, {got}"
            );
        }
        let (whole, parted) = (stored(&*whole), stored(&*parted));
        for (name, expected) in &whole.tensors {
            let got = &parted.tensors[name].values;
            let far = expected.values.iter().zip(got).map(|(a, b)| (a - b).abs());
            let far = far.fold(0.0, f32::max);
            assert!(far < 2e-5, "{name} is off by {far}");
        }
    }

    /// The gradients of a step by name, and its loss, with the encoder's work in some places.
    pub(crate) fn gradients(
        home: &Device,
        sites: &[Site],
        accumulate: usize,
    ) -> Result<BTreeMap<String, Vec<f32>>, Error> {
        const IMAGES: usize = 6;
        let mut run = begun(&EncoderSettings::Conv4 { width: 6 }, 32, home);
        let view = |number: u64| -> Tensor<4> {
            let mut noise = stream(number, Purpose::Test, 0, 3);
            let pixels: Vec<f32> = (0..IMAGES * 3 * 32 * 32).map(|_| noise.unit() as f32).collect();
            Tensor::from_data(TensorData::new(pixels, [IMAGES, 3, 32, 32]), home)
        };
        let views = [view(0), view(1)];
        let batch = Compared {
            views: &views,
            labels: Tensor::from_data([-1; IMAGES], home),
            reduction: Reduction::Mean,
            accuracy_on: AccuracyOn::Features,
            precision: TrainingPrecision::Full,
            progress: Progress { step: 0, total: 6, epoch: 6 },
            accumulate,
            sites,
        };
        let (slopes, metrics) = run.all_slopes(batch)?;
        let read = |x: Tensor<1>| pollster::block_on(crate::read::read(x)).unwrap();
        let names = stored(&run).tensors.into_keys();
        let named = |name: String| Some((name.clone(), read(slopes.gradient(&name)?)));
        let mut found: BTreeMap<_, _> = names.filter_map(named).collect();
        found.insert("loss".into(), read(metrics[0].1.clone()));
        Ok(found)
    }

    /// How far gradients are apart, the parameter that is farthest.
    pub(crate) fn farthest(
        got: &BTreeMap<String, Vec<f32>>,
        expected: &BTreeMap<String, Vec<f32>>,
    ) -> f64 {
        assert!(got.keys().eq(expected.keys()), "the same parameters have gradients");
        assert!(got.keys().filter(|name| name.starts_with("encoder.")).count() > 4);
        let length = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>();
        let far = |(name, expected): (&String, &Vec<f32>)| {
            let pairs = got[name].iter().zip(expected);
            let apart = length(&mut pairs.map(|(a, b)| f64::from(*a) - f64::from(*b)));
            (apart / length(&mut expected.iter().map(|x| f64::from(*x)))).sqrt()
        };
        expected.iter().map(far).fold(0.0, f64::max)
    }

    /// The same adapter under two names is two devices, which share nothing.
    #[cfg(feature = "gpu")]
    fn two_gpus() -> [Device; 2] {
        use crate::device::gpu;
        use burn::tensor::DeviceKind;
        let adapters = pollster::block_on(gpu::adapters());
        let named = gpu::kinds(&adapters).into_iter().flatten().next();
        let named = named.expect("a GPU, or software Vulkan in its place");
        [DeviceKind::DefaultDevice, named].map(Device::wgpu)
    }

    #[cfg(feature = "gpu")]
    #[test]
    fn half_batches_on_two_devices_have_the_gradients_of_the_batch() {
        let [gpu, other] = two_gpus();
        assert_ne!(gpu, other);
        let of = |devices: &[&Device], accumulate| {
            let sites: Vec<Site> = devices.iter().map(|&d| Site::Local(d.clone())).collect();
            gradients(devices[0], &sites, accumulate).expect("all is here")
        };
        let whole = of(&[&gpu], 1);
        for accumulate in [1, 4] {
            let apart = farthest(&of(&[&gpu, &other], accumulate), &whole);
            assert!(apart < 1e-5, "in {accumulate} parts they are {apart} apart");
        }
        let cpu = Device::flex();
        let of_cpu = of(&[&cpu], 1);
        for mixed in [[&cpu, &gpu], [&gpu, &cpu]] {
            let apart = farthest(&of(&mixed, 1), &of_cpu);
            assert!(apart < 1e-3, "CPU and GPU are {apart} from the CPU");
        }
    }

    /// Views of one size that stand apart are encoded apart, in the order of the recipe.
    #[test]
    fn features_come_in_the_order_of_the_views() {
        let device = Device::flex();
        let settings =
            EncoderSettings::Conv4Pool { width: 8, grid: 1, features: None, pixels: Pixels::Unit };
        let encoder = settings.init(16, 5, &device).unwrap();
        let view = |side: usize, level: f64| Tensor::full([2, 3, side, side], level, &device);
        let views = [view(16, 0.2), view(8, 0.4), view(16, 0.6)];
        let network = Network { encoder: encoder.clone(), heads: NoBuffers {} };
        let all = network.features(&views, Passes::BySize.at(TrainingPrecision::Full));
        let each = network.features(&views, Passes::Each.at(TrainingPrecision::Full));
        let read = |x: Tensor<2>| pollster::block_on(crate::read::read(x)).unwrap();
        for (place, view) in views.into_iter().enumerate() {
            let expected = read(encoder.forward(view));
            for rows in [&all, &each] {
                let own = rows.clone().narrow(0, 2 * place, 2);
                assert_eq!(read(own), expected, "view {place}");
            }
        }
        let [first, second] = contrast::first_two(all, 2);
        assert_ne!(read(first), read(second));
    }
}
