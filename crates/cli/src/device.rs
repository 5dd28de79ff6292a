//! Which device computes, and why.

use kith_core::device::{Adapter, Kind, Place, gpu};
use kith_core::{Device, DeviceKind, Error, selftest};

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

/// Takes a device. A GPU must first compute a loss and gradients whose values are known: drivers have been
/// seen to skip kernels in silence.
///
/// A software adapter counts as a GPU only when a GPU is asked for by name: on the same processor
/// kith's own CPU path is many times faster.
pub(crate) fn choose(choice: DeviceChoice) -> Result<Chosen, Failure> {
    let able = |adapter: &Adapter| adapter.unusable(Place::Native).is_none();
    let adapters: Vec<Adapter> = match choice {
        DeviceChoice::Cpu => return Ok(cpu("")),
        DeviceChoice::Auto | DeviceChoice::Gpu => {
            adapters().iter().map(Adapter::from).filter(able).collect()
        }
    };
    let real = adapters.iter().find(|adapter| adapter.kind == Kind::Gpu);
    let name = |adapter: &Adapter| format!("{} ({})", adapter.name, adapter.backend);
    let why = match (choice, real, adapters.first()) {
        (_, Some(adapter), _) => name(adapter),
        (DeviceChoice::Gpu, None, Some(adapter)) => format!("{}, which is software", name(adapter)),
        (DeviceChoice::Gpu, None, None) => {
            let reason = "wgpu finds no adapter (Vulkan, Metal or DX12 driver missing?)".into();
            return Err(Failure::NoGpu { reason });
        }
        _ => return Ok(cpu("; no GPU found")),
    };
    let gpu = Chosen { device: Device::wgpu(DeviceKind::DefaultDevice), why };
    let deviation = pollster::block_on(selftest::deviation(&gpu.device));
    trusted(gpu, choice, deviation)
}

/// The CPU, and why it was taken.
fn cpu(because: &str) -> Chosen {
    Chosen { device: Device::flex(), why: format!("CPU, {}{because}", threads()) }
}

/// A GPU whose numbers were so far off, or what is taken in its place.
fn trusted(
    gpu: Chosen,
    choice: DeviceChoice,
    deviation: Result<f64, Error>,
) -> Result<Chosen, Failure> {
    let wrong = match deviation {
        Ok(far) if far <= selftest::TOLERANCE => return Ok(gpu),
        Ok(far) => {
            format!("{} computes wrongly: a test with known values is off by {far:.1e}", gpu.why)
        }
        Err(error) => format!("{} failed a test: {error}", gpu.why),
    };
    match choice {
        DeviceChoice::Gpu => Err(Failure::NoGpu { reason: wrong }),
        DeviceChoice::Auto | DeviceChoice::Cpu => Ok(cpu(&format!("; {wrong}"))),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_that_computes_wrongly_is_not_taken() {
        let verdict = |choice, far| {
            let gpu = Chosen { device: Device::flex(), why: "Card (Vulkan)".into() };
            trusted(gpu, choice, far).map(|chosen| chosen.why)
        };
        assert_eq!(verdict(DeviceChoice::Auto, Ok(1e-6)).unwrap(), "Card (Vulkan)");
        for far in [0.5, f64::INFINITY, f64::NAN] {
            let why = verdict(DeviceChoice::Auto, Ok(far)).unwrap();
            assert!(
                why.starts_with("CPU, ") && why.contains("Card (Vulkan) computes wrongly"),
                "{why}"
            );
            let failure =
                verdict(DeviceChoice::Gpu, Ok(far)).expect_err("it was asked for by name");
            assert_eq!(failure.code(), "NO_GPU");
        }
        let why =
            verdict(DeviceChoice::Auto, Err(Error::Device { reason: "lost".into() })).unwrap();
        assert!(why.contains("failed a test"), "{why}");
    }
}
