//! The names of parameters: where they stand in their module, as `PyTorch` writes it; and what is known of them by name.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Int, Tensor};

/// What is known of a module's tensor without reading it.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// Whether a backward pass gives it a gradient.
    pub(crate) learns: bool,
}

/// All tensors of a module, in its order.
pub(crate) fn described(module: &impl Module) -> Vec<Described> {
    let mut describe = Describe::default();
    module.visit(&mut describe);
    describe.found
}

#[derive(Default)]
struct Describe {
    path: Path,
    found: Vec<Described>,
}

impl ModuleVisitor for Describe {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.path.exit(name, container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let (shape, learns) = (param.dims().to_vec(), param.val().is_require_grad());
        self.found.push(Described { name: self.path.name(), shape, learns });
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        let shape = param.dims().to_vec();
        self.found.push(Described { name: self.path.name(), shape, learns: false });
    }
}

/// The way down to a parameter, followed by visitors of a module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Path(Vec<String>);

impl Path {
    /// A way that starts below `prefix`; none if it is empty.
    pub(crate) fn below(prefix: &str) -> Self {
        Self(if prefix.is_empty() { Vec::new() } else { vec![prefix.to_owned()] })
    }

    /// Goes down. The variant of an enum is no step: which encoder it is, the recipe says. Neither are
    /// the heads of a method's network: `projection` is named so and not `heads.projection`.
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        if !is_transparent(name, container) {
            self.0.push(name.to_owned());
        }
    }

    /// Comes back up.
    pub(crate) fn exit(&mut self, name: &str, container: &str) {
        if !is_transparent(name, container) {
            self.0.pop();
        }
    }

    /// The name of the place.
    pub(crate) fn name(&self) -> String {
        self.0.join(".")
    }
}

/// Whether burn calls the container an enum, or a network whose heads these are.
fn is_transparent(name: &str, container: &str) -> bool {
    container.starts_with("Enum:") || (name, container) == ("heads", "Struct:Network")
}
