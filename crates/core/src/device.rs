//! Adapters: what they are, and why one cannot be used. GPUs themselves are in [`gpu`].

#[cfg(feature = "gpu")]
pub mod gpu;

use burn::tensor::Device;
use serde::Serialize;

/// What an adapter must offer to be used.
///
/// The page checks this before it downloads anything, by the numbers that its build took from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Requirements {
    /// The least that a storage buffer must hold: the activations of a small batch, in bytes.
    pub least_storage_buffer: u64,
    /// Words in the name of an adapter that is software, in small letters.
    pub software: Vec<&'static str>,
    /// Features that a browser's adapter must have: the GPU path does not start without them.
    pub browser_features: Vec<&'static str>,
}

impl Default for Requirements {
    fn default() -> Self {
        Self {
            least_storage_buffer: 64 << 20,
            software: vec![
                "swiftshader",
                "llvmpipe",
                "lavapipe",
                "softpipe",
                "basic render",
                "software",
            ],
            browser_features: vec!["timestamp-query"],
        }
    }
}

/// Whether a device is the CPU, on which the host computes at once what it asks of a GPU.
pub(crate) fn is_cpu(device: &Device) -> bool {
    #[cfg(feature = "cpu")]
    {
        *device == Device::flex()
    }
    #[cfg(not(feature = "cpu"))]
    {
        let _ = device;
        false
    }
}

/// Why the CPU computes where a GPU was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(rename_all = "kebab-case")]
pub enum FallbackReason {
    /// The browser has no WebGPU.
    NoNavigatorGpu,
    /// The page is not secure (https or localhost), so the browser hides WebGPU.
    InsecureContext,
    /// There is no adapter.
    AdapterNull,
    /// The adapter lacks a feature that the GPU path does not start without in a browser.
    NoTimestampQuery,
    /// A storage buffer holds too little.
    LimitsTooLow,
    /// The adapter gave no device.
    DeviceRequestFailed,
    /// The device computed wrong numbers or refused work.
    SelfTestFailed,
    /// The device was taken away.
    DeviceLost,
    /// The adapter is software, which is slower than the CPU path on the same processor.
    SoftwareAdapter,
    /// The CPU was asked for.
    ForcedCpu,
    /// Node has no WebGPU.
    Node,
}

/// Whether an adapter is a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A GPU, also one that a virtual machine passes on.
    Gpu,
    /// A program on the CPU.
    Software,
    /// The driver does not say, as in browsers.
    Unknown,
}

/// What an adapter says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// Its name, as the driver has it.
    pub name: String,
    /// The graphics API.
    pub backend: String,
    /// The driver.
    pub driver: String,
    /// Whether it is a GPU.
    pub kind: Kind,
    /// The most that a storage buffer holds, in bytes.
    pub storage_buffer: u64,
    /// Its features, as WebGPU calls them.
    pub features: Vec<String>,
}

/// Where an adapter is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a program of its own.
    Native,
    /// In a page.
    Browser,
}

impl Adapter {
    /// Why it cannot compute here, if so.
    pub fn unusable(&self, place: Place) -> Option<FallbackReason> {
        let least = Requirements::default();
        let has = |wanted: &&str| self.features.iter().any(|feature| feature == wanted);
        if place == Place::Browser && !least.browser_features.iter().all(has) {
            return Some(FallbackReason::NoTimestampQuery);
        }
        (self.storage_buffer < least.least_storage_buffer).then_some(FallbackReason::LimitsTooLow)
    }

    /// Whether it is software, by its kind or by its name.
    pub fn is_software(&self) -> bool {
        let said = format!("{} {}", self.name, self.driver).to_lowercase();
        let words = Requirements::default().software;
        self.kind == Kind::Software || words.iter().any(|word| said.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &str, storage_buffer: u64, features: &[&str]) -> Adapter {
        Adapter {
            name: name.into(),
            backend: "vulkan".into(),
            driver: String::new(),
            kind: Kind::Unknown,
            storage_buffer,
            features: features.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn an_adapter_is_refused_with_the_first_reason() {
        let enough = Requirements::default().least_storage_buffer;
        for (place, bytes, features, expected) in [
            (Place::Browser, enough, vec!["timestamp-query"], None),
            (Place::Browser, enough, vec![], Some(FallbackReason::NoTimestampQuery)),
            (
                Place::Browser,
                enough - 1,
                vec!["timestamp-query"],
                Some(FallbackReason::LimitsTooLow),
            ),
            (Place::Native, enough, vec![], None),
            (Place::Native, enough - 1, vec![], Some(FallbackReason::LimitsTooLow)),
        ] {
            let got = adapter("a GPU", bytes, &features).unusable(place);
            assert_eq!(got, expected, "{place:?}, {bytes} bytes, {features:?}");
        }
    }

    #[test]
    fn software_is_known_by_name_where_the_driver_is_silent() {
        assert!(adapter("Google SwiftShader", 0, &[]).is_software());
        assert!(!adapter("NVIDIA H100", 0, &[]).is_software());
    }

    #[test]
    fn reasons_are_the_words_of_the_package() {
        let word = |reason| serde_json::to_value(reason).unwrap();
        assert_eq!(word(FallbackReason::NoNavigatorGpu), "no-navigator-gpu");
        assert_eq!(word(FallbackReason::ForcedCpu), "forced-cpu");
    }
}
