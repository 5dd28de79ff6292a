//! How much memory decoding may take at once, whoever decodes: threads wait for their share.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The most bytes that all decoding of the process takes at once.
pub(crate) const MOST_BYTES: u64 = 512 << 20;

/// The memory that decoding shares.
pub(crate) static DECODING: Memory = Memory::new(MOST_BYTES);

/// Bytes that are lent and given back.
#[derive(Debug)]
pub(crate) struct Memory {
    most: u64,
    lent: Mutex<u64>,
    returned: Condvar,
}

/// Bytes lent to whoever holds this.
#[derive(Debug)]
pub(crate) struct Lent<'a> {
    memory: &'a Memory,
    bytes: u64,
}

impl Memory {
    const fn new(most: u64) -> Self {
        Self { most, lent: Mutex::new(0), returned: Condvar::new() }
    }

    /// Waits until so many bytes are free. Who asks for more than there is gets all of it.
    ///
    /// A thread that holds some must not ask for more: two such threads would wait for each other.
    pub(crate) fn lend(&self, bytes: u64) -> Lent<'_> {
        let bytes = bytes.min(self.most);
        let full = |lent: &mut u64| *lent + bytes > self.most;
        let mut lent =
            self.returned.wait_while(self.lent(), full).unwrap_or_else(PoisonError::into_inner);
        *lent += bytes;
        Lent { memory: self, bytes }
    }

    /// The count; a thread that panicked while it held the lock left it whole.
    fn lent(&self) -> MutexGuard<'_, u64> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        *self.memory.lent() -= self.bytes;
        self.memory.returned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn threads_together_never_hold_more_than_there_is() {
        let (memory, held, most) = (Memory::new(10), AtomicU64::new(0), AtomicU64::new(0));
        let borrow = |bytes: u64| {
            let lent = memory.lend(bytes);
            let now = held.fetch_add(lent.bytes, Ordering::SeqCst) + lent.bytes;
            most.fetch_max(now, Ordering::SeqCst);
            held.fetch_sub(lent.bytes, Ordering::SeqCst);
        };
        let often = &|thread: u64| (0..50).for_each(|round| borrow(1 + (thread + round) % 12));
        thread::scope(|scope| {
            for thread in 0..8 {
                scope.spawn(move || often(thread));
            }
        });
        let most = most.into_inner();
        assert!((1..=10).contains(&most), "expected at most 10 bytes at once, got {most}");
        assert_eq!(*memory.lent(), 0, "everything was given back");
    }
}
