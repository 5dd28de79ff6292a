//! Features on the device, to be searched.

use tsify::Ts;
use wasm_bindgen::prelude::*;

use crate::convert::{Found, arrays, features};
use crate::engine::Engine;
use crate::fail::{Result, from_core};

/// Features on the device, compared by cosine.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Bank(kith_core::probe::knn::Bank);

#[wasm_bindgen]
impl Engine {
    /// Uploads rows, `[n, dim]`.
    ///
    /// # Errors
    /// `DIMENSION` when the numbers do not make rows, `TOO_FEW` without any.
    pub fn bank(&self, rows: Vec<f32>, dim: usize) -> Result<Bank> {
        let rows = features(rows, dim)?;
        let bank = kith_core::probe::knn::Bank::new(&rows, self.device());
        Ok(Bank(bank.map_err(from_core)?))
    }
}

#[wasm_bindgen]
impl Bank {
    /// The `k` nearest rows of queries `[q, dim]`, nearest first; exact.
    ///
    /// # Errors
    /// `DIMENSION`, `TOO_FEW`, `DEVICE`.
    pub async fn nearest(&self, queries: Vec<f32>, k: usize) -> Result<Ts<Found>> {
        let queries = features(queries, self.0.dim())?;
        arrays(&Found::from(&self.0.nearest(&queries, k).await.map_err(from_core)?))
    }
}
