//! Vision transformers as timm saves them, on kith's encoders: features, gradients, positions.

use kith_core::Device;
use kith_core::encoder::Encoder;
use kith_core::encoder::vit::VisionTransformer;
use kith_tests::network::{
    PICTURES, check_gradients, close, expected, gradients_of, loaded, pictures, read_back,
};
use kith_tests::{cpu, gpu};

/// A transformer of the fixtures.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    settings: &'static str,
    /// Side of its table of positions, and of its patches.
    grid: [usize; 2],
    /// Other grids.
    others: &'static [usize],
}

const CASES: [Case; 2] = [
    Case {
        name: "vit16",
        settings: r#""size": {"dim": 24, "depth": 2, "heads": 3}, "pixels": "signed""#,
        grid: [4, 16],
        others: &[6],
    },
    Case {
        name: "dinov2_reg4",
        settings: r#""size": {"dim": 48, "depth": 3, "heads": 3}, "pixels": "imagenet",
            "registers": 4, "layer_scale": true, "class_position": false"#,
        grid: [5, 14],
        others: &[4, 7],
    },
];

impl Case {
    /// The transformer with some of its tokens as features.
    fn network(&self, pool: &str, device: &Device) -> VisionTransformer {
        let [side, patch] = self.grid;
        let settings = self.settings;
        let settings =
            format!(r#"{{"kind": "vit", "patch": {patch}, {settings}, "pool": "{pool}"}}"#);
        match loaded(self.name, &settings, side * patch, device) {
            Encoder::Vit(network) => network,
            other => panic!("{other:?} is no transformer"),
        }
    }
}

fn transformer_infers(device: &Device, tolerance: f64) {
    for case in CASES {
        let fixture = expected(case.name);
        let grids = case.others.iter().map(|grid| (format!("timm.{grid}"), grid.to_string()));
        let seen: Vec<_> =
            [("native".to_owned(), "native".to_owned())].into_iter().chain(grids).collect();
        for (pool, results) in
            [("cls", &["cls"][..]), ("mean", &["patch_mean"]), ("cls_mean", &["cls", "patch_mean"])]
        {
            let network = case.network(pool, device);
            for (at, seen) in &seen {
                let shown = pictures(&fixture, &format!("{seen}.pictures"), device);
                let features = network.forward(shown);
                let [rows, _] = features.dims();
                let parts = results.iter().map(|part| fixture.values(&format!("{at}.{part}")));
                let expected = joined(rows, &parts.collect::<Vec<_>>());
                close(&format!("{at} {pool}"), &read_back(features), &expected, tolerance);
            }
        }
        let network = case.network("cls", device);
        let shown = pictures(&fixture, "native.pictures", device).narrow(0, 0, 1);
        let embedded = read_back(network.embedded(shown));
        close("embedded", &embedded, &fixture.values("native.tokens.embedded"), tolerance);
        for &grid in case.others {
            let positions = read_back(network.positions([grid, grid]));
            let expected = fixture.values(&format!("timm.{grid}.pos_embed"));
            close("positions", &positions, &expected, tolerance);
        }
    }
}

/// Rows of so many tables of `rows` rows side by side.
fn joined(rows: usize, tables: &[Vec<f32>]) -> Vec<f32> {
    let dim = tables[0].len() / rows;
    (0..rows)
        .flat_map(|row| tables.iter().flat_map(move |table| &table[row * dim..][..dim]))
        .copied()
        .collect()
}

#[test]
fn a_transformer_gives_timms_features_on_cpu() {
    transformer_infers(&cpu(), 1e-5);
}

#[test]
fn a_transformer_gives_timms_features_on_wgpu() {
    transformer_infers(&gpu(), 1e-3);
}

fn transformer_learns(device: &Device, tolerance: f64) {
    for case in CASES {
        let (fixture, device) = (expected(case.name), device.clone().autodiff());
        let network = case.network("cls_mean", &device);
        let features = network.forward(pictures(&fixture, "native.pictures", &device));
        let [count, both] = features.dims();
        let features = features.reshape([count, 2, both / 2]);
        let loss = (features * fixture.tensor::<3>("probe", &device)).sum() / PICTURES as f64;
        close("loss", &read_back(loss.clone()), &fixture.values("native.loss"), tolerance);
        let gradients = loss.backward();
        check_gradients((&fixture, "native.gradient."), &network, &gradients, tolerance);
    }
}

#[test]
fn a_transformer_learns_as_timms_does_on_cpu() {
    transformer_learns(&cpu(), 1e-4);
}

#[test]
fn a_transformer_learns_as_timms_does_on_wgpu() {
    transformer_learns(&gpu(), 1e-3);
}

/// Views of another side teach the same positions.
#[test]
fn gradients_reach_positions_through_their_resampling() {
    let (fixture, device) = (expected("vit16"), cpu().autodiff());
    let (network, [grid, _]) = (CASES[0].network("cls", &device), CASES[0].grid);
    let loss = network.forward(pictures(&fixture, "6.pictures", &device)).square().sum();
    let gradients = loss.backward();
    let found = gradients_of(&network, &gradients);
    let (_, gradient) = found.iter().find(|(name, _)| name == "pos_embed").expect("learnt");
    assert_eq!(gradient.len(), (1 + grid * grid) * 24);
    for (token, gradient) in gradient.chunks(24).enumerate() {
        assert!(gradient.iter().any(|x| x.abs() > 1e-6), "token {token} learns its place");
    }
}
