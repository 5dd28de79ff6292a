//! What devices say when they fail, as errors.

use super::Error;

/// How backends say that a buffer is larger than any may be, or that there is no room for it.
const NO_MEMORY: [&str; 3] = ["can't allocate buffer", "out of memory", "out of device memory"];

/// Lines of a backend's report that say nothing of what failed.
const EMPTY_WORDS: [&str; 5] =
    ["", "Caused by:", "Asked at:", "Backtrace:", "No backtrace available"];

impl Error {
    /// What a device that failed says, in a line.
    pub fn of_device(said: &str) -> Self {
        let lines = said.lines().map(str::trim).filter(|line| !EMPTY_WORDS.contains(line));
        let says_so = |line: &&str| {
            let line = line.to_lowercase();
            NO_MEMORY.iter().any(|words| line.contains(words))
        };
        match lines.clone().find(says_so) {
            Some(reason) => Self::DeviceMemory { reason: reason.to_owned() },
            None => Self::Device { reason: lines.collect::<Vec<_>>().join("; ") },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_of_memory_is_told_from_other_failures() {
        let said = "An error happened during execution\nCaused by:\n  An IO error happened\nCaused by:\n  \
                    can't allocate buffer of size: 309362688\nNo backtrace available";
        let of = |said| {
            let error = Error::of_device(said);
            (error.code(), error.to_string())
        };
        for (said, reason) in [
            (said, "(can't allocate buffer of size: 309362688)"),
            ("Out of Memory", "(Out of Memory)"),
            (
                "out of device memory allocating 7 bytes",
                "(out of device memory allocating 7 bytes)",
            ),
        ] {
            let (code, words) = of(said);
            assert!(code == "OUT_OF_MEMORY" && words.contains(reason), "{words}");
        }
        let poisoned =
            "The device is poisoned\nCaused by:\n  Unknown: it was reset\n\nBacktrace:\n";
        let expected = "the device failed: The device is poisoned; Unknown: it was reset";
        assert_eq!(of(poisoned), ("DEVICE", expected.to_owned()));
    }
}
