//! Images of a report: views of images, and images beside their nearest neighbours.

use kith_core::augment::policy::{Draw, Policy};
use kith_core::encoder::Encoder;
use kith_core::image::Images;
use kith_core::recipe::Recipe;
use kith_core::rng::Purpose;
use kith_core::sampler::Visit;
use kith_data::Split;

use crate::device::Seeded;
use crate::failure::Failure;
use crate::inference::{embed, look_up};
use crate::report::image_grid::{Agreement, augmentation_grid, neighbour_grid};
use crate::report::page::Figure;
use crate::train::splits::Splits;

/// Images on a grid of views.
const IMAGES: usize = 6;
/// Views of each.
const VIEWS: usize = 8;
/// Queries on a grid of neighbours.
const QUERIES: usize = 10;
/// Neighbours of each.
const NEIGHBOURS: usize = 8;

/// A grid of images with `views` views of each.
pub(crate) fn view_grid(
    policies: &[&Policy],
    originals: &Images,
    views: usize,
    seeded: Seeded<'_>,
) -> Result<Vec<u8>, Failure> {
    let views = (0..)
        .zip(policies.iter().cycle().take(views))
        .map(|(number, policy)| view(policy, originals, number, seeded))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(augmentation_grid(originals, &views))
}

/// The view of that number of every image.
pub(crate) fn view(
    policy: &Policy,
    originals: &Images,
    number: u64,
    Seeded { device, seed }: Seeded<'_>,
) -> Result<Images, Failure> {
    let visits = Visit::at(number, 0..originals.len() as u64);
    let draw = Draw { seed, purpose: Purpose::FirstView, visits: &visits };
    let seen = policy.apply(originals.to_device(device), draw);
    Ok(pollster::block_on(Images::from_device(seen))?)
}

/// Images that are looked up among others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup<'a> {
    pub(crate) queries: &'a Split,
    pub(crate) bank: &'a Split,
    /// How many of the queries are drawn.
    pub(crate) count: usize,
    /// Neighbours of each.
    pub(crate) k: usize,
}

/// A grid of images beside their nearest in a bank.
pub(crate) fn nearest_grid(
    encoder: &Encoder,
    &Lookup { queries, bank, count, k }: &Lookup<'_>,
    Seeded { device, seed }: Seeded<'_>,
) -> Result<Vec<u8>, Failure> {
    let asked = queries.subset(&queries.sample(count, seed));
    let features = |split| embed(encoder, split, device);
    let found = look_up(&features(&asked)?, &features(bank)?, k, device)?;
    let all: Vec<u32> = (0..asked.len() as u32).collect();
    let places = |query| found.of(query).iter().map(|&p| p as u32).collect::<Vec<_>>();
    let rows = (0..asked.len()).map(|q| bank.read(&places(q))).collect::<Result<Vec<_>, _>>()?;
    let agreement = asked.labels().zip(bank.labels()).map(|(own, theirs)| {
        let judge = |label: u16| {
            move |&p: &usize| match theirs[p] == label {
                true => Agreement::Same,
                false => Agreement::Other,
            }
        };
        (0..asked.len())
            .map(|q| found.of(q).iter().map(judge(own[q])).collect())
            .collect::<Vec<Vec<_>>>()
    });
    Ok(neighbour_grid(&asked.read(&all)?, &rows, agreement.as_deref()))
}

/// The two grids of a pre-trained encoder.
pub(crate) fn of_encoder(
    recipe: &Recipe,
    splits: &Splits,
    encoder: &Encoder,
    seeded: Seeded<'_>,
) -> Result<Vec<Figure>, Failure> {
    let shown = splits.unlabelled.read(&splits.unlabelled.sample(IMAGES, seeded.seed))?;
    let views = view_grid(&recipe.policies_of_views(), &shown, VIEWS, seeded)?;
    let bank = if splits.labelled.is_empty() { &splits.unlabelled } else { &splits.labelled };
    let mut figures = vec![Figure {
        title: "What the network is asked to ignore".into(),
        caption: "Left the picture, then views of it: all of a row should look alike to it.".into(),
        png: views,
    }];
    if !splits.test.is_empty() && !bank.is_empty() {
        let lookup = Lookup { queries: &splits.test, bank, count: QUERIES, k: NEIGHBOURS };
        figures.push(Figure {
            title: "Nearest neighbours".into(),
            caption: "Left a test picture, then the training pictures nearest to it, nearest \
                      first. Framed blue: the same class. Orange: another."
                .into(),
            png: nearest_grid(encoder, &lookup, seeded)?,
        });
    }
    Ok(figures)
}
