//! The colours of charts and plots.

/// Okabe and Ito's colours that are seen on white and on black, the most different first.
const COLOURS: [&str; 6] = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7"];

/// Colours that there are; afterwards they come again.
pub const COUNT: usize = COLOURS.len();

/// The n-th colour as pages write it.
pub fn colour(index: usize) -> &'static str {
    COLOURS[index % COUNT]
}
