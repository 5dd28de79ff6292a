//! What computes parts of steps for a trainer in another process: see [`Remote`](crate::method::remote::Remote).
//!
//! A worker keeps an encoder and the graph of one pass forward from one message to the next, and nothing
//! else. What a message says is checked before any room is made for it.

use burn::module::Module as _;
use burn::tensor::{Device, Tensor};

use crate::archive::{Archive, Stored};
use crate::checkpoint::{MOST_SIDE, check_sizes};
use crate::encoder::EncoderSettings;
use crate::error::Error;
use crate::freeze::frozen;
use crate::image::CHANNELS;
use crate::method::remote::{Built, FEATURES, Kept, Note, SLOPE, view_name};
use crate::method::{Network, NoBuffers, Pass};
use crate::optimizer::Slopes;
use crate::precision::TrainingPrecision;
use crate::range;
use crate::selftest;

/// An encoder under the names that it has in a network.
type Alone = Network<NoBuffers>;

/// Answers the messages of a trainer.
#[derive(Debug)]
pub struct Worker {
    /// With autodiff.
    device: Device,
    /// What it is, for people.
    about: String,
    encoder: Option<(Built, Alone)>,
    kept: Option<(Alone, Tensor<2>)>,
    /// In which precision besides full the device was seen to compute what it should.
    proven: TrainingPrecision,
}

impl Worker {
    /// On a device, which is called so to people.
    pub fn new(device: &Device, about: &str) -> Self {
        let (device, about) = (device.clone().autodiff(), about.to_owned());
        Self { device, about, encoder: None, kept: None, proven: TrainingPrecision::Full }
    }

    /// The encoder that it was sent last, in words.
    pub fn encoder(&self) -> Option<String> {
        let (built, _) = self.encoder.as_ref()?;
        Some(format!("{} at side {}", built.settings.kind(), built.side))
    }

    /// The answer to a message; where there can be none, the reason.
    pub async fn answer(&mut self, message: &[u8]) -> Vec<u8> {
        let answer = self.answered(message).await;
        answer.unwrap_or_else(|error| match error {
            Error::NotFinite { ref name } => refused(error.to_string(), Some(name.clone())),
            error => refusal(&error.to_string()),
        })
    }

    async fn answered(&mut self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let (note, archive) = Note::read(message)?;
        match note {
            Note::Hello { version } => self.welcome(&version),
            Note::Forward { encoder, pass, kept } => {
                if let Some(built) = encoder {
                    self.build(built, &archive)?;
                }
                self.forward(&archive, pass, kept).await
            }
            Note::Backward => self.backward(&archive).await,
            other => Err(Error::setting("message", "a question", format!("{other:?}"))),
        }
    }

    fn welcome(&self, got: &str) -> Result<Vec<u8>, Error> {
        let version = Note::VERSION;
        if got != version {
            let expected = format!("{version}, which the worker is: use the same on both sides");
            return Err(Error::setting("kith's version", expected, got));
        }
        let (version, device) = (version.to_owned(), self.about.clone());
        Note::Welcome { version, device }.message(Archive::default())
    }

    /// Takes an encoder's weights.
    fn build(&mut self, built: Built, archive: &Archive) -> Result<(), Error> {
        let Built { settings, side, freeze } = &built;
        range::count("side", *side as u64, 1..=MOST_SIDE as u64)?;
        check_sizes(settings, *side, archive)?;
        let known = self.encoder.take().filter(|(known, _)| *known == built);
        let fresh = match known {
            Some((_, alone)) => alone,
            None => self.fresh(settings, *side, *freeze)?,
        };
        let alone = archive.restore("", fresh)?;
        self.encoder = Some((built, alone));
        Ok(())
    }

    fn fresh(
        &self,
        settings: &EncoderSettings,
        side: usize,
        freeze: usize,
    ) -> Result<Alone, Error> {
        let encoder = settings.init(side, 0, &self.device)?;
        let alone = Network { encoder, heads: NoBuffers {} };
        frozen(alone, ("pretraining.freeze", freeze), settings)
    }

    async fn forward(
        &mut self,
        archive: &Archive,
        pass: Pass,
        kept: Kept,
    ) -> Result<Vec<u8>, Error> {
        if pass.precision != self.proven {
            selftest::precision(pass.precision, &self.device.clone().inner()).await?;
            self.proven = pass.precision;
        }
        let Some((built, alone)) = &self.encoder else {
            return Err(Error::setting("message", "an encoder first", "views"));
        };
        let views = views(archive, built, &self.device)?;
        let features = match kept {
            Kept::Graph => {
                let features = alone.features(&views, pass);
                self.kept = Some((alone.clone(), features.clone()));
                features
            }
            // As a teacher looks: by the batch's statistics, and moving its own.
            Kept::Nothing if built.settings.normalises() => alone.features(&views, pass),
            Kept::Nothing => alone.valid().features(&views, pass),
        };
        let mut answer = Archive::default();
        answer.add_statistics("", alone).await?;
        answer.tensors.insert(FEATURES.to_owned(), Stored::read(features).await?);
        Note::Features.message(answer)
    }

    async fn backward(&mut self, archive: &Archive) -> Result<Vec<u8>, Error> {
        let Some((alone, features)) = self.kept.take() else {
            return Err(Error::setting("message", "views first", "slopes"));
        };
        let device = self.device.clone().inner();
        let slope = archive.get(SLOPE)?.to_device(SLOPE, features.dims(), &device)?;
        let along = (features * slope).sum();
        let slopes = Slopes::of(&alone, &along.backward());
        let mut gradients = Archive::default();
        slopes.store(&alone, &mut gradients).await?;
        Note::Gradients.message(gradients)
    }
}

/// The answer that there is none, for such a reason.
pub fn refusal(reason: &str) -> Vec<u8> {
    refused(reason.to_owned(), None)
}

fn refused(reason: String, not_finite: Option<String>) -> Vec<u8> {
    let note = Note::Failed { reason, not_finite };
    note.message(Archive::default()).expect("it has no numbers, all of which are finite")
}

/// All views of a message, as many as follow each other by number.
fn views(archive: &Archive, built: &Built, device: &Device) -> Result<Vec<Tensor<4>>, Error> {
    let device = device.clone().inner();
    let names: Vec<String> =
        (0..).map(view_name).take_while(|name| archive.shape(name).is_some()).collect();
    let count = |name: &String| archive.shape(name).and_then(<[usize]>::first).copied();
    let Some(images) = names.first().and_then(count).filter(|&images| images > 0) else {
        return Err(Error::TooFew { what: "views", expected: 1, got: 0 });
    };
    let view = |name: &String| {
        let side = archive.shape(name).and_then(<[usize]>::last).copied().unwrap_or_default();
        range::count("side of a view", side as u64, 1..=MOST_SIDE as u64)?;
        built.settings.takes(side, built.side)?;
        archive.get(name)?.to_device(name, [images, CHANNELS, side, side], &device)
    };
    names.iter().map(view).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;
    use crate::method::parts::Site;
    use crate::method::remote::{Composing, Link, Remote, RemoteEncoder};
    use crate::method::{Passes, farthest, gradients};

    const PASS: Pass = Pass { passes: Passes::BySize, precision: TrainingPrecision::Full };

    /// A worker of this very process, which answers so many messages.
    #[derive(Debug)]
    struct Direct {
        worker: Mutex<Worker>,
        answers: Mutex<VecDeque<Vec<u8>>>,
        left: Mutex<usize>,
    }

    impl Link for Direct {
        fn name(&self) -> &'static str {
            "remote:here"
        }

        fn send(&self, message: Composing<'_>) -> Result<(), Error> {
            let message = pollster::block_on(message)?;
            let answer = pollster::block_on(self.worker.lock().unwrap().answer(&message));
            self.answers.lock().unwrap().push_back(answer);
            Ok(())
        }

        fn receive(&self) -> Result<Vec<u8>, Error> {
            let mut left = self.left.lock().unwrap();
            *left = left.checked_sub(1).ok_or_else(|| Error::Remote {
                device: self.name().into(),
                reason: "the cable is out".into(),
            })?;
            Ok(self.answers.lock().unwrap().pop_front().expect("each message has an answer"))
        }
    }

    fn worker() -> Worker {
        Worker::new(&Device::flex(), "CPU")
    }

    fn direct(answers: usize) -> Remote {
        let (worker, left) = (Mutex::new(worker()), Mutex::new(answers));
        Remote::connect(Direct { worker, answers: Mutex::default(), left }).expect("it is there")
    }

    fn built() -> Built {
        Built { settings: EncoderSettings::Conv4 { width: 6 }, side: 32, freeze: 0 }
    }

    fn site(remote: Remote) -> Site {
        Site::Remote(RemoteEncoder::new(remote, built()))
    }

    #[test]
    fn half_batches_on_two_workers_have_the_gradients_of_the_batch() {
        let cpu = Device::flex();
        let here = Site::Local(cpu.clone());
        let far = || site(direct(usize::MAX));
        let whole = gradients(&cpu, std::slice::from_ref(&here), 1).expect("all here");
        let places =
            [vec![far()], vec![far(), far()], vec![here.clone(), far()], vec![far(), here]];
        for sites in &places {
            for accumulate in [1, 4] {
                let parts = gradients(&cpu, sites, accumulate).expect("they answer");
                let apart = farthest(&parts, &whole);
                assert!(apart < 1e-5, "{} in {accumulate} parts: {apart} apart", sites.len());
                let again = gradients(&cpu, sites, accumulate).expect("they answer");
                assert!(parts == again, "the same links, the same bits");
            }
        }
    }

    #[test]
    fn a_worker_that_goes_away_is_an_error_wherever_it_does() {
        let cpu = Device::flex();
        let needed = 3;
        for answers in 1..needed {
            let sites = [Site::Local(cpu.clone()), site(direct(answers))];
            let error = gradients(&cpu, &sites, 1).expect_err("not all is answered");
            let told = error.to_string();
            assert!(told.starts_with("remote:here failed: the cable is out;"), "{told}");
            assert_eq!(error.code(), "REMOTE_DEVICE");
        }
        let sites = [Site::Local(cpu.clone()), site(direct(needed))];
        gradients(&cpu, &sites, 1).expect("so many messages has a step");
    }

    /// A step in which a question is refused, and one after it on the same link.
    #[test]
    fn answers_to_what_failed_are_not_those_of_the_next_step() {
        let cpu = Device::flex();
        let remote = direct(usize::MAX);
        let of_side = |side| Built { side, ..built() };
        let wrong = Site::Remote(RemoteEncoder::new(remote.clone(), of_side(96)));
        let error = gradients(&cpu, &[wrong], 3).expect_err("other weights than its side has");
        assert!(error.to_string().contains("encoder.dense.weight"), "{error}");
        let whole = gradients(&cpu, &[Site::Local(cpu.clone())], 1).expect("all here");
        let right = gradients(&cpu, &[site(remote)], 3).expect("it is asked anew");
        assert!(farthest(&right, &whole) < 1e-5);
    }

    fn answer(worker: &mut Worker, message: &[u8]) -> String {
        let answer = pollster::block_on(worker.answer(message));
        match Note::read(&answer).expect("every answer can be read").0 {
            Note::Failed { reason, .. } => reason,
            other => format!("{other:?}"),
        }
    }

    fn stored(shape: &[usize]) -> Stored {
        let values = vec![0.25; shape.iter().product()];
        Stored { shape: shape.to_vec(), values }
    }

    fn asked(built: Option<Built>, tensors: &[(&str, &[usize])]) -> Vec<u8> {
        let mut archive = Archive::default();
        if let Some(Built { settings, side, .. }) = &built {
            // As a trainer sends them.
            let encoder = settings.init(*side, 3, &Device::flex());
            let alone = encoder.map(|encoder| Network { encoder, heads: NoBuffers {} });
            alone.into_iter().for_each(|alone| {
                pollster::block_on(archive.add("", &alone)).unwrap();
            });
        }
        for (name, shape) in tensors {
            archive.tensors.insert((*name).to_owned(), stored(shape));
        }
        let note = Note::Forward { encoder: built, pass: PASS, kept: Kept::Graph };
        note.message(archive).unwrap()
    }

    #[test]
    fn what_cannot_be_answered_is_told_and_the_next_message_is_answered() {
        let view: (&str, &[usize]) = ("view.0", &[2, 3, 32, 32]);
        let backward = |shape: &[usize]| {
            let tensors = [(SLOPE.to_owned(), stored(shape))].into();
            Note::Backward.message(Archive { tensors, ..Archive::default() }).unwrap()
        };
        let hello = |version: &str| {
            Note::Hello { version: version.into() }.message(Archive::default()).unwrap()
        };
        let good = asked(Some(built()), &[view]);
        let mut worker = worker();
        for (message, expected) in [
            (b"GET / HTTP/1.1".to_vec(), "not a readable safetensors file"),
            (good[..good.len() - 1].to_vec(), "not a readable safetensors file"),
            (
                Archive { note: "{}".into(), ..Archive::default() }
                    .to_bytes(crate::archive::Precision::Single)
                    .unwrap(),
                "metadata",
            ),
            (hello("0.0.1"), "kith's version = 0.0.1 is out of range: expected"),
            (Note::Features.message(Archive::default()).unwrap(), "expected a question"),
            (asked(None, &[view]), "expected an encoder first"),
            (backward(&[2, 6]), "expected views first"),
            (asked(Some(Built { side: 0, ..built() }), &[view]), "side = 0"),
            (asked(Some(Built { freeze: 9, ..built() }), &[view]), "pretraining.freeze = 9"),
            (asked(Some(built()), &[]), "views: expected at least 1"),
            (asked(Some(built()), &[("view.1", view.1)]), "views: expected at least 1"),
            (asked(Some(built()), &[("view.0", &[0, 3, 32, 32])]), "views: expected at least 1"),
            (asked(Some(built()), &[("view.0", &[2, 3, 32])]), "view.0"),
            (asked(Some(built()), &[("view.0", &[2, 1, 32, 32])]), "view.0"),
            (asked(Some(built()), &[view, ("view.1", &[3, 3, 32, 32])]), "view.1"),
            (asked(Some(built()), &[("view.0", &[2, 3, 64, 64])]), "conv4's dense layer"),
        ] {
            let told = answer(&mut worker, &message);
            assert!(told.contains(expected), "expected {expected}, got {told}");
        }
        assert_eq!(answer(&mut worker, &good), "Features");
        let told = answer(&mut worker, &backward(&[2, 7]));
        assert!(told.contains("has shape [2, 7]"), "{told}");
        assert_eq!(answer(&mut worker, &good), "Features");
        assert_eq!(answer(&mut worker, &backward(&[2, 6])), "Gradients");
        assert!(answer(&mut worker, &backward(&[2, 6])).contains("views first"), "once each");
        assert_eq!(worker.encoder().unwrap(), "conv4 at side 32");
    }

    /// Settings that promise terabytes beside the weights of a small encoder.
    #[test]
    fn no_room_is_made_for_what_a_message_merely_says() {
        let small = asked(Some(built()), &[("view.0", &[2, 3, 32, 32])]);
        let (_, archive) = Note::read(&small).unwrap();
        for settings in [
            r#"{"kind":"conv4","width":4000000000}"#,
            r#"{"kind":"vit","size":{"dim":8,"depth":900000,"heads":1},"patch":4}"#,
        ] {
            let settings = serde_json::from_str(settings).unwrap();
            let encoder = Some(Built { settings, ..built() });
            let note = Note::Forward { encoder, pass: PASS, kept: Kept::Nothing };
            let told = answer(&mut worker(), &note.message(archive.clone()).unwrap());
            assert!(told.contains("encoder."), "{told}");
        }
    }

    #[test]
    fn weights_that_are_no_numbers_end_the_step() {
        let mut archive = Archive::default();
        archive.tensors.insert("x".into(), Stored { shape: vec![1], values: vec![f32::NAN] });
        let error = Note::Features.message(archive).expect_err("NaN");
        assert_eq!(error.code(), "NOT_FINITE");
    }
}
