//! Whether a setting is in its range.

use core::ops::RangeInclusive;

use crate::error::Error;

/// Refuses a whole number below 1, or below 2.
pub(crate) fn at_least(name: &'static str, got: u64, least: u64) -> Result<(), Error> {
    if got < least {
        let expected = if least == 1 { "at least 1" } else { "at least 2" };
        return Err(Error::Setting { name, expected, got: got.to_string() });
    }
    Ok(())
}

/// Refuses a number outside its range, which `expected` says in words.
pub(crate) fn within(
    name: &'static str,
    got: f64,
    range: RangeInclusive<f64>,
    expected: &'static str,
) -> Result<(), Error> {
    if !range.contains(&got) {
        return Err(Error::Setting { name, expected, got: got.to_string() });
    }
    Ok(())
}
