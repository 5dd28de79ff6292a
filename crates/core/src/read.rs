//! Waiting for numbers from the device: the only way in which core reads a tensor.

use burn::tensor::{Int, Tensor};

use crate::error::Error;

/// Waits for numbers of any shape.
///
/// # Errors
/// [`Error::Device`] when the device fails.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, Error> {
    let failed = |reason: String| Error::Device { reason };
    let data = tensor.inner().into_data_async().await.map_err(|e| failed(format!("{e:?}")))?;
    data.try_to_vec::<f32>().map_err(|e| failed(format!("{e:?}")))
}

/// Waits for whole numbers.
///
/// # Errors
/// [`Error::Device`] when the device fails.
pub async fn read_int<const D: usize>(tensor: Tensor<D, Int>) -> Result<Vec<i64>, Error> {
    let failed = |reason: String| Error::Device { reason };
    let data = tensor.inner().into_data_async().await.map_err(|e| failed(format!("{e:?}")))?;
    Ok(data.iter::<i64>().collect())
}
