//! The gallery as the page has it: sheets that are smaller than the program's own, coded with losses.

use std::path::{Path, PathBuf};

use image::RgbImage;
use kith_core::image::Images;
use kith_core::loader::MemoryDataset;
use kith_core::square::{Frame, Interleaved, square};
use kith_core::trainer::Plan;

use crate::failure::{Failure, ReplayError};
use crate::files::FileError;
use crate::verbs::serve;

/// Who drew the pictures, in their order.
const VENDORS: [&str; 2] = ["google", "twitter"];
/// Tiles of a sheet along its rows and columns, and their side in pixels.
const COLUMNS: u32 = 10;
const ROWS: u32 = 6;
const TILE: u32 = 64;

/// All pictures at a plan's side in the page's order, labelled if it has classes: both drawings of an emoji,
/// then those of the next one. Classes are sorted by name.
pub(super) fn open(
    page: Option<PathBuf>,
    Plan { side, classes: wanted, .. }: Plan,
) -> Result<MemoryDataset, Failure> {
    let folder = serve::built(page)?.join("gallery");
    let (classes, labels) = table(&folder)?;
    let sheets = VENDORS.map(|vendor| sheets(&folder, vendor, labels.len()));
    let [google, twitter] = sheets;
    let (google, twitter) = (google?, twitter?);
    let mut pixels = Vec::new();
    for emoji in 0..labels.len() as u32 {
        for sheets in [&google, &twitter] {
            let tile = tile(&sheets[(emoji / (COLUMNS * ROWS)) as usize], emoji % (COLUMNS * ROWS));
            let size = [TILE as usize; 2];
            let picture = Interleaved { samples: &tile, size, channels: 3 };
            pixels.extend(square(picture, Frame { side, preprocessing: None })?);
        }
    }
    let images = Images::new(pixels, [VENDORS.len() * labels.len(), side, side])?;
    let vendors = || (0..images.len()).map(|place| (place % VENDORS.len()) as u16).collect();
    let mut dataset = MemoryDataset::new(side);
    dataset.add(&images)?;
    if wanted > 0 {
        let mut sorted = classes.clone();
        sorted.sort_unstable();
        let place =
            |class: usize| sorted.binary_search(&classes[class]).expect("it is one of them") as u16;
        let both = labels.iter().flat_map(|&class| [place(class); VENDORS.len()]);
        dataset.add_labelled(&images, &both.collect::<Vec<_>>())?;
    }
    dataset.set_domains(vendors(), if wanted > 0 { vendors() } else { Vec::new() })?;
    Ok(dataset)
}

/// The names of the classes, and the class of every emoji: a line each, its number before its name.
fn table(folder: &Path) -> Result<(Vec<String>, Vec<usize>), Failure> {
    let path = folder.join("emoji.txt");
    let text = std::fs::read_to_string(&path).map_err(|e| FileError::new(&path, e))?;
    let mut lines = text.trim().lines();
    let classes: Vec<String> =
        lines.next().unwrap_or_default().split('\t').map(ToOwned::to_owned).collect();
    let class = |line: &str| {
        let digit = line.chars().next().and_then(|digit| digit.to_digit(10));
        digit.map(|digit| digit as usize).filter(|class| *class < classes.len())
    };
    let labels = lines.map(class).collect::<Option<Vec<_>>>();
    let labels = labels.filter(|labels| !labels.is_empty());
    let reason =
        "expected a line of classes, then a line an emoji that begins with the number of its class";
    let labels =
        labels.ok_or_else(|| ReplayError::PageGallery { path, reason: reason.to_owned() })?;
    Ok((classes, labels))
}

/// All sheets of a vendor.
fn sheets(folder: &Path, vendor: &str, emoji: usize) -> Result<Vec<RgbImage>, Failure> {
    let open = |number: usize| -> Result<RgbImage, Failure> {
        let path = folder.join(format!("{vendor}-{number}.webp"));
        let bytes = std::fs::read(&path).map_err(|e| FileError::new(&path, e))?;
        let unreadable = |reason: String| ReplayError::PageGallery { path: path.clone(), reason };
        let image =
            image::load_from_memory(&bytes).map_err(|e| unreadable(e.to_string()))?.into_rgb8();
        let expected = (COLUMNS * TILE, ROWS * TILE);
        match image.dimensions() == expected {
            true => Ok(image),
            false => {
                let reason = format!("expected a sheet of {}x{} pixels", expected.0, expected.1);
                Err(unreadable(reason).into())
            }
        }
    };
    (0..emoji.div_ceil((COLUMNS * ROWS) as usize)).map(open).collect()
}

/// The pixels of a tile, interleaved.
fn tile(sheet: &RgbImage, number: u32) -> Vec<u8> {
    let [left, top] = [number % COLUMNS, number / COLUMNS].map(|place| place * TILE);
    image::imageops::crop_imm(sheet, left, top, TILE, TILE).to_image().into_raw()
}
