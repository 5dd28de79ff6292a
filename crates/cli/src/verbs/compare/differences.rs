//! What differs between the recipes of runs, a setting at a time.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::finished_run::FinishedRun;
use crate::report::table::Table;

/// Says that a recipe has no such setting.
const ABSENT: &str = "-";

/// A setting whose value is not the same in every run.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Difference {
    setting: String,
    /// A value a run; none where its recipe does not have the setting.
    values: Vec<Option<Value>>,
}

/// The settings in which the recipes of some runs differ, in order of their names.
pub(super) fn between(runs: &[FinishedRun]) -> Vec<Difference> {
    let recipes = runs.iter().map(|run| json!(run.meta.recipe.without_words()));
    differing(&recipes.collect::<Vec<_>>())
}

fn differing(recipes: &[Value]) -> Vec<Difference> {
    let settings = |recipe: &Value| {
        let mut found = BTreeMap::new();
        flatten("", recipe, &mut found);
        found.remove("name");
        found
    };
    let all: Vec<BTreeMap<String, Value>> = recipes.iter().map(settings).collect();
    let names: BTreeMap<&String, ()> =
        all.iter().flat_map(|settings| settings.keys().map(|name| (name, ()))).collect();
    let values = |name: &String| -> Vec<Option<Value>> {
        all.iter().map(|settings| settings.get(name).cloned()).collect()
    };
    let difference = |(name, ()): (&String, ())| {
        let values = values(name);
        let differs = values.iter().any(|value| *value != values[0]);
        differs.then(|| Difference { setting: name.clone(), values })
    };
    names.into_iter().filter_map(difference).collect()
}

/// Every setting by its whole name; a list is one value.
fn flatten(name: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&name, value, found);
            }
        }
        Value::Null => {}
        other => _ = found.insert(name.to_owned(), other.clone()),
    }
}

/// A row a setting, a column a run.
pub(super) fn table(differences: &[Difference], runs: &[String]) -> Table {
    let word = |value: &Option<Value>| match value {
        None => ABSENT.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let row = |difference: &Difference| {
        let values = difference.values.iter().map(word);
        [difference.setting.clone()].into_iter().chain(values).collect()
    };
    let rows: Vec<Vec<String>> = match differences {
        [] => vec![
            [String::from("none")].into_iter().chain(runs.iter().map(|_| "same".into())).collect(),
        ],
        some => some.iter().map(row).collect(),
    };
    Table {
        title: "Settings that differ".into(),
        header: [String::from("setting that differs")]
            .into_iter()
            .chain(runs.iter().cloned())
            .collect(),
        rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let recipes = [
            json!({ "name": "a", "encoder": { "kind": "conv4", "width": 8 }, "epochs": 2 }),
            json!({ "name": "b", "encoder": { "kind": "resnet", "depth": 18 }, "epochs": 2 }),
        ];
        let found = differing(&recipes);
        let names: Vec<&str> = found.iter().map(|one| one.setting.as_str()).collect();
        assert_eq!(names, ["encoder.depth", "encoder.kind", "encoder.width"]);
        assert_eq!(found[0].values, [None, Some(json!(18))]);
        let table = table(&found, &["x".into(), "y".into()]);
        assert_eq!(table.rows[1], ["encoder.kind", "conv4", "resnet"]);
        assert_eq!(table.rows[2], ["encoder.width", "8", "-"]);
        let same = differing(&[recipes[0].clone(), recipes[0].clone()]);
        assert_eq!(super::table(&same, &["x".into(), "y".into()]).rows, [["none", "same", "same"]]);
    }
}
