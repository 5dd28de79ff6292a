//! Planted copies are found, and nothing else.

use super::*;
use crate::rng::{Purpose, Stream, stream};

const DIM: usize = 6;

fn direction(stream: &mut Stream) -> Vec<f32> {
    (0..DIM).map(|_| stream.normal() as f32).collect()
}

/// Images in all directions.
fn scattered(count: usize, seed: u64) -> Features {
    let mut stream = stream(seed, Purpose::Test, 0, 0);
    Features { values: (0..count).flat_map(|_| direction(&mut stream)).collect(), dim: DIM }
}

/// Adds a copy of an image, moved by so much; gives its place.
fn copy(features: &mut Features, image: usize, far: f32) -> usize {
    let mut stream = stream(9, Purpose::Test, 1, features.len() as u64);
    let away = direction(&mut stream);
    let row: Vec<f32> = features.row(image).iter().zip(away).map(|(x, y)| x + far * y).collect();
    features.values.extend(row);
    features.len() - 1
}

fn tried(features: &Features, made: &[Made], settings: Settings) -> Result<Duplicates, Error> {
    pollster::block_on(duplicates(features, made, &settings, &[], &Device::flex()))
}

fn found(features: &Features, settings: Settings, preference: &[u64]) -> Duplicates {
    let device = Device::flex();
    let found = duplicates(features, &[], &settings, preference, &device);
    pollster::block_on(found).unwrap()
}

fn places(group: &Group) -> Vec<usize> {
    let mut places: Vec<usize> = group.others.iter().map(|other| other.image).collect();
    places.push(group.kept);
    places.sort_unstable();
    places
}

#[test]
fn planted_copies_are_found_and_distinct_images_are_not() {
    let mut features = scattered(1_500, 1);
    let planted: Vec<[usize; 2]> =
        (0..60).map(|image| [20 * image, copy(&mut features, 20 * image, 0.02)]).collect();
    let found = found(&features, Settings::default(), &[]);
    let groups: Vec<Vec<usize>> = found.groups.iter().map(places).collect();
    let caught = planted.iter().filter(|pair| groups.contains(&pair.to_vec())).count();
    assert!(caught >= 58, "{caught} of 60 copies, {} groups", groups.len());
    assert!(groups.len() <= caught + 12, "{} groups for {caught} copies", groups.len());
    for group in &found.groups {
        assert!(
            group.others[0].cosine > 0.9 && group.others[0].relative <= found.threshold.unwrap()
        );
        assert!(group.kept < group.others[0].image, "the first is kept");
    }
}

#[test]
fn in_clean_data_next_to_nothing_is_found() {
    let with = (0..20).filter(|&seed| {
        let found = found(&scattered(400, 50 + seed), Settings::default(), &[]);
        assert!(found.groups.len() <= 3, "{:?}", found.groups);
        !found.groups.is_empty()
    });
    assert!(with.count() <= 6, "findings by chance are as rare as the rate says");
}

#[test]
fn likeness_does_not_chain() {
    // On a circle each is alike to the next, and only to the next.
    let angle = |place: usize| (place as f32 * 0.1).sin_cos();
    let values = (0..62).flat_map(|place| [angle(place).1, angle(place).0]).collect();
    let features = Features { values, dim: 2 };
    let (unit, device) = (features.unit(), Device::flex());
    let neighbours = Neighbours::of(&unit, neighbours_of(unit.len()), &device);
    let spacing = Spacing::of(&pollster::block_on(neighbours).unwrap());
    let threshold = Some(1.4 * spacing.relative(4, 5, 0.1));
    let found = found(&features, Settings { threshold, ..Settings::default() }, &[]);
    for group in &found.groups {
        assert!(group.others.len() <= 2, "a star has the neighbours of its centre: {group:?}");
        for other in &group.others {
            let apart = other.image.abs_diff(group.kept);
            assert!(apart <= 1 || apart == 61, "{group:?}");
        }
    }
    assert!(found.groups.len() >= 15, "{found:?}");
}

#[test]
fn of_a_group_the_preferred_is_kept_where_all_are_alike() {
    let mut features = scattered(200, 2);
    let first = copy(&mut features, 7, 0.002);
    let second = copy(&mut features, 7, 0.002);
    let mut preference = vec![1; features.len()];
    preference[second] = 5;
    let found = found(&features, Settings::default(), &preference);
    let group = found.groups.iter().find(|group| places(group) == [7, first, second]);
    assert_eq!(group.unwrap().kept, second, "{found:?}");
}

#[test]
fn equal_images_are_one_group_however_many_and_few_images_are_no_riddle() {
    let equal = Features { values: [0.3, 0.4].repeat(3_000), dim: 2 };
    let all = found(&equal, Settings::default(), &[]);
    assert_eq!((all.groups.len(), all.groups[0].others.len(), all.groups[0].kept), (1, 2_999, 0));
    let two = Features { values: vec![0.3, 0.4, 0.3, 0.4], dim: 2 };
    assert_eq!(found(&two, Settings::default(), &[]).groups.len(), 1);
    let two = Features { values: vec![0.3, 0.4, 0.4, 0.3], dim: 2 };
    let none = found(&two, Settings::default(), &[]);
    assert!(none.groups.is_empty() && none.threshold.is_none());
    let zeros = Features { values: vec![0.0; 80], dim: 2 };
    assert_eq!(found(&zeros, Settings::default(), &[]).groups.len(), 1);
}

#[test]
fn made_copies_bound_the_threshold_and_say_what_is_found() {
    let mut features = scattered(1_000, 3);
    (0..50).for_each(|image| _ = copy(&mut features, image, 0.001));
    let mut near = features.clone();
    let of: Vec<usize> = (200..300).collect();
    let copies: Vec<usize> = of.iter().map(|&image| copy(&mut near, image, 0.01)).collect();
    let made = [Made { of: of.clone(), features: near.select(&copies) }];
    let settings = Settings::default();
    let run = tried(&features, &made, settings).unwrap();
    let free = found(&features, settings, &[]);
    assert!(run.threshold.unwrap() < free.threshold.unwrap(), "{run:?}");
    assert!((0.9..1.0).contains(&run.found[0]), "{:?}", run.found);
}

#[test]
fn settings_out_of_range_are_refused() {
    let features = scattered(30, 4);
    let code = |settings| tried(&features, &[], settings).expect_err("out of range").code();
    assert_eq!(code(Settings { rate: 1.5, threshold: None }), "SETTING");
    assert_eq!(code(Settings { threshold: Some(f64::NAN), ..Settings::default() }), "SETTING");
}
