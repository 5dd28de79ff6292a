//! Which device computes, and why.

use kith_core::device::{Adapter, Kind, Place, gpu};
use kith_core::{Device, DeviceKind};

use crate::args::DeviceChoice;
use crate::failure::Failure;

/// A device with its name.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) device: Device,
    /// What it is and why it was taken, for people.
    pub(crate) why: String,
}

/// A device, and the seed of what is drawn on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seeded<'a> {
    pub(crate) device: &'a Device,
    pub(crate) seed: u64,
}

impl Chosen {
    /// With a seed of what is drawn.
    pub(crate) fn seeded(&self, seed: u64) -> Seeded<'_> {
        Seeded { device: &self.device, seed }
    }
}

/// Takes a device.
///
/// A software adapter counts as a GPU only when a GPU is asked for by name: on the same processor
/// kith's own CPU path is many times faster.
pub(crate) fn choose(choice: DeviceChoice) -> Result<Chosen, Failure> {
    let cpu = |why: String| Chosen { device: Device::flex(), why };
    if choice == DeviceChoice::Cpu {
        return Ok(cpu(format!("CPU, {}", threads())));
    }
    let able = |adapter: &Adapter| adapter.unusable(Place::Native).is_none();
    let adapters: Vec<Adapter> = adapters().iter().map(Adapter::from).filter(able).collect();
    let real = adapters.iter().find(|adapter| adapter.kind == Kind::Gpu);
    let name = |adapter: &Adapter| format!("{} ({})", adapter.name, adapter.backend);
    match (choice, real, adapters.first()) {
        (_, Some(adapter), _) => {
            Ok(Chosen { device: Device::wgpu(DeviceKind::DefaultDevice), why: name(adapter) })
        }
        (DeviceChoice::Gpu, None, Some(adapter)) => Ok(Chosen {
            device: Device::wgpu(DeviceKind::DefaultDevice),
            why: format!("{}, which is software", name(adapter)),
        }),
        (DeviceChoice::Gpu, None, None) => {
            let reason = "wgpu finds no adapter (Vulkan, Metal or DX12 driver missing?)".into();
            Err(Failure::NoGpu { reason })
        }
        _ => Ok(cpu(format!("CPU, {}; no GPU found", threads()))),
    }
}

/// All adapters that wgpu finds, GPUs first.
pub(crate) fn adapters() -> Vec<wgpu::Adapter> {
    pollster::block_on(gpu::adapters())
}

/// Threads that the CPU path computes on, in words.
pub(crate) fn threads() -> String {
    match rayon::current_num_threads() {
        1 => "1 thread".into(),
        n => format!("{n} threads"),
    }
}
