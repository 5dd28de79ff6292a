//! Which columns of a Parquet file hold images and classes: by their types, by what the file says of
//! them as data sets of Hugging Face do, and by their names.

use std::path::Path;

use parquet::basic::Type as Physical;
use parquet::file::metadata::FileMetaData;
use parquet::schema::types::ColumnDescriptor;
use serde_json::Value;

use crate::Error;
use crate::classes::Classes;

/// The key of what a file says of its columns.
const FEATURES_KEY: &str = "huggingface";
/// Usual names of columns of images, the first that is there is taken.
const IMAGES: [&str; 8] = ["image", "img", "picture", "photo", "jpg", "jpeg", "png", "webp"];
/// Usual names of columns of classes, the first that is there is taken.
const CLASSES: [&str; 8] =
    ["label", "labels", "fine_label", "class", "cls", "target", "category", "class_id"];
/// The field of a struct that holds an image file.
const BYTES_FIELD: &str = "bytes";

/// The columns that are read, by their places among the leaves of the schema.
#[derive(Debug)]
pub(crate) struct Columns {
    /// Image files.
    pub(crate) image: usize,
    /// Classes: whole numbers or names.
    pub(crate) class: Option<usize>,
    /// Names of the numbers.
    pub(crate) classes: Classes,
    /// What was chosen where others could be meant.
    pub(crate) notes: Vec<String>,
}

/// A column that may be meant.
#[derive(Clone, Debug)]
struct Candidate {
    place: usize,
    name: String,
    /// Whether the file says that it is.
    said: bool,
}

impl Columns {
    /// Chooses the columns of a file.
    pub(crate) fn choose(path: &Path, file: &FileMetaData) -> Result<Self, Error> {
        let features = features(path, file)?;
        let kind = |name: &str| features.get(name).and_then(|feature| feature.get("_type"));
        let columns = file.schema_descr().columns();
        let candidates = |fits: fn(&ColumnDescriptor) -> bool, feature: &str| {
            let fitting = columns.iter().enumerate().filter(|(_, column)| fits(column));
            let all: Vec<Candidate> = fitting
                .map(|(place, column)| {
                    let name = column.path().parts()[0].clone();
                    let said = kind(&name).is_some_and(|kind| kind == feature);
                    Candidate { place, name, said }
                })
                .collect();
            let said: Vec<Candidate> = all.iter().filter(|column| column.said).cloned().collect();
            if said.is_empty() { all } else { said }
        };
        let mut notes = Vec::new();
        let images = candidates(is_image, "Image");
        let Some(image) = pick(path, ("images", &IMAGES), &images, &mut notes)? else {
            let names: Vec<String> = columns.iter().map(|column| column.path().string()).collect();
            return Err(Error::Layout {
                path: path.to_owned(),
                expected: "a column of image files: binary, or a struct with the field bytes"
                    .to_owned(),
                got: format!("the columns {}", names.join(", ")),
            });
        };
        let mut classes = candidates(is_class, "ClassLabel");
        classes.retain(|column| column.said || CLASSES.contains(&column.name.as_str()));
        let class = pick(path, ("classes", &CLASSES), &classes, &mut notes)?;
        let names = class.as_ref().map(|class| names(&features, &class.name)).unwrap_or_default();
        let (image, class) = (image.place, class.map(|class| class.place));
        Ok(Self { image, class, classes: Classes::new(names), notes })
    }
}

/// What the file says of its columns; nothing where it says nothing.
fn features(path: &Path, file: &FileMetaData) -> Result<Value, Error> {
    let pairs = file.key_value_metadata().into_iter().flatten();
    let text = pairs.filter(|pair| pair.key == FEATURES_KEY).find_map(|pair| pair.value.as_ref());
    let Some(text) = text else { return Ok(Value::Null) };
    let said: Value = serde_json::from_str(text).map_err(|error| Error::Damaged {
        path: path.to_owned(),
        reason: format!("its {FEATURES_KEY} metadata are no JSON: {error}"),
    })?;
    Ok(said.pointer("/info/features").cloned().unwrap_or_default())
}

/// The names of the numbers of a column.
fn names(features: &Value, column: &str) -> Vec<String> {
    let names = features.get(column).and_then(|feature| feature.get("names"));
    let names = names.and_then(Value::as_array).into_iter().flatten();
    names.map(|name| name.as_str().map_or_else(|| name.to_string(), str::to_owned)).collect()
}

/// Whether a column can hold image files.
fn is_image(column: &ColumnDescriptor) -> bool {
    let parts = column.path().parts();
    let place = match parts.len() {
        1 => !is_text(column),
        2 => parts[1] == BYTES_FIELD,
        _ => false,
    };
    place && column.physical_type() == Physical::BYTE_ARRAY && column.max_rep_level() == 0
}

/// Whether a column can hold classes.
fn is_class(column: &ColumnDescriptor) -> bool {
    let kind = match column.physical_type() {
        Physical::INT32 | Physical::INT64 => true,
        Physical::BYTE_ARRAY => is_text(column),
        _ => false,
    };
    kind && column.path().parts().len() == 1 && column.max_rep_level() == 0
}

fn is_text(column: &ColumnDescriptor) -> bool {
    use parquet::basic::{ConvertedType, LogicalType};
    column.converted_type() == ConvertedType::UTF8
        || matches!(column.logical_type_ref(), Some(LogicalType::String))
}

/// The one candidate, or the first of a usual name.
fn pick(
    path: &Path,
    (what, usual): (&str, &[&str]),
    candidates: &[Candidate],
    notes: &mut Vec<String>,
) -> Result<Option<Candidate>, Error> {
    if candidates.len() < 2 {
        return Ok(candidates.first().cloned());
    }
    let named = usual.iter().find_map(|name| candidates.iter().find(|one| one.name == **name));
    let all: Vec<&str> = candidates.iter().map(|one| one.name.as_str()).collect();
    let Some(named) = named else {
        return Err(Error::Layout {
            path: path.to_owned(),
            expected: format!("one column of {what}, or one called {}", usual[0]),
            got: all.join(", "),
        });
    };
    let others: Vec<&str> = all.into_iter().filter(|name| *name != named.name).collect();
    notes.push(format!("{what} are of the column {}, not of {}", named.name, others.join(", ")));
    Ok(Some(named.clone()))
}
