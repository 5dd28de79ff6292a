//! Metrics of a step, unread, and their averages over an epoch.

use burn::tensor::{Device, Tensor};

use super::Metric;
use crate::archive::{Archive, Stored};
use crate::error::Error;
use crate::read::read;

/// Metrics of a step on the device, read late.
#[derive(Clone, Debug)]
pub struct Metrics {
    names: Vec<&'static str>,
    values: Tensor<1>,
}

impl Metrics {
    /// One number, `[1]`, a metric.
    pub fn new(metrics: Vec<(Metric, Tensor<1>)>) -> Self {
        let (names, values): (Vec<_>, Vec<_>) =
            metrics.into_iter().map(|(metric, value)| (metric.name, value.inner())).unzip();
        Self { names, values: Tensor::cat(values, 0) }
    }

    /// Waits for the device.
    ///
    /// # Errors
    /// [`Error::Device`] when it fails.
    pub async fn read(self) -> Result<Vec<(&'static str, f64)>, Error> {
        let values = read(self.values).await?;
        Ok(self.names.into_iter().zip(values.into_iter().map(f64::from)).collect())
    }
}

/// Sums of metrics over the steps of an epoch, on the device.
#[derive(Clone, Debug, Default)]
pub struct AverageMeter {
    names: Vec<&'static str>,
    sums: Option<Tensor<1>>,
    count: u64,
}

/// Where the sums lie in a state.
const SUMS: &str = "meter.sums";

impl AverageMeter {
    /// Adds one step's metrics; every step has the same.
    pub fn add(&mut self, metrics: Metrics) {
        self.sums = Some(match self.sums.take() {
            Some(sums) => sums + metrics.values,
            None => metrics.values,
        });
        self.names = metrics.names;
        self.count += 1;
    }

    /// Means over the steps so far; empty before the first.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn means(&self) -> Result<Vec<(&'static str, f64)>, Error> {
        let Some(sums) = self.sums.clone() else { return Ok(Vec::new()) };
        let sums = read(sums).await?;
        let mean = |sum: f32| f64::from(sum) / self.count as f64;
        Ok(self.names.iter().copied().zip(sums.into_iter().map(mean)).collect())
    }

    /// Means over the steps of an epoch that ends after `step` steps of the run.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails, [`Error::Diverged`] when a number is none.
    pub async fn finish(self, step: u64) -> Result<Vec<(&'static str, f64)>, Error> {
        let means = self.means().await?;
        match means.iter().find(|(_, mean)| !mean.is_finite()) {
            Some(&(_, mean)) => Err(Error::Diverged { step, got: mean as f32 }),
            None => Ok(means),
        }
    }

    /// Adds the sums to a state; gives the number of steps that they are over.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn store(&self, archive: &mut Archive) -> Result<u64, Error> {
        let Some(sums) = self.sums.clone() else { return Ok(0) };
        archive.tensors.insert(SUMS.into(), Stored::read(sums).await?);
        Ok(self.count)
    }

    /// A meter that goes on where another stopped, `count` steps into an epoch; names come with the
    /// next step.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] when the state is of another run.
    pub fn resumed(archive: &Archive, count: u64, device: &Device) -> Result<Self, Error> {
        if count == 0 {
            return Ok(Self::default());
        }
        let stored = archive.get(SUMS)?;
        let sums = stored.to_device(SUMS, [stored.values.len()], device)?;
        Ok(Self { names: Vec::new(), sums: Some(sums), count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::ACCURACY;

    #[test]
    fn a_meter_averages_over_steps_and_goes_on() {
        let device = Device::flex();
        let step = |x: f32| Metrics::new(vec![(ACCURACY, Tensor::from_data([x], &device))]);
        let mut meter = AverageMeter::default();
        meter.add(step(1.0));
        meter.add(step(2.0));
        let mut archive = Archive::default();
        let count = pollster::block_on(meter.store(&mut archive)).unwrap();
        let mut meter = AverageMeter::resumed(&archive, count, &device).unwrap();
        meter.add(step(6.0));
        assert_eq!(pollster::block_on(meter.finish(3)).unwrap(), [("accuracy", 3.0)]);
    }
}
