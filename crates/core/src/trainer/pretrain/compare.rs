//! What the objective makes of a step's views.

use burn::tensor::Tensor;

use super::Pretrainer;
use crate::metrics;
use crate::objective::relational::Relations;
use crate::objective::{Neighbours, Objective, Terms};
use crate::recipe::AccuracyOn;

/// A step's loss, before anything has moved.
pub(super) struct Compared {
    /// The number to differentiate, `[1]`.
    pub(super) loss: Tensor<1>,
    pub(super) readings: Vec<(&'static str, Tensor<1>)>,
    pub(super) neighbours: Option<Neighbours>,
}

/// The first two views, `[n, dim]` each.
type Pair = [Tensor<2>; 2];

impl Pretrainer {
    pub(super) fn compare(&self, views: Vec<Tensor<4>>) -> Compared {
        let n = views[0].dims()[0];
        let net = &self.net;
        let features = net.encoder.forward(Tensor::cat(views, 0));
        let projections = match &net.projection {
            Some(head) => head.forward(features.clone()),
            None => features.clone(),
        };
        let predictions = net.predictor.as_ref().map(|head| head.forward(projections.clone()));
        let pair = |x: Tensor<2>| [x.clone().narrow(0, 0, n), x.narrow(0, n, n)];
        let first_two = pair(features);
        let terms = match (&self.recipe.objective, &self.support, &net.relation) {
            (Objective::Relational(settings), _, Some(head)) => {
                return related(&settings.compare(projections, head), first_two);
            }
            (Objective::Nnclr(settings), Some(support), _) => {
                settings.terms(pair(projections.clone()), predictions.map(pair), support)
            }
            (Objective::Simclr(settings), ..) => {
                let [first, second] = pair(projections.clone());
                settings.terms(first, second)
            }
            (Objective::Nnclr(_), None, _) => unreachable!("NNCLR is made with its support set"),
            (Objective::Relational(_), _, None) => unreachable!("it is made with its head"),
        };
        self.contrasted(terms, first_two, pair(projections))
    }

    fn contrasted(&self, terms: Terms, features: Pair, projections: Pair) -> Compared {
        let [left, right] = match self.recipe.pretraining.accuracy_on {
            AccuracyOn::Features => features.clone(),
            AccuracyOn::Projections => projections,
        };
        let [first, second] = features;
        let readings = vec![
            ("loss", terms.losses.clone().mean()),
            ("contrastive_accuracy", metrics::contrastive_accuracy(left, right)),
            ("correlation_accuracy", metrics::correlation_accuracy(first.clone(), second.clone())),
            (
                "keras_correlation_accuracy",
                metrics::keras_correlation_accuracy(first.clone(), second),
            ),
            ("dead_units", metrics::dead_units(first.clone())),
            ("feature_spread", metrics::feature_spread(first)),
        ];
        let loss = terms.reduced(self.recipe.pretraining.reduction);
        Compared { loss, readings, neighbours: terms.neighbours }
    }
}

fn related(relations: &Relations, [first, _]: Pair) -> Compared {
    let [all, same, other] = relations.accuracies();
    let loss = relations.loss.clone();
    let readings = vec![
        ("loss", loss.clone()),
        ("pair_accuracy", all),
        ("positive_accuracy", same),
        ("negative_accuracy", other),
        ("dead_units", metrics::dead_units(first.clone())),
        ("feature_spread", metrics::feature_spread(first)),
    ];
    Compared { loss, readings, neighbours: None }
}
