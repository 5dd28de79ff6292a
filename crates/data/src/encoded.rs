//! Image files wherever they lie, decoded when they are asked for.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use kith_core::square::Frame;
use rayon::prelude::*;

use crate::decode::square_from_file;

/// Image files by number. Threads share it.
pub(crate) trait Encoded: Debug + Send + Sync {
    /// Where an image lies, for showing.
    fn place(&self, image: usize) -> PathBuf;

    /// The folder that the images are files of, if each is a file of its own.
    fn folder(&self) -> Option<&Path> {
        None
    }

    /// Planes of an image in a frame, `[3, side, side]`.
    ///
    /// The error is for people.
    fn square(&self, image: usize, frame: Frame) -> Result<Vec<u8>, String>;

    /// The same of some images, whose numbers rise: what lies together may be read together.
    fn squares(&self, images: &[usize], frame: Frame) -> Vec<Result<Vec<u8>, String>> {
        images.par_iter().map(|&image| self.square(image, frame)).collect()
    }
}

/// Files of a folder.
#[derive(Debug)]
pub(crate) struct Files {
    directory: PathBuf,
    paths: Vec<PathBuf>,
}

impl Files {
    /// Files by their paths in a folder.
    pub(crate) fn new(directory: &Path, paths: Vec<PathBuf>) -> Self {
        Self { directory: directory.to_owned(), paths }
    }
}

impl Encoded for Files {
    fn place(&self, image: usize) -> PathBuf {
        self.directory.join(&self.paths[image])
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.directory)
    }

    fn square(&self, image: usize, frame: Frame) -> Result<Vec<u8>, String> {
        square_from_file(&self.place(image), frame)
    }
}
