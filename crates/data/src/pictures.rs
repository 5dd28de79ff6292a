//! Images of which it is known what each is for and of which class: scanned and split.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use kith_core::square::Frame;

use crate::divide::{by_class, hold_out};
use crate::encoded::Encoded;
use crate::ignored::Ignored;
use crate::layout::{Item, Part};
use crate::printable::printable;
use crate::scan::{Plan, Scanned, Watch, scan};
use crate::split::{Metadata, Split};
use crate::storage::Storage;
use crate::training::Training;
use crate::walk::Found;
use crate::{Dataset, Error, Options};

/// Side of images of any size where none is asked for, in pixels: STL-10's.
pub(crate) const SIDE: usize = 96;

/// Images that are yet to be scanned.
pub(crate) struct Pictures<'a> {
    /// What the dataset is called.
    pub(crate) name: String,
    /// The folder or file that the images come from.
    pub(crate) origin: &'a Path,
    /// The images, in the order of the items.
    pub(crate) images: Arc<dyn Encoded>,
    /// What each is; those with a class come first.
    pub(crate) items: Vec<Item>,
    /// Names of classes in the order of their labels; empty where that is the alphabet's. Those
    /// that no image is of are left out.
    pub(crate) order: Vec<String>,
    /// What gives images classes, where there are fewer than two.
    pub(crate) hint: &'static str,
    /// What was passed over.
    pub(crate) ignored: Ignored,
    /// What is worth a sentence.
    pub(crate) notes: Vec<String>,
}

impl Pictures<'_> {
    /// Scans and splits them: a fifth of every class is held out for testing where no image is for
    /// that. A single class tells nothing apart, so its images have no label.
    pub(crate) fn open(
        mut self,
        frame: Frame,
        options: &Options,
        watch: Watch<'_>,
    ) -> Result<Dataset, Error> {
        let files: Vec<Found> = self.items.iter().map(|item| item.file.clone()).collect();
        let plan = Plan {
            origin: self.origin,
            images: &self.images,
            files: &files,
            frame,
            cache: options.cache.as_ref(),
        };
        let Scanned { storage, readable, skipped, notes } = scan(plan, watch)?;
        let mut readable = readable.into_iter();
        self.items.retain(|_| readable.next().unwrap_or_default());
        self.notes.splice(0..0, notes);
        let dataset = self.split((storage, frame.side.into()), options)?;
        Ok(Dataset { skipped, ..dataset })
    }

    /// Names of the classes; where there are fewer than two, the images lose theirs.
    fn class_names(&mut self) -> Result<Vec<String>, Error> {
        let names: BTreeSet<&String> =
            self.items.iter().filter_map(|item| item.class.as_ref()).collect();
        let limit = usize::from(u16::MAX);
        match names.len() {
            got if got > limit => Err(Error::TooMany { what: "classes", got, limit }),
            0 | 1 => {
                self.items.iter_mut().for_each(|item| item.class = None);
                Ok(Vec::new())
            }
            _ if self.order.is_empty() => Ok(names.into_iter().cloned().collect()),
            _ => Ok(self.order.iter().filter(|name| names.contains(name)).cloned().collect()),
        }
    }

    /// The splits of images that can all be read.
    fn split(
        mut self,
        (storage, frame): (Storage, Frame),
        options: &Options,
    ) -> Result<Dataset, Error> {
        let single = self.items.iter().find_map(|item| item.class.clone());
        let class_names = self.class_names()?;
        if options.labelled.is_some() && class_names.is_empty() {
            let (path, got) = (self.origin.to_owned(), usize::from(single.is_some()));
            return Err(Error::OneClass { path, got, hint: self.hint });
        }
        self.notes.extend(single.filter(|_| class_names.is_empty()).map(|single| {
            let words = "is the only class and tells nothing apart: the images have no labels";
            format!("{single} {words}; {}", self.hint)
        }));
        let metadata = Arc::new(metadata(&self.items, &class_names, self.images.folder()));
        let parts = Parts::of(&self.items, (&metadata.labels, class_names.len()), options.seed);
        self.notes.extend(parts.note);
        let storage = Arc::new(storage);
        let labelled = metadata.labels.len() as u32;
        let made = |images: Vec<u32>| {
            // Images with a label come first.
            let with = images.iter().all(|&image| image < labelled);
            let split = Split::unlabelled(storage.clone(), metadata.clone(), images, frame);
            if with { split.with_labels() } else { split }
        };
        let (test, validation) = (made(parts.test), parts.validation.map(made));
        let training = Training {
            storage: storage.clone(),
            metadata: metadata.clone(),
            labelled: parts.labelled,
            loose: parts.loose,
            classes: class_names.len(),
            frame,
        };
        let [labelled, unlabelled] = training.split(options.labelled, options)?;
        Ok(Dataset {
            validation,
            draws_test: parts.draws_test,
            notes: self.notes,
            ignored: self.ignored,
            ..Dataset::new(self.name, class_names, [labelled, unlabelled, test])
        })
    }
}

/// Images with what goes with each, those with a class first, else in the order of their paths.
///
/// Where others of their split have a class, images without one neither test nor choose; nor do test
/// images where only validation images have classes.
pub(crate) fn sorted<T>(mut listed: Vec<(Item, T)>, ignored: &mut Ignored) -> (Vec<Item>, Vec<T>) {
    let classes =
        |part: Part| listed.iter().any(|(item, _)| item.part == part && item.class.is_some());
    let (validation, test) = (classes(Part::Validation), classes(Part::Test));
    listed.retain(|(item, _)| {
        let what = match item.part {
            _ if item.class.is_some() => return true,
            Part::Test if test || validation => "test images without a class",
            Part::Validation if validation => "validation images without a class",
            _ => return true,
        };
        ignored.add(what);
        false
    });
    let key = |item: &Item| (item.class.is_none(), item.file.path.clone());
    listed.sort_by_cached_key(|(item, _)| key(item));
    listed.into_iter().unzip()
}

/// The domains of images, counted by the alphabet; none where no table says any.
fn domains(items: &[Item]) -> Vec<Option<u16>> {
    let names: BTreeSet<&String> = items.iter().filter_map(|item| item.domain.as_ref()).collect();
    let numbers: BTreeMap<&String, u16> = names.into_iter().zip(0..=u16::MAX).collect();
    let domain = |item: &Item| item.domain.as_ref().and_then(|name| numbers.get(name)).copied();
    if numbers.is_empty() { Vec::new() } else { items.iter().map(domain).collect() }
}

/// What is known of every image.
fn metadata(items: &[Item], class_names: &[String], folder: Option<&Path>) -> Metadata {
    let labels: BTreeMap<&String, u16> = class_names.iter().zip(0..).collect();
    Metadata {
        domains: domains(items),
        labels: items.iter().filter_map(|item| item.class.as_ref()).map(|c| labels[c]).collect(),
        names: items.iter().map(|item| printable(&item.file.path)).collect(),
        folder: folder.map(Path::to_owned),
        paths: folder
            .map_or(Vec::new(), |_| items.iter().map(|item| item.file.path.clone()).collect()),
        ..Metadata::default()
    }
}

/// Numbers of the images of every split, each in rising order.
struct Parts {
    labelled: Vec<u32>,
    loose: Vec<u32>,
    validation: Option<Vec<u32>>,
    test: Vec<u32>,
    draws_test: bool,
    note: Option<String>,
}

impl Parts {
    /// Labels are those of the images that have some, which come first.
    fn of(items: &[Item], (labels, classes): (&[u16], usize), seed: u64) -> Self {
        let numbers = |wanted: &dyn Fn(&Item) -> bool| -> Vec<u32> {
            (0..items.len() as u32).filter(|&i| wanted(&items[i as usize])).collect()
        };
        let part = |part: Part| numbers(&move |item| item.part == part);
        let (validation, test) = (part(Part::Validation), part(Part::Test));
        let mut this = Self {
            labelled: numbers(&|item| item.part == Part::Train && item.class.is_some()),
            loose: numbers(&|item| {
                item.part == Part::Unlabelled || item.part == Part::Train && item.class.is_none()
            }),
            validation: None,
            test,
            draws_test: false,
            note: None,
        };
        match (validation.is_empty(), this.test.is_empty()) {
            (false, false) => this.validation = Some(validation),
            (false, true) => {
                this.test = validation;
                this.note = Some("there are no test images: the validation images test".to_owned());
            }
            (true, false) => {}
            (true, true) => this.draw_test((labels, classes), seed),
        }
        this
    }

    /// Holds a fifth of the training images out.
    fn draw_test(&mut self, (labels, classes): (&[u16], usize), seed: u64) {
        self.draws_test = true;
        if classes == 0 {
            (self.loose, self.test) = hold_out(&[std::mem::take(&mut self.loose)], seed);
        } else {
            let members = by_class(&self.labelled, |image| labels[image as usize], classes);
            (self.labelled, self.test) = hold_out(&members, seed);
        }
    }
}
