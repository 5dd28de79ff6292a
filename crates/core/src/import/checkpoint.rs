//! Somebody else's encoder as a checkpoint of kith's.

use burn::tensor::Device;

use super::{Imported, Told, import};
use crate::archive::Archive;
use crate::checkpoint::{Dataset, FORMAT, Meta, Origin, Stage};
use crate::error::Error;
use crate::recipe::Recipe;

/// The recipe whose views an imported encoder is measured by.
const RECIPE: &str = "simclr";

/// Finds the encoder of a file; its archive becomes a checkpoint's, with the note that comes too.
///
/// # Errors
/// Those of [`import`]; [`Error::Setting`] and [`Error::Recipe`] for what is told and cannot be.
pub fn checkpoint(file: &Archive, told: &Told, device: &Device) -> Result<(Imported, Meta), Error> {
    let told = told.with_config();
    let mut imported = import(file, &told.hints(), device)?;
    let text = Recipe::built_in(RECIPE).expect("it is built in");
    let found = Recipe { encoder: imported.settings.clone(), name: "imported".into(), ..text };
    let recipe = Recipe::parse(&found.to_toml(), &told.set)?;
    let note = Meta {
        format: FORMAT,
        software: env!("CARGO_PKG_VERSION").into(),
        stage: Stage::Imported,
        side: imported.side,
        normalization: recipe.encoder.pixels().into(),
        recipe,
        class_names: told.class_names(imported.classes)?,
        dataset: Dataset {
            name: "elsewhere".into(),
            labelled: 0,
            validation: 0,
            unlabelled: 0,
            test: 0,
        },
        seed: 0,
        steps: 0,
        last: Default::default(),
        best: Default::default(),
        preprocessing: told.preprocessing(imported.side)?,
        origin: Some(Origin {
            network: imported.name.clone(),
            source: told.source.unwrap_or_default(),
            licence: told.licence,
        }),
    };
    imported.archive.note = note.to_note();
    // What is said of sizes can be wrong, too.
    let meta = Meta::read(&imported.archive)?;
    Ok((imported, meta))
}
