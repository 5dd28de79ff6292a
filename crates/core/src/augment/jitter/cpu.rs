//! Turns of the hue on the CPU, a pixel at a time, to the bits of the tensors in [`super`].

use burn::tensor::Tensor;

use super::{Change, SECTORS, TINY};
use crate::augment::pictures::{each_picture, each_pixel};

/// Turns the hue of those pictures whose slot says so.
pub(super) fn turn_hues(images: Tensor<4>, slot: &[Option<Change>]) -> Tensor<4> {
    each_picture(images, |place, picture| {
        if let Some(Change::Hue(turn)) = slot[place] {
            let turned = turn as f32 * SECTORS as f32;
            each_pixel(picture, |colour| turn_hue(colour, turned));
        }
    })
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
