//! `kith doctor`: what this machine offers.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::args::DeviceChoice;
use crate::device::{adapters, choose, threads};

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
}

/// A GPU, or what acts as one.
#[derive(Debug, Serialize)]
struct Adapter {
    name: String,
    backend: String,
    kind: String,
    #[serde(skip)]
    driver: String,
    max_buffer_bytes: u64,
    max_binding_bytes: u64,
    max_workgroup_threads: u32,
}

pub(super) fn run() -> Machine {
    Machine {
        version: env!("CARGO_PKG_VERSION"),
        burn: BURN,
        os: std::env::consts::OS,
        arch: std::env::consts::ARCH,
        processor: threads(),
        adapters: adapters().iter().map(Adapter::of).collect(),
        taken: match choose(DeviceChoice::Auto) {
            Ok(chosen) => chosen.why,
            Err(failure) => failure.to_string(),
        },
    }
}

impl Adapter {
    fn of(adapter: &wgpu::Adapter) -> Self {
        let (info, limits) = (adapter.get_info(), adapter.limits());
        Self {
            name: info.name,
            backend: info.backend.to_string(),
            kind: format!("{:?}", info.device_type),
            driver: format!("{} {}", info.driver, info.driver_info),
            max_buffer_bytes: limits.max_buffer_size,
            max_binding_bytes: limits.max_storage_buffer_binding_size,
            max_workgroup_threads: limits.max_compute_invocations_per_workgroup,
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
        write!(f, "taken      {} (--device auto)", self.taken)
    }
}

impl Display for Adapter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, backend, kind, driver, .. } = self;
        writeln!(f, "adapter    {name} ({backend}, {kind}, driver {driver})")?;
        write!(
            f,
            "           buffers to {} MiB, bindings to {} MiB, workgroups of {}",
            self.max_buffer_bytes / MIB,
            self.max_binding_bytes / MIB,
            self.max_workgroup_threads
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
