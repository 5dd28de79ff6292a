//! Reports: one HTML file a run, and what stands in it.

pub mod chart;
pub mod image_grid;
pub mod table;
pub mod confusion;
pub mod scatter;
pub mod switch;
pub mod page;
pub mod review;
pub(crate) mod seeds;
pub(crate) mod curves;
pub(crate) mod tables;
pub(crate) mod few_label;
pub(crate) mod choices;
pub(crate) mod facts;
pub(crate) mod figures;
pub(crate) mod feature_scatter;
pub(crate) mod diagnosis;
