//! Training all weights on few labels, from a checkpoint's encoder or from fresh weights.

use kith_core::Device;
use kith_core::archive::Archive;
use kith_core::probe::confusion::Confusion;
use kith_core::probe::few_label::draw;
use kith_core::recipe::Recipe;
use kith_core::trainer::{Plan, Supervised, Trainer};
use kith_data::Dataset;

use crate::failure::Failure;
use crate::inference::predict;
use crate::interrupt::stopped;
use crate::train::loader;

/// What is trained, from where and on what.
#[derive(Clone, Copy)]
pub(crate) struct Finetuning<'a> {
    pub(crate) recipe: &'a Recipe,
    /// Its labelled images are drawn from, its test images are told apart.
    pub(crate) dataset: &'a Dataset,
    pub(crate) device: &'a Device,
    /// Whose encoder it starts from; without it, weights are fresh: the supervised baseline.
    pub(crate) start: Option<&'a Archive>,
}

impl Finetuning<'_> {
    /// Share of the test images told right after so many labels a class, which the seed draws; none if
    /// the user wants to stop.
    ///
    /// # Errors
    /// [`Error::TooFew`](kith_core::Error::TooFew) when a class has fewer labelled images.
    pub(crate) fn accuracy(&self, labels: usize, seed: u64) -> Result<Option<f64>, Failure> {
        let Dataset { labelled, test, class_names, .. } = self.dataset;
        let classes = class_names.len();
        let places = draw(labelled.labels().unwrap_or_default(), classes, labels, seed)?;
        let Some(trainer) = self.trained(&places, seed)? else { return Ok(None) };
        let predicted = predict(|images| trainer.logits(images), test, self.device)?;
        let truth = test.labels().unwrap_or_default();
        Ok(Some(Confusion::count(classes, truth, &predicted).accuracy()))
    }

    /// A network trained on the drawn images for the recipe's number of steps.
    fn trained(&self, places: &[u32], seed: u64) -> Result<Option<Trainer<Supervised>>, Failure> {
        let mut settings = self.recipe.finetuning.clone();
        settings.batch = settings.batch.min(places.len());
        settings.steps = None;
        let size = [self.dataset.side(), self.dataset.class_names.len()];
        let mut plan = Plan::finetuning(&settings, size, seed, places.len());
        plan.epochs = self.recipe.evaluation.few_label_steps.div_ceil(plan.steps);
        let mut trainer = Trainer::supervised(self.recipe.clone(), plan, self.device)?;
        if let Some(archive) = self.start {
            trainer = trainer.with_encoder(archive)?;
        }
        let labelled = self.dataset.labelled.subset(places);
        for batch in loader::finetuning(&labelled, &settings, plan, 0)? {
            if stopped() {
                return Ok(None);
            }
            let _unread = trainer.step(&batch?)?;
        }
        // Says so if the run diverged.
        pollster::block_on(trainer.finish_epoch())?;
        Ok(Some(trainer))
    }
}
