//! First layers of an encoder that stay as they are.
//!
//! Their parameters lose autodiff: no gradient goes into them, nothing of theirs is kept for a backward
//! pass, and they normalise by running statistics, which stay too.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

use crate::encoder::EncoderSettings;
use crate::error::Error;
use crate::path::Path;

/// Where the encoder lies in a network.
const ENCODER: &str = "encoder.";

/// Whether no layer is frozen, which a recipe need not say.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
pub(crate) fn is_none(layers: &usize) -> bool {
    *layers == 0
}

/// Refuses more layers than an encoder has.
///
/// # Errors
/// [`Error::Setting`] for the setting of that name.
fn check(name: &'static str, layers: usize, encoder: &EncoderSettings) -> Result<(), Error> {
    let most = encoder.freezable();
    match layers <= most {
        true => Ok(()),
        false => {
            let expected = format!(
                "0 to {most}: the layers of this {}, a stem and each block",
                encoder.kind()
            );
            Err(Error::setting(name, expected, layers))
        }
    }
}

/// The network with as many first layers of its encoder frozen as the setting of that name says.
///
/// # Errors
/// [`Error::Setting`] for more layers than the encoder has.
pub(crate) fn frozen<M: Module>(
    network: M,
    (name, layers): (&'static str, usize),
    encoder: &EncoderSettings,
) -> Result<M, Error> {
    check(name, layers, encoder)?;
    Ok(match layers {
        0 => network,
        _ => without_gradients(network, |name| {
            let of_encoder = name.strip_prefix(ENCODER);
            of_encoder.is_some_and(|name| encoder.layer_of(name) < layers)
        }),
    })
}

/// The network with the parameters of such names without autodiff.
pub(crate) fn without_gradients<M: Module>(network: M, named: impl Fn(&str) -> bool) -> M {
    network.map(&mut Freeze { named, path: Path::default() })
}

struct Freeze<F> {
    named: F,
    path: Path,
}

impl<F: Fn(&str) -> bool> ModuleMapper for Freeze<F> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.path.exit(name, container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match (self.named)(&self.path.name()) {
            true => param.map(Tensor::inner),
            false => param,
        }
    }
}
