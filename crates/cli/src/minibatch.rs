//! Linear evaluation in small batches, beside the report's own, where a recipe asks for it.

use kith_core::Device;
use kith_core::encoder::Encoder;
use kith_core::probe::LinearProtocol;
use kith_core::probe::confusion::Confusion;
use kith_core::probe::minibatch::MinibatchSettings;
use kith_core::recipe::Recipe;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::material::Material;
use crate::offline;
use crate::report::Table;
use crate::story::percent;

/// Shares of test pictures told right by a classifier trained in small batches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Minibatch {
    pub(crate) random: f64,
    pub(crate) last: f64,
}

/// Of one encoder; none without labels, or where the recipe does not ask.
pub(crate) fn accuracy(
    encoder: &Encoder,
    (recipe, material): (&Recipe, &Material),
    seed: u64,
    device: &Device,
) -> Result<Option<f64>, Failure> {
    let asked = recipe.evaluation.linear == LinearProtocol::Minibatch;
    let labels = (material.labelled.labels(), material.test.labels());
    let (true, (Some(labels), Some(truth))) = (asked, labels) else { return Ok(None) };
    if truth.is_empty() || labels.is_empty() {
        return Ok(None);
    }
    let classes = material.classes();
    let features = offline::embed(encoder, &material.labelled, device)?;
    let settings = MinibatchSettings::default();
    let probe = settings.fit((&features, labels), classes, seed, device)?;
    let asked = offline::embed(encoder, &material.test, device)?;
    let predicted = pollster::block_on(probe.predict(&asked))?;
    Ok(Some(Confusion::count(classes, truth, &predicted).accuracy()))
}

impl Minibatch {
    /// For people who read a report.
    pub(crate) fn table(self) -> Table {
        let MinibatchSettings { epochs, batch, rate } = MinibatchSettings::default();
        let row = |name: &str, share: f64| vec![name.to_owned(), percent(share)];
        Table {
            title: format!(
                "Linear evaluation as in relational reasoning's paper: Adam at {rate}, {epochs} \
                 epochs of batches of {batch}"
            ),
            header: vec!["encoder".into(), "test accuracy".into()],
            rows: vec![row("random", self.random), row("pre-trained, last", self.last)],
        }
    }

    /// For scripts.
    pub(crate) fn to_json(self) -> Value {
        json!({ "random": self.random, "last": self.last })
    }
}
