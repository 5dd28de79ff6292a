//! What a graph takes, and what pixels become before the first layer.

use super::graph::{Attribute, Axis, Graph, Type, Value, described};
use super::maps::Maps;
use super::wire::Message;
use crate::archive::Stored;
use crate::encoder::Normalization;
use crate::error::Error;
use crate::image::CHANNELS;

/// What a graph takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// `pixel_values`, numbers in [0, 1]: `[batch, 3, side, side]`.
    #[default]
    Float,
    /// `pixels`, bytes: `[batch, side, side, channels]`, red, green and blue first, so that a canvas's
    /// RGBA does as well.
    Bytes,
}

/// What a byte is at most.
const MOST: f64 = 255.0;

impl Input {
    /// What programs call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float => "pixel_values",
            Self::Bytes => "pixels",
        }
    }

    pub(super) fn described(self, side: usize) -> Message {
        let batch = Axis::Free("batch");
        match self {
            Self::Float => {
                let axes = [batch, Axis::Of(CHANNELS), Axis::Of(side), Axis::Of(side)];
                described(self.name(), Type::Float, &axes, "RGB in [0, 1]")
            }
            Self::Bytes => {
                let axes = [batch, Axis::Of(side), Axis::Of(side), Axis::Free("channels")];
                described(self.name(), Type::Bytes, &axes, "RGB or RGBA, bytes; opacity is ignored")
            }
        }
    }
}

impl Graph<'_> {
    /// The image that the first layer takes.
    pub(super) fn image(
        &mut self,
        input: Input,
        side: usize,
        normalization: Normalization,
    ) -> Result<Maps, Error> {
        let (value, most) = match input {
            Input::Float => (input.name().to_owned(), 1.0),
            Input::Bytes => (self.planes(input.name()), MOST),
        };
        let Normalization { mean, std } = normalization;
        let scale = std.map(|std| 1.0 / (most * std));
        let shift = [0, 1, 2].map(|channel| -mean[channel] / std[channel]);
        let value = self.channelwise("Mul", &value, (scale, 1.0))?;
        let value = self.channelwise("Add", &value, (shift, 0.0))?;
        Ok(Maps { value, side })
    }

    /// Bytes of pixels as planes of numbers.
    fn planes(&mut self, pixels: &str) -> Value {
        let [start, end, axis] = [("start", 0), ("end", CHANNELS as i64), ("axis", 3)]
            .map(|(name, value)| self.integers(&format!("colours/{name}"), &[value]));
        let colours = self.node("Slice", "colours", &[pixels, &start, &end, &axis], &[]);
        let to = [Attribute::Integer("to", Type::Float as i64)];
        let numbers = self.node("Cast", "numbers", &[&colours], &to);
        self.node("Transpose", "planes", &[&numbers], &[Attribute::Integers("perm", &[0, 3, 1, 2])])
    }

    /// A number for each channel, unless all of them change nothing.
    fn channelwise(
        &mut self,
        op: &str,
        value: &str,
        (numbers, neutral): ([f64; CHANNELS], f64),
    ) -> Result<Value, Error> {
        if numbers == [neutral; CHANNELS] {
            return Ok(value.to_owned());
        }
        let numbers = numbers.map(|number| number as f32).to_vec();
        let stored = Stored { shape: vec![1, CHANNELS, 1, 1], values: numbers };
        let name = format!("normalization/{op}");
        let constant = self.constant(&format!("{name}/numbers"), &stored)?;
        Ok(self.node(op, &name, &[value, &constant], &[]))
    }
}
