//! The name of a parameter: where it stands in its module, as `PyTorch` writes it.

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
