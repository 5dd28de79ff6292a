//! Measures and clusters of embeddings, which need no labels.

use js_sys::{Float32Array, Uint32Array};
use kith_core::probe::geometry::spread;
use kith_core::probe::k_means::KMeans;
use kith_core::probe::rank_me::rank_me;
use kith_core::probe::sphere::uniformity;
use serde::Serialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use crate::convert::{arrays, features, floats, object};
use crate::engine::Engine;
use crate::fail::{Result, from_core};

/// How embeddings lie in space.
#[derive(Debug, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Measures {
    /// `RankMe`: how many dimensions they really use, from 1 to their number; higher is better.
    rank_me: f64,
    /// How evenly they lie apart on the unit sphere, from 0 (all in one place) to about -4; lower is
    /// better.
    uniformity: f64,
    /// How much they vary, from 0 (collapse) to 1 (in all directions alike); higher is better.
    spread: f64,
}

/// What k-means found.
#[derive(Debug, Serialize, Tsify)]
pub struct Clusters {
    /// The cluster of each row.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "Uint32Array")]
    assignments: Uint32Array,
    /// The mean of each cluster, `[clusters, dim]`.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "Float32Array")]
    centres: Float32Array,
    /// Sum of the squared distances of all rows to their cluster's mean.
    inertia: f64,
}

#[wasm_bindgen]
impl Engine {
    /// Measures rows, `[n, dim]`.
    ///
    /// # Errors
    /// `DIMENSION` when the numbers do not make rows, `TOO_FEW` for fewer than two, `DEVICE`.
    pub async fn measures(&self, rows: Vec<f32>, dim: usize) -> Result<Ts<Measures>> {
        let rows = features(rows, dim)?;
        let uniformity = uniformity(&rows).map_err(from_core)?;
        let spread = spread(&rows, self.device()).await.map_err(from_core)?;
        object(&Measures { rank_me: rank_me(&rows), uniformity, spread })
    }
}

/// Clusters of rows, `[n, dim]`, by Euclidean distance; the same seed finds the same.
///
/// # Errors
/// `DIMENSION` when the numbers do not make rows, `SETTING` for no clusters, `TOO_FEW` for fewer rows
/// than clusters.
#[wasm_bindgen(js_name = kMeans)]
pub fn k_means(rows: Vec<f32>, dim: usize, clusters: usize, seed: f64) -> Result<Ts<Clusters>> {
    let found = KMeans::new(clusters).fit(&features(rows, dim)?, seed as u64).map_err(from_core)?;
    let assignments: Vec<u32> = found.assignments.iter().map(|&cluster| cluster as u32).collect();
    arrays(&Clusters {
        assignments: Uint32Array::from(assignments.as_slice()),
        centres: floats(&found.centres.values),
        inertia: found.inertia,
    })
}
