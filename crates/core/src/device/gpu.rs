//! GPUs through wgpu: finding adapters, opening one, and watching what becomes of it.

use std::sync::{Arc, Mutex};

use burn::tensor::Device;
use burn::tensor::wgpu::wgpu::{self, Backends, DeviceType, Instance, InstanceDescriptor};
use burn::tensor::wgpu::{WgpuInitError, WgpuOptions};

use super::{Adapter, FallbackReason, Kind};

/// All adapters that wgpu finds, GPUs first.
pub async fn adapters() -> Vec<wgpu::Adapter> {
    let mut wanted = InstanceDescriptor::new_without_display_handle();
    wanted.backends = Backends::PRIMARY;
    let mut adapters = Instance::new(wanted).enumerate_adapters(Backends::PRIMARY).await;
    adapters.sort_by_key(|adapter| kind(adapter.get_info().device_type) != Kind::Gpu);
    adapters
}

fn kind(kind: DeviceType) -> Kind {
    match kind {
        DeviceType::DiscreteGpu | DeviceType::IntegratedGpu | DeviceType::VirtualGpu => Kind::Gpu,
        DeviceType::Cpu => Kind::Software,
        DeviceType::Other => Kind::Unknown,
    }
}

impl From<&wgpu::Adapter> for Adapter {
    fn from(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let features = adapter.features();
        let known = [("timestamp-query", wgpu::Features::TIMESTAMP_QUERY)];
        let has = |&(name, feature)| features.contains(feature).then(|| String::from(name));
        Self {
            kind: kind(info.device_type),
            name: info.name,
            backend: info.backend.to_string(),
            driver: info.driver,
            storage_buffer: adapter.limits().max_storage_buffer_binding_size,
            features: known.iter().filter_map(has).collect(),
        }
    }
}

/// A device that was opened, and what is known of it since.
#[derive(Debug)]
pub struct Opened {
    /// The device, without autodiff.
    pub device: Device,
    /// What it is.
    pub adapter: Adapter,
    /// What becomes of it.
    pub health: Health,
}

/// Opens what `options` ask for. `on_error` is told of everything that the GPU refuses, which
/// [`Health::take_errors`] has, too.
///
/// # Errors
/// Why there is no device, and what the driver or the browser said.
pub async fn open(
    options: WgpuOptions,
    on_error: fn(&str),
) -> Result<Opened, (FallbackReason, String)> {
    let (device, setup) = options.init_with_setup_async().await.map_err(|error| {
        let reason = match error {
            WgpuInitError::AdapterUnavailable { .. } => FallbackReason::AdapterNull,
            _ => FallbackReason::DeviceRequestFailed,
        };
        (reason, error.to_string())
    })?;
    let health = Health::watch(&setup.device, on_error);
    Ok(Opened { device, adapter: Adapter::from(&setup.adapter), health })
}

/// What has become of a device since it was opened.
#[derive(Clone, Debug, Default)]
pub struct Health {
    lost: Arc<Mutex<Option<String>>>,
    errors: Arc<Mutex<Vec<String>>>,
}

/// Nothing that holds a lock of [`Health`] can panic.
const UNPOISONED: &str = "a word is stored without a panic";

impl Health {
    fn watch(device: &wgpu::Device, on_error: fn(&str)) -> Self {
        let health = Self::default();
        let (lost, errors) = (health.lost.clone(), health.errors.clone());
        device.set_device_lost_callback(move |reason, message| {
            let said = format!("{reason:?}: {message}");
            lost.lock().expect(UNPOISONED).get_or_insert(said);
        });
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let said = error.to_string();
            on_error(&said);
            errors.lock().expect(UNPOISONED).push(said);
        }));
        health
    }

    /// Why the device was lost, if it was.
    pub fn lost(&self) -> Option<String> {
        self.lost.lock().expect(UNPOISONED).clone()
    }

    /// What the GPU refused since the last call.
    pub fn take_errors(&self) -> Vec<String> {
        core::mem::take(&mut *self.errors.lock().expect(UNPOISONED))
    }
}
