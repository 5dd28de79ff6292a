//! An optimizer as a recipe writes it: one flat table.

use serde::{Deserialize, Serialize};

use super::{Exclude, OptimizerSettings};
use crate::optimizer::adam::{AdamSettings, Decay, EpsilonForm};
use crate::optimizer::gradients::Clip;
use crate::optimizer::lars::{LarsSettings, TrustForm};
use crate::optimizer::rule::Rule;
use crate::optimizer::sgd::SgdSettings;
use crate::schedule::Schedule;

/// The table; what is left out is the kind's own.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default)]
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beta1: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beta2: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epsilon: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epsilon_form: Option<EpsilonForm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    momentum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nesterov: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<TrustForm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight_decay: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight_decay_end: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude: Option<Exclude>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer_decay: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clip: Option<Clip>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<Schedule>,
}

/// Which rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Adam,
    Adamw,
    Sgd,
    Lars,
}

impl Kind {
    /// The settings that only some rules have, and whether this one has them.
    fn has(self, setting: &str) -> bool {
        match setting {
            "beta1" | "beta2" | "epsilon" | "epsilon_form" => {
                matches!(self, Self::Adam | Self::Adamw)
            }
            "momentum" => matches!(self, Self::Sgd | Self::Lars),
            "nesterov" => self == Self::Sgd,
            _ => self == Self::Lars,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Adam => "adam",
            Self::Adamw => "adamw",
            Self::Sgd => "sgd",
            Self::Lars => "lars",
        }
    }
}

impl Written {
    /// Refuses what the rule does not know.
    fn fits(&self) -> Result<(), String> {
        let given = [
            ("beta1", self.beta1.is_some()),
            ("beta2", self.beta2.is_some()),
            ("epsilon", self.epsilon.is_some()),
            ("epsilon_form", self.epsilon_form.is_some()),
            ("momentum", self.momentum.is_some()),
            ("nesterov", self.nesterov.is_some()),
            ("trust", self.trust.is_some()),
            ("form", self.form.is_some()),
        ];
        let kind = self.kind;
        match given.into_iter().find(|(setting, given)| *given && !kind.has(setting)) {
            Some((setting, _)) => {
                let kinds = [Kind::Adam, Kind::Adamw, Kind::Sgd, Kind::Lars];
                let of = kinds.into_iter().filter(|kind| kind.has(setting)).map(Kind::name);
                let of = of.collect::<Vec<_>>().join(" and ");
                let kind = kind.name();
                Err(format!("optimizer of kind `{kind}`: `{setting}` is a setting of {of}"))
            }
            None => Ok(()),
        }
    }

    fn adam(&self, base: AdamSettings) -> AdamSettings {
        AdamSettings {
            beta1: self.beta1.unwrap_or(base.beta1),
            beta2: self.beta2.unwrap_or(base.beta2),
            epsilon: self.epsilon.unwrap_or(base.epsilon),
            epsilon_form: self.epsilon_form.unwrap_or(base.epsilon_form),
            decay: base.decay,
        }
    }

    fn rule(&self) -> Rule {
        match self.kind {
            Kind::Adam => Rule::Adam(self.adam(AdamSettings::default())),
            Kind::Adamw => Rule::Adam(self.adam(AdamSettings::w())),
            Kind::Sgd => {
                let base = SgdSettings::default();
                Rule::Sgd(SgdSettings {
                    momentum: self.momentum.unwrap_or(base.momentum),
                    nesterov: self.nesterov.unwrap_or(base.nesterov),
                })
            }
            Kind::Lars => {
                let base = LarsSettings::default();
                Rule::Lars(LarsSettings {
                    momentum: self.momentum.unwrap_or(base.momentum),
                    trust: self.trust.unwrap_or(base.trust),
                    form: self.form.unwrap_or(base.form),
                })
            }
        }
    }
}

impl TryFrom<Written> for OptimizerSettings {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        written.fits()?;
        let base = Self::of(written.rule());
        Ok(Self {
            learning_rate: written.learning_rate.unwrap_or(base.learning_rate),
            schedule: written.schedule.unwrap_or(base.schedule),
            weight_decay: written.weight_decay.unwrap_or(base.weight_decay),
            weight_decay_end: written.weight_decay_end,
            exclude: written.exclude.unwrap_or(base.exclude),
            layer_decay: written.layer_decay.unwrap_or(base.layer_decay),
            clip: written.clip,
            rule: base.rule,
        })
    }
}

impl From<OptimizerSettings> for Written {
    fn from(settings: OptimizerSettings) -> Self {
        let base = OptimizerSettings::of(settings.rule.clone());
        let rule = Self::from(settings.rule);
        Self {
            learning_rate: Some(settings.learning_rate),
            schedule: Some(settings.schedule),
            weight_decay: Some(settings.weight_decay),
            weight_decay_end: settings.weight_decay_end,
            exclude: (settings.exclude != base.exclude).then_some(settings.exclude),
            layer_decay: (settings.layer_decay != base.layer_decay).then_some(settings.layer_decay),
            clip: settings.clip,
            ..rule
        }
    }
}

impl From<Rule> for Written {
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::Adam(adam) => Self {
                kind: match adam.decay {
                    Decay::Gradient => Kind::Adam,
                    Decay::Weight => Kind::Adamw,
                },
                beta1: Some(adam.beta1),
                beta2: Some(adam.beta2),
                epsilon: Some(adam.epsilon),
                epsilon_form: Some(adam.epsilon_form),
                ..Self::default()
            },
            Rule::Sgd(sgd) => Self {
                kind: Kind::Sgd,
                momentum: Some(sgd.momentum),
                nesterov: Some(sgd.nesterov),
                ..Self::default()
            },
            Rule::Lars(lars) => Self {
                kind: Kind::Lars,
                momentum: Some(lars.momentum),
                trust: Some(lars.trust),
                form: Some(lars.form),
                ..Self::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<OptimizerSettings, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn a_table_is_read_and_written_as_it_was() {
        for text in [
            "learning_rate = 1e-3\nepsilon = 1e-8\nepsilon_form = 'pytorch'",
            "kind = 'adamw'\nweight_decay = 0.04\nweight_decay_end = 0.4\nclip = { each = 3.0 }\nlayer_decay = 0.75",
            "kind = 'sgd'\nnesterov = true\nexclude = 'one_dimensional'",
            "kind = 'lars'\ntrust = 0.02\nform = 'clipped'\nschedule = { shape = 'cosine' }",
        ] {
            let settings = read(text).unwrap();
            let written = toml::to_string(&settings).unwrap();
            assert_eq!(read(&written).unwrap(), settings, "{written}");
        }
    }

    #[test]
    fn defaults_are_the_kinds_own() {
        assert_eq!(read("").unwrap(), OptimizerSettings::default());
        let lars = read("kind = 'lars'").unwrap();
        assert_eq!(lars.exclude, Exclude::OneDimensional);
        let Rule::Adam(adam) = read("kind = 'adamw'").unwrap().rule else { panic!("adam") };
        assert_eq!((adam.epsilon, adam.epsilon_form), (1e-8, EpsilonForm::Pytorch));
    }

    #[test]
    fn a_setting_of_another_kind_is_told() {
        for (text, said) in [
            ("momentum = 0.9", "`momentum` is a setting of sgd and lars"),
            ("kind = 'sgd'\nbeta1 = 0.9", "`beta1` is a setting of adam and adamw"),
            ("kind = 'sgd'\ntrust = 0.9", "`trust` is a setting of lars"),
            ("kind = 'lars'\nrate = 1", "unknown field `rate`"),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
