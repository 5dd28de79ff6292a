//! Whether a setting is in its range.

use core::ops::RangeInclusive;

use crate::error::Error;

/// The most units of a layer, or channels of a convolution: beyond the sizes below a program would
/// end for want of memory, and a tab with it.
pub(crate) const MOST_WIDTH: u64 = 8_192;
/// The most images of a batch.
pub(crate) const MOST_BATCH: u64 = 1 << 16;
/// The most epochs, and steps of an epoch.
pub(crate) const MOST_STEPS: u64 = 1 << 30;

/// Refuses a whole number outside its range.
pub(crate) fn count(name: &'static str, got: u64, range: RangeInclusive<u64>) -> Result<(), Error> {
    if range.contains(&got) {
        return Ok(());
    }
    let (least, most) = range.into_inner();
    let expected = match got < least {
        true => format!("at least {least}"),
        false => format!("at most {most}"),
    };
    Err(Error::setting(name, expected, got))
}

/// Refuses a number outside its range, which `expected` says in words.
pub(crate) fn within(
    name: &'static str,
    got: f64,
    range: RangeInclusive<f64>,
    expected: &'static str,
) -> Result<(), Error> {
    match range.contains(&got) {
        true => Ok(()),
        false => Err(Error::setting(name, expected, got)),
    }
}

/// Refuses what is no share.
pub(crate) fn share(name: &'static str, got: f64) -> Result<(), Error> {
    within(name, got, 0.0..=1.0, "0 to 1")
}

/// Refuses 0 and less, and what is no number.
pub(crate) fn above_zero(name: &'static str, got: f64) -> Result<(), Error> {
    within(name, got, f64::MIN_POSITIVE..=f64::MAX, "above 0")
}

/// Refuses a lowest number that is not above its bound, or that is above the highest.
pub(crate) fn interval(name: &'static str, [low, high]: [f64; 2], bound: f64) -> Result<(), Error> {
    match low > bound && low <= high {
        true => Ok(()),
        false => {
            let expected = "lowest above its bound and not above highest";
            Err(Error::setting(name, expected, format!("{:?}", [low, high])))
        }
    }
}
