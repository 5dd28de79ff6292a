//! A call into somebody else's reader, whose panic over damaged bytes is an error.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is in a call whose panic will be an error: a panic hook has nothing to print.
#[must_use]
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// What a call gives; its error, or its panic, in words.
///
/// What the call was changing is not to be used again after an error.
pub(crate) fn guarded<T, E: ToString>(call: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    let before = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(before);
    match outcome {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("its reader gave up: {}", message_of_panic(panic))),
    }
}

/// The text that a panic carried.
#[must_use]
pub fn message_of_panic(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other.downcast_ref::<&str>().copied().unwrap_or("it panicked").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_panics_are_words() {
        assert_eq!(guarded(|| Ok::<_, String>(is_guarded())), Ok(true));
        assert_eq!(guarded(|| Err::<(), _>("wrong")), Err("wrong".to_owned()));
        let nested = || {
            let inner = guarded(|| -> Result<(), String> { panic!("at {}", 3) });
            assert!(is_guarded(), "the outer call goes on");
            inner
        };
        assert_eq!(guarded(nested), Err("its reader gave up: at 3".to_owned()));
        assert!(!is_guarded());
    }
}
