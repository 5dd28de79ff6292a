//! A graph under construction: nodes in the order of data, and the numbers that they need.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::wire::Message;
use crate::archive::{Archive, Precision, Stored};
use crate::error::Error;

/// The name of a tensor in a graph.
pub(super) type Value = String;

/// A setting of a node.
pub(super) enum Attribute<'a> {
    Float(&'a str, f32),
    Integer(&'a str, i64),
    Integers(&'a str, &'a [i64]),
}

/// Element types, by the numbers that ONNX gives them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Float = 1,
    Bytes = 2,
    Integers = 7,
    Half = 10,
}

/// An axis of an input or output: of so many, or of a number that is free.
pub(super) enum Axis<'a> {
    Of(usize),
    Free(&'a str),
}

/// Nodes and numbers so far.
pub(super) struct Graph<'a> {
    archive: &'a Archive,
    precision: Precision,
    nodes: Vec<Message>,
    initializers: Vec<Message>,
    /// Names of numbers that are there already, and that several nodes take.
    shared: BTreeSet<Value>,
}

impl Attribute<'_> {
    fn message(&self) -> Message {
        const NAME: u64 = 1;
        const TYPE: u64 = 20;
        let of = |name, kind| Message::default().text(NAME, name).integer(TYPE, kind);
        match *self {
            Self::Float(name, value) => of(name, 1).float(2, value),
            Self::Integer(name, value) => of(name, 2).integer(3, value),
            Self::Integers(name, values) => of(name, 7).integers(8, values),
        }
    }
}

/// An input or output of a graph: its name, what it holds, its axes, and what people should know of it.
pub(super) fn described(name: &str, kind: Type, axes: &[Axis<'_>], about: &str) -> Message {
    let axes: Vec<Message> = axes
        .iter()
        .map(|axis| match *axis {
            Axis::Of(count) => Message::default().integer(1, count as i64),
            Axis::Free(name) => Message::default().text(2, name),
        })
        .collect();
    let shape = Message::default().messages(1, &axes);
    let tensor = Message::default().integer(1, kind as i64).message(2, &shape);
    let kind = Message::default().message(1, &tensor);
    Message::default().text(1, name).message(2, &kind).text(3, about)
}

impl<'a> Graph<'a> {
    /// Nothing yet. Weights are stored in such a precision.
    pub(super) fn new(archive: &'a Archive, precision: Precision) -> Self {
        Self {
            archive,
            precision,
            nodes: Vec::new(),
            initializers: Vec::new(),
            shared: BTreeSet::new(),
        }
    }

    /// Whether the checkpoint has a tensor.
    pub(super) fn has(&self, name: &str) -> bool {
        self.archive.shape(name).is_some()
    }

    /// A tensor of the checkpoint, to be changed before it is stored.
    pub(super) fn stored(&self, name: &str) -> Result<Stored, Error> {
        self.archive.get(name).map(Cow::into_owned)
    }

    /// A node, and what it gives, which has the node's name.
    pub(super) fn node(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        attributes: &[Attribute<'_>],
    ) -> Value {
        let attributes: Vec<Message> = attributes.iter().map(Attribute::message).collect();
        let node = Message::default()
            .texts(1, inputs.iter().copied())
            .text(2, name)
            .text(3, name)
            .text(4, op)
            .messages(5, &attributes);
        self.nodes.push(node);
        name.to_owned()
    }

    /// A node without settings, named after what it takes and does.
    pub(super) fn after(&mut self, op: &str, inputs: &[&str]) -> Value {
        let name = format!("{}/{op}", inputs[0]);
        self.node(op, &name, inputs, &[])
    }

    /// A tensor of the checkpoint as it is.
    pub(super) fn weight(&mut self, name: &str) -> Result<Value, Error> {
        let stored = self.stored(name)?;
        self.constant(name, &stored)
    }

    /// A tensor of the checkpoint that several nodes may take.
    pub(super) fn shared(&mut self, name: &str) -> Result<Value, Error> {
        match self.shared.insert(name.to_owned()) {
            true => self.weight(name),
            false => Ok(name.to_owned()),
        }
    }

    /// Numbers. Those of matrices and kernels have the graph's precision, and are computed with in four
    /// bytes; all others are few, and keep theirs.
    pub(super) fn constant(&mut self, name: &str, stored: &Stored) -> Result<Value, Error> {
        let rank = stored.shape.iter().filter(|&&length| length > 1).count();
        let half = self.precision == Precision::Half && rank > 1;
        let (kind, precision) =
            if half { (Type::Half, Precision::Half) } else { (Type::Float, Precision::Single) };
        let bytes = precision.encode(name, &stored.values)?;
        self.initializer(name, kind, &stored.shape, &bytes);
        if !half {
            return Ok(name.to_owned());
        }
        let to = Attribute::Integer("to", Type::Float as i64);
        Ok(self.node("Cast", &format!("{name}/Cast"), &[name], &[to]))
    }

    /// Whole numbers in a row.
    pub(super) fn integers(&mut self, name: &str, values: &[i64]) -> Value {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, Type::Integers, &[values.len()], &bytes);
        name.to_owned()
    }

    /// One number without axes; all nodes share it.
    pub(super) fn scalar(&mut self, value: f32) -> Value {
        let name = format!("number/{value}");
        if self.shared.insert(name.clone()) {
            self.initializer(&name, Type::Float, &[], &value.to_le_bytes());
        }
        name
    }

    /// One whole number without axes.
    pub(super) fn integer(&mut self, name: &str, value: i64) -> Value {
        self.initializer(name, Type::Integers, &[], &value.to_le_bytes());
        name.to_owned()
    }

    fn initializer(&mut self, name: &str, kind: Type, shape: &[usize], bytes: &[u8]) {
        let dims: Vec<i64> = shape.iter().map(|&length| length as i64).collect();
        let tensor = Message::default()
            .integers(1, &dims)
            .integer(2, kind as i64)
            .text(8, name)
            .bytes(9, bytes);
        self.initializers.push(tensor);
    }

    /// The whole graph, from what to what.
    pub(super) fn finished(self, name: &str, input: &Message, outputs: &[Message]) -> Message {
        Message::default()
            .messages(1, &self.nodes)
            .text(2, name)
            .messages(5, &self.initializers)
            .message(11, input)
            .messages(12, outputs)
    }
}
