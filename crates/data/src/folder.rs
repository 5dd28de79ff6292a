//! A folder of image files: found, laid out, decoded once, and split.

use std::path::Path;
use std::sync::Arc;

use crate::encoded::Files;
use crate::file::name_of_directory;
use crate::labels::Labels;
use crate::layout::{Layout, lay_out};
use crate::pictures::{Pictures, SIDE};
use crate::scan::Watch;
use crate::walk::walk;
use crate::{Dataset, Error, Options};

const HINT: &str = "one sub-folder for each class makes labels; of a folder whose own folders are \
                    classes or splits, give that one";

/// Opens a folder: finds its images, decodes each once, and holds a fifth of every class out for
/// testing where the folder has no test images of its own.
///
/// Folders called `train`, `val` and `test` are splits, with a folder for each class in them; else
/// the first-level folders are classes. `labels.csv` says classes in place of folders. Images
/// that are of no class are only learnt from without a label, and a single class tells nothing
/// apart, so its images have none either. Linked folders are entered; hidden files and what systems
/// and programs leave are passed over. Everything passed over is counted.
pub(crate) fn open(
    directory: &Path,
    options: &Options,
    watch: Watch<'_>,
) -> Result<Dataset, Error> {
    if !directory.is_dir() {
        return Err(Error::NotADirectory { path: directory.to_owned() });
    }
    let mut walk = walk(directory)?;
    let labels = walk.labels.as_deref().map(Labels::read).transpose()?;
    let Layout { items, notes } = lay_out(walk.files, labels.as_ref(), &mut walk.ignored)?;
    if items.is_empty() {
        return Err(Error::empty_folder(directory, &walk.ignored.words()));
    }
    let paths = items.iter().map(|item| item.file.path.clone()).collect();
    let pictures = Pictures {
        name: name_of_directory(directory),
        origin: directory,
        images: Arc::new(Files::new(directory, paths)),
        items,
        order: Vec::new(),
        hint: HINT,
        ignored: walk.ignored,
        notes: [walk.notes, notes].concat(),
    };
    pictures.open(options.frame(SIDE), options, watch)
}

#[cfg(test)]
mod tests;
