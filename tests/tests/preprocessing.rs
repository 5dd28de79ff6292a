//! Pictures of any shape become what torchvision's `Resize` and `CenterCrop` make of them.

use kith_core::image::Images;
use kith_core::resize::Filter;
use kith_core::square::{Frame, Interleaved, Preprocessing, square};
use kith_tests::fixture::Fixture;

fn bytes(fixture: &Fixture, name: &str) -> Vec<u8> {
    fixture.values(name).into_iter().map(|value| value as u8).collect()
}

fn number(fixture: &Fixture, name: &str) -> usize {
    fixture.values(name)[0] as usize
}

#[test]
fn pictures_of_any_shape_become_torchvisions() {
    let fixture = Fixture::open("preprocessing");
    let pictures = fixture.names("").iter().filter(|name| name.ends_with(".picture")).count();
    assert!(pictures > 3, "pictures of several shapes");
    for place in 0..pictures {
        let stored = fixture.stored(&format!("{place}.picture"));
        let &[height, width, channels] = &stored.shape[..] else { panic!("interleaved") };
        let samples = bytes(&fixture, &format!("{place}.picture"));
        let size = [height, width];
        let side = number(&fixture, &format!("{place}.side"));
        let resize = number(&fixture, &format!("{place}.resize"));
        for (name, filter) in [("bilinear", Filter::Bilinear), ("bicubic", Filter::Bicubic)] {
            let frame = Frame { side, preprocessing: Some(Preprocessing { resize, filter }) };
            let expected = bytes(&fixture, &format!("{place}.{name}"));
            let picture = Interleaved { samples: &samples, size, channels };
            let found = square(picture, frame).expect("it is a picture");
            assert_eq!(found, expected, "{place} {name}: to the last bit");

            let planes: Vec<u8> = (0..channels)
                .flat_map(|channel| samples.iter().skip(channel).step_by(channels).copied())
                .collect();
            let mut target = vec![0; found.len()];
            frame.of_planes(&planes, size, &mut target);
            assert_eq!(target, found, "planes and rows are one");
        }
    }
}

#[test]
fn pixels_that_are_not_as_many_as_the_sides_say_are_refused() {
    let error = Images::new(vec![0; 11], [1, 2, 2]).expect_err("one too few");
    assert_eq!(error.code(), "PIXEL_COUNT");
    assert!(error.to_string().contains("12") && error.to_string().contains("11"), "{error}");
}
