//! The CPU, which is always there.

use kith_core::Device;

use crate::fail::Result;

/// A CPU is not lost and refuses nothing.
#[derive(Debug)]
pub(super) struct Health;

#[expect(clippy::unused_async, reason = "a GPU is opened asynchronously")]
pub(super) async fn open() -> Result<(Device, Health)> {
    Ok((Device::flex(), Health))
}

#[expect(clippy::unused_self, reason = "a GPU knows")]
impl Health {
    pub(super) fn lost(&self) -> Option<String> {
        None
    }

    pub(super) fn take_errors(&self) -> Vec<String> {
        Vec::new()
    }
}
