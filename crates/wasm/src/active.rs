//! Which pictures to label next, and what their labels say of the others.

use js_sys::Float32Array;
use kith_core::Device;
use kith_core::active::{Graph, Pool, Propagation, Proposal, Rule, propose};
use kith_core::probe::Features;
use serde::{Deserialize, Serialize};
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use crate::convert::{arrays, features, floats, from_object, object};
use crate::engine::Engine;
use crate::fail::{Result, from_core};

/// Pictures to label, with their nearest neighbours.
#[wasm_bindgen]
#[derive(Debug)]
pub struct LabelPool {
    features: Features,
    graph: Graph,
    device: Device,
}

/// What is asked for.
#[derive(Debug, Deserialize, Tsify)]
#[serde(deny_unknown_fields)]
pub struct ProposeOptions {
    /// By which rule.
    rule: Rule,
    /// So many at most.
    count: usize,
    /// Decides for the rule `random`.
    seed: u64,
}

/// Proposals, the most wanted first.
#[derive(Debug, Serialize, Tsify)]
pub struct Proposals {
    /// Pictures with reasons.
    proposals: Vec<Proposal>,
}

/// Labels that have spread.
#[derive(Debug, Serialize, Tsify)]
pub struct SpreadLabels {
    /// Shares of the classes, `[n, classes]`; a row is 0 where no label arrived.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "Float32Array")]
    shares: Float32Array,
    /// How sure each is, in [0, 1].
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "Float32Array")]
    certainties: Float32Array,
}

#[wasm_bindgen]
impl Engine {
    /// Pictures by their features, `[n, dim]`, joined with their nearest neighbours.
    ///
    /// # Errors
    /// `DIMENSION`, `TOO_FEW`, `DEVICE`.
    #[wasm_bindgen(js_name = labelPool)]
    pub async fn label_pool(
        &self,
        rows: Vec<f32>,
        dim: usize,
        neighbours: usize,
    ) -> Result<LabelPool> {
        let features = features(rows, dim)?;
        let device = self.device().clone();
        let graph = Graph::of(&features, neighbours, &device).await.map_err(from_core)?;
        Ok(LabelPool { features, graph, device })
    }
}

#[wasm_bindgen]
impl LabelPool {
    /// Pictures to label next: of those that are open, where others are labelled. `shares` are a probe's,
    /// `[n, classes]`; none where there is no probe.
    ///
    /// # Errors
    /// `TOO_FEW` without a probe for the rule `uncertain`, `DIMENSION`, `DEVICE`.
    pub async fn propose(
        &self,
        labelled: &[u32],
        open: &[u32],
        shares: Vec<f32>,
        options: Ts<ProposeOptions>,
    ) -> Result<Ts<Proposals>> {
        let ProposeOptions { rule, count, seed } = from_object(&options)?;
        let [labelled, open] = [labelled, open].map(places);
        let pool = Pool {
            features: &self.features,
            graph: &self.graph,
            labelled: &labelled,
            open: &open,
            probabilities: &shares,
        };
        let proposals = propose(rule, pool, count, seed, &self.device).await;
        object(&Proposals { proposals: proposals.map_err(from_core)? })
    }

    /// Labels of the pictures at these places, spread over all.
    ///
    /// # Errors
    /// `TOO_FEW` without labels.
    pub fn spread(
        &self,
        labelled: &[u32],
        labels: &[u16],
        classes: usize,
    ) -> Result<Ts<SpreadLabels>> {
        let given: Vec<(usize, u16)> =
            places(labelled).into_iter().zip(labels.iter().copied()).collect();
        let spread = Propagation::default().run(&self.graph, &given, classes).map_err(from_core)?;
        let certainties = spread.certainties();
        arrays(&SpreadLabels { shares: floats(&spread.shares), certainties: floats(&certainties) })
    }
}

fn places(numbers: &[u32]) -> Vec<usize> {
    numbers.iter().map(|&place| place as usize).collect()
}
