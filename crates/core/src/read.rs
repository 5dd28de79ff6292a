//! Waiting for numbers from the device: the only way in which core reads a tensor.

use core::fmt::Display;

use burn::tensor::{Int, Tensor};

use crate::error::Error;

fn failed(error: &impl Display) -> Error {
    Error::of_device(&error.to_string())
}

/// Waits for numbers of any shape.
///
/// # Errors
/// [`Error::Device`] when the device fails, [`Error::DeviceMemory`] where it has no memory for them.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, Error> {
    let data = tensor.inner().into_data_async().await.map_err(|e| failed(&e))?;
    data.try_to_vec::<f32>().map_err(|e| failed(&e))
}

/// Waits for whole numbers.
///
/// # Errors
/// Those of [`read`].
pub async fn read_int<const D: usize>(tensor: Tensor<D, Int>) -> Result<Vec<i64>, Error> {
    let data = tensor.inner().into_data_async().await.map_err(|e| failed(&e))?;
    Ok(data.iter::<i64>().collect())
}
