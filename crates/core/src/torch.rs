//! Encoders under the names that `PyTorch`'s libraries give them: what [`import`](crate::import) reads.

use crate::archive::Archive;
use crate::checkpoint::Meta;
use crate::encoder::EncoderSettings;
use crate::error::Error;

/// A network's tensors, under the names of a library.
#[derive(Clone, Debug)]
pub struct StateDict {
    /// Whose names they are: `torchvision` or `timm`.
    pub library: &'static str,
    /// The tensors; its classifier's among them where the library's network ends in one layer.
    pub archive: Archive,
    /// Whether a classifier was left, for which the library's network has no place.
    pub leaves_classifier: bool,
}

const ENCODER: &str = "encoder.";
const CLASSIFIER: &str = "probe.";

/// The encoder and classifier of a checkpoint.
///
/// # Errors
/// [`Error::Setting`] for an encoder that no library has, those of [`Archive::get`].
pub fn state_dict(meta: &Meta, checkpoint: &Archive) -> Result<StateDict, Error> {
    let (library, classifier) = match meta.recipe.encoder {
        EncoderSettings::Resnet { .. } => ("torchvision", Some("fc.")),
        EncoderSettings::Vit { .. } => ("timm", Some("head.")),
        EncoderSettings::EfficientnetLite { .. } => ("timm", Some("classifier.")),
        // Its classifier there has a hidden layer.
        EncoderSettings::MobilenetV3 { .. } => ("torchvision", None),
        EncoderSettings::Conv4 { .. }
        | EncoderSettings::Conv4Pool { .. }
        | EncoderSettings::Mobilenet { .. } => return Err(unknown(&meta.recipe.encoder)),
    };
    let mut archive = Archive::default();
    for name in checkpoint.names_below(ENCODER) {
        let tensor = checkpoint.get(name)?.into_owned();
        archive.tensors.insert(name[ENCODER.len()..].to_owned(), tensor);
    }
    let mut leaves_classifier = false;
    for name in checkpoint.names_below(CLASSIFIER) {
        let Some(classifier) = classifier else {
            leaves_classifier = true;
            break;
        };
        let tensor = checkpoint.get(name)?.into_owned();
        archive.tensors.insert(format!("{classifier}{}", &name[CLASSIFIER.len()..]), tensor);
    }
    Ok(StateDict { library, archive, leaves_classifier })
}

fn unknown(encoder: &EncoderSettings) -> Error {
    let expected = "resnet, vit, efficientnet_lite or mobilenet_v3: torchvision and timm have no other of \
                    kith's; any program reads the tensors of the checkpoint itself";
    Error::setting("encoder.kind", expected, encoder.kind())
}
