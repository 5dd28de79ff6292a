//! Prototypes: vectors that projections are compared with, in place of each other.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::Progress;
use crate::error::Error;
use crate::initial;
use crate::matrix::Times;
use crate::optimizer::Pace;
use crate::range;
use crate::rng::Stream;
use crate::unit::unit_rows;

/// Vectors, a row each.
#[derive(Module, Debug)]
pub struct Prototypes {
    weight: Param<Tensor<2>>,
}

/// How the crops go through a head that normalises by the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crops {
    /// All of them as one batch: the authors' code of `SwAV` and DINO.
    Together,
    /// Each crop alone: lightly's `SwAV`.
    Apart,
}

impl Prototypes {
    /// Fresh ones, `[count, dim]`.
    ///
    /// # Errors
    /// [`Error::Setting`] for none, or more than a machine may hold.
    pub fn new(
        [count, dim]: [usize; 2],
        stream: &mut Stream,
        device: &Device,
    ) -> Result<Self, Error> {
        Self::check(count)?;
        Ok(Self { weight: initial::glorot([count, dim], dim, count, stream, device) })
    }

    /// # Errors
    /// [`Error::Setting`] for none, or more than a machine may hold.
    pub fn check(count: usize) -> Result<(), Error> {
        const MOST: u64 = 1 << 17;
        range::count("objective.prototypes", count as u64, 1..=MOST)
    }

    /// Each of length one, as a parameter.
    pub fn unit(self) -> Self {
        let unit = |weight: Tensor<2>| match weight.is_autodiff() {
            true => unit_rows(weight.inner()).autodiff().require_grad(),
            false => unit_rows(weight),
        };
        Self { weight: self.weight.map(unit) }
    }

    /// The vectors, `[count, dim]`.
    pub fn rows(&self) -> Tensor<2> {
        self.weight.val()
    }
}

/// How fast a parameter moves where prototypes are frozen in the first epochs.
pub(super) fn pace(parameter: &str, frozen_epochs: f64, progress: Progress) -> Pace {
    match progress.within_epochs(frozen_epochs) && parameter.starts_with("prototypes.") {
        true => Pace::Frozen,
        false => Pace::Scheduled,
    }
}

/// Inner products of rows with prototypes, `[n, count]`.
pub fn scores(rows: Tensor<2>, prototypes: Tensor<2>) -> Tensor<2> {
    rows.times(prototypes.transpose())
}
