//! The most memory that this process held since some moment, as Linux counts it.

use std::fs;

/// Where the kernel tells what a process holds.
const STATUS: &str = "/proc/self/status";
/// Where it is asked to forget the most that a process held.
const CLEAR: &str = "/proc/self/clear_refs";
/// What asks so: see proc(5).
const FORGET_PEAK: &str = "5";
/// The line of the most.
const PEAK: &str = "VmHWM:";
/// The kernel counts in units of so many bytes.
const UNIT: u64 = 1024;

/// Watches since it was made.
#[derive(Debug)]
pub(crate) struct PeakMemory(());

impl PeakMemory {
    /// Watches from now on; none where the system cannot tell. What the process already holds counts, and
    /// what its allocator kept of what was freed.
    pub(crate) fn watch() -> Option<Self> {
        fs::write(CLEAR, FORGET_PEAK).ok().map(|()| Self(()))
    }

    /// The most until now, in bytes.
    #[expect(clippy::unused_self, reason = "who has not watched cannot know since when")]
    pub(crate) fn bytes(&self) -> Option<u64> {
        peak(&fs::read_to_string(STATUS).ok()?)
    }
}

/// Where the kernel tells what the machine has, and its line of the whole.
const MACHINE: (&str, &str) = ("/proc/meminfo", "MemTotal:");
/// Where it tells what a container may take; `max` is all.
const CONTAINER: &str = "/sys/fs/cgroup/memory.max";

/// The memory of this machine, or of the container that the process is in, in bytes; none where the
/// system does not tell.
pub(crate) fn installed() -> Option<u64> {
    let (path, line) = MACHINE;
    let machine = counted(line, &fs::read_to_string(path).ok()?)?;
    let limit = fs::read_to_string(CONTAINER).ok().and_then(|text| text.trim().parse().ok());
    Some(limit.map_or(machine, |limit: u64| limit.min(machine)))
}

/// The most of a status, in bytes.
fn peak(status: &str) -> Option<u64> {
    counted(PEAK, status)
}

/// What a line of the kernel's counts, in bytes.
fn counted(name: &str, text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let count: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(UNIT * count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_most_is_read() {
        let status = "Name:\tkith\nVmPeak:\t  900 kB\nVmHWM:\t    1234 kB\nVmRSS:\t  99 kB\n";
        assert_eq!(peak(status), Some(1234 * 1024));
        assert_eq!(peak("Name:\tkith\n"), None);
        assert_eq!(peak("VmHWM:\tmany kB\n"), None);
        assert_eq!(counted("MemTotal:", "MemTotal:       24 kB\nMemFree: 3 kB\n"), Some(24 * 1024));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_was_held_for_a_moment_counts() {
        const HELD: usize = 256 << 20;
        let watch = PeakMemory::watch().expect("Linux forgets the peak");
        let before = watch.bytes().expect("Linux tells");
        let held = std::hint::black_box(vec![1_u8; HELD]);
        drop(held);
        let after = watch.bytes().expect("Linux tells");
        assert!(after >= before + HELD as u64 / 2, "{before}, then {after}");
    }
}
