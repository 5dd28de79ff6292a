//! Progress bars on the terminal: callers tick, this module decides whether anything is drawn.
//!
//! Bars go to stderr and only to a terminal, so that stdout stays for results.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often a bar moves although nothing happened, so that one sees the program is alive.
const PULSE: Duration = Duration::from_millis(200);
/// Training: how far, the numbers of the latest step, how long still.
const TRAINING: &str = "{prefix} {bar:24} {pos}/{len} {msg} ETA {eta}";
/// Many parts, one after another: how far, which one, how long still.
const PARTS: &str = "{prefix} {bar:24} {pos}/{len} {msg} ETA {eta}";
/// A file of known length.
const BYTES: &str = "{prefix} {bar:24} {bytes}/{total_bytes} {binary_bytes_per_sec} ETA {eta}";
/// A file of unknown length.
const ENDLESS: &str = "{prefix} {spinner} {bytes} {binary_bytes_per_sec}";

/// Whether people are watching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// Draw bars, if stderr is a terminal.
    Bars,
    /// Draw nothing, for scripts.
    Quiet,
}

/// The numbers of a training step that people watch.
#[derive(Clone, Debug, Default)]
pub struct Tick {
    /// Steps done.
    pub step: u64,
    /// The objective's value.
    pub loss: f64,
    /// Named accuracies as shares of 1.
    pub accuracies: Vec<(String, f64)>,
    /// Images that went through in a second.
    pub images_per_second: f64,
}

impl Tick {
    /// The numbers in a line.
    pub fn words(&self) -> String {
        let share = |(name, share): &(String, f64)| format!(" {name} {:.1} %", 100.0 * share);
        let accuracies: String = self.accuracies.iter().map(share).collect();
        format!("loss {:.4}{accuracies} {:.0} images/s", self.loss, self.images_per_second)
    }
}

/// A bar over the steps of a training.
#[derive(Clone, Debug)]
pub struct Training(ProgressBar);

impl Training {
    /// A bar that starts at `done`, for a run that goes on where it was interrupted.
    pub fn new(show: Show, total: u64, done: u64) -> Self {
        let bar = bar(show, Some(total), TRAINING);
        bar.set_prefix("training");
        // Steps of the earlier process took none of this one's time.
        bar.set_position(done);
        bar.reset_eta();
        Self(bar)
    }

    /// Shows the latest numbers.
    pub fn tick(&self, tick: &Tick) {
        self.0.set_message(tick.words());
        self.0.set_position(tick.step);
    }

    /// Whether anybody sees the bar.
    pub fn is_drawn(&self) -> bool {
        !self.0.is_hidden()
    }

    /// Lets a line be written above the bar; without a bar it is written all the same.
    pub fn above(&self, write: impl FnOnce()) {
        self.0.suspend(write);
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// A bar over the cells of a table that are computed one after another.
#[derive(Clone, Debug)]
pub struct Cells(ProgressBar);

impl Cells {
    /// A bar at its start.
    pub fn new(show: Show, total: u64) -> Self {
        Self::named("evaluating", show, total)
    }

    /// A bar at its start, over what is done to the cells.
    pub fn named(what: &'static str, show: Show, total: u64) -> Self {
        let bar = bar(show, Some(total), PARTS);
        bar.set_prefix(what);
        Self(bar)
    }

    /// Lets a line be written above the bar; without a bar it is written all the same.
    pub fn above(&self, write: impl FnOnce()) {
        self.0.suspend(write);
    }

    /// Whether anybody sees the bar.
    pub fn is_drawn(&self) -> bool {
        !self.0.is_hidden()
    }

    /// Shows how many are done and which one comes now.
    pub fn tick(&self, done: u64, next: &str) {
        self.0.set_message(next.to_owned());
        self.0.set_position(done);
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// A bar over the images of a folder that are looked at one by one.
#[derive(Debug)]
pub struct Scan {
    show: Show,
    current: Option<ProgressBar>,
}

impl Scan {
    /// No bar yet: the first tick draws one.
    pub fn new(show: Show) -> Self {
        Self { show, current: None }
    }

    /// Shows how many of how many were looked at.
    pub fn tick(&mut self, done: usize, total: usize) {
        let bar = self.current.get_or_insert_with(|| {
            let bar = bar(self.show, Some(total as u64), PARTS);
            bar.set_prefix("reading images");
            bar
        });
        bar.set_position(done as u64);
    }

    /// Removes the bar.
    pub fn finish(&mut self) {
        if let Some(bar) = self.current.take() {
            bar.finish_and_clear();
        }
    }
}

/// A bar over the bytes of one file after another.
#[derive(Debug)]
pub struct Bytes {
    show: Show,
    current: Option<(String, ProgressBar)>,
}

impl Bytes {
    /// No bar yet: the first tick draws one.
    pub fn new(show: Show) -> Self {
        Self { show, current: None }
    }

    /// Shows how far the work called `name` is; another name starts another bar. Returns whether work
    /// began that no bar shows.
    pub fn tick(&mut self, name: &str, done: u64, total: Option<u64>) -> bool {
        let mut unseen = false;
        if self.current.as_ref().is_none_or(|(current, _)| current != name) {
            self.finish();
            let bar = bar(self.show, total, if total.is_some() { BYTES } else { ENDLESS });
            bar.set_prefix(name.to_owned());
            // Bytes of an earlier process took none of this one's time.
            bar.set_position(done);
            bar.reset_eta();
            unseen = bar.is_hidden();
            self.current = Some((name.to_owned(), bar));
        }
        if let Some((_, bar)) = &self.current {
            bar.set_position(done);
        }
        unseen
    }

    /// Removes the bar.
    pub fn finish(&mut self) {
        if let Some((_, bar)) = self.current.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(show: Show, total: Option<u64>, template: &str) -> ProgressBar {
    let bar = match (show, total) {
        (Show::Quiet, _) => return ProgressBar::hidden(),
        (Show::Bars, Some(total)) => ProgressBar::new(total),
        (Show::Bars, None) => ProgressBar::no_length(),
    };
    let style = ProgressStyle::with_template(template).expect("the templates are right");
    bar.set_style(style.progress_chars("━╸─"));
    if !bar.is_hidden() {
        bar.enable_steady_tick(PULSE);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_reads_as_people_want_it() {
        let accuracies = vec![("top-1".to_owned(), 0.7134), ("probe".to_owned(), 0.5)];
        let tick = Tick { step: 3, loss: 1.234_56, accuracies, images_per_second: 812.4 };
        assert_eq!(tick.words(), "loss 1.2346 top-1 71.3 % probe 50.0 % 812 images/s");
    }

    #[test]
    fn every_template_is_one_that_indicatif_knows() {
        for template in [TRAINING, PARTS, BYTES, ENDLESS] {
            bar(Show::Bars, None, template);
        }
    }

    #[test]
    fn a_quiet_bar_may_be_ticked_like_any_other() {
        let training = Training::new(Show::Quiet, 10, 4);
        training.tick(&Tick::default());
        assert!(!training.is_drawn());
        let mut written = false;
        training.above(|| written = true);
        assert!(written, "who reads a file reads the lines of epochs");
        training.finish();
        let cells = Cells::new(Show::Quiet, 3);
        cells.tick(1, "nobody reads this");
        cells.finish();
        let mut scan = Scan::new(Show::Quiet);
        scan.tick(1, 2);
        scan.finish();
        let mut bytes = Bytes::new(Show::Quiet);
        assert!(bytes.tick("a", 1, None), "nobody sees that it began");
        assert!(!bytes.tick("a", 2, None), "it began before");
        assert!(bytes.tick("b", 1, Some(2)));
        assert_eq!(bytes.current.as_ref().map(|(name, _)| name.as_str()), Some("b"));
        bytes.finish();
    }
}
