//! Which device computes, and why.

use kith_core::device::{Adapter, Kind, Place, gpu};
use kith_core::method::parts::PartDevice;
use kith_core::precision::TrainingPrecision;
use kith_core::{Device, DeviceKind, Error, selftest};

use crate::args::{DeviceChoice, DeviceChoices};
use crate::failure::{DeviceError, Failure};
use crate::refused;
use crate::remote;

/// A device with its name.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) device: Device,
    /// Where parts of each batch go through the encoder.
    pub(crate) parts_on: Vec<PartDevice>,
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
    /// A device of this machine alone.
    fn here(device: Device, why: String) -> Self {
        Self { parts_on: vec![PartDevice::Local(device.clone())], device, why }
    }

    /// Whether its devices of this machine compute in a precision what they should.
    pub(crate) fn able(&self, precision: TrainingPrecision) -> Result<(), Error> {
        let local = |part: &PartDevice| match part {
            PartDevice::Local(device) => Some(device.clone()),
            PartDevice::Remote(_) => None,
        };
        let mut devices = self.parts_on.iter().filter_map(local);
        devices.try_for_each(|device| pollster::block_on(selftest::precision(precision, &device)))
    }

    /// Whether a CPU of this machine computes an encoder's work.
    pub(crate) fn encodes_on_cpu(&self) -> bool {
        self.parts_on.contains(&PartDevice::Local(Device::flex()))
    }

    /// With a seed of what is drawn.
    pub(crate) fn seeded(&self, seed: u64) -> Seeded<'_> {
        Seeded { device: &self.device, seed }
    }
}

/// Takes the devices. A GPU must first compute a loss and gradients whose values are known: drivers have
/// been seen to skip kernels in silence.
///
/// A software adapter counts as a GPU only when a GPU is asked for by name: on the same processor
/// kith's own CPU path is many times faster.
pub(crate) fn choose(choices: &DeviceChoices) -> Result<Chosen, Failure> {
    let all = choices.0.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    together(all, choices)
}

/// Devices as one choice. The first of this machine has all of a run but what is computed in parts; without
/// any the CPU has it.
fn together(all: Vec<Chosen>, choices: &DeviceChoices) -> Result<Chosen, Failure> {
    let is_here = |one: &&Chosen| matches!(one.parts_on[..], [PartDevice::Local(_)]);
    let first = all.iter().find(is_here).cloned();
    let has_parts = first.is_some();
    let home = first.unwrap_or_else(|| cpu(""));
    let mut parts_on: Vec<PartDevice> = Vec::new();
    for one in &all {
        for device in &one.parts_on {
            if parts_on.contains(device) {
                let (what, got) = ("list of devices", choices.to_string());
                let expected = format!("each device once; two of these are {}", one.why);
                return Err(Failure::Unknown { what, got, expected });
            }
            parts_on.push(device.clone());
        }
    }
    let names: Vec<&str> = all.iter().map(|one| one.why.as_str()).collect();
    let names = names.join(" + ");
    let why = if has_parts { names } else { format!("{}, the encoder on {names}", home.why) };
    Ok(Chosen { device: home.device, parts_on, why })
}

/// Takes a device.
fn one(choice: &DeviceChoice) -> Result<Chosen, Failure> {
    let numbered = match choice {
        DeviceChoice::Cpu => return Ok(cpu("")),
        DeviceChoice::Remote(address) => {
            let remote = remote::connect(address)?;
            let why = format!("{address} ({})", remote.device());
            return Ok(Chosen { parts_on: vec![PartDevice::Remote(remote)], why, ..cpu("") });
        }
        _ => numbered(&adapters()),
    };
    let able = |(adapter, _): &&(Adapter, DeviceKind)| adapter.unusable(Place::Native).is_none();
    let no_gpu = |reason: &str| {
        let (asked, reason) = (choice.to_string(), reason.to_owned());
        Failure::from(DeviceError::NoGpu { asked, reason })
    };
    let found = match choice {
        DeviceChoice::Numbered(number) => {
            let found = numbered.get(*number).ok_or_else(|| unknown(*number, &numbered))?;
            Some(found).filter(able).ok_or_else(|| no_gpu("its buffers hold too little"))?
        }
        _ => match numbered.iter().find(able) {
            Some(first) if *choice == DeviceChoice::Gpu || first.0.kind == Kind::Gpu => first,
            _ if *choice == DeviceChoice::Auto => return Ok(cpu("; no GPU found")),
            _ => {
                return Err(no_gpu(
                    "wgpu finds no adapter (Vulkan, Metal or DX12 driver missing?)",
                ));
            }
        },
    };
    let (adapter, kind) = found;
    let software = if adapter.kind == Kind::Gpu { "" } else { ", which is software" };
    let why = format!("{} ({}){software}", adapter.name, adapter.backend);
    let opened = match gpu::open_here(kind.clone(), refused::hear) {
        Ok(opened) => opened,
        Err(said) => return in_its_place(choice, &format!("{why} cannot be opened: {said}")),
    };
    let gpu = Chosen::here(opened, why);
    let deviation = pollster::block_on(selftest::training(&gpu.device));
    trusted(gpu, choice, deviation)
}

/// The adapters that can be taken, in the order of their numbers, with what burn calls each.
fn numbered(adapters: &[wgpu::Adapter]) -> Vec<(Adapter, DeviceKind)> {
    let pairs = adapters.iter().zip(gpu::kinds(adapters));
    pairs.filter_map(|(adapter, kind)| Some((Adapter::from(adapter), kind?))).collect()
}

/// The names by which adapters are taken, as in gpu:0; none of those that cannot be.
pub(crate) fn names(adapters: &[wgpu::Adapter]) -> Vec<Option<String>> {
    let mut numbers = 0..;
    let mut name = |_| numbers.next().map(|number| DeviceChoice::Numbered(number).to_string());
    gpu::kinds(adapters).into_iter().map(|kind| kind.and_then(&mut name)).collect()
}

fn unknown(number: usize, numbered: &[(Adapter, DeviceKind)]) -> Failure {
    let name = |(number, (adapter, _)): (usize, &(Adapter, DeviceKind))| {
        format!("{} ({})", DeviceChoice::Numbered(number), adapter.name)
    };
    let names: Vec<String> = numbered.iter().enumerate().map(name).collect();
    let expected = match names.as_slice() {
        [] => "cpu, as wgpu finds no GPU on this machine".into(),
        _ => format!("{}, as `kith doctor` lists them, or cpu", names.join(", ")),
    };
    Failure::Unknown { what: "device", got: DeviceChoice::Numbered(number).to_string(), expected }
}

/// The CPU, and why it was taken.
fn cpu(because: &str) -> Chosen {
    let why = format!("CPU, {}{because}", threads());
    Chosen::here(Device::flex(), why)
}

/// A GPU whose numbers were so far off, or what is taken in its place.
fn trusted(
    gpu: Chosen,
    choice: &DeviceChoice,
    deviation: Result<f64, Error>,
) -> Result<Chosen, Failure> {
    let wrong = match deviation {
        Ok(far) if far <= selftest::TOLERANCE => return Ok(gpu),
        Ok(far) => {
            format!("{} computes wrongly: a test with known values is off by {far:.1e}", gpu.why)
        }
        Err(error) => match refused::told(error) {
            Error::DeviceMemory { reason } => {
                format!("{} has no memory for a test ({reason}): others may hold it", gpu.why)
            }
            error => format!("{} failed a test: {error}", gpu.why),
        },
    };
    in_its_place(choice, &wrong)
}

/// What is taken where something is wrong with a GPU; only the choice that is left to kith has another.
fn in_its_place(choice: &DeviceChoice, wrong: &str) -> Result<Chosen, Failure> {
    match choice {
        DeviceChoice::Auto | DeviceChoice::Cpu => Ok(cpu(&format!("; {wrong}"))),
        named => {
            Err(DeviceError::NoGpu { asked: named.to_string(), reason: wrong.to_owned() }.into())
        }
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
            let gpu = Chosen::here(Device::flex(), "Card (Vulkan)".into());
            trusted(gpu, &choice, far).map(|chosen| chosen.why)
        };
        assert_eq!(verdict(DeviceChoice::Auto, Ok(1e-6)).unwrap(), "Card (Vulkan)");
        for far in [0.5, f64::INFINITY, f64::NAN] {
            let why = verdict(DeviceChoice::Auto, Ok(far)).unwrap();
            assert!(
                why.starts_with("CPU, ") && why.contains("Card (Vulkan) computes wrongly"),
                "{why}"
            );
            let failure =
                verdict(DeviceChoice::Numbered(1), Ok(far)).expect_err("it was asked for by name");
            assert_eq!(failure.code(), "NO_GPU");
            assert!(failure.to_string().contains("--device gpu:1, but"), "{failure}");
        }
        let why =
            verdict(DeviceChoice::Auto, Err(Error::Device { reason: "lost".into() })).unwrap();
        assert!(why.contains("failed a test"), "{why}");
        let full = Error::DeviceMemory { reason: "Out of Memory".into() };
        let why = verdict(DeviceChoice::Auto, Err(full)).unwrap();
        assert!(why.contains("has no memory for a test (Out of Memory)"), "{why}");
    }

    #[test]
    fn a_device_that_is_there_twice_is_refused() {
        let choices: DeviceChoices = "gpu,gpu:0".parse().unwrap();
        let refused = together(vec![cpu(""), cpu("")], &choices).expect_err("both are one");
        assert_eq!(refused.code(), "UNKNOWN");
        assert!(refused.to_string().contains("gpu,gpu:0"), "{refused}");
        let one = together(vec![cpu("")], &choices).unwrap();
        assert_eq!(one.parts_on, [PartDevice::Local(Device::flex())]);
    }

    #[test]
    fn a_gpu_that_is_not_there_is_refused_with_those_that_are() {
        let refused = unknown(3, &[]).to_string();
        assert!(
            refused.contains("gpu:3") && refused.contains("no GPU on this machine"),
            "{refused}"
        );
    }
}
