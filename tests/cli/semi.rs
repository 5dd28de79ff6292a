//! `kith semi`: methods, seeds, a stop, choices by measurement, and what is refused.

use std::fs;

use crate::common::{done, metrics, refused};
use serde_json::Value;

/// Flags of a run of some seconds.
const TINY: [&str; 22] = [
    "semi",
    "--side",
    "32",
    "--labelled",
    "90",
    "--unlabelled",
    "200",
    "--recipe",
    "cifar10-semi",
    "--set",
    "encoder={kind=\"conv4\",width=8}",
    "--set",
    "finetuning.epochs=2",
    "--set",
    "finetuning.steps=8",
    "--set",
    "semi.epochs=2",
    "--set",
    "semi.steps=4",
    "--set",
    "semi.unlabelled_batch=32",
    "--quiet",
];

fn words<'a>(run: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&TINY[..], &["--run", run], more].concat()
}

#[test]
fn two_seeds_of_fixmatch_are_compared_with_their_baselines() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = done(folder.path(), &words("run", &["--seeds", "2"]));
    let accuracies = study["accuracies"].as_object().expect("accuracies by name").clone();
    for name in ["supervised baseline, last epoch", "FixMatch, last epoch", "FixMatch, best epoch"]
    {
        assert_eq!(accuracies[name]["seeds"].as_array().expect("by seed").len(), 2, "{name}");
    }
    assert!(accuracies["errors of the baseline that are gone"]["mean"].is_number());
    let differences = study["differences"].as_array().expect("differences");
    let last = &differences[0];
    assert_eq!(last["method"], "FixMatch, last epoch");
    assert_eq!(last["baseline"], "supervised baseline, last epoch");
    assert_eq!((&last["test"], &last["seeds"]), (&"paired t-test, two-sided".into(), &2.into()));
    let mean = |name: &str| accuracies[name]["mean"].as_f64().expect("a share");
    let expected = mean("FixMatch, last epoch") - mean("supervised baseline, last epoch");
    assert!((last["difference"].as_f64().expect("a number") - expected).abs() < 1e-9, "{last}");
    let p = last["p"].as_f64().expect("a probability");
    assert!((0.0..=1.0).contains(&p), "{p}");
    let page = fs::read_to_string(folder.path().join("run/report.html")).expect("a report");
    assert!(page.contains("<svg") && page.contains("FixMatch, last epoch"));
    assert!(page.contains("paired t-test, two-sided, 2 seeds: weak evidence"));
    assert!(page.contains("FixMatch, last epoch less supervised baseline, last epoch"));
    assert!(page.contains("of seed 1."), "it says whose the curves are");
    let encoder = "--set 'encoder={kind=&quot;conv4&quot;,width=8}'";
    assert!(page.contains(encoder), "the command is one that a shell takes");
    let info = done(folder.path(), &["info", "run/seed-1/fixmatch"]);
    assert_eq!(info["meta"]["stage"], "semi_supervised");
    let whole = done(folder.path(), &["info", "run"]);
    let runs = whole["runs"].as_array().expect("the runs of a study");
    let names: Vec<_> = runs.iter().map(|run| run["run"].as_str().expect("a name")).collect();
    let expected = ["seed-1/baseline", "seed-1/fixmatch", "seed-2/baseline", "seed-2/fixmatch"];
    assert_eq!(names, expected);
    assert_eq!(runs[1]["meta"], info["meta"]);
    assert_eq!(runs[1]["findings"], info["findings"]);

    // A finished run says the same again; what a student learnt starts another.
    let again = done(folder.path(), &words("run", &["--seeds", "2", "--resume"]));
    assert_eq!(again["accuracies"], study["accuracies"]);
    let from = ["--from", "run/seed-1/fixmatch/checkpoint.safetensors"];
    done(folder.path(), &words("second", &from));
}

#[test]
fn a_stopped_phase_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    done(folder.path(), &words("whole", &[]));
    done(folder.path(), &words("part", &[]));
    // As if it had been killed before its last phase began to save.
    let part = folder.path().join("part");
    fs::remove_dir_all(part.join("seed-1/fixmatch")).expect("it was there");
    done(folder.path(), &words("part", &["--resume"]));
    let phase = "seed-1/fixmatch";
    assert_eq!(metrics(&part.join(phase)), metrics(&folder.path().join("whole").join(phase)));
}

#[test]
fn students_follow_each_other_and_an_unsure_teacher_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let method = "semi.method={kind=\"noisy_student\",rounds=2}";
    let of = |run, threshold| words(run, &["--set", method, "--set", threshold]);
    let study = done(folder.path(), &of("run", "semi.threshold=0.12"));
    for name in ["student 1, last epoch", "student 2, last epoch"] {
        assert!(study["accuracies"][name]["mean"].is_number(), "{name}");
    }
    let (status, code, text) = refused(folder.path(), &of("unsure", "semi.threshold=1.0"));
    assert_eq!((status, code.as_str()), (3, "UNSURE_TEACHER"), "{text}");
    assert!(text.contains("semi.threshold"), "{text}");
}

#[test]
fn choices_are_measured_once_written_down_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = ["--auto", "--labelled", "180", "--set", "evaluation.validation=0.1"];
    let words = {
        let small: Vec<&str> = words("run", &more);
        let place = small.iter().position(|word| *word == "90").expect("it is there");
        [&small[..place - 1], &small[place + 1..]].concat()
    };
    let study = done(folder.path(), &words);
    let chosen = study["chosen"].as_array().expect("choices");
    let of = |setting: &str| {
        let choice = chosen.iter().find(|choice| choice["setting"] == setting);
        choice.unwrap_or_else(|| panic!("{setting} was not chosen"))["value"].clone()
    };
    let recipe = fs::read_to_string(folder.path().join("run/recipe.toml")).expect("a recipe");
    let recipe: toml::Table = recipe.parse().expect("TOML");
    let batch = recipe["finetuning"]["batch"].to_string();
    assert_eq!(of("finetuning.batch"), Value::from(batch));
    let rate: f64 = of("semi.optimizer.learning_rate").as_str().expect("a number").parse().unwrap();
    assert!((1e-8..=0.1).contains(&rate), "{rate}");
    assert_eq!(recipe["semi"]["optimizer"]["learning_rate"].as_float(), Some(rate));
    assert_eq!(of("semi.patience"), "5");
    let page = fs::read_to_string(folder.path().join("run/report.html")).expect("a report");
    assert!(page.contains("Chosen by measurement") && page.contains("Range test"));
    let again = done(folder.path(), &[&words[..], &["--resume"]].concat());
    assert_eq!(again["chosen"], study["chosen"], "measured anew");
}

#[test]
fn what_cannot_be_learnt_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for (change, said) in [
        ("semi.threshold=1.5", "semi.threshold = 1.5"),
        ("semi.epochs=0", "semi.epochs = 0"),
        ("semi.patience=0", "semi.patience = 0"),
        ("semi.strong=nonesuch", "nonesuch"),
    ] {
        let (status, _, text) = refused(folder.path(), &words("run", &["--set", change]));
        assert!(status == 3 && text.contains(said), "{change}: {text}");
    }
    assert!(!folder.path().join("run").exists(), "a run that cannot begin leaves nothing");
}

/// While batch statistics alone move, a network without any stays what it was: the trained baseline,
/// or fresh weights.
#[test]
fn a_phase_may_start_from_the_trained_baseline() {
    let folder = tempfile::tempdir().expect("a folder");
    let last = |start: &str| {
        let start = format!("semi.start={start}");
        let more = ["--set", &start, "--set", "semi.statistics_warm_up=8"];
        let study = done(folder.path(), &words(&start, &more));
        let mean = |name: &str| study["accuracies"][name]["mean"].as_f64().expect("a share");
        [mean("supervised baseline, last epoch"), mean("FixMatch, last epoch")]
    };
    let [baseline, continued] = last("baseline");
    assert_eq!(baseline, continued);
    let [same, fresh] = last("fresh");
    assert!(
        same == baseline && fresh < baseline,
        "{fresh} of fresh weights, {baseline} after training"
    );
}
