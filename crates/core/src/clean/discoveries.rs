//! How many of the smallest p-values are discoveries (Benjamini and Hochberg 1995).

/// The number up to which p-values are discoveries; none where none is.
///
/// Of all p-values up to it, no more than the share `rate` is expected to be there by chance. Where every
/// p-value is chance, there is a discovery with the probability `rate`.
pub fn cut(p_values: &[f64], rate: f64) -> Option<f64> {
    let mut sorted = p_values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let all = sorted.len() as f64;
    let critical = (1..).zip(&sorted).map(|(count, p)| (rate * f64::from(count) / all, *p));
    critical.filter(|(most, p)| p <= most).map(|(most, _)| most).last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    #[test]
    fn the_procedure_is_that_of_the_paper() {
        // The example of the paper: 15 tests, of which the first four are significant at 0.05.
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
            0.5719, 0.6528, 0.7590, 1.0,
        ];
        assert_eq!(cut(&p, 0.05), Some(0.05 * 4.0 / 15.0));
        let mut turned = p;
        turned.reverse();
        assert_eq!(cut(&turned, 0.05), cut(&p, 0.05), "order does not matter");
        assert_eq!(cut(&[], 0.05), None);
        assert_eq!(cut(&[0.2, 0.9], 0.05), None);
    }

    #[test]
    fn chance_alone_is_discovered_as_seldom_as_the_rate_says() {
        let found = (0..400).filter(|&draw| {
            let mut stream = stream(3, Purpose::Test, draw, 0);
            let p: Vec<f64> = (0..100).map(|_| stream.unit()).collect();
            cut(&p, 0.1).is_some()
        });
        let found = found.count();
        assert!((20..=60).contains(&found), "expected about 40 of 400, got {found}");
    }
}
