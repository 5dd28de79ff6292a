//! `kith doctor`: what this machine offers.

use serde_json::json;

use crate::args::DeviceChoice;
use crate::device::{adapters, choose, threads};
use crate::output::Console;

const MIB: u64 = 1 << 20;

pub(super) fn run(console: &Console) {
    let mut words = vec![
        format!("kith       {}, burn {BURN}", env!("CARGO_PKG_VERSION")),
        format!("system     {} {}", std::env::consts::OS, std::env::consts::ARCH),
        format!("processor  {}", threads()),
    ];
    let mut found = Vec::new();
    for adapter in adapters() {
        let (info, limits) = (adapter.get_info(), adapter.limits());
        words.push(format!(
            "adapter    {} ({}, {:?}, driver {} {})",
            info.name, info.backend, info.device_type, info.driver, info.driver_info
        ));
        words.push(format!(
            "           buffers to {} MiB, bindings to {} MiB, workgroups of {}",
            limits.max_buffer_size / MIB,
            limits.max_storage_buffer_binding_size / MIB,
            limits.max_compute_invocations_per_workgroup
        ));
        found.push(json!({
            "name": info.name,
            "backend": info.backend.to_string(),
            "kind": format!("{:?}", info.device_type),
            "max_buffer_bytes": limits.max_buffer_size,
            "max_binding_bytes": limits.max_storage_buffer_binding_size,
            "max_workgroup_threads": limits.max_compute_invocations_per_workgroup,
        }));
    }
    if found.is_empty() {
        words.push("adapter    none: install a Vulkan, Metal or DX12 driver to use a GPU".into());
    }
    let taken = match choose(DeviceChoice::Auto) {
        Ok(chosen) => chosen.why,
        Err(failure) => failure.to_string(),
    };
    words.push(format!("taken      {taken} (--device auto)"));
    let object = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "burn": BURN,
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "adapters": found,
        "taken": taken,
    });
    console.result(&words.join("\n"), &object);
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
