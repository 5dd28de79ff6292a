//! `MobileNetV3`-small under torchvision's names.

use super::hints::Hints;
use super::reading::{Reading, pieces, refused};
use super::view::View;
use crate::encoder::{EncoderSettings, Pixels};
use crate::error::Error;

/// Multipliers of the paper and of timm, and what small networks for tests have.
const MULTIPLIERS: [f64; 7] = [1.0, 0.75, 0.5, 0.35, 0.25, 0.125, 1.25];
const LAST: &str = "features.12.0.weight";
const SIDE: usize = 224;

pub(super) fn read(view: &View<'_>, hints: &Hints) -> Result<Reading, Error> {
    let features = view.rows(LAST);
    let settings = |width_multiplier: f64| EncoderSettings::MobilenetV3 {
        width_multiplier,
        pixels: hints.pixels.unwrap_or(Pixels::Imagenet),
    };
    let own = match &hints.settings {
        Some(told) => told.clone(),
        None => {
            let known = MULTIPLIERS.into_iter().map(settings);
            known.into_iter().find(|one| one.features() == features).ok_or_else(|| {
                let name = view.whole(LAST);
                refused(format!(
                    "`{name}` has {features} outputs: expected 576 as in MobileNetV3-small, or a published \
                     part of it; MobileNetV3-large is none that kith has"
                ))
            })?
        }
    };
    let mut assumed = Vec::new();
    if hints.pixels.is_none() {
        assumed.push("pixels are normalised by ImageNet's mean and deviation".to_owned());
    }
    Ok(Reading {
        name: "MobileNetV3-small".into(),
        settings: own,
        side: hints.side.unwrap_or(SIDE),
        pieces: pieces(view, |name| Ok(name.to_owned()))?,
        // Two layers, which no linear classifier can be.
        classifier: None,
        assumed,
    })
}
