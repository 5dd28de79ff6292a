//! `kith benchmark`: every method by one protocol on one data set, over seeds.

mod protocol;
mod plan;
mod measures;
mod one_run;
mod process;
mod found;
mod tables;
mod figure;
mod notes;
mod search;

use std::fmt::{self, Display, Formatter};

use kith_core::recipe::Recipe;
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::{BenchmarkFlags, DataFlags, ViewChoice};
use crate::command_line;
use crate::device::Chosen;
use crate::failure::Failure;
use crate::files;
use crate::interrupt::listen_for_ctrl_c;
use crate::output::Outcome;
use crate::report::page::{Report, html};
use crate::report::table::Table;
use crate::study::Study;
use crate::train::folder::{self, Folder};
use crate::verbs::outcome::Place;
use crate::verbs::runner::Runner;
use crate::verbs::session::{Command, run_name};
use found::{Against, Found};
use one_run::Bench;
use process::Processes;
pub(super) use process::{One, one};
use protocol::Protocol;

/// The verb, and the kind of its studies.
const BENCHMARK: &str = "benchmark";
/// What a search is called.
const SEARCH: &str = "search";
/// Every number for scripts: means, and runs.
const JSON: &str = "benchmark.json";
const CSV: &str = "benchmark.csv";
/// What a protocol has besides recipes.
const PROTOCOL: &str = "protocol.json";

/// What a benchmark found.
#[derive(Debug, Serialize)]
struct Benchmark {
    #[serde(flatten)]
    place: Place,
    data: String,
    views: &'static str,
    few_label: Vec<usize>,
    seeds: Vec<u64>,
    reference: String,
    /// A row a method.
    methods: Vec<Value>,
    /// What each method is better by than the reference.
    differences: Vec<Value>,
    #[serde(skip)]
    tables: Vec<Table>,
}

pub(super) fn run(
    flags: &BenchmarkFlags,
    command: Command<'_>,
) -> Result<Box<dyn Outcome>, Failure> {
    listen_for_ctrl_c();
    let protocol = Protocol::new(flags)?;
    let methods = plan::methods(flags, &protocol)?;
    let side = Some(flags.data.side.unwrap_or(protocol.side()));
    let data = DataFlags { side, ..flags.data.clone() };
    let flags = BenchmarkFlags { data, ..flags.clone() };
    if flags.search {
        let folder = chosen_folder(SEARCH, &flags, &protocol.baseline()?, command);
        let found = search::run(&methods, &protocol, &flags, &folder, command)?;
        return Ok(Box::new(found));
    }
    Ok(Box::new(compare(&methods, &protocol, &flags, command)?))
}

/// The folder that is asked for, or one that is named after data and seed.
fn chosen_folder(
    verb: &str,
    flags: &BenchmarkFlags,
    base: &Recipe,
    Command { shared, .. }: Command<'_>,
) -> Folder {
    let base = Recipe { name: "methods".to_owned(), ..base.clone() };
    match &flags.run.run {
        Some(path) => Folder::at(path),
        None => Folder::named(&run_name(verb, &base, &flags.data.data, shared.seed())),
    }
}

fn compare(
    methods: &[String],
    protocol: &Protocol,
    flags: &BenchmarkFlags,
    command: Command<'_>,
) -> Result<Benchmark, Failure> {
    let Command { shared, console } = command;
    let seeds: Vec<u64> = (shared.seed()..shared.seed() + flags.seeds).collect();
    let (few_label, base) = (few_label(flags, protocol), protocol.baseline()?);
    let folder = chosen_folder(BENCHMARK, flags, &base, command);
    let runs = plan::runs(protocol, methods, &seeds, &flags.data)?;
    let written = json!({ "views": view_words(flags.views), "few_label": few_label });
    same_protocol(&folder, &written)?;
    let study = Study::extend(folder, BENCHMARK, runs)?;
    let chosen = command.device()?;
    let runner = Runner::new(chosen.clone(), None, console);
    let mut bench = Bench { runner, few_label: few_label.clone() };
    for run in &study.runs {
        if study.ended(run)?.is_none() {
            let part = |source| Failure::Part { name: run.name.clone(), source: Box::new(source) };
            bench.check(run, study.folder_of(run)).map_err(part)?;
        }
    }
    // Its images would lie in memory beside those of the processes.
    drop(bench);
    let (count, path) = (study.runs.len(), study.folder.path().display());
    console.note(&format!("benchmark: {count} runs in {path}"));
    study.folder.begin(&base)?;
    study.begin()?;
    study.folder.write(PROTOCOL, format!("{written:#}\n").as_bytes())?;
    let (path, device) = (study.folder.path(), &shared.device);
    let processes = Processes { study: path, few_label: &few_label, device, console };
    let done = study.execute(console, |run, _| processes.run(run));
    let found = Found::read(&study, protocol, &few_label)?;
    let benchmark = Benchmark::of(&study, flags, few_label, &found);
    study.folder.write(JSON, format!("{:#}\n", benchmark.object()).as_bytes())?;
    study.folder.write(CSV, &tables::csv(&found))?;
    let notes = notes::notes(&study, &found, &base, flags.views);
    let report = benchmark.report(&found, &base, notes, &chosen);
    study.folder.write(folder::REPORT, html(&report).as_bytes())?;
    if let Some(path) = &flags.markdown {
        files::write(path, markdown(&report).as_bytes())?;
    }
    // What was found until it was stopped is kept, too.
    done.map(|()| benchmark)
}

/// Labels a class, in rising order, each once.
fn few_label(flags: &BenchmarkFlags, protocol: &Protocol) -> Vec<usize> {
    let mut labels: Vec<usize> = match &flags.few_label[..] {
        [] => protocol.few_label().to_vec(),
        asked => asked.iter().map(|&count| count as usize).collect(),
    };
    labels.sort_unstable();
    labels.dedup();
    labels
}

fn view_words(views: ViewChoice) -> &'static str {
    match views {
        ViewChoice::Same => "same",
        ViewChoice::Own => "own",
    }
}

/// Refuses a folder whose runs were measured by another protocol.
fn same_protocol(folder: &Folder, now: &Value) -> Result<(), Failure> {
    let path = folder.file(PROTOCOL);
    if !path.exists() {
        return Ok(());
    }
    let then = folder::read_object(&path)?;
    for (name, value) in now.as_object().into_iter().flatten() {
        if then[name] != *value {
            let (what, path) = (format!("protocol, {name}"), folder.path().to_owned());
            let (then, now) = (then[name].to_string(), value.to_string());
            return Err(Failure::OtherStudy { path, what, then, now });
        }
    }
    Ok(())
}

/// The tables and what to know of them, as Markdown.
fn markdown(report: &Report) -> String {
    let tables = report.tables.iter().map(Table::markdown);
    let notes: String = report.notes.iter().map(|note| format!("- {note}\n")).collect();
    let command = format!("    {}\n", command_line::command());
    [command].into_iter().chain(tables).chain([notes]).collect::<Vec<_>>().join("\n")
}

impl Benchmark {
    fn of(study: &Study, flags: &BenchmarkFlags, few_label: Vec<usize>, found: &Found) -> Self {
        let difference = |against: &Against| {
            let mut object = json!(against.difference);
            object["measure"] = json!(against.measure);
            object
        };
        Self {
            place: Place::of(&study.folder),
            data: flags.data.data.to_string(),
            views: view_words(flags.views),
            few_label,
            seeds: plan::seeds_of(&study.runs),
            reference: found.reference.clone(),
            methods: found.objects(),
            differences: found.differences().iter().map(difference).collect(),
            tables: tables::tables(found),
        }
    }

    fn report(&self, found: &Found, base: &Recipe, notes: Vec<String>, chosen: &Chosen) -> Report {
        let seeds: Vec<String> = self.seeds.iter().map(u64::to_string).collect();
        let facts = [
            ("Data", self.data.clone()),
            ("Seeds", seeds.join(", ")),
            ("Device", chosen.why.clone()),
            ("Command", command_line::command()),
            ("Software", format!("kith {}", env!("CARGO_PKG_VERSION"))),
        ];
        Report {
            title: format!("Methods on {}", self.data),
            subtitle: "Every method by one protocol".into(),
            facts: facts.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            dots: vec![figure::dots(found)],
            tables: self.tables.clone(),
            settings_toml: base.to_toml(),
            notes,
            ..Report::default()
        }
    }
}

impl Display for Benchmark {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for table in &self.tables {
            writeln!(f, "{}\n{}\n", table.title, table.plain())?;
        }
        write!(f, "{}", self.place)
    }
}
