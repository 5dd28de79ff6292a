//! A fully connected layer on the CPU, for inference.

use burn::backend::Flex;
use burn::tensor::Tensor;

use crate::activation::Activation;
use crate::array::{array, plain};
use crate::gemm::{Panels, Product, Row, Runs};
use crate::threads;

/// Rows that a thread multiplies at a time.
const ROWS: usize = 256;

/// # Shapes
/// - x: `[n, in]`, weight: `[in, out]`, bias: `[out]`
/// - result: `[n, out]`
pub(super) fn forward(x: Tensor<2>, weight: &Panels, bias: Option<Tensor<1>>) -> Tensor<2> {
    let [n, inputs] = x.dims();
    let outputs = weight.columns();
    let x = plain(x).to_contiguous();
    let bias = bias.map(|bias| plain(bias).to_contiguous());
    let runs = Runs { count: 1, length: inputs, step: inputs };
    let mut product = Product::new(x.storage(), runs, weight);
    if let Some(bias) = &bias {
        product = product.ending(bias.storage(), Activation::Linear);
    }
    let mut result = vec![0.0; n * outputs];
    threads::each_part(&mut result, (ROWS * outputs).max(1), |number, part| {
        let rows = (0..part.len() / outputs)
            .map(|row| Row { from: (number * ROWS + row) * inputs, to: row * outputs });
        product.write(&rows.collect::<Vec<_>>(), part);
    });
    Tensor::from_primitive::<Flex>(array(result, [n, outputs]))
}
