//! The colours of charts, for what is drawn elsewhere.

use super::canvas::{COLOURS, colour};

/// Colours that there are; afterwards they come again.
pub const COUNT: usize = COLOURS.len();

/// The n-th colour as pages write it.
pub fn hex(index: usize) -> String {
    let colour = colour(index);
    format!("#{:02x}{:02x}{:02x}", colour.0, colour.1, colour.2)
}
