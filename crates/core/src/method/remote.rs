//! Devices of other processes: parts of a step go there as messages, and come back as such.
//!
//! A message is a safetensors file with a note. Views and the encoder's weights go out and features come
//! back; then the loss's slopes at these features go out and the encoder's gradients come back. Everything
//! else of a step stays here.

mod note;

use core::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::tensor::{Device, Tensor};

use super::{Network, NoBuffers, Pass};
use crate::archive::{Archive, Precision, Stored};
use crate::encoder::Encoder;
use crate::error::Error;
use crate::optimizer::Slopes;
pub(crate) use note::{Built, FEATURES, Kept, Note, SLOPE, view_name};

/// A message whose numbers may still be on their way from the device.
pub type Composing<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, Error>> + 'a>>;

/// What brings messages to a [`Worker`](crate::worker::Worker), and its answers back in their order.
pub trait Link: core::fmt::Debug + Send + Sync {
    /// Whose device it is, as the user wrote it.
    fn name(&self) -> &str;

    /// Waits for a message and sends it; its answer is not waited for.
    ///
    /// # Errors
    /// Those of the message, [`Error::Remote`] when it does not get there.
    fn send(&self, message: Composing<'_>) -> Result<(), Error>;

    /// Waits for the answer to the oldest message that has none yet.
    ///
    /// # Errors
    /// [`Error::Remote`] when there will be none.
    fn receive(&self) -> Result<Vec<u8>, Error>;
}

/// What a [`Remote`] has where one can be. A page has no other process: nothing of it is compiled there.
#[cfg(not(target_family = "wasm"))]
type Possible = ();
#[cfg(target_family = "wasm")]
type Possible = core::convert::Infallible;

/// A device of another process, which a [`Worker`](crate::worker::Worker) computes on; not in a browser.
#[derive(Clone, Debug)]
pub struct Remote {
    link: Arc<dyn Link>,
    device: Arc<str>,
    step: Arc<Mutex<Asked>>,
    _possible: Possible,
}

/// What was asked in a step.
#[derive(Debug, Default)]
struct Asked {
    /// Messages that have no answer yet.
    unanswered: usize,
    /// What failed first; after it nothing more is asked in this step.
    failed: Option<Error>,
}

impl PartialEq for Remote {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.link, &other.link)
    }
}

impl Remote {
    /// Greets a worker.
    ///
    /// # Errors
    /// [`Error::Remote`] when none answers, or one of another version.
    #[cfg(not(target_family = "wasm"))]
    pub fn connect(link: impl Link + 'static) -> Result<Self, Error> {
        let (link, step) = (Arc::new(link), Arc::default());
        let mut remote = Self { link, device: "".into(), step, _possible: () };
        let hello = Note::Hello { version: Note::VERSION.into() };
        remote.link.send(Box::pin(async { hello.message(Archive::default()) }))?;
        match remote.answer()? {
            (Note::Welcome { device, .. }, _) => remote.device = device.into(),
            (other, _) => return Err(remote.unexpected(&other)),
        }
        Ok(remote)
    }

    /// Whose device it is, as the user wrote it.
    pub fn name(&self) -> &str {
        self.link.name()
    }

    /// What it computes on, as it says.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// What has failed in this step, after which the next one begins anew.
    pub(super) fn failure(&self) -> Option<Error> {
        let Asked { unanswered, failed } = core::mem::take(&mut *self.asked());
        // Answers to what was asked before it failed belong to no later step.
        let _unread = failed.as_ref().map(|_| (0..unanswered).try_for_each(|_| self.skip()));
        failed
    }

    fn skip(&self) -> Result<(), Error> {
        self.link.receive().map(drop)
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a message, unless something failed before.
    fn ask(&self, message: Composing<'_>) {
        let mut asked = self.asked();
        if asked.failed.is_none() {
            match self.link.send(message) {
                Ok(()) => asked.unanswered += 1,
                Err(error) => asked.failed = Some(error),
            }
        }
    }

    /// What an answer holds; none once something has failed.
    fn told<T>(&self, read: impl FnOnce(Note, Archive) -> Result<T, Error>) -> Option<T> {
        let mut asked = self.asked();
        if asked.failed.is_some() {
            return None;
        }
        asked.unanswered = asked.unanswered.saturating_sub(1);
        match self.answer().and_then(|(note, archive)| read(note, archive)) {
            Ok(told) => Some(told),
            Err(error) => {
                asked.failed = Some(error);
                None
            }
        }
    }

    fn answer(&self) -> Result<(Note, Archive), Error> {
        let (note, archive) = Note::read(&self.link.receive()?).map_err(|e| self.said(&e))?;
        match note {
            Note::Failed { not_finite: Some(name), .. } => Err(Error::NotFinite { name }),
            Note::Failed { reason, .. } => Err(self.said(&reason)),
            note => Ok((note, archive)),
        }
    }

    fn unexpected(&self, note: &Note) -> Error {
        self.said(&format!("it answers something else than was asked ({note:?})"))
    }

    fn said(&self, reason: &dyn core::fmt::Display) -> Error {
        Error::Remote { device: self.name().to_owned(), reason: reason.to_string() }
    }
}

/// An encoder on a device of another process.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RemoteEncoder {
    pub(super) remote: Remote,
    built: Built,
}

impl RemoteEncoder {
    /// Of a recipe's kind.
    pub(crate) fn new(remote: Remote, built: Built) -> Self {
        Self { remote, built }
    }

    /// Asks for the features of views; without an encoder, by that of the message before.
    pub(super) fn forward(
        &self,
        encoder: Option<&Encoder>,
        views: &[Tensor<4>],
        (pass, kept): (Pass, Kept),
    ) {
        self.remote.ask(Box::pin(async {
            let mut archive = Archive::default();
            if let Some(encoder) = encoder {
                let alone = Network { encoder: encoder.clone(), heads: NoBuffers {} };
                archive.add("", &alone).await?;
            }
            for (number, view) in views.iter().enumerate() {
                archive.tensors.insert(view_name(number), Stored::read(view.clone()).await?);
            }
            let encoder = encoder.map(|_| self.built.clone());
            Note::Forward { encoder, pass, kept }.message(archive)
        }));
    }

    /// Waits for the features that were asked for first, on a device; zeros once something has failed.
    /// Running statistics have moved on there, and do so here in the encoder that was sent.
    pub(super) fn features(
        &self,
        rows: usize,
        (sent, device): (&Network<NoBuffers>, &Device),
    ) -> Tensor<2> {
        let shape = [rows, self.built.settings.features()];
        let features = self.remote.told(|note, archive| match note {
            Note::Features => {
                archive.restore_statistics("", sent)?;
                archive.get(FEATURES)?.to_device(FEATURES, shape, device)
            }
            other => Err(self.remote.unexpected(&other)),
        });
        features.unwrap_or_else(|| Tensor::zeros(shape, device))
    }

    /// Asks for the gradients at the encoder's weights, where the loss has such slopes at the features that
    /// were kept last.
    pub(super) fn backward(&self, slope: Tensor<2>) {
        self.remote.ask(Box::pin(async {
            let slope = (SLOPE.to_owned(), Stored::read(slope).await?);
            let archive = Archive { tensors: [slope].into(), ..Archive::default() };
            Note::Backward.message(archive)
        }));
    }

    /// Waits for the gradients that were asked for first, on a device; none once something has failed.
    pub(super) fn slopes(&self, of: &Network<NoBuffers>, device: &Device) -> Slopes {
        let slopes = self.remote.told(|note, archive| match note {
            Note::Gradients => Slopes::restored(of, &archive, device),
            other => Err(self.remote.unexpected(&other)),
        });
        slopes.unwrap_or_default()
    }
}

impl Note {
    /// A message of it and some tensors.
    pub(crate) fn message(&self, archive: Archive) -> Result<Vec<u8>, Error> {
        let note = serde_json::to_string(self).expect("a note is plain data");
        Archive { note, ..archive }.to_bytes(Precision::Single)
    }

    /// What a message holds.
    pub(crate) fn read(message: &[u8]) -> Result<(Self, Archive), Error> {
        let archive = Archive::from_bytes(message)?;
        let note = serde_json::from_str(&archive.note);
        let note = note.map_err(|e| Error::Metadata { reason: e.to_string() })?;
        Ok((note, archive))
    }
}
