//! `kith fetch`: a data set from the internet.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::args::FetchFlags;
use crate::failure::Failure;
use crate::fetch::{Outcome, Published, Settings, fetch};
use crate::output::{Console, lossy};
use crate::progress::Bytes;

/// A data set on this machine.
#[derive(Debug, Serialize)]
pub(super) struct Fetched {
    folder: String,
    /// How to name it on the command line.
    data: String,
    /// Whether it was there before.
    #[serde(skip)]
    is_old: bool,
}

impl Display for Fetched {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let words = if self.is_old { "already there, complete:" } else { "fetched into" };
        write!(f, "{words} {}; use it with --data {}", self.folder, self.data)
    }
}

pub(super) fn run(flags: FetchFlags, console: &Console) -> Result<Fetched, Failure> {
    let FetchFlags { what, mirror, into } = flags;
    let mut bar = Bytes::new(console.show());
    let settings = Settings { mirror, ..Settings::default() };
    let outcome = fetch(&what.dataset(), &into, &settings, &mut |progress| {
        let name = format!("{:?} {}", progress.stage, progress.file);
        if bar.tick(&name, progress.done, progress.total) {
            console.note(&name);
        }
    });
    bar.finish();
    let (folder, is_old) = match outcome? {
        Outcome::Fetched(folder) => (folder, false),
        Outcome::AlreadyThere(folder) => (folder, true),
    };
    let kind = match what {
        Published::Stl10 => "stl10",
        Published::Cifar10 => "cifar10",
        Published::Cifar100 => "cifar100",
        Published::TinyImagenet => "tiny-imagenet",
        Published::Imagenette => "imagenette",
        Published::FashionMnist => "idx",
    };
    let folder = lossy(&folder);
    Ok(Fetched { data: format!("{kind}:{folder}"), folder, is_old })
}
