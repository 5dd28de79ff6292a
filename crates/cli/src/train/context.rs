//! What a run has besides who learns in it.

use kith_core::Device;
use kith_core::checkpoint::Origin;
use kith_core::method::parts::PartDevice;
use kith_core::recipe::Recipe;

use super::claim::Rival;
use super::folder::Folder;
use super::splits::Splits;
use crate::args::LogFormat;
use crate::device::Seeded;
use crate::output::Console;

/// What a run consists of, besides who learns.
#[derive(Clone, Debug)]
pub(crate) struct RunContext<'a> {
    pub(crate) recipe: &'a Recipe,
    pub(crate) splits: &'a Splits,
    pub(crate) folder: &'a Folder,
    /// The folder to name when the run is interrupted: that of the whole command.
    pub(crate) whole: &'a Folder,
    pub(crate) device: &'a Device,
    /// Where parts of each batch go through the encoder.
    pub(crate) parts_on: &'a [PartDevice],
    /// What the device is and why it was taken, for people.
    pub(crate) device_reason: &'a str,
    /// Whose weights it begins with; none of fresh ones.
    pub(crate) origin: Option<&'a Origin>,
    /// The seed of everything random.
    pub(crate) seed: u64,
    pub(crate) console: &'a Console,
    /// What else is written of every epoch; none but the metrics file where it is none.
    pub(crate) log: Option<LogFormat>,
    /// What to do where another process writes the run.
    pub(crate) rival: Rival,
}

impl RunContext<'_> {
    /// The device and the seed.
    pub(crate) fn seeded(&self) -> Seeded<'_> {
        Seeded { device: self.device, seed: self.seed }
    }
}
