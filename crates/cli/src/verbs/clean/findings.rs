//! Findings in words, a line each, for people and for scripts.

use std::io;

use kith_core::clean::doubtful::Doubt;
use kith_core::clean::search::Found;
use kith_core::clean::stars::{Duplicate, Group};
use serde::Serialize;

use super::images::All;

/// The kind of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    NearDuplicate,
    DoubtfulLabel,
    /// A label that is not unlikely, of an image that looks more like another class.
    UnsureLabel,
    Outlier,
}

impl Kind {
    /// As in files.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::NearDuplicate => "near_duplicate",
            Self::DoubtfulLabel => "doubtful_label",
            Self::UnsureLabel => "unsure_label",
            Self::Outlier => "outlier",
        }
    }
}

/// What may be wrong with an image.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// Its number, not for files.
    #[serde(skip)]
    pub(super) image: usize,
    /// An image to compare it with.
    #[serde(skip)]
    pub(super) beside: Option<usize>,
    pub(super) file: String,
    pub(super) split: &'static str,
    pub(super) finding: Kind,
    /// Of a near-duplicate, the cosine with the image that is kept; of a doubtful label, its probability;
    /// of an outlier, how many times as far as usual it lies from others.
    pub(super) score: f64,
    /// The number of a near-duplicate's group.
    pub(super) group: Option<usize>,
    pub(super) label: Option<String>,
    /// A label that may fit better.
    pub(super) suggested: Option<String>,
    pub(super) reason: String,
}

/// All findings: near-duplicates by group, then doubtful labels, outliers and unsure labels, the surest
/// first.
pub(super) fn of(all: &All, found: &Found) -> Vec<Finding> {
    let mut findings = duplicates(all, found);
    let (doubtful, unsure): (Vec<Finding>, Vec<Finding>) =
        doubts(all, found).into_iter().partition(|one| one.finding == Kind::DoubtfulLabel);
    findings.extend(doubtful);
    findings.extend(outliers(all, found));
    findings.extend(unsure);
    findings
}

fn finding(all: &All, image: usize, finding: Kind) -> Finding {
    Finding {
        image,
        beside: None,
        file: all.name(image),
        split: all.split(image),
        finding,
        score: 0.0,
        group: None,
        label: all.class(image).map(str::to_owned),
        suggested: None,
        reason: String::new(),
    }
}

fn duplicates(all: &All, found: &Found) -> Vec<Finding> {
    let mut groups: Vec<&Group> = found.duplicates.groups.iter().collect();
    let nearest = |group: &Group| group.others.first().map_or(0.0, |other| other.relative);
    groups.sort_by(|a, b| nearest(a).total_cmp(&nearest(b)));
    let groups = (1..).zip(groups);
    let members = groups.flat_map(|(number, group)| {
        group.others.iter().map(move |other| (number, group.kept, other))
    });
    let of = |(number, kept, other): (usize, usize, &Duplicate)| {
        let cosine = f64::from(other.cosine);
        let mut reason =
            format!("looks like {}, which is kept (cosine {cosine:.4})", all.name(kept));
        if let Some((own, its)) = unlike(all.class(other.image), all.class(kept)) {
            reason += &format!("; it is labelled {own} here and {its} there");
        }
        if let Some((own, its)) = unlike(all.own_split(other.image), all.own_split(kept)) {
            reason += &format!("; it is in {own}, the other in {its}");
        }
        Finding {
            beside: Some(kept),
            score: cosine,
            group: Some(number),
            reason,
            ..finding(all, other.image, Kind::NearDuplicate)
        }
    };
    members.map(of).collect()
}

/// Two words where they differ.
fn unlike<'a>(own: Option<&'a str>, other: Option<&'a str>) -> Option<(&'a str, &'a str)> {
    own.zip(other).filter(|(own, other)| own != other)
}

fn doubts(all: &All, found: &Found) -> Vec<Finding> {
    let Some(labels) = &found.labels else { return Vec::new() };
    let pairs = labels.doubts.iter().zip(&labels.suggested).zip(&labels.beside);
    let of = |((doubt, likely), beside): ((&Doubt, &f64), &Option<usize>)| {
        let label = all.class(doubt.image).unwrap_or_default();
        let suggested = all.classes[usize::from(doubt.suggested)].clone();
        let [own, other] = [doubt.self_confidence, *likely].map(|share| 100.0 * share);
        let reason = format!(
            "labelled {label}, looks like {suggested} (probabilities {own:.0} % and {other:.0} %)"
        );
        let kind = match doubt.is_strong(labels.classes) {
            true => Kind::DoubtfulLabel,
            false => Kind::UnsureLabel,
        };
        Finding {
            score: doubt.self_confidence,
            beside: *beside,
            suggested: Some(suggested),
            reason,
            ..finding(all, doubt.image, kind)
        }
    };
    pairs.map(of).collect()
}

fn outliers(all: &All, found: &Found) -> Vec<Finding> {
    let of = |&image: &usize| {
        let score = found.outliers.scores[image];
        let others = match all.class(image) {
            Some(class) => format!("images of {class}"),
            None => "the images".to_owned(),
        };
        let reason =
            format!("lies {score:.1} times as far from its nearest images as {others} usually do");
        Finding { score, reason, ..finding(all, image, Kind::Outlier) }
    };
    found.outliers.found.iter().map(of).collect()
}

/// A line a finding.
pub(super) fn write_csv(findings: &[Finding], file: &mut dyn io::Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record([
        "file",
        "split",
        "finding",
        "score",
        "group",
        "label",
        "suggested",
        "reason",
    ])?;
    for finding in findings {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        writer.write_record([
            finding.file.clone(),
            finding.split.to_owned(),
            finding.finding.word().to_owned(),
            format!("{:.6}", finding.score),
            finding.group.map_or(String::new(), |group| group.to_string()),
            text(&finding.label),
            text(&finding.suggested),
            finding.reason.clone(),
        ])?;
    }
    writer.flush()
}
