//! WebGPU: opened with all that the adapter allows, watched for loss and refused work.

use kith_core::Device;
pub(super) use kith_core::device::gpu::Health;
use kith_core::device::{FallbackReason, gpu};

use crate::fail::{Result, failure};

pub(super) async fn open() -> Result<(Device, Health)> {
    let opened = gpu::open(Device::wgpu_options(), |error| log::error!("{error}")).await;
    let opened = opened.map_err(|(reason, said)| {
        let code = match reason {
            FallbackReason::AdapterNull => "NO_ADAPTER",
            _ => "DEVICE_REQUEST",
        };
        failure(code, &said)
    })?;
    Ok((opened.device, opened.health))
}
