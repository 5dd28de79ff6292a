//! Flags that every verb understands, and that would say nothing to some: there they are refused.

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::{Args, DeviceChoice, DeviceChoices, Shared, Verb};

impl Args {
    /// The command line of this process, which ends with a message where it cannot be followed.
    pub(crate) fn read() -> Self {
        let args = Self::parse();
        match args.verb.unused(&args.shared) {
            Some(unused) => Self::command().error(ErrorKind::ArgumentConflict, unused).exit(),
            None => args,
        }
    }
}

impl Verb {
    /// What was asked for that says nothing to this verb, and why.
    fn unused(&self, shared: &Shared) -> Option<String> {
        let seed = shared.asked_seed.zip(self.without_seed());
        let device =
            [DeviceChoice::Auto, DeviceChoice::Cpu].map(|device| DeviceChoices(vec![device]));
        let device = (!device.contains(&shared.device)).then_some(&shared.device);
        let device = device.zip(self.without_device());
        let seed = seed.map(|(seed, why)| format!("--seed {seed} says nothing here: {why}"));
        seed.or_else(|| device.map(|(got, why)| format!("--device {got} says nothing here: {why}")))
    }

    /// Why a seed says nothing to it.
    fn without_seed(&self) -> Option<&'static str> {
        match self {
            Self::Replay { .. } | Self::Resume { .. } => Some("the run has its own seed"),
            Self::Embed { .. } => Some("which images are held out follows from the checkpoint"),
            Self::Evaluate { how, .. } if how.compare.is_empty() && how.few_label.is_empty() => {
                Some("which images are held out follows from the checkpoint")
            }
            Self::Label { flags } if !flags.simulate => Some("it is for --simulate"),
            Self::Compare { .. }
            | Self::Merge { .. }
            | Self::Info { .. }
            | Self::Import { .. }
            | Self::Export { .. }
            | Self::Serve { .. }
            | Self::Worker { .. }
            | Self::Fetch { .. }
            | Self::Doctor { .. } => Some("nothing is drawn at random"),
            _ => None,
        }
    }

    /// Why a GPU says nothing to it.
    fn without_device(&self) -> Option<&'static str> {
        match self {
            Self::Label { flags } if !flags.simulate => {
                Some("the page computes, and chooses where")
            }
            Self::Serve { .. } => Some("the page computes, and chooses where"),
            Self::Doctor { .. } => Some("all devices are looked at, and --fit measures on the CPU"),
            Self::Compare { .. }
            | Self::Merge { .. }
            | Self::Info { .. }
            | Self::Import { .. }
            | Self::Export { .. }
            | Self::Fetch { .. } => Some("no GPU has anything to do"),
            _ => None,
        }
    }
}
