//! What GPUs refused: their driver says it beside the work, and the error of the work may have no word of it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard};

use kith_core::Error;
use kith_core::device::gpu::LOST;

/// What was said of the failure that comes.
struct Said {
    reason: String,
    /// A GPU that is lost fails with the same from then on.
    lost: bool,
}

static SAID: Mutex<Option<Said>> = Mutex::new(None);

fn said() -> MutexGuard<'static, Option<Said>> {
    SAID.lock().expect("a word is stored without a panic")
}

/// Keeps the first of those that others follow from.
pub(crate) fn hear(reason: &str) {
    let mut said = said();
    let kept = said.get_or_insert_with(|| Said { reason: reason.to_owned(), lost: false });
    kept.lost |= reason.starts_with(LOST);
    if weight(&kept.reason) < weight(reason) {
        reason.clone_into(&mut kept.reason);
    }
}

/// A lack of memory may be followed by a loss, and both by buffers that are not there.
fn weight(reason: &str) -> u8 {
    match Error::of_device(reason) {
        Error::DeviceMemory { .. } => 2,
        _ => u8::from(reason.starts_with(LOST)),
    }
}

/// What was said since this was last asked, as an error.
pub(crate) fn taken() -> Option<Error> {
    let mut said = said();
    let error = said.as_ref().map(|kept| Error::of_device(&kept.reason));
    if said.as_ref().is_some_and(|kept| !kept.lost) {
        *said = None;
    }
    error
}

/// Why a GPU of this process was lost, if one was.
pub(crate) fn loss() -> Option<String> {
    said().as_ref().filter(|kept| kept.lost).map(|kept| kept.reason.clone())
}

/// What a call gives. What a GPU refuses while this thread waits for its driver ends the call: that is its
/// error then.
pub(crate) fn caught<T, E: From<Error>>(call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| match taken() {
        Some(error) => Err(error.into()),
        None => resume_unwind(panic),
    })
}

/// A device's failure with what its driver said, if it did; others as they are.
pub(crate) fn told(error: Error) -> Error {
    match error {
        Error::Device { .. } | Error::DeviceMemory { .. } => taken().unwrap_or(error),
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_the_driver_said_first() {
        let failure = || Error::Device { reason: "a buffer was never written".into() };
        assert_eq!(told(failure()).code(), "DEVICE");
        hear("Out of Memory");
        hear("Validation Error");
        assert_eq!(told(Error::NotKith).code(), "NOT_KITH");
        let error = told(failure());
        assert_eq!(error.code(), "OUT_OF_MEMORY");
        assert!(error.to_string().contains("(Out of Memory)"), "{error}");
        assert_eq!(told(failure()).code(), "DEVICE", "it was said of the one before");
        let lost = format!("{LOST}, Unknown: Device is lost");
        for words in [["Validation Error", &lost], [&lost, "Validation Error"]] {
            words.into_iter().for_each(hear);
            assert!(told(failure()).to_string().ends_with(&lost), "others follow from it");
        }
        ["Out of Memory", &lost].into_iter().for_each(hear);
        for _ in 0..2 {
            assert_eq!(told(failure()).code(), "OUT_OF_MEMORY", "it is lost for that");
            hear("Validation Error");
        }
    }
}
