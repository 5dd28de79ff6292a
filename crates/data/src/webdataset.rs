//! Tar shards (Webdataset): read from header to header when they are opened, and image by image at
//! their places when a batch asks.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kith_core::square::Frame;

use crate::classes::{Classes, OutOfRange};
use crate::decode::{check_bytes, square_from_bytes};
use crate::encoded::Encoded;
use crate::file::name_of_files;
use crate::ignored::Ignored;
use crate::layout::{Item, uneven_classes};
use crate::pictures::{Pictures, SIDE, sorted};
use crate::read_at::read_exact_at;
use crate::samples::{Member, Sample, samples};
use crate::scan::Watch;
use crate::shards::{Shard, Shards};
use crate::walk::{Found, found};
use crate::{Dataset, Error, Options};

/// Ending of the shards' names.
pub(crate) const ENDING: &str = "tar";
/// Names of classes, a line each, beside the shards or their folder.
const NAMES: &str = "classnames.txt";
/// Texts that are classes, and not about their images, name each on average this often.
const USES_OF_A_NAME: usize = 2;
const HINT: &str = "a member .cls of a sample, as 0001.cls beside 0001.jpg, says its class by number \
                    or name";

/// Opens shards: one, those of a folder, or those that a pattern names.
pub(crate) fn open(path: &Path, options: &Options, watch: Watch<'_>) -> Result<Dataset, Error> {
    let Shards { files: shards, mut ignored, mut notes } = Shards::find(path, ENDING)?;
    let mut all = Vec::new();
    let mut known = Vec::new();
    for (number, shard) in shards.iter().enumerate() {
        known.push(known_of(shard)?);
        let samples = samples(&shard.path, &mut ignored, &mut notes)?;
        all.extend(samples.into_iter().map(|sample| (number, sample)));
    }
    let (table, names) = names(&shards[0].path)?;
    if path.is_dir() && table.is_some_and(|table| table.starts_with(path)) {
        ignored.take_back(".txt");
    }
    let classes = Classes::new(names);
    notes.extend(choose_classes(&mut all, &mut ignored));
    let mut listed = Vec::new();
    for (number, sample) in all {
        match sample.image {
            Some(image) => {
                let (shard, known) = (&shards[number], &known[number]);
                let item = item((shard, known), &image, (sample.class, &classes))?;
                listed.push((item, (number, image)));
            }
            None => ignored.add("samples without an image"),
        }
    }
    if listed.is_empty() {
        return Err(Error::empty_folder(path, &ignored.words()));
    }
    let files = shards.iter().map(|shard| shard.path.clone()).collect();
    let (items, images) = sorted(listed, &mut ignored);
    notes.extend(uneven_classes(&items));
    let pictures = Pictures {
        name: name_of_files(path),
        origin: &shards[0].path,
        order: classes.order(items.iter().filter_map(|item| item.class.as_ref())),
        images: Arc::new(Members { files, images }),
        items,
        hint: HINT,
        ignored,
        notes,
    };
    pictures.open(options.frame(SIDE), options, watch)
}

/// The file of names of classes beside a shard or its folder, and the names; none without a file.
fn names(shard: &Path) -> Result<(Option<PathBuf>, Vec<String>), Error> {
    let folders = shard.ancestors().skip(1).take(2);
    let Some(table) = folders.map(|folder| folder.join(NAMES)).find(|table| table.is_file()) else {
        return Ok((None, Vec::new()));
    };
    let text = fs::read_to_string(&table)
        .map_err(|source| Error::Unreadable { path: table.clone(), source })?;
    let names = text.trim_end().lines().map(|line| line.trim().to_owned()).collect();
    Ok((Some(table), names))
}

/// Leaves one class in every sample: that of its `.cls`; where no sample has one, that in its
/// `.json`; where there is none, its `.txt`, if texts are used several times.
fn choose_classes(all: &mut [(usize, Sample)], ignored: &mut Ignored) -> Option<String> {
    let any = |has: fn(&Sample) -> bool| all.iter().any(|(_, sample)| has(sample));
    let (cls, json) = (any(|sample| sample.class.is_some()), any(|sample| sample.json.is_some()));
    let texts: Vec<&String> = all.iter().filter_map(|(_, sample)| sample.text.as_ref()).collect();
    let distinct: BTreeSet<&String> = texts.iter().copied().filter(|t| !t.is_empty()).collect();
    let named = distinct.len() > 1 && distinct.len() * USES_OF_A_NAME <= texts.len();
    for (_, sample) in &mut *all {
        let (json_class, text) = (sample.json.take(), sample.text.take());
        match (cls, json, named) {
            (true, ..) => {}
            (false, true, _) => sample.class = json_class,
            (false, false, true) => sample.class = text.clone().filter(|text| !text.is_empty()),
            (false, false, false) => {}
        }
        if text.is_some() && (cls || json || !named) {
            ignored.add(".txt");
        }
    }
    let from = match (cls, json, named) {
        (false, true, _) => ".json",
        (false, false, true) => ".txt",
        _ => return None,
    };
    Some(format!("no sample has a .cls: classes are those of its {from}"))
}

/// What the system knows of a shard.
fn known_of(shard: &Shard) -> Result<Found, Error> {
    let known = fs::metadata(&shard.path)
        .map_err(|source| Error::Unreadable { path: shard.path.clone(), source })?;
    Ok(found(shard.name.clone(), &known))
}

/// What is known of an image.
fn item(
    (shard, known): (&Shard, &Found),
    image: &Member,
    (class, classes): (Option<String>, &Classes),
) -> Result<Item, Error> {
    let path = shard.name.join(&image.name);
    let file = Found { path, bytes: image.bytes, modified: known.modified };
    let number = class.as_ref().and_then(|class| class.parse().ok());
    let class = match number {
        None => class,
        Some(number) => classes.of(number).map_err(|OutOfRange(got)| {
            let highest = classes.highest();
            let path = shard.path.join(&image.name);
            Error::ClassNumber { path, got, highest }
        })?,
    };
    Ok(Item { file, part: shard.part, class, domain: None })
}

/// Images at their places in shards.
#[derive(Debug)]
struct Members {
    files: Vec<PathBuf>,
    /// The shard of every image and its place there.
    images: Vec<(usize, Member)>,
}

impl Encoded for Members {
    fn place(&self, image: usize) -> PathBuf {
        let (file, member) = &self.images[image];
        self.files[*file].join(&member.name)
    }

    fn square(&self, image: usize, frame: Frame) -> Result<Vec<u8>, String> {
        let (file, member) = &self.images[image];
        check_bytes(member.bytes)?;
        let failed = |error: std::io::Error| error.to_string();
        let file = File::open(&self.files[*file]).map_err(failed)?;
        let mut content = vec![0; member.bytes as usize];
        read_exact_at(&file, &mut content, member.offset).map_err(failed)?;
        square_from_bytes(content, frame)
    }
}

#[cfg(test)]
mod tests;
