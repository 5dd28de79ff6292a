//! `kith benchmark --search`: the same small grid for every method, chosen on validation pictures.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use super::protocol::Protocol;
use crate::args::{BenchmarkFlags, RunFlags, TrainFlags};
use crate::failure::Failure;
use crate::output::lossy;
use crate::train::folder::{self, Folder};
use crate::verbs::session::Command;
use crate::verbs::sweep;

/// The methods' settings, as a command line of a benchmark takes them.
const FLAGS: &str = "flags.txt";

/// What was chosen for a method.
#[derive(Debug, Serialize)]
struct Chosen {
    method: String,
    /// As `--set` takes them; none where nothing could be chosen.
    settings: Option<Vec<String>>,
}

/// What a search found.
#[derive(Debug, Serialize)]
pub(super) struct Searched {
    methods: Vec<Chosen>,
    flags: String,
    /// Where the flags are written.
    file: String,
}

/// Sweeps each method's grid in a folder of its own, one seed each.
pub(super) fn run(
    methods: &[String],
    protocol: &Protocol,
    flags: &BenchmarkFlags,
    folder: &Folder,
    command: Command<'_>,
) -> Result<Searched, Failure> {
    let grids = methods.iter().map(|method| protocol.grid(method));
    let grids = grids.collect::<Result<Vec<_>, _>>()?;
    let mut found = Vec::new();
    for (method, grid) in methods.iter().zip(grids) {
        command.console.note(&format!("search: {method}"));
        let own = folder.part(method);
        let flags = TrainFlags {
            data: flags.data.clone(),
            recipe: protocol.search_flags(method)?,
            run: RunFlags { run: Some(own.path().to_owned()), resume: true },
            log: None,
        };
        let asked = sweep::Asked { grid: &grid, seeds: 1 };
        let swept = sweep::run(asked, &flags, command)
            .map_err(|failure| folder::resumable(failure, folder))?;
        let settings = swept.chosen();
        found.push(Chosen { method: method.clone(), settings });
    }
    let flags = words(&found);
    folder.write(FLAGS, format!("{flags}\n").as_bytes())?;
    Ok(Searched { methods: found, flags, file: lossy(&folder.file(FLAGS)) })
}

/// The flags of a benchmark with the chosen settings.
fn words(found: &[Chosen]) -> String {
    let flag = |method: &str, change: &String| {
        let change = format!("{method}:{change}");
        let quoted = shlex::try_quote(&change).expect("settings have no NUL");
        format!("--set {quoted}")
    };
    let of_method = |chosen: &Chosen| {
        let settings = chosen.settings.iter().flatten();
        settings.map(|change| flag(&chosen.method, change)).collect::<Vec<_>>()
    };
    found.iter().flat_map(of_method).collect::<Vec<_>>().join(" ")
}

impl Display for Searched {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for Chosen { method, settings } in &self.methods {
            let settings = settings.as_ref().map_or("nothing was chosen".into(), |s| s.join("  "));
            writeln!(f, "{method:<12} {settings}")?;
        }
        write!(
            f,
            "Chosen on validation pictures. To benchmark with it: kith benchmark {}",
            self.flags
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_name_the_method_and_survive_a_shell() {
        let settings = Some(vec!["a.rate=2e-3".into(), "objective.teacher={start=0.9}".into()]);
        let found = [
            Chosen { method: "byol".into(), settings },
            Chosen { method: "swav".into(), settings: None },
        ];
        let expected = ["--set", "byol:a.rate=2e-3", "--set", "byol:objective.teacher={start=0.9}"];
        assert_eq!(shlex::split(&words(&found)).expect("words"), expected);
    }
}
