//! Changes of colour on the CPU, a picture at a time.

use super::{Change, SECTORS, TINY};
use crate::augment::pictures::{each_pixel, luma, pixels};

/// Changes a picture, `[3, h, w]`, as the tensors of [`super`] do.
pub(super) fn change(picture: &mut [f32], change: Change) {
    match change {
        Change::Brightness(factor) => scale(picture, factor, 0.0),
        Change::Contrast(factor) => {
            let mean = pixels(picture).map(|colour| f64::from(luma(colour))).sum::<f64>();
            let mean = mean / (picture.len() / 3) as f64;
            scale(picture, factor, (1.0 - factor) * mean);
        }
        Change::Saturation(factor) => {
            let [factor, rest] = [factor as f32, (1.0 - factor) as f32];
            each_pixel(picture, |colour| {
                let gray = rest * luma(colour);
                colour.map(|sample| (factor * sample + gray).clamp(0.0, 1.0))
            });
        }
        Change::Hue(turn) => {
            let turned = (turn * SECTORS) as f32;
            each_pixel(picture, |colour| turn_hue(colour, turned));
        }
    }
}

/// The samples times a factor, plus a number.
fn scale(picture: &mut [f32], factor: f64, shift: f64) {
    let [factor, shift] = [factor as f32, shift as f32];
    picture.iter_mut().for_each(|sample| *sample = (factor * *sample + shift).clamp(0.0, 1.0));
}

/// Adds sectors to the hue of a colour.
fn turn_hue([red, green, blue]: [f32; 3], turned: f32) -> [f32; 3] {
    let value = red.max(green).max(blue);
    let range = value - red.min(green).min(blue);
    let safe = range.max(TINY as f32);
    // The sector of the largest plane; red wins ties over green, green over blue.
    let sector = if red == value {
        (green - blue) / safe
    } else if green == value {
        (blue - red) / safe + 2.0
    } else {
        (red - green) / safe + 4.0
    };
    let hue = sector + turned;
    [5.0, 3.0, 1.0].map(|start| {
        let k = wrapped(hue + start);
        let share = k.min(4.0 - k).clamp(0.0, 1.0);
        (value - range * share).clamp(0.0, 1.0)
    })
}

/// The remainder of dividing by a full circle, in [0, 6).
fn wrapped(sectors: f32) -> f32 {
    const CIRCLE: f32 = SECTORS as f32;
    let turns = sectors / CIRCLE;
    // As `floor`, which calls the C library.
    let whole = turns as i32 as f32;
    let whole = if whole > turns { whole - 1.0 } else { whole };
    sectors - whole * CIRCLE
}
