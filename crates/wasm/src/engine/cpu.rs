//! The CPU, which is always there.

use kith_core::Device;

use crate::fail::Result;

/// Nothing to tell of.
#[derive(Debug)]
pub(super) struct Health;

impl Health {
    #[expect(clippy::unused_async, reason = "a GPU is opened asynchronously")]
    pub(super) async fn open() -> Result<(Device, Self)> {
        Ok((Device::flex(), Self))
    }

    #[expect(clippy::unused_self, reason = "a GPU knows")]
    pub(super) fn lost(&self) -> Option<String> {
        None
    }

    #[expect(clippy::unused_self, reason = "a GPU knows")]
    pub(super) fn take_errors(&self) -> Vec<String> {
        Vec::new()
    }
}
