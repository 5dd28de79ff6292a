//! The runs of a benchmark: every method and a baseline, over some seeds.

use std::collections::BTreeSet;

use kith_core::Error;
use kith_core::recipe::Recipe;

use super::protocol::Protocol;
use crate::args::{BenchmarkFlags, DataFlags};
use crate::failure::Failure;
use crate::study::PlannedRun;

/// What stands in a method's place where nothing is pre-trained.
pub(super) const BASELINE: &str = "baseline";

/// The methods that are asked for, each once.
///
/// # Errors
/// [`Failure::Unknown`] for one that is no built-in recipe, [`Error::Setting`] for one that is named
/// twice, or changed and not asked for.
pub(super) fn methods(flags: &BenchmarkFlags, protocol: &Protocol) -> Result<Vec<String>, Failure> {
    let methods = match &flags.methods[..] {
        [] => protocol.methods().to_vec(),
        asked => asked.to_vec(),
    };
    for (place, method) in methods.iter().enumerate() {
        if Recipe::built_in_text(method).is_none() {
            let names: Vec<&str> = Recipe::all_built_in().iter().map(|(name, _)| *name).collect();
            let expected = names.join(", ");
            return Err(Failure::Unknown { what: "method", got: method.clone(), expected });
        }
        if methods[..place].contains(method) {
            return Err(Error::setting("--methods", "each method once", method).into());
        }
    }
    if let Some(other) = protocol.changed_methods().find(|own| !methods.iter().any(|m| m == own)) {
        let expected = format!("changes of {}", methods.join(", "));
        return Err(Error::setting("--set", expected, format!("one of {other}")).into());
    }
    Ok(methods)
}

/// Seed by seed, so that a stopped benchmark has every method if it can; the baseline comes first.
pub(super) fn runs(
    protocol: &Protocol,
    methods: &[String],
    seeds: &[u64],
    data: &DataFlags,
) -> Result<Vec<PlannedRun>, Failure> {
    let mut recipes = vec![(BASELINE.to_owned(), protocol.baseline()?)];
    for method in methods {
        recipes.push((method.clone(), protocol.recipe(method)?));
    }
    let run = |seed: u64, (method, recipe): &(String, Recipe)| PlannedRun {
        name: format!("{method}/seed-{seed}"),
        recipe: recipe.clone(),
        data: data.clone(),
        seed,
    };
    let of_seed = |&seed: &u64| recipes.iter().map(move |one| run(seed, one));
    Ok(seeds.iter().flat_map(of_seed).collect())
}

/// The method of a run.
pub(super) fn method_of(run: &PlannedRun) -> &str {
    run.name.split_once('/').map_or(run.name.as_str(), |(method, _)| method)
}

/// All seeds of some runs, in rising order.
pub(super) fn seeds_of(runs: &[PlannedRun]) -> Vec<u64> {
    runs.iter().map(|run| run.seed).collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::protocol::tests::flags;
    use super::*;

    fn asked(words: &[&str]) -> Result<Vec<String>, Failure> {
        let flags = flags(words);
        methods(&flags, &Protocol::new(&flags)?)
    }

    #[test]
    fn methods_are_built_in_recipes_each_once() {
        assert_eq!(asked(&["--methods", "byol,simclr"]).expect("two"), ["byol", "simclr"]);
        assert_eq!(asked(&[]).expect("all").len(), 13);
        for (words, said) in [
            (&["--methods", "byol,byol"][..], "each method once"),
            (&["--methods", "nonesuch"], "nonesuch"),
            (&["--methods", "byol", "--set", "moco:encoder.width=4"], "moco"),
        ] {
            let error = asked(words).expect_err(said).to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_seed_has_every_method_before_the_next_begins() {
        let flags = flags(&[]);
        let protocol = Protocol::new(&flags).expect("it");
        let methods = ["byol".to_owned(), "simclr".to_owned()];
        let runs = runs(&protocol, &methods, &[1, 2], &flags.data).expect("they can be");
        let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        let expected = ["baseline/seed-1", "byol/seed-1", "simclr/seed-1", "baseline/seed-2"];
        assert_eq!(names[..4], expected);
        assert_eq!(
            runs.iter().map(method_of).collect::<Vec<_>>()[3..],
            ["baseline", "byol", "simclr"]
        );
        assert_eq!(seeds_of(&runs), [1, 2]);
    }
}
