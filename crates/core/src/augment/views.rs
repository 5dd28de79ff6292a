//! The views of each image that a method compares: by which policies, of which sizes, how many.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::policy::{Policy, Written};
use crate::error::Error;
use crate::range;

/// Views of one kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct View {
    /// How they are drawn.
    pub policy: Policy,
    /// Their side in pixels; `None` is that of the images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<usize>,
    /// How many there are; `None` is as many as the method compares besides the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
}

/// All views of an image, in the order in which the method gets them.
///
/// In a recipe: a list of tables `{ policy, side, count }`, or a policy alone, by which all are drawn
/// at the side of the images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Shown")]
pub struct Views(pub Vec<View>);

/// How many views a method compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewCount {
    /// No more and no fewer.
    Exactly(usize),
    /// So many or more.
    AtLeast(usize),
}

/// A view as a recipe writes it; its policy is read where every policy is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenView {
    policy: Value,
    side: Option<usize>,
    count: Option<usize>,
}

/// What is written of views.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown {
    Policy(Policy),
    Views(Vec<View>),
}

impl TryFrom<Written> for Views {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Ops(list) if list.iter().any(|view| view.get("policy").is_some()) => {
                list.into_iter().map(View::read).collect::<Result<_, _>>().map(Self)
            }
            policy => Policy::try_from(policy).map(Self::from),
        }
    }
}

impl View {
    fn read(written: Value) -> Result<Self, String> {
        let told = |e: serde_json::Error| format!("views: {e}");
        let WrittenView { policy, side, count } = serde_json::from_value(written).map_err(told)?;
        let policy = match policy {
            Value::String(name) => Written::Name(name),
            Value::Array(ops) => Written::Ops(ops),
            other => return Err(format!("views: expected a policy, got {other}")),
        };
        Ok(Self { policy: Policy::try_from(policy)?, side, count })
    }
}

impl From<Views> for Shown {
    fn from(views: Views) -> Self {
        match views.only_policy().cloned() {
            Some(policy) => Self::Policy(policy),
            None => Self::Views(views.0),
        }
    }
}

impl From<Policy> for Views {
    fn from(policy: Policy) -> Self {
        Self(vec![View { policy, side: None, count: None }])
    }
}

impl Views {
    /// The policy by which all views are drawn at the side of the images, if there is only one.
    pub fn only_policy(&self) -> Option<&Policy> {
        match self.0.as_slice() {
            [View { policy, side: None, count: None }] => Some(policy),
            _ => None,
        }
    }

    /// The policy of the first views.
    ///
    /// # Panics
    /// Without views, which [`check`](Self::check) refuses.
    pub fn first(&self) -> &Policy {
        &self.0.first().expect("checked: there is a view").policy
    }

    /// Whether these are views that a method can compare.
    ///
    /// # Errors
    /// [`Error::Setting`] naming what they cannot be.
    pub fn check(&self, wanted: ViewCount) -> Result<(), Error> {
        for view in &self.0 {
            view.policy.check()?;
            range::count("side", view.side.unwrap_or(1) as u64, 1..=range::MOST_WIDTH)?;
            range::count("count", view.count.unwrap_or(1) as u64, 1..=MOST_VIEWS as u64)?;
        }
        let open = self.0.iter().filter(|view| view.count.is_none()).count();
        if open > 1 {
            let expected = "at most one entry without a count";
            return Err(Error::setting("count", expected, format!("{open} without")));
        }
        let counted: usize = self.0.iter().filter_map(|view| view.count).sum();
        let all = counted + open;
        let (fits, expected) = match wanted {
            ViewCount::Exactly(count) => {
                let fits = if open == 1 { all <= count } else { all == count };
                (fits, format!("{count} views of each image in all"))
            }
            ViewCount::AtLeast(least) => {
                let fits = all >= least || open == 1;
                (fits && all > 0, format!("at least {least} views of each image in all"))
            }
        };
        match fits {
            true => Ok(()),
            false => Err(Error::setting("count", expected, all)),
        }
    }

    /// Policy and side of every view, of images of `side` pixels.
    pub fn listed(&self, wanted: ViewCount, side: usize) -> Vec<(&Policy, usize)> {
        let counted: usize = self.0.iter().filter_map(|view| view.count).sum();
        let (ViewCount::Exactly(all) | ViewCount::AtLeast(all)) = wanted;
        let open = all.saturating_sub(counted).max(1);
        let of = |view: &View| view.count.unwrap_or(open);
        let entries = self.0.iter();
        entries
            .flat_map(|view| {
                let one = (&view.policy, view.side.unwrap_or(side));
                std::iter::repeat_n(one, of(view))
            })
            .collect()
    }
}

/// More views than anyone has memory for; their number goes into the name of a random stream.
pub(crate) const MOST_VIEWS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct File {
        views: Views,
    }

    fn read(text: &str) -> Views {
        toml::from_str::<File>(&format!("views = {text}")).unwrap_or_else(|e| panic!("{e}")).views
    }

    const CROPS: &str =
        r#"[{ policy = "simclr", count = 2 }, { policy = "flip", side = 8, count = 3 }]"#;

    #[test]
    fn a_policy_alone_is_all_views() {
        for text in [r#""simclr""#, r#"[{ op = "flip", probability = 0.5 }]"#] {
            let views = read(text);
            views.check(ViewCount::Exactly(2)).unwrap();
            let policy = views.only_policy().expect("one policy");
            assert_eq!(views.listed(ViewCount::Exactly(4), 32), [(policy, 32); 4]);
            let written = toml::to_string(&File { views: views.clone() }).unwrap();
            assert!(written.starts_with("[[views]]\nop = "), "as before: {written}");
            assert_eq!(toml::from_str::<File>(&written).unwrap().views, views);
        }
    }

    #[test]
    fn crops_of_two_sizes_are_listed_in_their_order() {
        let views = read(CROPS);
        views.check(ViewCount::AtLeast(2)).unwrap();
        let sides: Vec<usize> =
            views.listed(ViewCount::AtLeast(2), 32).iter().map(|(_, side)| *side).collect();
        assert_eq!(sides, [32, 32, 8, 8, 8]);
        let written = toml::to_string(&File { views: views.clone() }).unwrap();
        assert_eq!(toml::from_str::<File>(&written).unwrap().views, views);
    }

    #[test]
    fn what_a_method_cannot_compare_is_refused() {
        let pair = r#"[{ policy = "flip", count = 1 }, { policy = "none" }]"#;
        read(pair).check(ViewCount::Exactly(2)).unwrap();
        let many = r#"[{ policy = "flip" }, { policy = "none" }]"#;
        for (text, wanted, said) in [
            (CROPS, ViewCount::Exactly(2), "2 views of each image"),
            (r#"[{ policy = "flip", count = 1 }]"#, ViewCount::AtLeast(2), "at least 2 views"),
            (many, ViewCount::Exactly(2), "at most one entry without"),
            (r#"[{ policy = "flip", side = 0 }]"#, ViewCount::Exactly(2), "side = 0"),
        ] {
            let error = read(text).check(wanted).expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn a_mistake_is_told() {
        let error = |text: &str| toml::from_str::<File>(text).expect_err(text).to_string();
        let unknown = error(r#"views = [{ policy = "flip", sides = 2 }]"#);
        assert!(unknown.contains("unknown field `sides`"), "{unknown}");
        assert!(error(r#"views = "flap""#).contains("no policy is called `flap`"));
    }
}
