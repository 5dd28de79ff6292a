//! `kith fetch`: a data set from the internet.

use std::path::Path;

use serde_json::json;

use crate::failure::Failure;
use crate::fetch::{Outcome, Published, Settings, fetch};
use crate::output::{Console, lossy};
use crate::progress::Bytes;

pub(super) fn run(
    what: Published,
    mirror: Option<String>,
    into: &Path,
    console: &Console,
) -> Result<(), Failure> {
    let mut bar = Bytes::new(console.show());
    let settings = Settings { mirror, ..Settings::default() };
    let outcome = fetch(&what.dataset(), into, &settings, &mut |progress| {
        let name = format!("{:?} {}", progress.stage, progress.file);
        if bar.tick(&name, progress.done, progress.total) {
            console.note(&name);
        }
    });
    bar.finish();
    let (folder, words) = match &outcome? {
        Outcome::Fetched(folder) => (folder.clone(), "fetched into"),
        Outcome::AlreadyThere(folder) => (folder.clone(), "already there, complete:"),
    };
    let kind = match what {
        Published::Stl10 => "stl10",
        Published::Cifar10 => "cifar10",
        Published::FashionMnist => "idx",
    };
    let words = format!("{words} {}; use it with --data {kind}:{0}", folder.display());
    console.result(
        &words,
        &json!({ "folder": lossy(&folder), "data": format!("{kind}:{}", folder.display()) }),
    );
    Ok(())
}
