//! Parameters of a module on their way into an archive and out of one.

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Int, Tensor};

use super::{Archive, Stored};
use crate::error::Error;
use crate::path::Path;

/// A tensor on its way from a device.
pub(super) type Reading = core::pin::Pin<Box<dyn Future<Output = Result<Stored, Error>>>>;

/// Starts reading every parameter.
pub(super) struct Gather {
    pub(super) path: Path,
    pub(super) reads: Vec<(String, Reading)>,
}

impl ModuleVisitor for Gather {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.path.exit(name, container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.reads.push((self.path.name(), Box::pin(Stored::read(param.val()))));
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.reads.push((self.path.name(), Box::pin(Stored::read(param.val().float()))));
    }
}

/// Replaces every parameter of a wanted name, up to the first that does not fit.
pub(super) struct Scatter<'a> {
    pub(super) archive: &'a Archive,
    pub(super) wanted: fn(&str) -> bool,
    pub(super) path: Path,
    pub(super) failed: Option<Error>,
}

impl ModuleMapper for Scatter<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.path.exit(name, container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        if self.failed.is_some() || !(self.wanted)(&name) {
            return param;
        }
        let old = param.val();
        let device = old.device().inner();
        let loaded =
            self.archive.get(&name).and_then(|stored| stored.to_device(&name, old.dims(), &device));
        match loaded {
            Ok(new) if old.is_autodiff() => param.map(|_| new.autodiff().require_grad()),
            Ok(new) => param.map(|_| new),
            Err(error) => {
                self.failed = Some(error);
                param
            }
        }
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        let name = self.path.name();
        if self.failed.is_some() || !(self.wanted)(&name) {
            return param;
        }
        let old = param.val();
        let stored = self.archive.get(&name);
        match stored.and_then(|stored| stored.to_device(&name, old.dims(), &old.device())) {
            Ok(new) => param.map(|_| new.int()),
            Err(error) => {
                self.failed = Some(error);
                param
            }
        }
    }
}
