//! `kith label --simulate`: how many labels each rule of proposals needs, where the labels are known.

mod rounds;
mod summary;

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use kith_core::Error;
use kith_core::active::Rule;
use serde::Serialize;

use crate::args::{LabelFlags, RunFlags};
use crate::checkpoint;
use crate::command_line;
use crate::dataset::open_with;
use crate::failure::Failure;
use crate::files;
use crate::output::lossy;
use crate::report::page::{Report, html};
use crate::train::folder::{self, Folder};
use crate::verbs::session::Command;
use rounds::{Measured, Pool};
use summary::Needed;

/// What scripts read.
const JSON: &str = "labels_needed.json";

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Simulated {
    report: String,
    data: String,
    seeds: Vec<u64>,
    /// Labels, in all, after which accuracy was measured.
    counts: Vec<usize>,
    /// For each rule, for each seed, what was measured at each count.
    rules: BTreeMap<&'static str, Vec<Vec<Measured>>>,
    /// Labels that a rule needed for the accuracy of labels by chance.
    needed: Vec<Needed>,
}

impl Display for Simulated {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for table in summary::tables(self) {
            writeln!(f, "{}\n{}\n", table.title, table.plain())?;
        }
        write!(f, "report: {}", self.report)
    }
}

pub(super) fn run(flags: &LabelFlags, command: Command<'_>) -> Result<Simulated, Failure> {
    let Command { shared, console } = command;
    let path = flags.checkpoint.as_deref().expect("--simulate requires a checkpoint");
    let checkpoint = checkpoint::open(path)?;
    let chosen = command.device()?;
    let encoder = checkpoint.encoder(&chosen.device)?;
    let source = flags.data.data.to_string();
    let kind = flags.data.data.kind();
    let run = RunFlags { run: flags.out.clone(), resume: false };
    let folder = Folder::choose(&run, &format!("label-{kind}-seed{}", shared.seed()))?;
    let seeds: Vec<u64> = (shared.seed()..shared.seed() + flags.seeds.max(1)).collect();
    let mut counts = flags.counts.clone();
    counts.sort_unstable();
    counts.dedup();
    let asked = counts.clone();
    let mut rules: BTreeMap<&'static str, Vec<Vec<Measured>>> = BTreeMap::new();
    for &seed in &seeds {
        let dataset = open_with(&flags.data, &checkpoint.meta, seed, console)?;
        let pool = Pool::of(&dataset, &encoder, &chosen.device)?;
        // No rule is measured with more labels than every seed has images.
        counts.retain(|&count| count <= pool.len());
        if counts.is_empty() {
            let expected = format!("at most {}, the images whose labels are known", pool.len());
            return Err(Error::setting("--counts", expected, asked[0]).into());
        }
        for rule in Rule::ALL {
            console.note(&format!("seed {seed}: {}", rule.name()));
            rules.entry(rule.name()).or_default().push(pool.labelled_by(rule, &counts, seed)?);
        }
    }
    if counts.len() < asked.len() {
        let words: Vec<String> = asked[counts.len()..].iter().map(usize::to_string).collect();
        console.note(&format!("left out: {} labels, more than there are images", words.join(", ")));
    }
    let mut simulated = Simulated {
        report: lossy(&folder.file(folder::REPORT)),
        data: source,
        seeds,
        needed: summary::labels_needed(&counts, &rules),
        counts,
        rules,
    };
    // A later seed may have had fewer images than an earlier one.
    let most = simulated.counts.len();
    simulated.rules.values_mut().flatten().for_each(|measured| measured.truncate(most));
    files::make_folder(folder.path())?;
    let text = serde_json::to_string_pretty(&simulated).expect("numbers and names");
    folder.write(JSON, format!("{text}\n").as_bytes())?;
    let report = report(&simulated, &lossy(path), &chosen.why);
    folder.write(folder::REPORT, html(&report).as_bytes())?;
    Ok(simulated)
}

fn report(simulated: &Simulated, encoder: &str, device: &str) -> Report {
    Report {
        title: format!("Labels needed on {}", simulated.data),
        subtitle: "Accuracy on test images by number of labels, for each rule of proposals".into(),
        facts: vec![
            ("Encoder".into(), encoder.into()),
            ("Device".into(), device.into()),
            ("Command".into(), command_line::command()),
            ("Software".into(), format!("kith {}", env!("CARGO_PKG_VERSION"))),
        ],
        charts: vec![summary::chart(simulated)],
        tables: summary::tables(simulated).into(),
        notes: vec![summary::NOTE.into()],
        ..Report::default()
    }
}
