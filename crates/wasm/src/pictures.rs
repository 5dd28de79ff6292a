//! Pictures before they meet an encoder: squares, and augmented views.

use js_sys::Uint8Array;
use kith_core::augment::policy::{Draw, Policy};
use kith_core::image::{CHANNELS, Images};
use kith_core::recipe::Recipe;
use kith_core::rng::Purpose;
use kith_core::sampler::Visit;
use kith_core::square::{Frame, Interleaved, Preprocessing};
use serde::{Deserialize, Serialize};
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use crate::convert::{from_object, images, object};
use crate::engine::Engine;
use crate::fail::{Result, failure, from_core};

/// The square that pictures become.
#[derive(Debug, Deserialize, Tsify)]
pub struct FrameOptions {
    /// Height and width in pixels.
    side: usize,
    /// As the encoder's info has it; without it, the largest square in the middle is taken.
    #[serde(default)]
    preprocessing: Option<Preprocessing>,
}

/// Squares that pictures become, one behind the other, `[n, 3, side, side]`.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Squares {
    frame: Frame,
    planes: Vec<u8>,
}

#[wasm_bindgen]
impl Squares {
    /// Room for the squares of so many pictures.
    ///
    /// # Errors
    /// `SETTING` for a frame that cannot be, `OUT_OF_MEMORY`.
    #[wasm_bindgen(constructor)]
    pub fn new(count: usize, frame: &Ts<FrameOptions>) -> Result<Self> {
        let FrameOptions { side, preprocessing } = from_object(frame)?;
        if let Some(preprocessing) = preprocessing {
            preprocessing.check(side).map_err(from_core)?;
        }
        let size = [CHANNELS, side, side].into_iter().try_fold(count, usize::checked_mul);
        let mut planes = Vec::new();
        let room = size.is_some_and(|size| planes.try_reserve_exact(size).is_ok());
        if !room {
            let message = format!("no memory for {count} squares of {side}x{side} pixels");
            return Err(failure("OUT_OF_MEMORY", &message));
        }
        Ok(Self { frame: Frame { side, preprocessing }, planes })
    }

    /// Adds the square in the middle of a picture over white, of interleaved RGB or RGBA.
    ///
    /// # Errors
    /// `SAMPLES` when the pixels are not of that size.
    pub fn add(
        &mut self,
        pixels: &[u8],
        width: usize,
        height: usize,
        channels: usize,
    ) -> Result<()> {
        let picture = Interleaved { samples: pixels, size: [height, width], channels };
        let square = kith_core::square::square(picture, self.frame).map_err(from_core)?;
        self.planes.extend_from_slice(&square);
        Ok(())
    }

    /// All of them as planar bytes.
    pub fn take(self) -> Uint8Array {
        Uint8Array::from(self.planes.as_slice())
    }
}

/// Names of the augmentation policies.
#[wasm_bindgen]
pub fn policies() -> Vec<String> {
    Policy::NAMES.map(String::from).to_vec()
}

/// The operations of a policy as plain objects.
///
/// # Errors
/// `SETTING` for a name that no policy has.
#[wasm_bindgen]
pub fn policy(name: &str) -> Result<Ts<Policy>> {
    let known = Policy::named(name);
    let unknown = || {
        let names = Policy::NAMES.join(", ");
        failure("SETTING", &format!("no policy is called `{name}`: expected one of {names}"))
    };
    object(&known.ok_or_else(unknown)?)
}

/// A recipe that comes with kith.
#[derive(Debug, Serialize, Tsify)]
pub struct BuiltInRecipe {
    /// Its name.
    name: &'static str,
    /// What it is, in a few words.
    title: String,
    /// What it is for, in a sentence.
    description: String,
    /// Its text.
    toml: &'static str,
}

/// The recipes that come with kith.
///
/// # Errors
/// None that a caller can cause.
#[wasm_bindgen]
pub fn recipes() -> Result<Vec<Ts<BuiltInRecipe>>> {
    let described = |&(name, toml): &(&'static str, &'static str)| {
        let Recipe { title, description, .. } = Recipe::parse(toml, &[]).map_err(from_core)?;
        object(&BuiltInRecipe { name, title, description, toml })
    };
    Recipe::all_built_in().iter().map(described).collect()
}

/// Which views are asked for.
#[derive(Debug, Deserialize, Tsify)]
pub struct ViewOptions {
    /// The policy's operations.
    ops: Policy,
    /// The run's seed.
    seed: u64,
    /// The picture's number in its data set.
    image: u64,
    /// How many.
    views: u64,
}

#[wasm_bindgen]
impl Engine {
    /// Views of one picture, `[views, 3, side, side]`. View v is what the trainer's first view would be when it looks at the image for the v-th time.
    ///
    /// # Errors
    /// `SETTING` for operations that do not exist or are out of range, `PIXEL_COUNT`, `DEVICE`.
    pub async fn augment(
        &self,
        pixels: Vec<u8>,
        side: usize,
        options: Ts<ViewOptions>,
    ) -> Result<Uint8Array> {
        let ViewOptions { ops, seed, image, views } = from_object(&options)?;
        ops.check().map_err(from_core)?;
        let picture = images(pixels, 1, side)?.to_device(self.device());
        let mut all = Vec::new();
        for number in 0..views {
            let visits = [Visit { image, number }];
            let draw = Draw { seed, purpose: Purpose::FirstView, visits: &visits };
            let view = ops.apply(picture.clone(), draw);
            all.extend_from_slice(Images::from_device(view).await.map_err(from_core)?.pixels());
        }
        Ok(Uint8Array::from(all.as_slice()))
    }
}
