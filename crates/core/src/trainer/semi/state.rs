//! What a semi-supervised run leaves behind, and how it goes on from there.

use burn::tensor::Tensor;

use super::SemiTrainer;
use crate::archive::{Archive, Stored};
use crate::error::Error;
use crate::optimizer::Adam;
use crate::trainer::{Counters, resume_meter, store_meter};

/// Where the average lies in a state; in a checkpoint it is the network.
const AVERAGE: &str = "average";
const LATEST: &str = "curriculum.latest";

impl SemiTrainer {
    /// Adds what a checkpoint holds: the averaged encoder and classifier.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn store(&self, archive: &mut Archive) -> Result<(), Error> {
        archive.add("", &self.average).await
    }

    /// Adds everything that going on later needs.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn store_state(&self, archive: &mut Archive) -> Result<Counters, Error> {
        archive.add("", &self.net).await?;
        archive.add(AVERAGE, &self.average).await?;
        self.optimizer.store(archive, "optimizer").await?;
        if let Some(curriculum) = &self.curriculum {
            let latest = Stored::read(curriculum.latest().float()).await?;
            archive.tensors.insert(LATEST.into(), latest);
        }
        let metered = store_meter(archive, &self.meter).await?;
        Ok(Counters { steps: self.steps, metered, random_rows: 0 })
    }

    /// Goes on where [`store_state`](Self::store_state) was called.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when the state is of another run.
    pub fn resume(mut self, archive: &Archive, counters: &Counters) -> Result<Self, Error> {
        self.net = archive.restore("", self.net)?;
        self.average = archive.restore(AVERAGE, self.average)?;
        let from = (archive, "optimizer");
        let settings = self.settings.optimizer.clone();
        let learnt = self.learnt(counters.steps).unwrap_or(0);
        self.optimizer = Adam::resumed(settings, learnt, from, &self.device)?;
        if let Some(curriculum) = self.curriculum.take() {
            let stored = archive.get(LATEST)?;
            let latest: Tensor<1> = stored.to_device(LATEST, [self.pool.len()], &self.device)?;
            self.curriculum = Some(curriculum.resumed(latest.int()));
        }
        self.meter = resume_meter(archive, counters.metered, &self.device)?;
        self.steps = counters.steps;
        Ok(self)
    }
}
