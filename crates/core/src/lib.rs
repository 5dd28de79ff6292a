//! kith's core: self-supervised learning of image encoders, the same natively and in a browser.
//!
//! Data walks one way, and the modules below stand in that order: pixels, views, bytes, features,
//! projection, loss, numbers, update, and the trainer, which takes one step through all of it. A
//! module uses only those above it.

pub mod error;
pub mod device;
mod range;
pub mod read;
mod hash;
pub mod rng;
pub mod protocol;
pub mod sampler;
pub mod dropout;
#[cfg(feature = "gpu")]
mod buffers;
pub mod image;
pub mod loader;
mod vectors;
pub mod resize;
pub mod square;
mod matrix;
mod threads;
#[cfg(feature = "cpu")]
mod array;
pub mod augment;
pub mod unit;
pub mod rows;
mod path;
pub mod archive;
mod initial;
pub mod activation;
#[cfg(feature = "cpu")]
mod gemm;
mod packed;
mod window;
#[cfg(feature = "gpu")]
mod gpu_convolution;
pub mod gelu;
pub mod precision;
pub mod norm;
pub mod layer_norm;
pub mod linear;
pub mod encoder;
pub mod head;
pub mod support;
pub mod loss;
pub mod metrics;
pub mod schedule;
mod transfer;
pub mod optimizer;
mod freeze;
pub mod ema;
pub mod method;
pub mod probe;
pub mod clean;
pub mod active;
pub mod semi;
pub mod recipe;
pub mod checkpoint;
pub mod import;
pub mod onnx;
pub mod torch;
pub mod model;
pub mod trainer;
pub mod selftest;
pub mod worker;
pub mod replay;

pub use burn::module::{Module, Param};
pub use burn::tensor::{Device, DeviceKind, Int, Tensor};
pub use error::Error;
