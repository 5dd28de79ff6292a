//! What the runs of a benchmark came to, a row a method.

use kith_core::probe::repetition::mean_and_deviation;
use kith_core::recipe::Recipe;
use serde_json::{Map, Value, json};

use super::measures::{self, Kind, LINEAR, Measure};
use super::plan::{BASELINE, method_of};
use super::protocol::{Protocol, learns_from_labels};
use crate::failure::Failure;
use crate::format::OverSeeds;
use crate::output::lossy;
use crate::report::seeds::{Difference, Shares};
use crate::study::{Ended, Study};

/// A run and how it ended, if it has.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) seed: u64,
    pub(super) folder: String,
    pub(super) ended: Option<Ended>,
}

/// The runs of a method.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The recipe's name; that of the baseline where nothing is pre-trained.
    pub(super) method: String,
    /// What people call it.
    pub(super) title: String,
    /// Whether it is told labels while it pre-trains.
    pub(super) is_told_labels: bool,
    /// In rising order of seeds.
    pub(super) runs: Vec<Run>,
}

/// Everything that a benchmark found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) measures: Vec<Measure>,
    pub(super) rows: Vec<Row>,
    pub(super) reference: String,
}

/// A method held against the reference by one measure.
pub(super) struct Against {
    pub(super) method: String,
    pub(super) measure: String,
    pub(super) difference: Difference,
}

impl Run {
    pub(super) fn value(&self, measure: &Measure) -> Option<f64> {
        match &self.ended {
            Some(Ended::Finished(results)) => results.numbers.get(&measure.name).copied(),
            _ => None,
        }
    }

    pub(super) fn status(&self) -> &'static str {
        Ended::status(self.ended.as_ref())
    }
}

impl Row {
    /// A number a seed that has it.
    pub(super) fn values(&self, measure: &Measure) -> Vec<f64> {
        self.runs.iter().filter_map(|run| run.value(measure)).collect()
    }

    /// Mean and deviation over the seeds; none where no run has the number.
    pub(super) fn over_seeds(&self, measure: &Measure) -> Option<(f64, Option<f64>)> {
        let values = self.values(measure);
        (!values.is_empty()).then(|| mean_and_deviation(&values))
    }

    /// How many runs have such a status.
    pub(super) fn count(&self, status: &str) -> usize {
        self.runs.iter().filter(|run| run.status() == status).count()
    }

    fn object(&self, measures: &[Measure]) -> Value {
        let run =
            |run: &Run| json!({ "seed": run.seed, "run": run.folder, "status": run.status() });
        let mut object = Map::new();
        object.insert("method".into(), json!(self.method));
        object.insert("title".into(), json!(self.title));
        object.insert("told_labels".into(), json!(self.is_told_labels));
        object.insert("runs".into(), json!(self.runs.iter().map(run).collect::<Vec<_>>()));
        for measure in measures {
            let values = self.values(measure);
            if !values.is_empty() {
                object.insert(measure.name.clone(), json!(OverSeeds::of(&values)));
            }
        }
        Value::Object(object)
    }
}

impl Found {
    /// Reads what is in the folders of the runs: the baseline first, then methods in the protocol's
    /// order, then others.
    pub(super) fn read(
        study: &Study,
        protocol: &Protocol,
        few_label: &[usize],
    ) -> Result<Self, Failure> {
        let mut rows: Vec<Row> = Vec::new();
        for planned in &study.runs {
            let (folder, ended) = (lossy(study.folder_of(planned).path()), study.ended(planned)?);
            let run = Run { seed: planned.seed, folder, ended };
            let method = method_of(planned);
            match rows.iter_mut().find(|row| row.method == method) {
                Some(row) => row.runs.push(run),
                None => rows.push(Row {
                    method: method.to_owned(),
                    title: title(method),
                    is_told_labels: method != BASELINE && learns_from_labels(&planned.recipe),
                    runs: vec![run],
                }),
            }
        }
        rows.iter_mut().for_each(|row| row.runs.sort_by_key(|run| run.seed));
        let known = protocol.methods();
        let place = |row: &Row| known.iter().position(|name| *name == row.method);
        rows.sort_by_key(|row| (row.method != BASELINE, place(row).unwrap_or(known.len())));
        let measures = measures::all(few_label);
        Ok(Self { measures, rows, reference: protocol.reference().to_owned() })
    }

    /// What the numbers of tables are.
    pub(super) fn over_seeds(&self) -> &'static str {
        let most = self.rows.iter().map(|row| row.runs.len()).max().unwrap_or_default();
        if most > 1 { "mean ± sd over seeds" } else { "one seed" }
    }

    /// What accuracies are measured by.
    pub(super) fn accuracies(&self) -> impl Iterator<Item = &Measure> {
        self.measures.iter().filter(|measure| measure.kind == Kind::Accuracy)
    }

    /// The measure that rows of figures go by.
    pub(super) fn linear(&self) -> &Measure {
        let linear = self.measures.iter().find(|measure| measure.name == LINEAR);
        linear.expect("it is among all measures")
    }

    /// What people call the reference, if it is among the methods.
    pub(super) fn reference_row(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.method == self.reference)
    }

    /// Every other row held against the reference, over the seeds that both have; none where those are
    /// too few to judge chance by.
    pub(super) fn differences(&self) -> Vec<Against> {
        let Some(reference) = self.reference_row() else { return Vec::new() };
        let others = self.rows.iter().filter(|row| row.method != self.reference);
        let pairs = others.flat_map(|row| self.accuracies().map(move |measure| (row, measure)));
        let against = |(row, measure): (&Row, &Measure)| {
            let both = shared(row, reference, measure);
            let (own, other): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
            let own = Shares { name: row.method.clone(), numbers: own };
            let other = Shares { name: self.reference.clone(), numbers: other };
            Some(Against {
                method: row.method.clone(),
                measure: measure.name.clone(),
                difference: Difference::of(&own, &other)?,
            })
        };
        pairs.filter_map(against).collect()
    }

    /// The rows for scripts.
    pub(super) fn objects(&self) -> Vec<Value> {
        self.rows.iter().map(|row| row.object(&self.measures)).collect()
    }
}

/// The numbers of the seeds that two rows share.
fn shared(row: &Row, reference: &Row, measure: &Measure) -> Vec<(f64, f64)> {
    let of_seed = |run: &Run| {
        let other = reference.runs.iter().find(|other| other.seed == run.seed)?;
        Some((run.value(measure)?, other.value(measure)?))
    };
    row.runs.iter().filter_map(of_seed).collect()
}

/// What people call a method.
fn title(method: &str) -> String {
    match Recipe::built_in(method) {
        _ if method == BASELINE => "no pre-training".to_owned(),
        Some(recipe) if learns_from_labels(&recipe) => format!("{} (told labels)", recipe.title),
        Some(recipe) => recipe.title,
        None => method.to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::study::RunResults;

    /// A row whose seeds, from 1 on, have such linear accuracies; none diverged.
    pub(in crate::verbs::benchmark) fn row(method: &str, linear: &[Option<f64>]) -> Row {
        let run = |(seed, share): (u64, &Option<f64>)| {
            let results = |share: f64| RunResults {
                numbers: [(LINEAR.to_owned(), share)].into(),
                ..RunResults::default()
            };
            let ended = share.map_or(Ended::Diverged, |s| Ended::Finished(Box::new(results(s))));
            Run { seed, folder: format!("{method}/seed-{seed}"), ended: Some(ended) }
        };
        Row {
            method: method.to_owned(),
            title: title(method),
            is_told_labels: false,
            runs: (1..).zip(linear).map(run).collect(),
        }
    }

    /// Such rows.
    pub(in crate::verbs::benchmark) fn found(rows: Vec<Row>) -> Found {
        Found { measures: measures::all(&[10]), rows, reference: "simclr".into() }
    }

    /// `scipy.stats.ttest_rel([.71, .72, .744], [.70, .725, .723])`: p 0.3690 (scipy 1.17.1).
    #[test]
    fn differences_are_of_the_seeds_that_both_have() {
        let simclr = row("simclr", &[Some(0.70), Some(0.70), Some(0.725), Some(0.723)]);
        let byol = row("byol", &[Some(0.71), None, Some(0.72), Some(0.744)]);
        let alone = row("swav", &[Some(0.5)]);
        let found = found(vec![row(BASELINE, &[Some(0.4)]), simclr, byol, alone]);
        let differences = found.differences();
        assert_eq!(differences.len(), 1, "one seed says nothing of chance");
        assert_eq!((&*differences[0].method, &*differences[0].measure), ("byol", LINEAR));
        let object = json!(differences[0].difference);
        assert_eq!(object["seeds"], 3);
        let p = object["p"].as_f64().expect("a number");
        assert!((p - 0.369_036).abs() < 1e-5, "{p}");
        assert_eq!(found.rows[2].count("diverged"), 1);
    }

    #[test]
    fn rows_have_names_for_people() {
        assert_eq!(title(BASELINE), "no pre-training");
        assert_eq!(title("moco"), "MoCo v2");
        assert_eq!(title("supcon"), "SupCon (told labels)");
    }
}
