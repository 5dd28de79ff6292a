//! Projection heads.

use super::graph::{Graph, Value};
use crate::error::Error;
use crate::head::{HeadActivation, HeadNorm, HeadSettings};
use crate::norm::Constants;

impl Graph<'_> {
    /// Linear layers with normalisation and activation between them.
    pub(super) fn projection(
        &mut self,
        features: &str,
        settings: &HeadSettings,
    ) -> Result<Value, Error> {
        let mut rows = features.to_owned();
        let last = settings.hidden.len();
        for place in 0..=last {
            rows = self.linear(&rows, &format!("projection.layers.{place}"))?;
            let norm = if place == last { settings.last_norm } else { settings.norm };
            if norm != HeadNorm::None {
                let name = format!("projection.norms.{place}");
                rows = self.batch_norm(&rows, &name, Constants::PYTORCH.epsilon)?;
            }
            rows = match settings.activation {
                _ if place == last => rows,
                HeadActivation::Relu => self.after("Relu", &[&rows]),
                HeadActivation::Gelu => self.gelu(&rows),
            };
        }
        Ok(rows)
    }
}
