//! Channels as the `MobileNet` family scales them.

/// What numbers of channels are multiples of.
const DIVISOR: usize = 8;

/// A number of channels times a factor, to the nearest multiple of 8; one more where that would be less
/// than nine tenths of it.
pub(super) fn scaled(channels: usize, factor: f64) -> usize {
    /// The most that rounding may take away.
    const LEAST: f64 = 0.9;
    let wanted = channels as f64 * factor;
    let half = (DIVISOR / 2) as f64;
    let near = ((wanted + half) as usize / DIVISOR * DIVISOR).max(DIVISOR);
    if (near as f64) < LEAST * wanted { near + DIVISOR } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `torchvision.models._utils._make_divisible(channels * factor, 8)`.
    #[test]
    fn channels_are_torchvisions() {
        for (channels, factor, expected) in [
            (16, 1.0, 16),
            (16, 0.125, 8),
            (72, 0.125, 16),
            (576, 0.125, 72),
            (24, 1.1, 24),
            (40, 1.1, 48),
            (320, 1.4, 448),
            (96, 0.25, 24),
        ] {
            assert_eq!(scaled(channels, factor), expected, "{channels} {factor}");
        }
    }
}
