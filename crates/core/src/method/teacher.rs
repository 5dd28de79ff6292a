//! A teacher: a running average of the student, which says what the student should have said.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

use super::agreement::{each_alone, views_of};
use super::parts::Part;
use super::{Network, Pass, Projector};
use crate::ema;
use crate::encoder::Encoder;

/// A teacher's encoder and projection head.
pub type Teacher = Network<Projector>;

/// A teacher, and nothing else that goes on from step to step.
#[derive(Module, Debug)]
pub struct Taught {
    /// The teacher.
    pub teacher: Teacher,
}

impl Taught {
    /// By a copy of the student.
    pub fn by(encoder: &Encoder, heads: Projector) -> Self {
        Self { teacher: copy_of(encoder, heads) }
    }
}

/// A teacher that starts as a copy of the student, without autodiff.
pub fn copy_of<H: Module + ModuleDisplay>(encoder: &Encoder, heads: H) -> Network<H> {
    Network { encoder: encoder.clone(), heads }.valid()
}

/// What the teacher makes of views, each of them through its head alone, without gradient.
///
/// It looks in training mode: it normalises by the batch, and moves running statistics of its own.
pub fn targets<S: Module + ModuleDisplay>(
    (teacher, student): (&mut Teacher, &Network<S>),
    views: &[Tensor<4>],
    pass: Pass,
    parts: &[Part],
) -> Vec<Tensor<2>> {
    let n = views.first().map_or(0, |view| view.dims()[0]);
    looks((teacher, student), |teacher| {
        let features = teacher.features_in_parts(views, pass, parts);
        each_alone(teacher.heads.projection(), &views_of(&features, n))
    })
}

/// A forward pass of the teacher in training mode, without gradient; the student's frozen layers are the
/// teacher's too.
pub fn looks<T, S>(
    (teacher, student): (&mut Network<T>, &Network<S>),
    forward: impl FnOnce(&Network<T>) -> Vec<Tensor<2>>,
) -> Vec<Tensor<2>>
where
    T: Module + ModuleDisplay,
    S: Module + ModuleDisplay,
{
    let (moved, seen) = ema::in_training(teacher, student, forward);
    *teacher = moved;
    seen.into_iter().map(Tensor::inner).collect()
}

/// The teacher moved on towards the student, by the names of their parameters.
pub fn follow<T, S>(teacher: &mut Network<T>, student: &Network<S>, momentum: f64)
where
    T: Module + ModuleDisplay,
    S: Module + ModuleDisplay,
{
    *teacher = ema::follow(teacher.clone(), student, momentum);
}
