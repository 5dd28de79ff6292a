//! The protocol of a benchmark: what every method's recipe is changed to.

use std::collections::BTreeMap;

use kith_core::Error;
use kith_core::method::Objective;
use kith_core::recipe::Recipe;
use serde::Deserialize;

use crate::args::{BenchmarkFlags, RecipeFlags, ViewChoice};
use crate::failure::Failure;
use crate::verbs::session;

/// As it is written down, in one place.
const TEXT: &str = include_str!("protocol.toml");
/// The setting that `--views own` leaves to each recipe.
const VIEWS: &str = "pretraining.views";
/// Tables that each method has of its own: no change of them is one of all methods.
const OWN: [&str; 2] = ["objective", "projection"];

/// A protocol with the user's changes.
#[derive(Clone, Debug)]
pub(super) struct Protocol {
    written: Written,
    views: ViewChoice,
    /// Of every method.
    shared: Vec<String>,
    /// Of one method each: its name, and the change.
    single: Vec<(String, String)>,
}

/// The file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    side: usize,
    few_label: Vec<usize>,
    reference: String,
    methods: Vec<String>,
    recipe: toml::Table,
    search: Search,
}

/// What a small search for each method's settings tries.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    learning_rate: Vec<String>,
    recipe: toml::Table,
    setting: BTreeMap<String, String>,
}

impl Protocol {
    /// The written protocol with the changes of a command line.
    ///
    /// # Errors
    /// [`Error::Setting`] for a change that cannot be one of all methods.
    pub(super) fn new(flags: &BenchmarkFlags) -> Result<Self, Error> {
        let written: Written = toml::from_str(TEXT).expect("a test reads the protocol");
        let (mut shared, mut single) = (Vec::new(), Vec::new());
        for change in &flags.changes {
            let (key, _) = change.split_once('=').unwrap_or((change, ""));
            match key.split_once(':') {
                Some((method, _)) => {
                    let rest = change[method.len() + 1..].to_owned();
                    single.push((method.trim().to_owned(), rest));
                }
                None => shared.push(checked(change, key.trim(), flags.views)?),
            }
        }
        Ok(Self { written, views: flags.views, shared, single })
    }

    /// The methods that are compared where nobody names some, in the order of tables.
    pub(super) fn methods(&self) -> &[String] {
        &self.written.methods
    }

    /// Which method the others are held against.
    pub(super) fn reference(&self) -> &str {
        &self.written.reference
    }

    /// Side of the images in pixels where nobody names one.
    pub(super) fn side(&self) -> usize {
        self.written.side
    }

    /// Labels a class where nobody names some.
    pub(super) fn few_label(&self) -> &[usize] {
        &self.written.few_label
    }

    /// Methods that a change is for.
    pub(super) fn changed_methods(&self) -> impl Iterator<Item = &str> {
        self.single.iter().map(|(method, _)| method.as_str())
    }

    /// What all have in common, with nothing of a method's own: the recipe of those who learn nothing.
    pub(super) fn baseline(&self) -> Result<Recipe, Failure> {
        let recipe = self.written.reference.clone();
        session::recipe(&RecipeFlags { recipe, changes: self.shared_changes(&[]) })
    }

    /// The recipe of a method.
    pub(super) fn recipe(&self, method: &str) -> Result<Recipe, Failure> {
        let named = |source| Failure::Part { name: method.to_owned(), source: Box::new(source) };
        session::recipe(&self.flags(method).map_err(named)?).map_err(named)
    }

    /// The recipe of a method, as a command line names it. What learns from labels is given labelled
    /// images alone, as many in a step as the others have in all.
    pub(super) fn flags(&self, method: &str) -> Result<RecipeFlags, Failure> {
        self.flags_with(method, &[])
    }

    /// The same at the length of a search.
    pub(super) fn search_flags(&self, method: &str) -> Result<RecipeFlags, Failure> {
        self.flags_with(method, &leaves(&self.written.search.recipe))
    }

    /// With further changes of the protocol, which those of the user still change.
    fn flags_with(&self, method: &str, more: &[String]) -> Result<RecipeFlags, Failure> {
        let own = self.single.iter().filter(|(name, _)| name == method);
        let own = own.map(|(_, change)| change.clone());
        let changes = self.shared_changes(more).into_iter().chain(own).collect();
        let mut flags = RecipeFlags { recipe: method.to_owned(), changes };
        let recipe = session::recipe(&flags)?;
        if learns_from_labels(&recipe) {
            let batch = recipe.pretraining.method_steps().batch();
            flags.changes.push("pretraining.unlabelled_batch=0".to_owned());
            flags.changes.push(format!("pretraining.labelled_batch={batch}"));
        }
        Ok(flags)
    }

    /// The grid of a method's search.
    ///
    /// # Errors
    /// [`Error::Setting`] where the protocol has none for it.
    pub(super) fn grid(&self, method: &str) -> Result<Vec<String>, Error> {
        let Search { learning_rate, setting, .. } = &self.written.search;
        let own = setting.get(method).ok_or_else(|| {
            let known: Vec<&str> = setting.keys().map(String::as_str).collect();
            Error::setting("--methods", format!("of {}", known.join(", ")), method)
        })?;
        let rates = learning_rate.join(",");
        Ok(vec![format!("pretraining.optimizer.learning_rate={rates}"), own.clone()])
    }

    fn shared_changes(&self, more: &[String]) -> Vec<String> {
        let is_own = |change: &String| {
            self.views == ViewChoice::Own && change.starts_with(&format!("{VIEWS}="))
        };
        let mut changes = leaves(&self.written.recipe);
        changes.retain(|change| !is_own(change));
        changes.extend(more.iter().chain(&self.shared).cloned());
        changes
    }
}

/// Whether a method is told the labels of its images.
pub(super) fn learns_from_labels(recipe: &Recipe) -> bool {
    matches!(recipe.objective, Objective::Supcon(_))
}

/// A change that all methods can have.
fn checked(change: &str, key: &str, views: ViewChoice) -> Result<String, Error> {
    let table = key.split('.').next().unwrap_or_default();
    if OWN.contains(&table) {
        let expected = "METHOD:KEY=VALUE for what each method has of its own, as in \
                        simclr:objective.temperature=0.2";
        return Err(Error::setting("--set", expected, format!("`{change}`")));
    }
    if key.starts_with(VIEWS) && views == ViewChoice::Own {
        let expected = "--views same beside a change of all methods' views";
        return Err(Error::setting("--views", expected, format!("own, and `--set {change}`")));
    }
    Ok(change.to_owned())
}

/// The settings of a table's tables, as `--set` takes them; what stands on top is set whole.
fn leaves(table: &toml::Table) -> Vec<String> {
    let mut changes = Vec::new();
    for (name, value) in table {
        match value {
            toml::Value::Table(inner) if name != "encoder" => {
                changes.extend(inner.iter().map(|(key, value)| format!("{name}.{key}={value}")));
            }
            _ => changes.push(format!("{name}={value}")),
        }
    }
    changes
}

#[cfg(test)]
pub(super) mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Verb};

    /// Those of a command line.
    pub(in crate::verbs::benchmark) fn flags(words: &[&str]) -> BenchmarkFlags {
        match Args::parse_from([&["kith", "benchmark"][..], words].concat()).verb {
            Verb::Benchmark { flags } => flags,
            other => panic!("benchmark, not {other:?}"),
        }
    }

    fn protocol(words: &[&str]) -> Protocol {
        Protocol::new(&flags(words)).expect("it can be")
    }

    #[test]
    fn all_methods_have_the_same_encoder_images_and_views() {
        for words in [&[][..], &["--set", "encoder.width=32", "--set", "pretraining.epochs=2"]] {
            let protocol = protocol(words);
            let first = protocol.recipe(protocol.reference()).expect("the reference");
            let seen = |recipe: &Recipe| {
                let own = &recipe.pretraining;
                let batch = own.method_steps().batch() as u64;
                (own.epochs, own.steps, batch, own.epochs * batch * own.steps.expect("steps"))
            };
            for method in protocol.methods() {
                let recipe = protocol.recipe(method).expect("its recipe");
                assert_eq!(recipe.encoder, first.encoder, "{method}");
                assert_eq!(seen(&recipe), seen(&first), "{method}");
                assert_eq!(recipe.pretraining.views, first.pretraining.views, "{method}");
                assert_eq!(recipe.finetuning, first.finetuning, "{method}");
                assert_eq!(recipe.evaluation, first.evaluation, "{method}");
                assert_eq!(recipe.pretraining.probe_view, first.pretraining.probe_view);
                assert_eq!(recipe.name, *method, "what differs is the method");
            }
            assert_eq!(protocol.baseline().expect("it").encoder, first.encoder);
        }
    }

    #[test]
    fn what_learns_from_labels_sees_labelled_images_alone() {
        let recipe = protocol(&[]).recipe("supcon").expect("it");
        assert!(learns_from_labels(&recipe));
        assert_eq!(
            (recipe.pretraining.unlabelled_batch, recipe.pretraining.labelled_batch),
            (0, 128)
        );
        let smaller = protocol(&["--set", "pretraining.unlabelled_batch=40"]);
        assert_eq!(smaller.recipe("supcon").expect("it").pretraining.labelled_batch, 56);
    }

    #[test]
    fn views_are_each_recipes_own_where_asked() {
        let own = protocol(&["--views", "own"]);
        let byol = Recipe::built_in("byol").expect("it").pretraining.views;
        assert_eq!(own.recipe("byol").expect("it").pretraining.views, byol);
        assert_ne!(protocol(&[]).recipe("byol").expect("it").pretraining.views, byol);
        let both = ["--views", "own", "--set", "pretraining.views=simclr"];
        let error = Protocol::new(&flags(&both)).expect_err("they contradict each other");
        assert!(error.to_string().contains("--views"), "{error}");
    }

    #[test]
    fn a_change_is_of_all_methods_or_of_one() {
        let words = ["--set", "byol:pretraining.optimizer.learning_rate=2e-3"];
        let protocol = protocol(&words);
        let rate =
            |method: &str| protocol.recipe(method).expect("it").pretraining.optimizer.learning_rate;
        assert_eq!((rate("byol"), rate("simclr")), (2e-3, 1e-3));
        assert_eq!(protocol.changed_methods().collect::<Vec<_>>(), ["byol"]);
        let wrong = Protocol::new(&flags(&["--set", "objective.temperature=0.2"]));
        assert!(wrong.expect_err("whose?").to_string().contains("METHOD:KEY=VALUE"));
        let unknown = self::protocol(&["--set", "byol:objective.temperature=0.2"]);
        assert!(unknown.recipe("byol").expect_err("it has none").to_string().starts_with("byol: "));
    }

    #[test]
    fn every_method_has_a_search_of_six_with_its_recipes_values_among_them() {
        let protocol = protocol(&[]);
        for method in protocol.methods() {
            let grid = protocol.grid(method).expect("it has one");
            assert_eq!(grid.len(), 2, "{method}");
            let base = Recipe::built_in(method).expect("a recipe");
            let setting = grid[1].split_once('=').expect("a grid").0;
            let values = grid[1][setting.len() + 1..].to_owned();
            // The first value is what stands before the first comma outside of braces.
            let end = values.find("},").map_or_else(|| values.find(','), |end| Some(end + 1));
            let first = &values[..end.expect("two values")];
            let change = [format!("{setting}={first}")];
            let text = Recipe::built_in_text(method).expect("a recipe");
            assert_eq!(Recipe::parse(text, &change).expect("it can be"), base, "{method}: {first}");
            let short = protocol.search_flags(method).expect("it can be");
            assert_eq!(session::recipe(&short).expect("it").pretraining.epochs, 8);
        }
        assert!(protocol.grid("quick").is_err());
    }
}
