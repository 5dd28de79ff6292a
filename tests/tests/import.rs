//! Networks of other libraries, recognised by their names and shapes, give those libraries' features.

use kith_core::archive::{Archive, Dtype, Encoded};
use kith_core::encoder::{EncoderSettings, Pixels};
use kith_core::import::{Hints, Imported, import};
use kith_core::{Device, Error};
use kith_tests::cpu;
use kith_tests::fixture::Fixture;
use kith_tests::network::{close, expected, pictures, read_back};

/// A file of somebody else's, as it is.
fn file(name: &str) -> Archive {
    let bytes = Fixture::open(&format!("encoders/{name}")).into_bytes();
    Archive::from_foreign(&bytes).expect("it is a safetensors file")
}

fn found(name: &str, hints: &Hints) -> Imported {
    import(&file(name), hints, &cpu()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn features(imported: &Imported, shown: kith_core::Tensor<4>, device: &Device) -> Vec<f32> {
    let fresh = imported.settings.init(imported.side, 1, device).expect("it was made before");
    let encoder = imported.archive.restore("encoder", fresh).expect("every tensor is there");
    read_back(encoder.forward(shown))
}

const LITE: &str = r#"{"kind": "efficientnet_lite", "pixels": "signed", "size": {"stem": 8, "head": 48, "stages": [
    {"kernel": 3, "stride": 1, "expansion": 1, "outputs": 8, "repeats": 1},
    {"kernel": 3, "stride": 2, "expansion": 6, "outputs": 12, "repeats": 2},
    {"kernel": 5, "stride": 2, "expansion": 6, "outputs": 16, "repeats": 2},
    {"kernel": 5, "stride": 1, "expansion": 6, "outputs": 20, "repeats": 1},
    {"kernel": 3, "stride": 2, "expansion": 6, "outputs": 24, "repeats": 1}]}}"#;

fn with_heads(heads: usize) -> Hints {
    Hints { heads: Some(heads), ..Hints::default() }
}

#[test]
fn convolutional_networks_are_recognised() {
    let lite: EncoderSettings = serde_json::from_str(LITE).expect("settings");
    let lite = Hints { settings: Some(lite), ..Hints::default() };
    for (name, hints, called) in [
        ("resnet18", Hints::default(), "ResNet-18"),
        ("resnet34", Hints::default(), "ResNet-34"),
        ("resnet50", Hints::default(), "ResNet-50"),
        ("mobilenet_v3", Hints::default(), "MobileNetV3-small"),
        ("efficientnet_lite", lite, "EfficientNet-Lite of other numbers"),
    ] {
        let (imported, fixture) = (found(name, &hints), expected(name));
        assert_eq!(imported.name, called);
        let shown = pictures(&fixture, "pictures", &cpu());
        let got = features(&imported, shown, &cpu());
        close(name, &got, &fixture.values("eval.features"), 1e-5);
        assert_eq!(imported.classes, (name != "mobilenet_v3").then_some(5), "{name}");
        let whole = file(name).names().count();
        assert_eq!(imported.taken + imported.left.len(), whole, "{name}: all are counted");
        let counters = |name: &&String| name.ends_with("num_batches_tracked");
        let head = |name: &&String| name.starts_with("classifier.");
        assert!(imported.left.iter().all(|name| counters(&name) || head(&name)), "{name}");
    }
}

/// `ViTForImageClassification` of transformers 5.24 with 2 blocks of 24 and 3 heads, all weights moved.
#[test]
fn hugging_faces_vit_gives_its_features() {
    let error = import(&file("vit_hf"), &with_heads(3), &cpu());
    let error = error.expect_err("pixels are told by nothing");
    assert!(error.code() == "UNTOLD" && error.to_string().contains("pixels"), "{error}");
    let hints = Hints { pixels: Some(Pixels::Signed), ..with_heads(3) };
    let (imported, fixture) = (found("vit_hf", &hints), expected("vit_hf"));
    assert_eq!((imported.prefix.as_str(), imported.side), ("vit.", 32));
    assert_eq!(imported.left, ["classifier.bias", "classifier.weight"]);
    for (grid, side) in [("native", 32), ("6", 48)] {
        let imported = found("vit_hf", &Hints { side: Some(side), ..hints.clone() });
        let shown = pictures(&fixture, &format!("{grid}.pictures"), &cpu());
        let got = features(&imported, shown, &cpu());
        close(grid, &got, &fixture.values(&format!("{grid}.cls")), 1e-5);
    }
}

#[test]
fn transformers_are_recognised_under_all_their_names() {
    let signed = Hints { pixels: Some(Pixels::Signed), ..with_heads(3) };
    for (name, expected_by, hints, rule) in [
        ("vit16", "vit16", signed, "timm"),
        ("dinov2_reg4", "dinov2_reg4", with_heads(3), "timm"),
        ("dinov2_hf", "dinov2", with_heads(2), ""),
    ] {
        let (imported, fixture) = (found(name, &hints), expected(expected_by));
        let shown = |grid: &str| pictures(&fixture, &format!("{grid}.pictures"), &cpu());
        let got = features(&imported, shown("native"), &cpu());
        close(name, &got, &fixture.values("native.cls"), 1e-5);
        let EncoderSettings::Vit { patch, .. } = imported.settings else {
            panic!("{name} is a transformer")
        };
        let side = |grid: usize| Hints { side: Some(grid * patch), ..hints.clone() };
        for grid in [4, 6, 7] {
            let at = format!("{rule}.{grid}.cls");
            if fixture.has(&at) {
                let other = found(name, &side(grid));
                let got = features(&other, shown(&grid.to_string()), &cpu());
                close(&at, &got, &fixture.values(&at), 1e-5);
            }
        }
    }
}

fn refused(file: &Archive, hints: &Hints, said: &[&str]) {
    let error: Error = import(file, hints, &cpu()).expect_err(said[0]);
    let text = error.to_string();
    said.iter().for_each(|words| assert!(text.contains(words), "`{words}` in: {text}"));
}

/// The file with names as `renamed` writes them; those that it drops are gone.
fn renamed(name: &str, renamed: impl Fn(&str) -> Option<String>) -> Archive {
    let mut file = file(name);
    let tensors = std::mem::take(&mut file.file);
    file.file =
        tensors.into_iter().filter_map(|(name, tensor)| Some((renamed(&name)?, tensor))).collect();
    file
}

#[test]
fn what_is_no_encoder_of_kiths_is_refused_with_what_was_seen() {
    let none = Hints::default();
    refused(&Archive::default(), &none, &["no tensors", "ResNet-18"]);
    let keep =
        |gone: &'static str| move |name: &str| (!name.contains(gone)).then(|| name.to_owned());
    refused(
        &renamed("resnet18", keep("layer3.1.bn2.running_var")),
        &none,
        &["looks like a ResNet-18", "no tensor `layer3.1.bn2.running_var`", "[16]"],
    );
    refused(
        &renamed("resnet18", keep("bn1.running_var")),
        &none,
        &["no encoder is recognised", "nearest is a ResNet-18", "`bn1.running_var`"],
    );
    let deeper = |name: &str| Some(name.replace("layer3.1.", "layer3.2."));
    refused(&renamed("resnet18", deeper), &none, &["2, 2, 3, 2 basic blocks", "ResNet-34"]);
    let extra =
        |name: &str| Some(name.replace("layer1.0.bn1.num_batches_tracked", "layer1.0.se.w"));
    refused(&renamed("resnet18", extra), &none, &["1 of its tensors", "`layer1.0.se.w`"]);
    let swapped = |name: &str| {
        Some(match name {
            "layer1.0.conv1.weight" => "layer4.1.conv1.weight".to_owned(),
            "layer4.1.conv1.weight" => "layer1.0.conv1.weight".to_owned(),
            other => other.to_owned(),
        })
    };
    refused(&renamed("resnet18", swapped), &none, &["[32, 32, 3, 3]", "expected [4, 4, 3, 3]"]);
    let named = |name: &str| Hints { architecture: Some(name.into()), ..Hints::default() };
    refused(&file("resnet18"), &named("resnet50"), &["arch = resnet50", "resnet18"]);
    refused(&file("resnet18"), &named("vit_small"), &["arch = vit_small", "ResNet-18"]);
    refused(&file("resnet18"), &with_heads(3), &["heads = 3", "ResNet-18"]);
    import(&file("resnet18"), &named("resnet18.a1_in1k"), &cpu()).expect("timm's own name");
    let gated = |name: &str| Some(name.replace("blocks.0.mlp.fc1", "blocks.0.mlp.w12"));
    refused(&renamed("dinov2_reg4", gated), &with_heads(3), &["SwiGLU"]);
    refused(&file("vit16"), &with_heads(3), &["`pixels` must be given", "augreg"]);
    refused(&file("dinov2_reg4"), &none, &["`heads` must be given", "48"]);
    refused(
        &file("efficientnet_lite"),
        &none,
        &["nearest is lite0", "`blocks.0.0` is a kernel of 3, expansion 1 and 8 outputs"],
    );
}

#[test]
fn no_room_is_made_for_a_network_that_the_file_does_not_hold() {
    const WIDTH: usize = 512;
    let mut wide = file("resnet18");
    // A network of this width has 715 million numbers.
    for (name, shape) in [
        ("conv1.weight", vec![WIDTH, 3, 7, 7]),
        ("layer1.0.conv1.weight", vec![WIDTH, WIDTH, 3, 3]),
        ("layer1.0.conv2.weight", vec![WIDTH, WIDTH, 3, 3]),
    ] {
        let bytes = vec![0; 2 * shape.iter().product::<usize>()];
        let kernel = Encoded::new(Dtype::F16, shape, bytes).expect("two bytes a number");
        wide.file.insert(name.into(), kernel);
    }
    refused(&wide, &Hints::default(), &["looks like a ResNet-18", "`encoder.bn1.weight`", "512"]);
}

#[test]
fn an_encoder_is_found_below_its_prefix_and_beside_a_decoy() {
    let fixture = expected("resnet18");
    let both = |wanted: &'static str, other: &'static str| {
        let mut file = renamed("resnet18", |name| Some(format!("{wanted}{name}")));
        let decoy = renamed("resnet18", |name| Some(format!("{other}{name}")));
        file.file.extend(decoy.file);
        file
    };
    for (wanted, other) in [
        ("module.encoder_q.", "module.encoder_k."),
        ("state_dict.backbone.", "state_dict.momentum_backbone."),
        ("teacher.backbone.", "student.module.backbone."),
    ] {
        let file = both(wanted, other);
        let imported = import(&file, &Hints::default(), &cpu()).expect("a residual network");
        assert_eq!((&*imported.prefix, &*imported.others), (wanted, &[other.to_owned()][..]));
        assert_eq!(imported.classes, None, "what follows is a projection");
        assert_eq!(imported.taken, 100, "the decoy and the counters are left");
        let asked = Hints { prefix: Some(other.trim_end_matches('.').into()), ..Hints::default() };
        let imported = import(&file, &asked, &cpu()).expect("the other one");
        assert_eq!(imported.prefix, other);
        let shown = pictures(&fixture, "pictures", &cpu());
        let got = features(&imported, shown, &cpu());
        close(other, &got, &fixture.values("eval.features"), 1e-5);
    }
    let wrong = Hints { prefix: Some("nowhere".into()), ..Hints::default() };
    refused(&both("a.", "b."), &wrong, &["`nowhere`", "`a.`, `b.`"]);
}
