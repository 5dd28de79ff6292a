//! `kith clean`: near-duplicates, outliers and doubtful labels of a data set, and moving files aside.

mod images;
mod copies;
mod findings;
mod list;
mod journal;
mod moves;
mod page;

use std::fmt::{self, Display, Formatter};

use kith_core::clean::duplicates::{Made, Settings};
use kith_core::clean::search::{FOLDS, Found, Question, search};
use kith_data::name_of_path;
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::{CleanFlags, RunFlags};
use crate::checkpoint;
use crate::command_line;
use crate::dataset::open_with;
use crate::failure::{CleanError, Failure};
use crate::files;
use crate::output::{Outcome, lossy};
use crate::report::review;
use crate::train::folder::{self, Folder};
use crate::verbs::session::Command;
use findings::{Finding, Kind};
use images::All;

/// What scripts read.
const JSON: &str = "clean.json";
/// A line a finding.
const CSV: &str = "clean.csv";

pub(super) fn run(flags: &CleanFlags, command: Command<'_>) -> Result<Box<dyn Outcome>, Failure> {
    match (&flags.apply, &flags.move_to, &flags.undo) {
        (Some(list), Some(to), _) => Ok(Box::new(moves::apply(list, to, &flags.data.data)?)),
        (_, _, Some(moved)) => Ok(Box::new(moves::undo(moved)?)),
        _ => Ok(Box::new(find(flags, command)?)),
    }
}

/// What was found, and where it is written.
#[derive(Debug, Serialize)]
struct Cleaned {
    report: String,
    json: String,
    csv: String,
    /// The folder of the files; none where images are no files of their own.
    folder: Option<String>,
    images: usize,
    labelled: usize,
    near_duplicates: NearDuplicates,
    doubtful_labels: Option<DoubtfulLabels>,
    outliers: usize,
    notes: Vec<String>,
    findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct NearDuplicates {
    found: usize,
    groups: usize,
    /// Relative distance up to which two images are near-duplicates.
    threshold: Option<f64>,
    dimension: Option<f64>,
    /// Share of made copies that the threshold finds, by what was done to them.
    copies_found: Value,
}

#[derive(Debug, Serialize)]
struct DoubtfulLabels {
    found: usize,
    /// Images between classes.
    unsure: usize,
    judged: usize,
    blends: Vec<Blending>,
}

/// Two classes that are taken for each other.
#[derive(Debug, Serialize)]
struct Blending {
    classes: [String; 2],
    /// Images of the first that look like the second, and the reverse.
    counts: [usize; 2],
    share: f64,
}

fn find(flags: &CleanFlags, command: Command<'_>) -> Result<Cleaned, Failure> {
    let Command { shared, console } = command;
    let Some(path) = &flags.checkpoint else {
        return Err(CleanError::NoEncoder { data: flags.data.data.to_string() }.into());
    };
    let checkpoint = checkpoint::open(path)?;
    let folder = folder_for(flags, shared.seed())?;
    let dataset = open_with(&flags.data, &checkpoint.meta, shared.seed(), console)?;
    let all = All::of(&dataset, flags.data.labelled);
    let chosen = command.device()?;
    let encoder = checkpoint.encoder(&chosen.device)?;
    console.note(&format!("comparing {} images", all.len()));
    let features = all.embed(&encoder, &chosen.device)?;
    let copies = copies::made(&all, &encoder, &chosen.device, shared.seed())?;
    let (words, made): (Vec<&'static str>, Vec<Made>) = copies.into_iter().unzip();
    let settings = Settings { threshold: flags.duplicates, ..Settings::default() };
    let question = Question {
        features: &features,
        labels: &all.labels,
        preference: &all.preferences(),
        made: &made,
        settings,
        seed: shared.seed(),
    };
    let found = pollster::block_on(search(question, &chosen.device))?;
    let cleaned = Cleaned::of(&all, &found, &words, &folder);
    files::make_folder(folder.path())?;
    files::sweep(folder.path())?;
    let text = format!("{:#}\n", cleaned.object());
    folder.write(JSON, text.as_bytes())?;
    files::write_with(&folder.file(CSV), |file| findings::write_csv(&cleaned.findings, file))?;
    let facts = [
        ("Data", format!("{}, {} images; side {}", flags.data.data, all.len(), dataset.side())),
        ("Encoder", lossy(path)),
        ("Seed", shared.seed().to_string()),
        ("Device", chosen.why.clone()),
        ("Command", command_line::command()),
        ("Software", format!("kith {}", env!("CARGO_PKG_VERSION"))),
    ];
    let facts = facts.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let review = page::review(&all, &cleaned, facts)?;
    folder.write(folder::REPORT, review::html(&review).as_bytes())?;
    Ok(cleaned)
}

/// Where the report goes: what an earlier one left there is replaced, a run is not.
fn folder_for(flags: &CleanFlags, seed: u64) -> Result<Folder, Failure> {
    let kind = flags.data.data.kind();
    let run = RunFlags { run: flags.out.clone(), resume: false };
    let name = format!("clean-{kind}-seed{seed}");
    Folder::choose(&run, &name).map_err(|failure| match failure {
        Failure::RunExists { path } => CleanError::OutIsRun { path }.into(),
        other => other,
    })
}

impl Cleaned {
    fn of(all: &All, found: &Found, copies: &[&str], folder: &Folder) -> Self {
        let findings = findings::of(all, found);
        let count = |kind| findings.iter().filter(|finding| finding.finding == kind).count();
        let shares: serde_json::Map<String, Value> = copies
            .iter()
            .zip(&found.duplicates.found)
            .map(|(word, share)| ((*word).to_owned(), json!(share)))
            .collect();
        let name = |class: usize| all.classes[class].clone();
        let labels = found.labels.as_ref().map(|labels| DoubtfulLabels {
            found: count(Kind::DoubtfulLabel),
            unsure: count(Kind::UnsureLabel),
            judged: labels.judged,
            blends: labels
                .blends
                .iter()
                .map(|b| Blending {
                    classes: b.classes.map(name),
                    counts: b.counts,
                    share: b.share,
                })
                .collect(),
        });
        Self {
            report: lossy(&folder.file(folder::REPORT)),
            json: lossy(&folder.file(JSON)),
            csv: lossy(&folder.file(CSV)),
            folder: all
                .folder()
                .map(|folder| name_of_path(&folder.canonicalize().unwrap_or(folder))),
            images: all.len(),
            labelled: all.labels.iter().flatten().count(),
            near_duplicates: NearDuplicates {
                found: count(Kind::NearDuplicate),
                groups: found.duplicates.groups.len(),
                threshold: found.duplicates.threshold,
                dimension: found.duplicates.dimension,
                copies_found: Value::Object(shares),
            },
            doubtful_labels: labels,
            outliers: count(Kind::Outlier),
            notes: notes(all, found),
            findings,
        }
    }

    /// What the list of the report is for.
    fn next(&self) -> String {
        match &self.folder {
            Some(_) => "Then move the accepted files aside, and back if you change your mind:\n\
                        kith clean --apply accepted.json --move-to DIR\n\
                        kith clean --undo DIR"
                .into(),
            None => "These images are no files of their own, so kith cannot move them: the list \
                     names them by split and number."
                .into(),
        }
    }
}

/// What a reader should know.
fn notes(all: &All, found: &Found) -> Vec<String> {
    let mut notes = Vec::new();
    let labelled = all.labels.iter().flatten().count();
    match &found.labels {
        None if labelled == 0 => notes.push(
            "The images have no labels: only near-duplicates and outliers are looked for.".into(),
        ),
        None => notes.push(format!(
            "Labels are not judged: that takes two classes of at least {FOLDS} different images each."
        )),
        Some(labels) if !labels.small.is_empty() => {
            let names: Vec<&str> =
                labels.small.iter().map(|&class| all.classes[class].as_str()).collect();
            notes.push(format!(
                "Labels of these classes are not judged, which have fewer than {FOLDS} different \
                 images: {}.",
                names.join(", ")
            ));
        }
        Some(_) => {}
    }
    if found.labels.is_some() && labelled < all.len() {
        notes.push(format!("{} images have no label.", all.len() - labelled));
    }
    if found.duplicates.dimension.is_none() {
        notes.push(
            "There are too few different images to say how close is near: only images that the \
             encoder cannot tell apart count as near-duplicates."
                .into(),
        );
    }
    notes
}

impl Display for Cleaned {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let NearDuplicates { found, groups, .. } = &self.near_duplicates;
        writeln!(f, "near-duplicates:  {found}, in groups: {groups}")?;
        if let Some(DoubtfulLabels { found, unsure, judged, blends }) = &self.doubtful_labels {
            writeln!(f, "doubtful labels:  {found} of {judged}, and {unsure} between classes")?;
            for Blending { classes: [one, other], share, .. } in blends {
                let share = 100.0 * share;
                writeln!(f, "classes that blend: {one} and {other} ({share:.0} % of both)")?;
            }
        }
        writeln!(f, "outliers:         {}", self.outliers)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))?;
        write!(f, "findings: {}\nreport:   {}", self.csv, self.report)
    }
}
