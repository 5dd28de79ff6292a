//! Methods: ways of learning an encoder without labels, a file each.
//!
//! A method is a type of settings that implements [`Method`], a line in [`Objective`] and a recipe.

pub mod contrast;
pub mod agreement;
mod units;
mod build;
pub mod network;
pub mod remote;
pub mod parts;
mod spread;
pub mod predictor;
pub mod teacher;
pub mod prototypes;
pub mod sinkhorn;
pub mod simclr;
pub mod supcon;
pub mod nnclr;
pub mod moco;
pub mod moco_v3;
pub mod byol;
pub mod simsiam;
pub mod barlow;
pub mod vicreg;
pub mod swav;
pub mod dino;
pub mod lejepa;
pub mod relational;
mod run;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::augment::views::ViewCount;
use crate::error::Error;
use crate::metrics::Metric;
use crate::precision::TrainingPrecision;

pub use crate::optimizer::Pace;
pub use build::Build;
pub use contrast::{AccuracyOn, Reduction, Terms};
pub use network::{Network, NoBuffers, Pass, Passes, Projector};
use parts::Part;
pub(crate) use run::{Compared, Measured, Run, Running, Start};

/// A way of learning without labels: settings, with heads, buffers and a loss of its own.
pub trait Method: Clone + core::fmt::Debug + Send + Sync + 'static {
    /// Networks behind the encoder that learn with it: projector, predictor, prototypes. A checkpoint
    /// holds them under the names of their fields.
    type Heads: Module + ModuleDisplay;
    /// What goes on from step to step and has no gradient: a queue, a centre, a teacher. Stored and
    /// resumed under the names of its fields.
    type Buffers: Module + ModuleDisplay;

    /// Views of each image that a step compares.
    fn views(&self) -> ViewCount;

    /// What a step measures, the loss first, in the order in which it is shown.
    fn metrics(&self) -> Vec<Metric>;

    /// Whether the settings, and such steps, can be.
    ///
    /// # Errors
    /// [`Error::Setting`] naming what cannot, as in a recipe.
    fn check(&self, steps: &Steps) -> Result<(), Error>;

    /// Heads with fresh weights.
    ///
    /// # Errors
    /// [`Error::Setting`] when a layer has no unit.
    fn heads(&self, build: &mut Build<'_>) -> Result<Self::Heads, Error>;

    /// Buffers at the start of a run.
    fn buffers(&self, network: &Network<Self::Heads>, build: &Build<'_>) -> Self::Buffers;

    /// What a step's views cost, and what was measured in them.
    fn loss(&self, step: Step<'_, Self>) -> Loss;

    /// How the views go through the encoder.
    fn passes(&self) -> Passes {
        Passes::BySize
    }

    /// What is done to the network before a step looks at it: prototypes of length one, say.
    fn prepared(&self, network: Network<Self::Heads>) -> Network<Self::Heads> {
        network
    }

    /// How fast a parameter moves, by its name in a checkpoint.
    fn pace(&self, _parameter: &str, _progress: Progress) -> Pace {
        Pace::Scheduled
    }

    /// Moves buffers on after the optimizer's step: a teacher follows the network, say.
    fn after(
        &self,
        _network: &Network<Self::Heads>,
        _buffers: &mut Self::Buffers,
        _progress: Progress,
    ) {
    }
}

/// What a recipe's steps consist of, besides the method.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    /// Unlabelled images of a step.
    pub unlabelled_batch: usize,
    /// Labelled images of a step, which are compared as well.
    pub labelled_batch: usize,
    /// How losses become one number.
    pub reduction: Reduction,
}

impl Steps {
    /// Images that a step compares.
    pub fn batch(&self) -> usize {
        self.unlabelled_batch + self.labelled_batch
    }
}

/// A step's views, and what they meet.
#[derive(Debug)]
pub struct Step<'a, M: Method> {
    /// Encoder and heads.
    pub network: &'a Network<M::Heads>,
    /// What earlier steps left.
    pub buffers: &'a mut M::Buffers,
    /// The views, `[n, 3, side, side]` each, in the order of the recipe.
    pub views: &'a [Tensor<4>],
    /// The encoder's features of those that go through it, all of the first view, then all of the
    /// second, …: `[views · n, features]`.
    pub features: Tensor<2>,
    /// The parts of the images that go through an encoder one after the other, or on several devices.
    pub parts: &'a [Part],
    /// How finely an encoder computes.
    pub precision: TrainingPrecision,
    /// The class of each image, or [`UNKNOWN`](crate::support::UNKNOWN), `[n]`.
    pub labels: Tensor<1, Int>,
    /// How losses become one number.
    pub reduction: Reduction,
    /// What contrastive accuracy compares.
    pub accuracy_on: AccuracyOn,
    /// How far the run is.
    pub progress: Progress,
}

impl<M: Method> Step<'_, M> {
    /// Images of the step.
    pub fn batch(&self) -> usize {
        self.views.first().map_or(0, |view| view.dims()[0])
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps done before this one.
    pub step: u64,
    /// Steps of the whole run.
    pub total: u64,
    /// Steps of an epoch.
    pub epoch: u64,
}

impl Progress {
    /// Whether the run is still in its first so many epochs.
    pub fn within_epochs(self, epochs: f64) -> bool {
        (self.step as f64) < epochs * self.epoch as f64
    }
}

/// What a step costs, before anything has moved.
#[derive(Debug)]
pub struct Loss {
    /// The number to differentiate, `[1]`.
    pub value: Tensor<1>,
    /// What was measured, `[1]` each, in the order of [`Method::metrics`].
    pub metrics: Vec<(Metric, Tensor<1>)>,
}

/// Does the same to the settings of any method.
macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident($settings:path)),+ $(,)?) => {
        /// Which method, with its own settings.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        #[serde(expecting = "a method's settings, `kind` among them")]
        #[non_exhaustive]
        pub enum Objective {
            $($(#[$doc])* $name($settings)),+
        }

        impl Objective {
            /// [`Method::views`].
            pub fn views(&self) -> ViewCount {
                match self { $(Self::$name(method) => method.views()),+ }
            }

            /// [`Method::metrics`].
            pub fn metrics(&self) -> Vec<Metric> {
                match self { $(Self::$name(method) => method.metrics()),+ }
            }

            /// [`Method::check`].
            ///
            /// # Errors
            /// [`Error::Setting`] naming what cannot be.
            pub fn check(&self, steps: &Steps) -> Result<(), Error> {
                match self { $(Self::$name(method) => method.check(steps)),+ }
            }

            /// The method at the start of a run.
            pub(crate) fn start(&self, start: Start<'_>) -> Result<Box<dyn Running>, Error> {
                match self { $(Self::$name(method) => Run::start(method, start)),+ }
            }
        }
    };
}

methods! {
    /// Views of an image attract, other images repel.
    Simclr(simclr::SimclrSettings),
    /// As `SimCLR`, with a view's nearest neighbour in its place.
    Nnclr(nnclr::NnclrSettings),
    /// A student asks for its other view among a teacher's keys of earlier images.
    Moco(moco::MocoSettings),
    /// A student asks for its other view among a teacher's keys of the batch.
    MocoV3(moco_v3::MocoV3Settings),
    /// A student predicts what a teacher makes of the other view.
    Byol(byol::ByolSettings),
    /// A predictor finds the other view's projection, which has no gradient.
    Simsiam(simsiam::SimsiamSettings),
    /// Units correlate with themselves across views, and with no other unit.
    Barlow(barlow::BarlowSettings),
    /// Views agree, units vary, and no two of them together.
    Vicreg(vicreg::VicregSettings),
    /// Crops predict which prototypes the other crop is assigned to.
    Swav(swav::SwavSettings),
    /// A student gives a teacher's answers, sharpened and centred, from other crops.
    Dino(dino::DinoSettings),
    /// Views agree, and projections are a normal cloud.
    Lejepa(lejepa::LejepaSettings),
    /// Images of a class attract: with labels, the bound of the others.
    Supcon(supcon::SupconSettings),
    /// A head tells pairs of views of one image from pairs of different images.
    Relational(relational::RelationalSettings),
}

#[cfg(test)]
pub(crate) use run::tests::{farthest, gradients};

#[cfg(test)]
pub(crate) mod oracle;
#[cfg(test)]
mod collapse;
