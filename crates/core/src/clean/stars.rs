//! Groups of images that are alike: stars around the image that is like the most.

use burn::tensor::{Device, Tensor};

use super::spacing::{SAME, Spacing};
use crate::error::Error;
use crate::probe::Features;
use crate::probe::distance::squared_distance;
use crate::probe::linear::upload;
use crate::read::read;
use crate::rows::products;

/// Cosines that are read at a time: bounds memory, however many images are alike.
const MOST: usize = 1 << 22;
/// What a cosine in f32 may be off by, as a squared distance.
const ROUNDING: f32 = 1e-5;

/// An image that is near-duplicate of the one that is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duplicate {
    /// Its place.
    pub image: usize,
    /// Its distance from the kept image, as a share of how far apart images lie around them.
    pub relative: f64,
    /// Its cosine with the kept image.
    pub cosine: f32,
}

/// Images of which one is enough. All of them are near-duplicates of the one that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The place of the image to keep.
    pub kept: usize,
    /// The others, the most alike first.
    pub others: Vec<Duplicate>,
}

/// Which images are near-duplicates of each other.
pub(super) struct Likeness<'a> {
    unit: &'a Features,
    spacing: &'a Spacing,
    threshold: Option<f64>,
    /// Squared lengths: 1, or 0 of features that are all 0.
    squares: Vec<f32>,
}

impl<'a> Likeness<'a> {
    pub(super) fn new(unit: &'a Features, spacing: &'a Spacing, threshold: Option<f64>) -> Self {
        let square = |place| unit.row(place).iter().map(|x| x * x).sum();
        let squares = (0..unit.len()).map(square).collect();
        Self { unit, spacing, threshold, squares }
    }

    /// Whether images of this distance are near-duplicates.
    pub(super) fn holds(&self, one: usize, other: usize, distance: f32) -> bool {
        let within = |most| self.spacing.relative(one, other, distance) <= most;
        distance <= SAME || self.threshold.is_some_and(within)
    }

    /// Whether two images are, by a cosine that rounding has touched.
    fn between(&self, one: usize, other: usize, cosine: f32) -> bool {
        let square = self.squares[one] + self.squares[other] - 2.0 * cosine;
        let around = (square - ROUNDING).max(0.0).sqrt();
        one != other
            && self.holds(one, other, around)
            && self.holds(one, other, self.distance(one, other))
    }

    fn distance(&self, one: usize, other: usize) -> f32 {
        squared_distance(self.unit.row(one), self.unit.row(other)).sqrt()
    }

    /// For each of some rows of `places` the rows that are its near-duplicates.
    ///
    /// As many as [`at_a_time`] says, so that also images that are all alike fit into memory.
    async fn alike(
        &self,
        rows: &[usize],
        places: &[usize],
        all: &Tensor<2>,
    ) -> Result<Vec<Vec<usize>>, Error> {
        let own: Vec<usize> = rows.iter().map(|&row| places[row]).collect();
        let own = upload(&self.unit.select(&own), &all.device());
        let cosines = read(products(own, all.clone())).await?;
        let of = |(&row, cosines): (&usize, &[f32])| {
            let alike = |other: &usize| self.between(places[row], places[*other], cosines[*other]);
            (0..places.len()).filter(alike).collect()
        };
        Ok(rows.iter().zip(cosines.chunks_exact(places.len())).map(of).collect())
    }

    /// How many near-duplicates each of these images has among them.
    async fn degrees(&self, places: &[usize], device: &Device) -> Result<Vec<usize>, Error> {
        let all = upload(&self.unit.select(places), device);
        let rows: Vec<usize> = (0..places.len()).collect();
        let mut degrees = Vec::with_capacity(places.len());
        for block in rows.chunks(at_a_time(places)) {
            degrees.extend(self.alike(block, places, &all).await?.iter().map(Vec::len));
        }
        Ok(degrees)
    }

    /// Groups among these images.
    pub(super) async fn stars(
        &self,
        places: &[usize],
        preference: &[u64],
        device: &Device,
    ) -> Result<Vec<Group>, Error> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let degrees = self.degrees(places, device).await?;
        let preferred = |row: usize| preference.get(places[row]).copied().unwrap_or_default();
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by_key(|&row| (usize::MAX - degrees[row], u64::MAX - preferred(row), row));
        let all = upload(&self.unit.select(places), device);
        let mut free = vec![true; places.len()];
        let mut stars: Vec<Vec<usize>> = Vec::new();
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            let centres = next_free(&mut rest, &free, at_a_time(places));
            let alike = self.alike(&centres, places, &all).await?;
            let found = centres.into_iter().zip(alike);
            stars.extend(found.filter_map(|(row, alike)| star(row, &alike, &mut free)));
        }
        let mut groups = Vec::with_capacity(stars.len());
        for star in stars {
            let members = star.into_iter().map(|row| places[row]).collect();
            groups.push(self.group(members, preference, device).await?);
        }
        groups.sort_by_key(|group| group.kept);
        Ok(groups)
    }

    /// A group of images whose first has all others as near-duplicates.
    async fn group(
        &self,
        members: Vec<usize>,
        preference: &[u64],
        device: &Device,
    ) -> Result<Group, Error> {
        let degrees = self.degrees(&members, device).await?;
        let of_all = members.iter().zip(degrees).filter(|(_, d)| d + 1 == members.len());
        let preferred = |image: usize| preference.get(image).copied().unwrap_or_default();
        let kept = of_all.map(|(&image, _)| image);
        let kept = kept.min_by_key(|&image| (u64::MAX - preferred(image), image));
        let kept = kept.unwrap_or(members[0]);
        let other = |&image: &usize| {
            let distance = self.distance(kept, image);
            let relative = self.spacing.relative(kept, image, distance);
            Duplicate { image, relative, cosine: 1.0 - distance * distance / 2.0 }
        };
        let mut others: Vec<Duplicate> =
            members.iter().filter(|&&image| image != kept).map(other).collect();
        others.sort_by(|a, b| a.relative.total_cmp(&b.relative).then(a.image.cmp(&b.image)));
        Ok(Group { kept, others })
    }
}

/// Rows that are compared with all at a time.
fn at_a_time(places: &[usize]) -> usize {
    (MOST / places.len().max(1)).max(1)
}

/// The next rows that are still free, up to so many: what earlier stars took need not be looked at.
fn next_free(rest: &mut &[usize], free: &[bool], most: usize) -> Vec<usize> {
    let mut found = Vec::new();
    while let Some((&row, others)) = rest.split_first().filter(|_| found.len() < most) {
        found.extend(Some(row).filter(|&row| free[row]));
        *rest = others;
    }
    found
}

/// A row and its free near-duplicates, which are free no more; none where it is alone or taken.
fn star(row: usize, alike: &[usize], free: &mut [bool]) -> Option<Vec<usize>> {
    if !free[row] {
        return None;
    }
    let others = alike.iter().copied().filter(|&other| free[other]);
    let members: Vec<usize> = [row].into_iter().chain(others).collect();
    if members.len() < 2 {
        return None;
    }
    members.iter().for_each(|&member| free[member] = false);
    Some(members)
}
