//! Cross-entropy, which most objectives are made of.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

/// Cross-entropy of each row with its label: −log softmax(logits)\[label\], `[n]`.
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    let [n, _] = logits.dims();
    log_softmax(logits, 1).gather(1, labels.reshape([n, 1])).neg().reshape([n])
}

/// Cross-entropy of each row whose right column is the row's own number: −log softmax(S)ᵢᵢ, `[n]`.
pub fn diagonal_cross_entropy(similarities: Tensor<2>) -> Tensor<1> {
    let [n, _] = similarities.dims();
    let own = Tensor::<1, Int>::arange(0..n as i64, &similarities.device());
    cross_entropy(similarities, own)
}
