//! The one module that prints: people read stderr, scripts read stdout.

use std::fmt::Display;
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::args::Args;
use crate::failure::Failure;
use crate::progress::Show;

/// A path in an object for scripts; bytes that are no UTF-8 become U+FFFD.
pub(crate) fn lossy(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// What a command was for: words for people, an object for scripts.
pub(crate) trait Outcome: Display {
    /// For scripts.
    fn object(&self) -> Value;
}

impl<T: Display + Serialize> Outcome for T {
    fn object(&self) -> Value {
        json!(self)
    }
}

/// Whom to speak to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Words,
    Results,
    Json,
}

impl Console {
    /// Speaks as the command line asks.
    pub(crate) fn new(args: &Args) -> Self {
        let form = match args {
            Args { json: true, .. } => Form::Json,
            Args { quiet: true, .. } => Form::Results,
            _ => Form::Words,
        };
        Self { form }
    }

    /// Without a word on the way, for what was already said.
    pub(crate) fn silent() -> Self {
        Self { form: Form::Results }
    }

    /// Whether bars are wanted.
    pub(crate) fn show(self) -> Show {
        if self.form == Form::Words { Show::Bars } else { Show::Quiet }
    }

    /// Something worth knowing on the way.
    #[expect(clippy::print_stderr, reason = "this is the module that prints")]
    pub(crate) fn note(self, text: &str) {
        if self.form == Form::Words {
            eprintln!("{text}");
        }
    }

    /// What the command was for.
    pub(crate) fn result(self, outcome: &dyn Outcome) {
        let text = match self.form {
            Form::Json => outcome.object().to_string(),
            Form::Words | Form::Results => outcome.to_string(),
        };
        // Whoever closed the pipe has read what they wanted.
        let _closed = writeln!(std::io::stdout(), "{text}");
    }

    /// Why there is no result.
    #[expect(clippy::print_stderr, reason = "this is the module that prints")]
    pub(crate) fn failure(self, failure: &Failure) {
        match self.form {
            Form::Json => {
                eprintln!("{}", json!({ "error": failure.code(), "message": failure.to_string() }));
            }
            Form::Words | Form::Results => eprintln!("kith: {failure} [{}]", failure.code()),
        }
    }
}
