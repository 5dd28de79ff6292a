//! What a pre-training run leaves behind, and how it goes on from there.

use burn::tensor::Tensor;

use super::Pretrainer;
use crate::archive::{Archive, Stored};
use crate::error::Error;
use crate::optimizer::{Adam, AdamSettings};
use crate::support::SupportSet;
use crate::trainer::{Counters, resume_meter, store_meter};

impl Pretrainer {
    /// Adds what a checkpoint holds: encoder, the heads that there are, probe, support set.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn store(&self, archive: &mut Archive) -> Result<(), Error> {
        archive.add("", &self.net).await?;
        if let Some(probe) = &self.probe {
            archive.add("probe", probe).await?;
        }
        if let Some(support) = &self.support {
            let labels = support.labels().float();
            archive.tensors.insert("support.rows".into(), Stored::read(support.rows()).await?);
            archive.tensors.insert("support.labels".into(), Stored::read(labels).await?);
        }
        Ok(())
    }

    /// Adds everything that going on later needs.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn store_state(&self, archive: &mut Archive) -> Result<Counters, Error> {
        self.store(archive).await?;
        self.optimizer.store(archive, "optimizer").await?;
        self.probe_optimizer.store(archive, "probe_optimizer").await?;
        let metered = store_meter(archive, &self.meter).await?;
        let random_rows = self.support.as_ref().map_or(0, SupportSet::random_rows);
        Ok(Counters { steps: self.steps, metered, random_rows })
    }

    /// Goes on where [`store_state`](Self::store_state) was called.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when the state is of another run.
    pub fn resume(mut self, archive: &Archive, counters: &Counters) -> Result<Self, Error> {
        let device = &self.device;
        self.net = archive.restore("", self.net)?;
        if let Some(probe) = self.probe.take() {
            self.probe = Some(archive.restore("probe", probe)?);
        }
        if let Some(support) = &self.support {
            let [size, dim] = support.rows().dims();
            let get = |name| archive.get(name);
            let rows = get("support.rows")?.to_device("support.rows", [size, dim], device)?;
            let labels: Tensor<1> =
                get("support.labels")?.to_device("support.labels", [size], device)?;
            let support = SupportSet::from_rows(rows, labels.int(), counters.random_rows);
            self.support = Some(support);
        }
        let settings = &self.recipe.pretraining;
        let resumed = |settings: &AdamSettings, prefix| {
            Adam::resumed(settings.clone(), counters.steps, (archive, prefix), device)
        };
        self.optimizer = resumed(&settings.optimizer, "optimizer")?;
        self.probe_optimizer = resumed(&settings.probe_optimizer, "probe_optimizer")?;
        self.meter = resume_meter(archive, counters.metered, device)?;
        self.steps = counters.steps;
        Ok(self)
    }
}
