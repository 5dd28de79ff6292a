//! Attention on the CPU: nothing is copied to another layout.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;

use super::softmax::{Slopes, Softmax};
use crate::array::{Array, array, plain, tracked};
use crate::gemm::{Panels, Product, Row, Runs, Transposed};
use crate::threads;
use crate::vectors::widest;

/// # Shapes
/// - parts: `[n · tokens, 3 · dim]`, of queries, keys and values, each of `heads` times some numbers
/// - result: `[n · tokens, dim]`
pub(super) fn attend(parts: Tensor<2>, tokens: usize, heads: usize) -> Tensor<2> {
    if !parts.is_autodiff() {
        let parts = Parts { numbers: plain(parts).to_contiguous(), tokens, heads };
        return Tensor::from_primitive::<Flex>(parts.attend());
    }
    let (parts, node) = tracked(parts).into_parts();
    let parts = Parts { numbers: parts.to_contiguous(), tokens, heads };
    let seen = parts.attend();
    let tracked = match Attend.prepare::<NoCheckpointing>([node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(parts, seen),
        OpsKind::UnTracked(prepared) => prepared.finish(seen),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(tracked)
}

/// The step back.
#[derive(Debug)]
struct Attend;

impl Backward<Flex, 1> for Attend {
    /// Scores are computed again: to keep those of all layers would take most of a step's memory.
    type State = Parts;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let [parent] = ops.parents;
        if let Some(node) = parent {
            grads.register::<Flex>(node.id, ops.state.gradient(gradient.storage()));
        }
    }
}

/// Queries, keys and values of the tokens of some images.
#[derive(Clone, Debug)]
struct Parts {
    /// `[n · tokens, 3 · dim]`.
    numbers: Array,
    tokens: usize,
    heads: usize,
}

impl Parts {
    /// Numbers of a token: queries, keys and values of all heads.
    fn width(&self) -> usize {
        self.numbers.layout().shape()[1]
    }

    fn dim(&self) -> usize {
        self.width() / 3
    }

    /// Heads of an image.
    fn heads(&self, image: usize) -> impl Iterator<Item = Head<'_>> {
        let (tokens, width, size) = (self.tokens, self.width(), self.dim() / self.heads);
        let parts = &self.numbers.storage::<f32>()[image * tokens * width..][..tokens * width];
        (0..self.heads).map(move |head| Head { parts, tokens, width, size, first: head * size })
    }

    /// `[n · tokens, dim]`.
    fn attend(&self) -> Array {
        let ([rows, _], dim) = (self.numbers.layout().shape().dims(), self.dim());
        let mut seen = threads::zeros(rows * dim);
        threads::each_part(&mut seen, (self.tokens * dim).max(1), |image, seen| {
            self.heads(image).for_each(|head| head.attend(seen));
        });
        array(seen, [rows, dim])
    }

    /// The gradient of the parts from that of what is seen.
    fn gradient(&self, gradient: &[f32]) -> Array {
        let [rows, width] = self.numbers.layout().shape().dims();
        let (tokens, dim) = (self.tokens, self.dim());
        let mut found = threads::zeros(rows * width);
        threads::each_part(&mut found, (tokens * width).max(1), |image, found| {
            let gradient = &gradient[image * tokens * dim..][..tokens * dim];
            self.heads(image).for_each(|head| head.back(gradient, found));
        });
        array(found, [rows, width])
    }
}

/// One head of one image.
struct Head<'a> {
    /// `[tokens, width]`.
    parts: &'a [f32],
    tokens: usize,
    /// Numbers of a token: queries, keys and values of all heads.
    width: usize,
    /// Numbers that the head looks at.
    size: usize,
    /// Its first number among the queries.
    first: usize,
}

impl Head<'_> {
    fn dim(&self) -> usize {
        self.width / 3
    }

    /// 1 / √d.
    fn scale(&self) -> f64 {
        1.0 / (self.size as f64).sqrt()
    }

    /// What each token looks at, `[tokens, tokens]`.
    fn shares(&self) -> Vec<f32> {
        let Self { parts, tokens, width, size, first } = *self;
        let (dim, scale) = (self.dim(), self.scale());
        let keys = Panels::new([size, tokens], |place| {
            move |token: usize| {
                let key = parts[token * width + dim + first + place];
                (f64::from(key) * scale) as f32
            }
        });
        let mut scores = vec![0.0; tokens * tokens];
        let product = Product::new(parts, whole(size), &keys);
        product.write(&rows(tokens, [first, width], [0, tokens]), &mut scores);
        widest(Softmax { rows: &mut scores, columns: tokens });
        scores
    }

    /// Writes what its tokens see, where it belongs in `[tokens, dim]`.
    fn attend(&self, seen: &mut [f32]) {
        let Self { parts, tokens, width, size, first } = *self;
        let dim = self.dim();
        let value = |token: usize| &parts[token * width + 2 * dim + first..][..size];
        let values = Panels::of_rows([tokens, size], value);
        let shares = self.shares();
        let product = Product::new(&shares, whole(tokens), &values);
        product.write(&rows(tokens, [0, tokens], [first, dim]), seen);
    }

    /// Writes the gradient of its parts, where it belongs in `[tokens, width]`, from that of what its tokens
    /// see, in `[tokens, dim]`.
    fn back(&self, gradient: &[f32], found: &mut [f32]) {
        let Self { parts, tokens, width, size, first } = *self;
        let dim = self.dim();
        let shares = self.shares();
        self.put(&summed(&shares, tokens, (gradient, [first, dim], size)), 2 * dim, found);
        let value = |token: usize| &parts[token * width + 2 * dim + first..][..size];
        let values = Panels::of_columns([size, tokens], value);
        let mut slopes = vec![0.0; tokens * tokens];
        let product = Product::new(gradient, whole(size), &values);
        product.write(&rows(tokens, [first, dim], [0, tokens]), &mut slopes);
        let scale = self.scale() as f32;
        widest(Slopes { slopes: &mut slopes, shares: &shares, columns: tokens, scale });
        let key = |token: usize| &parts[token * width + dim + first..][..size];
        let keys = Panels::of_rows([tokens, size], key);
        let product = Product::new(&slopes, whole(tokens), &keys);
        product.write(&rows(tokens, [0, tokens], [first, width]), found);
        self.put(&summed(&slopes, tokens, (parts, [first, width], size)), dim, found);
    }

    /// Writes its numbers `[tokens, size]` so far behind the queries of `[tokens, width]`.
    fn put(&self, numbers: &[f32], behind: usize, found: &mut [f32]) {
        let rows = found.chunks_exact_mut(self.width).zip(numbers.chunks_exact(self.size));
        for (row, numbers) in rows {
            row[behind + self.first..][..self.size].copy_from_slice(numbers);
        }
    }
}

/// Tokens that lie so far apart, from a first number on: where they are read, and where written.
fn rows(tokens: usize, from: [usize; 2], to: [usize; 2]) -> Vec<Row> {
    let at = |[first, step]: [usize; 2], token: usize| first + token * step;
    (0..tokens).map(|token| Row { from: at(from, token), to: at(to, token) }).collect()
}

/// The product `[tokens, size]` of `[tokens, tokens]`, transposed, by tokens among some numbers.
fn summed(
    left: &[f32],
    tokens: usize,
    (numbers, [first, step], size): (&[f32], [usize; 2], usize),
) -> Vec<f32> {
    let starts: Vec<usize> = (0..tokens).map(|token| first + token * step).collect();
    let mut sums = vec![0.0; tokens * size];
    let runs = whole(size);
    Transposed { left, columns: tokens, numbers, runs, starts: &starts }.onto(&mut sums);
    sums
}

/// A row whose numbers all lie side by side.
fn whole(length: usize) -> Runs {
    Runs { count: 1, length, step: length }
}
