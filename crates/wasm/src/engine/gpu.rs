//! WebGPU: opened with all that the adapter allows, watched for loss and refused work.

use std::sync::{Arc, Mutex};

use burn::tensor::wgpu::{WgpuInitError, wgpu};
use kith_core::Device;
use wasm_bindgen::JsValue;

use crate::fail::{Result, failure};

/// What the browser has said of the device since it was opened.
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    lost: Arc<Mutex<Option<String>>>,
    errors: Arc<Mutex<Vec<String>>>,
}

/// One thread: nobody else can have left it poisoned.
const ALONE: &str = "a page's engine has one thread";

impl Health {
    pub(super) async fn open() -> Result<(Device, Self)> {
        let opened = Device::wgpu_options().init_with_setup_async().await;
        let (device, setup) = opened.map_err(|error| refused(&error))?;
        let health = Self::default();
        let (lost, errors) = (health.lost.clone(), health.errors.clone());
        setup.device.set_device_lost_callback(move |reason, message| {
            let said = format!("{reason:?}: {message}");
            lost.lock().expect(ALONE).get_or_insert(said);
        });
        setup.device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            log::error!("{error}");
            errors.lock().expect(ALONE).push(error.to_string());
        }));
        Ok((device, health))
    }

    pub(super) fn lost(&self) -> Option<String> {
        self.lost.lock().expect(ALONE).clone()
    }

    pub(super) fn take_errors(&self) -> Vec<String> {
        core::mem::take(&mut *self.errors.lock().expect(ALONE))
    }
}

fn refused(error: &WgpuInitError) -> JsValue {
    let code = match error {
        WgpuInitError::AdapterUnavailable { .. } => "NO_ADAPTER",
        _ => "DEVICE_REQUEST",
    };
    failure(code, &error.to_string())
}
