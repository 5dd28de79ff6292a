//! `LeJEPA` (Balestriero and `LeCun` 2025): views agree, and projections are a normal cloud. No teacher, no
//! queue, no stop-gradient.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::agreement::{self, pair, views_of};
use super::{Build, Loss, Method, Network, Projector, Step, Steps};
use crate::augment::views::ViewCount;
use crate::error::Error;
use crate::matrix::Times;
use crate::metrics::{Metric, Shown, Unit};
use crate::range;
use crate::rng::{Purpose, stream};

/// Settings of `LeJEPA`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LejepaSettings {
    /// λ: higher makes projections a normal cloud, lower makes views agree. What is right depends on the
    /// batch: the statistic of a collapse grows with it.
    pub weight: f64,
    /// Directions along which the cloud is looked at, drawn anew each step.
    pub slices: usize,
    /// Points at which the characteristic function is compared, from 0 to `reach`.
    pub knots: usize,
    /// How far the characteristic function is compared.
    pub reach: f64,
    /// Views, the first ones, whose mean all views are drawn to: the large crops.
    pub global_views: usize,
    /// What views are drawn to.
    pub centre: Centre,
}

/// What views are drawn to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Centre {
    /// The mean of the global views: lightly, and the paper.
    GlobalViews,
    /// The mean of all views: the authors' minimal example.
    AllViews,
}

/// The seed that slices are drawn from.
#[derive(Module, Debug)]
pub struct Buffers {
    #[module(skip)]
    seed: u64,
}

/// How far projections are from a normal cloud.
const NORMALITY: Metric = Metric {
    name: "sigreg",
    word: "sigreg",
    ..Metric::loss("SIGReg: distance from a normal cloud (about 1 is one)", Unit::Loss)
        .shown(Shown::Line)
};
/// How far views are from each other.
const INVARIANCE: Metric = Metric {
    name: "invariance",
    word: "invariance",
    ..Metric::loss("Invariance: squared distance of views from their mean", Unit::Loss)
        .shown(Shown::Report)
};

impl Method for LejepaSettings {
    type Heads = Projector;
    type Buffers = Buffers;

    fn views(&self) -> ViewCount {
        ViewCount::AtLeast(self.global_views.max(2))
    }

    fn metrics(&self) -> Vec<Metric> {
        agreement::METRICS.into_iter().chain([NORMALITY, INVARIANCE]).collect()
    }

    fn check(&self, steps: &Steps) -> Result<(), Error> {
        /// More points, or directions, than anyone has use or memory for.
        const MOST: u64 = 1 << 14;
        agreement::mean_alone(steps)?;
        range::share("objective.weight", self.weight)?;
        range::count("objective.slices", self.slices as u64, 1..=MOST)?;
        range::count("objective.knots", self.knots as u64, 2..=MOST)?;
        range::above_zero("objective.reach", self.reach)?;
        range::count("objective.global_views", self.global_views as u64, 1..=MOST)
    }

    fn heads(&self, build: &mut Build<'_>) -> Result<Projector, Error> {
        Projector::new(build)
    }

    fn buffers(&self, _network: &Network<Projector>, build: &Build<'_>) -> Buffers {
        Buffers { seed: build.seed }
    }

    /// Heads see all views in one batch.
    fn loss(&self, step: Step<'_, Self>) -> Loss {
        let n = step.batch();
        let projections = step.network.heads.forward(step.features.clone());
        let [_, dim] = projections.dims();
        let views = views_of(&projections, n);
        let seed = step.buffers.seed;
        let device = projections.device();
        let slices = random_slices([dim, self.slices], seed, step.progress.step, &device);
        let sigreg = self.sigreg(&views, slices);
        let invariance = self.invariance(&views);
        let value = self.weighted(sigreg.clone(), invariance.clone());
        let first_two = |views: &[Tensor<2>]| pair(views[..2].to_vec());
        let compared = [first_two(&views_of(&step.features, n)), first_two(&views)];
        let mut metrics = agreement::measured(&value, compared, step.accuracy_on);
        metrics.extend([(NORMALITY, sigreg), (INVARIANCE, invariance)]);
        Loss { value, metrics }
    }
}

/// Unit columns of random directions, `[dim, slices]`.
fn random_slices(size: [usize; 2], seed: u64, step: u64, device: &Device) -> Tensor<2> {
    let mut stream = stream(seed, Purpose::Slices, step, 0);
    let count = size.iter().product::<usize>();
    let numbers: Vec<f32> = (0..count).map(|_| stream.normal() as f32).collect();
    let device = device.clone().inner();
    let columns = Tensor::<2>::from_data(TensorData::new(numbers, size), &device);
    let lengths = columns.clone().square().sum_dim(0).sqrt();
    columns / lengths
}

impl LejepaSettings {
    /// The mean over views and slices of Epps and Pulley's statistic of normality (1983), `[1]`: about 1
    /// for a normal cloud, 0.402 · n for points that are all 0.
    ///
    /// # Shapes
    /// - views: `[n, dim]` each; slices: `[dim, slices]`, unit columns
    pub fn sigreg(&self, views: &[Tensor<2>], slices: Tensor<2>) -> Tensor<1> {
        let statistics = views.iter().map(|view| self.statistics(view, slices.clone()).mean());
        let count = views.len() as f64;
        let sum = statistics.reduce(|a, b| a + b).expect("checked: at least two views");
        sum.div_scalar(count)
    }

    /// Of a view, one a slice, `[slices]`: n · 2∫|φ(t) − e^(−t²/2)|² e^(−t²/2) dt from 0, by the
    /// trapezoidal rule, with φ(t) the mean of e^(itx).
    pub fn statistics(&self, view: &Tensor<2>, slices: Tensor<2>) -> Tensor<1> {
        let ([n, _], [_, count]) = (view.dims(), slices.dims());
        let along = view.clone().times(slices);
        let step = self.reach / (self.knots - 1) as f64;
        let sums = (0..self.knots).map(|knot| {
            let at = knot as f64 * step;
            let normal = (-at * at / 2.0).exp();
            let is_end = knot == 0 || knot == self.knots - 1;
            // Twice the trapezoid, whose ends count half.
            let width = if is_end { step } else { 2.0 * step };
            let weight = width * normal * n as f64;
            let phase = along.clone().mul_scalar(at);
            let real = phase.clone().cos().mean_dim(0).sub_scalar(normal);
            let apart = real.square() + phase.sin().mean_dim(0).square();
            apart.mul_scalar(weight)
        });
        let sum: Tensor<2> = sums.reduce(|a, b| a + b).expect("checked: at least two knots");
        sum.reshape([count])
    }

    /// Mean squared distance of all views from their centre, `[1]`.
    pub fn invariance(&self, views: &[Tensor<2>]) -> Tensor<1> {
        let count = match self.centre {
            Centre::GlobalViews => self.global_views,
            Centre::AllViews => views.len(),
        };
        let mean = |rows: &[Tensor<2>]| {
            let sum = rows.iter().cloned().reduce(|a, b| a + b);
            sum.expect("checked: at least one view").div_scalar(rows.len() as f64)
        };
        let centre = mean(&views[..count]);
        let apart = |view: &Tensor<2>| (view.clone() - centre.clone()).square();
        mean(&views.iter().map(apart).collect::<Vec<_>>()).mean()
    }

    /// λ · `sigreg` + (1 − λ) · `invariance`.
    pub fn weighted(&self, sigreg: Tensor<1>, invariance: Tensor<1>) -> Tensor<1> {
        sigreg.mul_scalar(self.weight) + invariance.mul_scalar(1.0 - self.weight)
    }
}
