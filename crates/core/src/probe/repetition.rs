//! What repetitions with other seeds say together.

/// Mean and sample standard deviation (over n − 1); no deviation of a single number.
pub fn mean_and_deviation(numbers: &[f64]) -> (f64, Option<f64>) {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (numbers.len() > 1).then(|| (squares / (n - 1.0)).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviation_is_that_of_a_sample() {
        let (mean, deviation) = mean_and_deviation(&[0.4, 0.5, 0.6]);
        assert!((mean - 0.5).abs() < 1e-12 && (deviation.unwrap() - 0.1).abs() < 1e-12);
        assert_eq!(mean_and_deviation(&[0.4]).1, None);
    }
}
