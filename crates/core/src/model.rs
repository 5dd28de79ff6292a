//! A checkpoint in use: features, projections, classes and support-set neighbours of pictures.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};

use crate::archive::{Archive, Dtype};
use crate::checkpoint::Meta;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::head::Head;
use crate::image::Images;
use crate::import::{AnyCheckpoint, Report, Told};
use crate::linear::Linear;
use crate::probe::Features;
use crate::probe::knn::{Bank, Nearest};
use crate::read::read;
use crate::rng::Stream;
use crate::unit::unit_rows;

/// Where the encoder's tensors lie in a checkpoint.
const ENCODER: &str = "encoder";
const PROJECTION: &str = "projection";
const CLASSIFIER: &str = "probe";
const ROWS: &str = "support.rows";
const LABELS: &str = "support.labels";

/// A checkpoint's networks on a device, without autodiff.
#[derive(Debug)]
pub struct Model {
    meta: Meta,
    dtype: Dtype,
    imported: Option<Report>,
    fingerprint: String,
    parameters: usize,
    device: Device,
    encoder: Encoder,
    projection: Option<Head>,
    classifier: Option<Linear>,
    support: Option<Support>,
}

/// A support set at rest, and its labels.
#[derive(Debug)]
struct Support {
    bank: Bank,
    labels: Vec<i32>,
}

/// Where features are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layer {
    /// What the encoder gives: what is of use afterwards.
    #[default]
    Backbone,
    /// What the objective compares: the features themselves where the recipe has no projection.
    Projection,
}

/// How long the rows of features are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    /// As they come.
    #[default]
    Own,
    /// One.
    Unit,
}

impl Model {
    /// Reads a checkpoint and brings its networks to a device.
    ///
    /// # Errors
    /// Those of [`Archive::from_bytes`], [`Meta::read`] and [`Meta::encoder`].
    pub fn open(bytes: &[u8], device: &Device) -> Result<Self, Error> {
        let archive = Archive::from_bytes(bytes)?;
        let meta = Meta::read(&archive)?;
        Self::of(&archive, meta, device)
    }

    /// Reads a checkpoint, or a safetensors file of other software's that is called `name`, of which
    /// `told` says what it does not say itself.
    ///
    /// # Errors
    /// Those of [`AnyCheckpoint::open`] and [`Model::open`].
    pub fn open_any(
        bytes: &[u8],
        name: &str,
        told: Option<&Told>,
        device: &Device,
    ) -> Result<Self, Error> {
        match AnyCheckpoint::open(bytes, name, told, device)? {
            AnyCheckpoint::Kith(archive, meta) => Self::of(&archive, *meta, device),
            AnyCheckpoint::Imported(imported, meta, dtype) => {
                let model = Self::of(&imported.archive, *meta, device)?;
                Ok(Self { dtype, imported: Some(imported.report()), ..model })
            }
        }
    }

    fn of(archive: &Archive, meta: Meta, device: &Device) -> Result<Self, Error> {
        let encoder = meta.encoder(archive, device)?;
        let has = |name: &str| archive.names_below(&format!("{name}.")).next().is_some();
        let parameters = archive.parameters(&format!("{ENCODER}."));
        let mut fresh = Stream::blank();
        let features = meta.recipe.encoder.features();
        let projection = match &meta.recipe.projection {
            Some(settings) if has(PROJECTION) => {
                let head = settings.init(features, &mut fresh, device)?;
                Some(archive.restore(PROJECTION, head)?)
            }
            _ => None,
        };
        let classifier = match has(CLASSIFIER) {
            true => {
                let head = Linear::new(features, meta.class_names.len(), &mut fresh, device);
                Some(archive.restore(CLASSIFIER, head)?)
            }
            false => None,
        };
        let compared = meta.recipe.projection.as_ref().map_or(features, |head| head.output);
        let support = Support::open(archive, compared, device)?;
        let fingerprint = archive.fingerprint(&format!("{ENCODER}."));
        let device = device.clone();
        Ok(Self {
            meta,
            dtype: archive.dtype().unwrap_or(Dtype::F32),
            imported: None,
            fingerprint,
            parameters,
            device,
            encoder,
            projection,
            classifier,
            support,
        })
    }

    /// What the checkpoint says of itself.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Element type of its numbers in the file.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// What was taken of a file of other software's; none for a checkpoint.
    pub fn imported(&self) -> Option<&Report> {
        self.imported.as_ref()
    }

    /// Equal for equal encoder weights; [`Archive::fingerprint`].
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Numbers that the encoder learns; the statistics of batch normalisation are not among them.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Whether there is what an objective compares: a projection, or a recipe that needs none.
    pub fn has_projection(&self) -> bool {
        self.projection.is_some() || self.meta.recipe.projection.is_none()
    }

    /// Whether it can tell classes.
    pub fn has_classifier(&self) -> bool {
        self.classifier.is_some()
    }

    /// Rows of the support set; 0 without one.
    pub fn support_rows(&self) -> usize {
        self.support.as_ref().map_or(0, |support| support.labels.len())
    }

    /// Features of pictures.
    ///
    /// # Errors
    /// [`Error::PictureSize`] for pictures of another size, [`Error::MissingTensor`] where the
    /// checkpoint lacks the recipe's projection, [`Error::Device`].
    pub async fn embed(
        &self,
        images: &Images,
        layer: Layer,
        length: Length,
    ) -> Result<Features, Error> {
        let features = self.features(images)?;
        let features = match layer {
            Layer::Backbone => features,
            Layer::Projection if self.meta.recipe.projection.is_none() => features,
            Layer::Projection => part(self.projection.as_ref(), PROJECTION)?.forward(features),
        };
        let features = match length {
            Length::Own => features,
            Length::Unit => unit_rows(features),
        };
        gather(features).await
    }

    /// Probabilities of the checkpoint's classes, `[n, classes]`.
    ///
    /// # Errors
    /// [`Error::PictureSize`], [`Error::MissingTensor`] without a classifier, [`Error::Device`].
    pub async fn classify(&self, images: &Images) -> Result<Features, Error> {
        let classifier = part(self.classifier.as_ref(), CLASSIFIER)?;
        gather(softmax(classifier.forward(self.features(images)?), 1)).await
    }

    /// Logits of the checkpoint's classes for pictures in [0, 1], `[n, classes]`; none without a
    /// classifier.
    pub fn logits(&self, images: Tensor<4>) -> Option<Tensor<2>> {
        let classifier = self.classifier.as_ref()?;
        Some(classifier.forward(self.encoder.forward(images)))
    }

    /// The rows of the support set nearest to projections, and the class of each,
    /// [`UNKNOWN`](crate::support::UNKNOWN) where there is none.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] without a support set, those of [`Bank::nearest`].
    pub async fn support_nearest(
        &self,
        projections: &Features,
        k: usize,
    ) -> Result<(Nearest, Vec<i32>), Error> {
        let support = part(self.support.as_ref(), "support.rows")?;
        let found = support.bank.nearest(projections, k).await?;
        let labels = found.indices.iter().map(|&place| support.labels[place]).collect();
        Ok((found, labels))
    }

    fn features(&self, images: &Images) -> Result<Tensor<2>, Error> {
        let ([height, width], side) = (images.size(), self.meta.side);
        if [height, width] != [side, side] {
            return Err(Error::PictureSize { side, got_height: height, got_width: width });
        }
        Ok(self.encoder.forward(images.to_device(&self.device)))
    }
}

impl Support {
    /// Rows of `dim` numbers, a label each.
    fn open(archive: &Archive, dim: usize, device: &Device) -> Result<Option<Self>, Error> {
        let Some(shape) = archive.shape(ROWS) else { return Ok(None) };
        let labels: Vec<i32> = archive.get(LABELS)?.values.iter().map(|&x| x as i32).collect();
        let expected = vec![labels.len(), dim];
        if shape != expected {
            return Err(Error::TensorShape { name: ROWS.into(), expected, got: shape.to_vec() });
        }
        let values = archive.get(ROWS)?.into_owned().values;
        let bank = Bank::new(&Features { values, dim }, device)?;
        Ok(Some(Self { bank, labels }))
    }
}

fn part<'a, T>(part: Option<&'a T>, name: &str) -> Result<&'a T, Error> {
    part.ok_or_else(|| Error::MissingTensor { name: name.to_owned() })
}

async fn gather(features: Tensor<2>) -> Result<Features, Error> {
    let [_, dim] = features.dims();
    Ok(Features { values: read(features).await?, dim })
}
