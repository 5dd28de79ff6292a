//! The scatter plot of a report: where test images lie to each other.

use kith_core::encoder::Encoder;
use kith_core::probe::pca;

use crate::device::Seeded;
use crate::failure::Failure;
use crate::inference::embed;
use crate::report::image_grid::tiles;
use crate::report::scatter::{Point, Scatter};
use crate::train::splits::Splits;

/// Images on a map: enough to see clusters, few enough to tell marks apart.
const ON_MAP: usize = 300;
/// Largest side of an image of the plot's grid, in pixels.
const MAP_SIDE: usize = 48;

/// Where the test images lie to each other: the plane in which their features vary most.
pub(crate) fn of(
    splits: &Splits,
    encoder: &Encoder,
    Seeded { device, seed }: Seeded<'_>,
) -> Result<Option<Scatter>, Failure> {
    let shown = splits.test.subset(&splits.test.sample(ON_MAP, seed));
    if shown.len() < 2 {
        return Ok(None);
    }
    let plane = pca::plane(&embed(encoder, &shown, device)?.unit());
    let point = |(index, &place): (usize, &[f64; 2])| Point {
        place,
        class: shown.label(index).map(usize::from),
        name: shown.name(index).unwrap_or_default().to_owned(),
    };
    let all: Vec<u32> = (0..shown.len() as u32).collect();
    let columns = (shown.len() as f64).sqrt().ceil() as usize;
    let [across, up] = plane.shares.map(|share| format!("{:.0} %", 100.0 * share));
    Ok(Some(Scatter {
        title: "Map of test pictures".into(),
        caption: format!(
            "{} test pictures by the two principal components of their features (length one), which \
             hold {across} and {up} of the variance: what lies together looks alike to the network, \
             but on two of many axes. Point at a mark, or walk there by keyboard, to see its picture.",
            shown.len()
        ),
        classes: splits.class_names.clone(),
        points: plane.points.iter().enumerate().map(point).collect(),
        grid: tiles(&shown.read(&all)?, [columns, splits.side.min(MAP_SIDE)]),
        columns,
    }))
}
