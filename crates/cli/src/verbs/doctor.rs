//! `kith doctor`: what this machine offers.

mod fit;

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::args::{DeviceChoice, DeviceChoices, FitFlags};
use crate::device::{adapters, choose, names, threads};
use crate::failure::Failure;
use crate::output::Console;
use fit::Fit;

const MIB: u64 = 1 << 20;

/// A machine.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    version: &'static str,
    burn: &'static str,
    os: &'static str,
    arch: &'static str,
    #[serde(skip)]
    processor: String,
    adapters: Vec<Adapter>,
    /// Which device runs take, and why.
    taken: String,
    /// What a step of a recipe takes, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    fit: Option<Fit>,
}

/// A GPU, or what acts as one.
#[derive(Debug, Serialize)]
struct Adapter {
    /// What --device calls it; none where it cannot be taken.
    device: Option<String>,
    name: String,
    backend: String,
    kind: String,
    #[serde(skip)]
    driver: String,
    max_buffer_bytes: u64,
    max_binding_bytes: u64,
    max_workgroup_threads: u32,
    /// Whether it computes with numbers of two bytes: `precision = "mixed"`.
    mixed_precision: bool,
}

pub(super) fn run(flags: &FitFlags, console: &Console) -> Result<Machine, Failure> {
    let fit = if flags.fit { fit::measure(flags)? } else { None };
    if flags.fit && fit.is_none() {
        console
            .note("this system does not tell what a process holds in memory: nothing was measured");
    }
    let adapters = adapters();
    let named = adapters.iter().zip(names(&adapters));
    Ok(Machine {
        version: env!("CARGO_PKG_VERSION"),
        burn: BURN,
        os: std::env::consts::OS,
        arch: std::env::consts::ARCH,
        processor: threads(),
        adapters: named.map(|(adapter, name)| Adapter::of(adapter, name)).collect(),
        taken: match choose(&DeviceChoices(vec![DeviceChoice::Auto])) {
            Ok(chosen) => chosen.why,
            Err(failure) => failure.to_string(),
        },
        fit,
    })
}

impl Adapter {
    fn of(adapter: &wgpu::Adapter, device: Option<String>) -> Self {
        let (info, limits) = (adapter.get_info(), adapter.limits());
        Self {
            device,
            name: info.name,
            backend: info.backend.to_string(),
            kind: format!("{:?}", info.device_type),
            driver: format!("{} {}", info.driver, info.driver_info),
            max_buffer_bytes: limits.max_buffer_size,
            max_binding_bytes: limits.max_storage_buffer_binding_size,
            max_workgroup_threads: limits.max_compute_invocations_per_workgroup,
            mixed_precision: adapter.features().contains(wgpu::Features::SHADER_F16),
        }
    }
}

impl Display for Machine {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "kith       {}, burn {}", self.version, self.burn)?;
        writeln!(f, "system     {} {}", self.os, self.arch)?;
        writeln!(f, "processor  {}", self.processor)?;
        self.adapters.iter().try_for_each(|adapter| writeln!(f, "{adapter}"))?;
        if self.adapters.is_empty() {
            writeln!(f, "adapter    none: install a Vulkan, Metal or DX12 driver to use a GPU")?;
        }
        write!(f, "taken      {} (--device auto)", self.taken)?;
        self.fit.iter().try_for_each(|fit| write!(f, "\n{fit}"))
    }
}

impl Display for Adapter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { device, name, backend, kind, driver, .. } = self;
        let device = device.as_deref().unwrap_or("not taken");
        writeln!(f, "{device:<10} {name} ({backend}, {kind}, driver {driver})")?;
        write!(
            f,
            "           buffers to {} MiB, bindings to {} MiB, workgroups of {}, {}",
            self.max_buffer_bytes / MIB,
            self.max_binding_bytes / MIB,
            self.max_workgroup_threads,
            if self.mixed_precision { "mixed precision" } else { "no mixed precision" }
        )
    }
}

/// The version that core is pinned to; a test compares it with the lock file.
const BURN: &str = "0.22.1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_burn_is_the_locked_one() {
        let lock = include_str!("../../../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"burn\"\nversion = \"{BURN}\"")));
    }
}
