//! The device that computes.

use kith_core::device::Requirements;
use kith_core::{Device, selftest};
use tsify::Ts;
use wasm_bindgen::prelude::*;

use crate::convert::object;
use crate::fail::{Result, from_core};

#[cfg(not(feature = "gpu"))]
mod cpu;
#[cfg(feature = "gpu")]
mod gpu;

#[cfg(not(feature = "gpu"))]
use cpu as platform;
#[cfg(feature = "gpu")]
use gpu as platform;
use platform::Health;

/// The device that computes, and what has become of it.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Engine {
    device: Device,
    health: Health,
}

impl Engine {
    /// The device, without autodiff.
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }
}

#[wasm_bindgen]
impl Engine {
    /// Opens the device. Once an instance.
    ///
    /// # Errors
    /// `NO_ADAPTER` or `DEVICE_REQUEST` without a usable GPU.
    pub async fn open() -> Result<Self> {
        let (device, health) = platform::open().await?;
        Ok(Self { device, health })
    }

    /// Why the device was lost, if it was.
    #[wasm_bindgen(getter)]
    pub fn lost(&self) -> Option<String> {
        self.health.lost()
    }

    /// What the GPU refused since the last call.
    #[wasm_bindgen(js_name = takeErrors)]
    pub fn take_errors(&self) -> Vec<String> {
        self.health.take_errors()
    }

    /// The largest relative deviation of a tiny pass forward from numbers known beforehand.
    ///
    /// # Errors
    /// `DEVICE` when the device fails outright.
    #[wasm_bindgen(js_name = testInference)]
    pub async fn test_inference(&self) -> Result<f64> {
        selftest::inference(&self.device).await.map_err(from_core)
    }

    /// The same of a pass forward and one backward, for which a GPU compiles three times as much.
    ///
    /// # Errors
    /// `DEVICE` when the device fails outright.
    #[wasm_bindgen(js_name = testTraining)]
    pub async fn test_training(&self) -> Result<f64> {
        selftest::training(&self.device).await.map_err(from_core)
    }
}

/// What an adapter must offer, which the build of the package writes into the page's scripts.
///
/// # Errors
/// None that a caller can cause.
#[wasm_bindgen]
pub fn requirements() -> Result<Ts<Requirements>> {
    object(&Requirements::default())
}

/// A deviation of [`Engine::test_inference`] or [`Engine::test_training`] above this means wrong numbers.
#[wasm_bindgen]
pub fn tolerance() -> f64 {
    selftest::TOLERANCE
}
