//! What a note says of sizes, held against the tensors that lie beside it: whoever opens a file makes
//! room for what is in it, and never for what it merely claims.

use super::Meta;
use crate::archive::Archive;
use crate::encoder::conv::{KERNEL, side_after};
use crate::encoder::resnet::GROWTH;
use crate::encoder::vit::{RATIO, Shape};
use crate::encoder::{EncoderSettings, efficientnet_lite};
use crate::error::Error;
use crate::head::HeadSettings;
use crate::image::CHANNELS;
use crate::range;

/// The largest side of images, in pixels: one such image is 50 MB of bytes.
pub const MOST_SIDE: usize = 4096;
/// Convolutions of stride 2 before the dense layer of [`EncoderSettings::Conv4`].
const CONVOLUTIONS: usize = 4;
/// The longest note, in bytes.
const MOST_NOTE: usize = 16 << 20;

/// Refuses a note that is too long to be one.
pub(super) fn check_length(note: &str) -> Result<(), Error> {
    match note.len() > MOST_NOTE {
        true => {
            let reason = format!("it has {} bytes, expected at most {MOST_NOTE}", note.len());
            Err(Error::Metadata { reason })
        }
        false => Ok(()),
    }
}

/// Refuses sizes that are not those of the tensors.
///
/// # Errors
/// [`Error::Setting`] for a side out of range, [`Error::MissingTensor`], [`Error::TensorShape`].
pub(super) fn check(meta: &Meta, archive: &Archive) -> Result<(), Error> {
    if !(1..=MOST_SIDE).contains(&meta.side) {
        return Err(Error::setting("side", "1 to 4096 pixels", meta.side));
    }
    if let Some(preprocessing) = meta.preprocessing {
        range::count("preprocessing.resize", preprocessing.resize as u64, 1..=MOST_SIDE as u64)?;
        preprocessing.check(meta.side)?;
    }
    let settings = &meta.recipe.encoder;
    encoder(settings, meta.side, archive)?;
    if let (Some(head), Some(_)) =
        (&meta.recipe.projection, archive.names_below("projection.").next())
    {
        projection(head, settings.features(), archive)?;
    }
    if archive.names_below("probe.").next().is_some() {
        let shape = [meta.class_names.len(), settings.features()];
        expect(archive, "probe.weight".into(), &shape)?;
    }
    Ok(())
}

/// A tensor of each kind of encoder by which all others are bounded.
///
/// # Errors
/// [`Error::MissingTensor`], [`Error::TensorShape`].
pub(crate) fn encoder(
    settings: &EncoderSettings,
    side: usize,
    archive: &Archive,
) -> Result<(), Error> {
    match *settings {
        EncoderSettings::Conv4 { width } => {
            expect(archive, "encoder.convs.1.weight".into(), &[width, width, KERNEL, KERNEL])?;
            let last = (0..CONVOLUTIONS).fold(side, |side, _| side_after(side, 2).unwrap_or(0));
            let flat = width.saturating_mul(last).saturating_mul(last);
            expect(archive, "encoder.dense.weight".into(), &[width, flat])
        }
        EncoderSettings::Conv4Pool { width, grid, features, .. } => {
            let [inputs, outputs] = [4, 8].map(|times| width.saturating_mul(times));
            let shape = [outputs, inputs, KERNEL, KERNEL];
            expect(archive, "encoder.layers.3.conv.weight".into(), &shape)?;
            let Some(features) = features else { return Ok(()) };
            let means = outputs.saturating_mul(grid).saturating_mul(grid);
            expect(archive, "encoder.dense.weight".into(), &[features, means])
        }
        EncoderSettings::Resnet { width, .. } => {
            // Before it is multiplied.
            expect(archive, "encoder.bn1.weight".into(), &[width])?;
            let wide = GROWTH.saturating_mul(width);
            expect(archive, "encoder.layer4.0.conv2.weight".into(), &[wide, wide, KERNEL, KERNEL])
        }
        EncoderSettings::Mobilenet { .. } => {
            let last = "encoder.pairs.12.pointwise.norm.weight".into();
            expect(archive, last, &[settings.features()])
        }
        EncoderSettings::Vit { size, patch, class_position, grid, .. } => {
            let grid = grid.unwrap_or(side.checked_div(patch).unwrap_or(0));
            let places = usize::from(class_position).saturating_add(grid.saturating_mul(grid));
            transformer(size.shape(), [places, patch], archive)
        }
        EncoderSettings::EfficientnetLite { ref size, .. } => lite(&size.shape(), archive),
        EncoderSettings::MobilenetV3 { .. } => {
            expect(archive, "encoder.features.12.1.weight".into(), &[settings.features()])
        }
    }
}

/// Tokens, patches and the last block.
fn transformer(
    Shape { dim, depth, .. }: Shape,
    [places, patch]: [usize; 2],
    archive: &Archive,
) -> Result<(), Error> {
    // Before it is multiplied.
    expect(archive, "encoder.norm.weight".into(), &[dim])?;
    expect(archive, "encoder.pos_embed".into(), &[1, places, dim])?;
    let kernel = [dim, CHANNELS, patch, patch];
    expect(archive, "encoder.patch_embed.proj.weight".into(), &kernel)?;
    let last = format!("encoder.blocks.{}.mlp.fc1.weight", depth.saturating_sub(1));
    expect(archive, last, &[RATIO * dim, dim])
}

/// The first and the last convolution, and the last of each stage: a stage is bounded by its last block.
fn lite(shape: &efficientnet_lite::Shape, archive: &Archive) -> Result<(), Error> {
    let stem = [shape.stem, CHANNELS, KERNEL, KERNEL];
    expect(archive, "encoder.conv_stem.weight".into(), &stem)?;
    for (place, stage) in shape.stages.iter().enumerate() {
        let block = format!("encoder.blocks.{place}.{}", stage.repeats.saturating_sub(1));
        let last = if stage.expansion == 1 { "bn2" } else { "bn3" };
        expect(archive, format!("{block}.{last}.weight"), &[stage.outputs])?;
        let depthwise = format!("{block}.conv_dw.weight");
        let wide = archive.shape(&depthwise).and_then(<[usize]>::first).copied();
        let kernel = [wide.unwrap_or_default(), 1, stage.kernel, stage.kernel];
        expect(archive, depthwise, &kernel)?;
        let inputs = match (place, stage.repeats) {
            (_, 2..) => stage.outputs,
            (0, _) => shape.stem,
            _ => shape.stages[place - 1].outputs,
        };
        let wide = inputs.saturating_mul(stage.expansion);
        expect(archive, format!("{block}.bn1.weight"), &[wide])?;
    }
    expect(archive, "encoder.bn2.weight".into(), &[shape.head])
}

/// The layers of a projection, up to the first that does not fit.
fn projection(head: &HeadSettings, inputs: usize, archive: &Archive) -> Result<(), Error> {
    let mut before = inputs;
    for (place, &after) in head.hidden.iter().chain([&head.output]).enumerate() {
        expect(archive, format!("projection.layers.{place}.weight"), &[after, before])?;
        before = after;
    }
    Ok(())
}

fn expect(archive: &Archive, name: String, expected: &[usize]) -> Result<(), Error> {
    match archive.shape(&name) {
        Some(got) if got == expected => Ok(()),
        Some(got) => {
            Err(Error::TensorShape { name, expected: expected.to_vec(), got: got.to_vec() })
        }
        None => Err(Error::MissingTensor { name }),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use burn::tensor::Device;
    use serde_json::{Value, json};

    use crate::archive::Precision;
    use crate::checkpoint::{Dataset, FORMAT, Normalization, Stage};
    use crate::linear::Linear;
    use crate::model::Model;
    use crate::recipe::Recipe;
    use crate::rng::{Purpose, stream};

    use super::*;

    pub(in crate::checkpoint) const ENCODERS: [&str; 12] = [
        "{kind=\"conv4\",width=5}",
        "{kind=\"conv4_pool\",width=2}",
        "{kind=\"resnet\",depth=18,width=2}",
        "{kind=\"resnet\",depth=34,stem=\"imagenet\",width=2}",
        "{kind=\"mobilenet\",width_multiplier=0.1}",
        "{kind=\"resnet\",depth=50,width=1}",
        "{kind=\"vit\",patch=8,size={dim=6,depth=2,heads=2}}",
        "{kind=\"vit\",patch=16,pool=\"mean\",size={dim=4,depth=1,heads=1}}",
        "{kind=\"vit\",patch=8,pool=\"cls_mean\",registers=3,layer_scale=true,class_position=false,\
         size={dim=4,depth=2,heads=1}}",
        "{kind=\"efficientnet_lite\",size={stem=4,head=7,stages=[\
         {kernel=3,stride=1,expansion=1,outputs=4,repeats=1},\
         {kernel=5,stride=2,expansion=2,outputs=6,repeats=2}]}}",
        "{kind=\"mobilenet_v3\",width_multiplier=0.1}",
        "{kind=\"conv4_pool\",width=2,grid=2,features=5}",
    ];

    /// A checkpoint with encoder, projection and classifier, as kith writes it.
    pub(in crate::checkpoint) fn written(encoder: &str) -> Archive {
        let text = Recipe::built_in("quick").unwrap().to_toml();
        let changes = [
            format!("encoder={encoder}"),
            "projection.hidden=[6]".into(),
            "projection.output=4".into(),
        ];
        let recipe = Recipe::parse(&text, &changes).unwrap();
        let (side, device) = (32, Device::flex());
        let features = recipe.encoder.features();
        let draws = &mut stream(1, Purpose::Test, 0, 0);
        let head = recipe.projection.as_ref().unwrap().init(features, draws, &device).unwrap();
        let mut archive = Archive::default();
        let add = |archive: &mut Archive| {
            let encoder = recipe.encoder.init(side, 1, &device).unwrap();
            let probe = Linear::new(features, 2, &mut stream(2, Purpose::Test, 0, 0), &device);
            pollster::block_on(archive.add("encoder", &encoder)).unwrap();
            pollster::block_on(archive.add("projection", &head)).unwrap();
            pollster::block_on(archive.add("probe", &probe)).unwrap();
        };
        add(&mut archive);
        let dataset =
            Dataset { name: "x".into(), labelled: 0, validation: 0, unlabelled: 0, test: 0 };
        let meta = Meta {
            format: FORMAT,
            software: "x".into(),
            stage: Stage::Pretrained,
            recipe,
            side,
            normalization: Normalization::default(),
            class_names: vec!["a".into(), "b".into()],
            dataset,
            seed: 1,
            steps: 1,
            last: Default::default(),
            best: Default::default(),
            preprocessing: None,
            origin: None,
        };
        archive.note = meta.to_note();
        archive
    }

    /// The code with which a checkpoint is refused.
    fn refused(encoder: &str, change: impl FnOnce(&mut Value)) -> &'static str {
        let mut archive = written(encoder);
        let mut note: Value = serde_json::from_str(&archive.note).unwrap();
        change(&mut note);
        archive.note = note.to_string();
        let bytes = archive.to_bytes(Precision::Single).unwrap();
        let error = Model::open(&bytes, &Device::flex()).expect_err("the sizes do not fit");
        error.code()
    }

    #[test]
    fn what_kith_writes_kith_reads() {
        for encoder in ENCODERS {
            let bytes = written(encoder).to_bytes(Precision::Single).unwrap();
            let model = Model::open(&bytes, &Device::flex());
            assert!(model.expect(encoder).has_classifier());
        }
    }

    #[test]
    fn widths_that_the_tensors_do_not_have_are_refused_before_room_is_made_for_them() {
        for (encoder, key, value) in [
            (ENCODERS[0], "width", json!(200_000)),
            (ENCODERS[0], "width", json!(u64::MAX)),
            (ENCODERS[2], "width", json!(200_000)),
            (ENCODERS[2], "width", json!(1_u64 << 60)),
            (ENCODERS[3], "width", json!(u64::MAX)),
            (ENCODERS[4], "width_multiplier", json!(4.0)),
            (ENCODERS[4], "width_multiplier", json!(1e300)),
            (ENCODERS[5], "width", json!(u64::MAX)),
            (ENCODERS[6], "patch", json!(0)),
            (ENCODERS[6], "patch", json!(1)),
            (ENCODERS[6], "patch", json!(u64::MAX)),
            (ENCODERS[6], "size", json!("small")),
            (ENCODERS[6], "size", json!({ "dim": u64::MAX, "depth": 2, "heads": 2 })),
            (ENCODERS[7], "size", json!({ "dim": 4096, "depth": 1, "heads": 1 })),
            (ENCODERS[8], "class_position", json!(true)),
            (ENCODERS[8], "grid", json!(u64::MAX)),
            (ENCODERS[9], "size", json!("lite0")),
            (ENCODERS[9], "size", lite(&[3, 1, 1, 4, 1], &[5, 2, 3, 6, 2])),
            (ENCODERS[9], "size", lite(&[5, 1, 1, 4, 1], &[5, 2, 2, 6, 2])),
            (ENCODERS[10], "width_multiplier", json!(4.0)),
            (ENCODERS[11], "width", json!(200_000)),
            (ENCODERS[11], "grid", json!(4)),
            (ENCODERS[11], "features", json!(200_000)),
        ] {
            let code = refused(encoder, |note| note["recipe"]["encoder"][key] = value.clone());
            assert_eq!(code, "TENSOR_SHAPE", "{encoder} with {key} {value}");
        }
        for (size, code) in [
            (json!({ "dim": 6, "depth": u64::MAX, "heads": 2 }), "MISSING_TENSOR"),
            (json!({ "dim": 6, "depth": 0, "heads": 2 }), "SETTING"),
            (json!({ "dim": 6, "depth": 2, "heads": 0 }), "SETTING"),
            (json!({ "dim": 6, "depth": 2, "heads": 4 }), "SETTING"),
        ] {
            assert_eq!(refused(ENCODERS[6], |n| n["recipe"]["encoder"]["size"] = size), code);
        }
        let huge = json!({ "hidden": [4], "output": 1_000_000_000_000_u64 });
        assert_eq!(refused(ENCODERS[0], |n| n["recipe"]["projection"] = huge), "TENSOR_SHAPE");
        let deep = json!({ "hidden": vec![6; 1000], "output": 4 });
        assert_eq!(refused(ENCODERS[0], |n| n["recipe"]["projection"] = deep), "TENSOR_SHAPE");
        let names = vec!["c"; 100_000];
        assert_eq!(refused(ENCODERS[0], |n| n["class_names"] = json!(names)), "TENSOR_SHAPE");
    }

    /// The size of the narrow EfficientNet-Lite with other stages.
    fn lite(first: &[usize; 5], second: &[usize; 5]) -> Value {
        let stage = |[kernel, stride, expansion, outputs, repeats]: [usize; 5]| {
            json!({ "kernel": kernel, "stride": stride, "expansion": expansion,
                    "outputs": outputs, "repeats": repeats })
        };
        json!({ "stem": 4, "head": 7, "stages": [stage(*first), stage(*second)] })
    }

    #[test]
    fn a_side_out_of_range_or_another_side_is_refused() {
        for encoder in ENCODERS {
            for side in [0, MOST_SIDE + 1, 1_000_000_000] {
                assert_eq!(refused(encoder, |note| note["side"] = json!(side)), "SETTING");
            }
        }
        assert_eq!(refused(ENCODERS[0], |note| note["side"] = json!(96)), "TENSOR_SHAPE");
        assert_eq!(refused(ENCODERS[0], |note| note["side"] = json!(7)), "TENSOR_SHAPE");
    }

    #[test]
    fn notes_without_end_are_refused() {
        let deep = |note: &mut Value| {
            let nested = (0..100).fold(json!(0), |inner, _| json!([inner]));
            note["last"] = json!({ "x": nested });
        };
        let mut archive = written(ENCODERS[0]);
        let mut note: Value = serde_json::from_str(&archive.note).unwrap();
        deep(&mut note);
        archive.note = note
            .to_string()
            .replace("[0]", &format!("{}0{}", "[".repeat(100_000), "]".repeat(100_000)));
        assert_eq!(Meta::read(&archive).expect_err("too deep").code(), "METADATA");
        archive.note = format!("{}{}", " ".repeat(MOST_NOTE), note);
        assert_eq!(Meta::read(&archive).expect_err("too long").code(), "METADATA");
    }

    #[test]
    fn a_support_set_must_have_a_label_a_row() {
        let of = |rows: &[usize], labels: usize| {
            let mut archive = written(ENCODERS[0]);
            let stored = |shape: &[usize]| crate::archive::Stored {
                shape: shape.to_vec(),
                values: vec![0.5; shape.iter().product()],
            };
            archive.tensors.insert("support.rows".into(), stored(rows));
            archive.tensors.insert("support.labels".into(), stored(&[labels]));
            let bytes = archive.to_bytes(Precision::Single).unwrap();
            Model::open(&bytes, &Device::flex()).map(|model| model.support_rows())
        };
        assert_eq!(of(&[3, 4], 3).unwrap(), 3);
        for (rows, labels) in [(&[3, 4][..], 2), (&[12], 12), (&[3, 4, 1], 3), (&[3, 0], 3)] {
            let error = of(rows, labels).expect_err("rows and labels do not fit");
            assert!(["TENSOR_SHAPE", "TOO_FEW"].contains(&error.code()), "{error}");
        }
    }
}
