//! What a metric is: its name for files, its words for people, its unit.

use serde::Serialize;

/// A number that training shows.
///
/// It is described once, where it is computed; progress bars, epoch lines, reports and pages go
/// through these descriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
pub struct Metric {
    /// Its name in files, for scripts.
    pub name: &'static str,
    /// What it is, over a curve.
    pub title: &'static str,
    /// A word or two beside the number, in a line an epoch.
    pub word: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// Which way is good.
    pub better: Better,
    /// Where it is shown.
    pub shown: Shown,
}

/// What a metric is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A share in [0, 1], which people see as a percentage.
    Share,
    /// A loss of a method's own.
    Loss,
    /// Cross-entropy in nats.
    CrossEntropy,
    /// Steps of training.
    Steps,
    /// A number without a unit.
    None,
}

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More.
    Higher,
    /// Less.
    Lower,
    /// Neither: it tells what goes on.
    Neither,
}

/// Where a metric is shown; each place shows what the later ones show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// In files alone.
    File,
    /// As a curve in reports, too.
    Report,
    /// In the line of an epoch, too.
    Line,
    /// On the progress bar, too.
    Bar,
}

/// A number without a unit that is at least this large is shown with one decimal.
const LARGE: f64 = 10.0;

impl Unit {
    /// The label of an axis; empty where there is no unit.
    pub fn label(self) -> &'static str {
        match self {
            Self::Share => "%",
            Self::Loss => "loss",
            Self::CrossEntropy => "cross-entropy",
            Self::Steps => "steps",
            Self::None => "",
        }
    }

    /// A number as an axis shows it: shares as percentages.
    pub fn scaled(self, value: f64) -> f64 {
        match self {
            Self::Share => 100.0 * value,
            Self::Loss | Self::CrossEntropy | Self::Steps | Self::None => value,
        }
    }

    /// A number as a line shows it.
    pub fn words(self, value: f64) -> String {
        match self {
            Self::Share => format!("{:.1} %", self.scaled(value)),
            Self::None if value.abs() >= LARGE => format!("{value:.1}"),
            Self::Loss | Self::CrossEntropy | Self::Steps | Self::None => format!("{value:.4}"),
        }
    }
}

impl Metric {
    /// A share on the progress bar, of which more is better.
    pub const fn share(name: &'static str, title: &'static str, word: &'static str) -> Self {
        let (unit, better) = (Unit::Share, Better::Higher);
        Self { name, title, word, unit, better, shown: Shown::Bar }
    }

    /// The loss that training lowers, in the line of an epoch.
    pub const fn loss(title: &'static str, unit: Unit) -> Self {
        let (name, better) = (Self::LOSS, Better::Lower);
        Self { name, title, word: "loss", unit, better, shown: Shown::Line }
    }

    /// A number for files alone.
    pub const fn number(name: &'static str, title: &'static str, unit: Unit) -> Self {
        Self { name, title, word: title, unit, better: Better::Neither, shown: Shown::File }
    }

    /// The same, shown elsewhere.
    #[must_use]
    pub const fn shown(self, shown: Shown) -> Self {
        Self { shown, ..self }
    }

    /// The name of the loss that training lowers, whatever it is.
    pub const LOSS: &'static str = "loss";
}
