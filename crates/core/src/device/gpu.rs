//! GPUs through wgpu: finding adapters, opening one, and watching what becomes of it.

use std::sync::{Arc, Mutex};

use burn::tensor::wgpu::wgpu::{self, Backend, Backends, DeviceType, Instance, InstanceDescriptor};
use burn::tensor::wgpu::{WgpuInitError, WgpuOptions};
use burn::tensor::{Device, DeviceKind};

use super::{Adapter, FallbackReason, Kind};

/// All adapters that wgpu finds, GPUs first, cards of their own before others.
pub async fn adapters() -> Vec<wgpu::Adapter> {
    let mut wanted = InstanceDescriptor::new_without_display_handle();
    wanted.backends = Backends::PRIMARY;
    let mut adapters = Instance::new(wanted).enumerate_adapters(Backends::PRIMARY).await;
    adapters.sort_by_key(|adapter| rank(adapter.get_info().device_type));
    adapters
}

fn rank(device: DeviceType) -> u8 {
    match device {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 4,
    }
}

/// The name under which burn opens each of such [`adapters`]; none for those that it does not tell apart,
/// or that are there once more under another graphics API than the one that burn takes.
pub fn kinds(adapters: &[wgpu::Adapter]) -> Vec<Option<DeviceKind>> {
    let said = |adapter: &wgpu::Adapter| {
        let info = adapter.get_info();
        (info.backend, info.device_type)
    };
    named(&adapters.iter().map(said).collect::<Vec<_>>())
}

/// burn takes the first graphics API that has a GPU, else the first that has anything (cubecl-wgpu's
/// `settle`), and counts adapters of a kind there; of software it knows one.
fn named(adapters: &[(Backend, DeviceType)]) -> Vec<Option<DeviceKind>> {
    const APIS: [Backend; 3] = [Backend::Metal, Backend::Vulkan, Backend::Dx12];
    let has = |api: &Backend, software: bool| {
        adapters.iter().any(|(own, device)| own == api && (software || *device != DeviceType::Cpu))
    };
    let api =
        [false, true].into_iter().find_map(|software| APIS.iter().find(|api| has(api, software)));
    let is_gpu =
        |other: &&(Backend, DeviceType)| Some(&other.0) == api && other.1 != DeviceType::Cpu;
    let gpus = adapters.iter().filter(is_gpu).count();
    let named = |(place, (own, device)): (usize, &(Backend, DeviceType))| {
        let before = adapters[..place].iter().filter(|other| **other == (*own, *device)).count();
        match device {
            _ if Some(own) != api => None,
            DeviceType::DiscreteGpu => Some(DeviceKind::DiscreteGpu(before)),
            DeviceType::IntegratedGpu => Some(DeviceKind::IntegratedGpu(before)),
            DeviceType::VirtualGpu => Some(DeviceKind::VirtualGpu(before)),
            DeviceType::Cpu => (before == 0).then_some(DeviceKind::Cpu),
            // burn has no name for it, but takes it where there is no other.
            DeviceType::Other => (gpus == 1).then_some(DeviceKind::DefaultDevice),
        }
    };
    adapters.iter().enumerate().map(named).collect()
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

/// How `on_error` is told of a device that was lost.
pub const LOST: &str = "the GPU was lost";

/// Opens a GPU in a program of its own. What it refuses is an error where its numbers are read; before, `on_error`
/// is told of what the driver said, which that error may have no word of.
///
/// # Errors
/// What the driver said where it gives no device.
#[cfg(not(target_family = "wasm"))]
pub fn open_here(kind: DeviceKind, on_error: fn(&str)) -> Result<Device, String> {
    let options = Device::wgpu_options().device_kind(kind.clone());
    match options.init_with_setup() {
        Ok((device, setup)) => {
            setup.device.set_device_lost_callback(move |reason, message| {
                on_error(&format!("{LOST}, {reason:?}: {message}"));
            });
            setup.device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
                let said = error.to_string();
                on_error(&said);
                // As a panic does, it ends what cubecl was about to compute, which makes an error of it;
                // nothing is printed.
                std::panic::resume_unwind(Box::new(said));
            }));
            Ok(device)
        }
        // It was opened before.
        Err(WgpuInitError::Registration { .. }) => Ok(Device::wgpu(kind)),
        Err(error) => Err(error.to_string()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapters_have_the_names_that_burn_gives_them() {
        use Backend::{Dx12, Metal, Vulkan};
        use DeviceType::{Cpu, DiscreteGpu, IntegratedGpu, Other};
        let two_apis = [(Vulkan, DiscreteGpu), (Dx12, DiscreteGpu), (Vulkan, DiscreteGpu)];
        let [first, second] = [0, 1].map(DeviceKind::DiscreteGpu).map(Some);
        assert_eq!(named(&two_apis), [first.clone(), None, second]);
        let mixed = [(Vulkan, DiscreteGpu), (Vulkan, IntegratedGpu), (Vulkan, Cpu), (Vulkan, Cpu)];
        let integrated = Some(DeviceKind::IntegratedGpu(0));
        assert_eq!(named(&mixed), [first.clone(), integrated.clone(), Some(DeviceKind::Cpu), None]);
        assert_eq!(named(&[(Vulkan, Cpu)]), [Some(DeviceKind::Cpu)]);
        assert_eq!(
            named(&[(Dx12, DiscreteGpu), (Vulkan, Cpu)]),
            [first, None],
            "a GPU counts more"
        );
        assert_eq!(named(&[(Metal, IntegratedGpu), (Vulkan, Cpu)]), [integrated, None]);
        assert_eq!(named(&[(Vulkan, Other), (Vulkan, Cpu)])[0], Some(DeviceKind::DefaultDevice));
        assert_eq!(named(&[(Vulkan, IntegratedGpu), (Vulkan, Other)])[1], None);
    }
}
