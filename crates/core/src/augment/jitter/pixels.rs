//! Changes of colour, a pixel at a time.

use super::{Change, SECTORS, TINY};
use crate::augment::picture::{Picture, luma};

impl Change {
    /// Makes the change in a picture.
    pub(in crate::augment) fn make(&self, picture: &mut Picture) {
        match *self {
            Self::Brightness(factor) => scale(picture, factor, 0.0),
            Self::Contrast(factor) => {
                scale(picture, factor, (1.0 - factor) * picture.mean_luma());
            }
            Self::Saturation(factor) => {
                let [factor, rest] = [factor as f32, (1.0 - factor) as f32];
                picture.each_pixel(|[red, green, blue]| {
                    let gray = rest * luma([red, green, blue]);
                    let blended = |sample: f32| (factor * sample + gray).clamp(0.0, 1.0);
                    [blended(red), blended(green), blended(blue)]
                });
            }
            Self::Hue(turn) => {
                let turned = turn as f32 * SECTORS as f32;
                picture.each_pixel(|colour| turn_hue(colour, turned));
            }
        }
    }
}

/// The samples times a factor, plus a term.
fn scale(picture: &mut Picture, factor: f64, term: f64) {
    let [factor, term] = [factor as f32, term as f32];
    picture.each_sample(|sample| (factor * sample + term).clamp(0.0, 1.0));
}

/// Adds sectors to the hue of a colour.
#[inline(always)]
fn turn_hue([red, green, blue]: [f32; 3], turned: f32) -> [f32; 3] {
    let value = red.max(green).max(blue);
    let range = value - red.min(green).min(blue);
    let safe = range.max(TINY as f32);
    // The sector of the largest plane; red wins ties over green, green over blue. All three are computed,
    // so that vectors take many pixels.
    let (of_red, of_green) = ((green - blue) / safe, (blue - red) / safe + 2.0);
    let of_others = if green == value { of_green } else { (red - green) / safe + 4.0 };
    let sector = if red == value { of_red } else { of_others };
    let hue = sector + turned;
    let plane = |start: f32| {
        let k = wrapped(hue + start);
        let share = k.min(4.0 - k).clamp(0.0, 1.0);
        (value - range * share).clamp(0.0, 1.0)
    };
    [plane(5.0), plane(3.0), plane(1.0)]
}

/// The remainder of dividing by a full circle, in [0, 6).
#[inline(always)]
fn wrapped(sectors: f32) -> f32 {
    const CIRCLE: f32 = SECTORS as f32;
    let turns = sectors / CIRCLE;
    // As `floor`, which calls the C library.
    let whole = turns as i32 as f32;
    let whole = if whole > turns { whole - 1.0 } else { whole };
    sectors - whole * CIRCLE
}
