//! Numbers beside an axis: few digits, no noise of the last bit.

/// From here on numbers are written in thousands, or millions.
const THOUSANDS: [(f64, f64, &str); 2] = [(1e6, 1e6, "M"), (1e4, 1e3, "k")];
/// Below this, numbers are written with a power of ten.
const TINY: f64 = 1e-4;
/// Digits that a tick may have after the point; beyond them is the noise of binary fractions.
const TICK_DECIMALS: usize = 6;
/// Digits that a measured number shows in all: more would claim a precision it has not.
const SIGNIFICANT: i32 = 4;

/// The number as short as an axis wants it.
pub(super) fn tick(value: f64) -> String {
    for (from, scale, unit) in THOUSANDS {
        if value.abs() >= from {
            return format!("{}{unit}", trimmed(value / scale, TICK_DECIMALS));
        }
    }
    if value != 0.0 && value.abs() < TINY {
        let exponent = magnitude(value);
        return format!("{}e{exponent}", trimmed(value / 10_f64.powi(exponent), TICK_DECIMALS));
    }
    trimmed(value, TICK_DECIMALS)
}

/// A mean with its deviation, if it has one, to the digits that the mean deserves.
pub(super) fn measured(mean: f64, deviation: Option<f64>) -> String {
    let decimals = (SIGNIFICANT - 1 - magnitude(mean)).clamp(0, 2 * SIGNIFICANT).unsigned_abs();
    let number = |value| trimmed(value, decimals as usize);
    let deviation = deviation.map(|deviation| format!(" ± {}", number(deviation)));
    number(mean) + &deviation.unwrap_or_default()
}

/// The power of ten of the first digit.
fn magnitude(value: f64) -> i32 {
    if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 }
}

/// So many digits after the point, without zeros at the end.
fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.'),
        None => &text,
    };
    if text == "-0" { "0".into() } else { text.into() }
}

/// The span from the smallest to the largest finite number, never empty.
pub(super) fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high {
        return (0.0, 1.0);
    }
    if high - low <= f64::EPSILON * high.abs().max(low.abs()) {
        let margin = if low == 0.0 { 0.5 } else { low.abs() / 2.0 };
        return (low - margin, high + margin);
    }
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        let numbers = [0.0, -0.0, 0.1 + 0.2, 12.5, 9000.0, 20_000.0, 2_500_000.0, 0.00025, 2.5e-5];
        let texts = numbers.map(tick);
        assert_eq!(texts, ["0", "0", "0.3", "12.5", "9000", "20k", "2.5M", "0.00025", "2.5e-5"]);
    }

    #[test]
    fn measured_numbers_keep_the_digits_they_deserve() {
        assert_eq!(measured(71.253_4, Some(0.618)), "71.25 ± 0.62");
        assert_eq!(measured(0.712_534, None), "0.7125");
        assert_eq!(measured(1234.56, Some(10.4)), "1235 ± 10");
        assert_eq!(measured(0.0, Some(0.0)), "0 ± 0");
    }

    #[test]
    fn a_span_is_never_empty() {
        assert_eq!(span([].into_iter()), (0.0, 1.0));
        assert_eq!(span([f64::NAN, f64::INFINITY].into_iter()), (0.0, 1.0));
        assert_eq!(span([2.0].into_iter()), (1.0, 3.0));
        assert_eq!(span([0.0, 0.0].into_iter()), (-0.5, 0.5));
        assert_eq!(span([3.0, 1.0].into_iter()), (1.0, 3.0));
    }
}
