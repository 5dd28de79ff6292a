//! Samples of a tar shard (Webdataset): members of one key, as `0001.jpg` and `0001.cls`.
//!
//! A shard is read from header to header; of its content only classes are read. Images are found by
//! their place in the file.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use tar::{Archive, Entry, EntryType};

use crate::Error;
use crate::file::refuse_substitutes;
use crate::file_kind::{Kind, kind_of_ending};
use crate::ignored::Ignored;
use crate::printable::{on_one_line, printable};
use crate::read_at::read_exact_at;

/// The most bytes of a member that says a class.
const MOST_CLASS_BYTES: u64 = 1 << 20;
/// The most bytes of a text that may be a class; longer ones are about an image.
const MOST_NAME_BYTES: usize = 64;
const GZIP: &[u8] = &[0x1f, 0x8b];
/// Two empty blocks end an archive.
const END_BYTES: usize = 1024;
/// Keys of a JSON member that say a class, the first that is there.
const JSON_CLASSES: [&str; 6] = ["label", "cls", "class", "class_id", "label_name", "class_name"];

/// Members of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Name and place of its image.
    pub(crate) image: Option<Member>,
    /// What its `.cls` says.
    pub(crate) class: Option<String>,
    /// The class in its `.json`.
    pub(crate) json: Option<String>,
    /// Its `.txt`, if that is short enough for a name.
    pub(crate) text: Option<String>,
}

/// Where an image lies in its shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its name.
    pub(crate) name: PathBuf,
    /// Its first byte.
    pub(crate) offset: u64,
    /// Its size.
    pub(crate) bytes: u64,
}

/// All samples of a shard, in their order; what is none is counted.
pub(crate) fn samples(
    path: &Path,
    ignored: &mut Ignored,
    notes: &mut Vec<String>,
) -> Result<Vec<Sample>, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let damaged = |error: std::io::Error| {
        let reason = on_one_line(&error.to_string());
        Error::Damaged { path: path.to_owned(), reason }
    };
    let file = File::open(path).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    if !check_ends(path, &file, bytes)? {
        notes.push(format!("{} has no end mark: it may have been cut short", path.display()));
    }
    let mut archive = Archive::new(file);
    // Archives that were put together have such ends between them.
    archive.set_ignore_zeros(true);
    let mut reader = Reader { path, ignored, keys: HashMap::new(), samples: Vec::new() };
    for entry in archive.entries_with_seek().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let end = entry.raw_file_position().saturating_add(entry.size());
        if end > bytes {
            return Err(Error::Truncated { path: path.to_owned(), expected: end, got: bytes });
        }
        reader.member(&mut entry)?;
    }
    Ok(reader.samples)
}

/// Looks at a shard's first bytes and tells whether its last ones are those of an archive's end.
fn check_ends(path: &Path, file: &File, bytes: u64) -> Result<bool, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    if refuse_substitutes(path, file, bytes)?.starts_with(GZIP) {
        return Err(Error::Layout {
            path: path.to_owned(),
            expected:
                "a shard that is not compressed, so that images can be read at their places: \
                       `gzip -d` makes one"
                    .to_owned(),
            got: "gzip".to_owned(),
        });
    }
    if bytes < END_BYTES as u64 {
        return Err(Error::Truncated {
            path: path.to_owned(),
            expected: END_BYTES as u64,
            got: bytes,
        });
    }
    let mut end = [0; END_BYTES];
    read_exact_at(file, &mut end, bytes - END_BYTES as u64).map_err(unreadable)?;
    Ok(end.iter().all(|&byte| byte == 0))
}

/// What was read so far.
struct Reader<'a> {
    path: &'a Path,
    ignored: &'a mut Ignored,
    /// The sample of a key, and the endings of its members.
    keys: HashMap<PathBuf, (usize, Vec<String>)>,
    samples: Vec<Sample>,
}

impl Reader<'_> {
    fn member(&mut self, entry: &mut Entry<'_, File>) -> Result<(), Error> {
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::Directory | EntryType::XGlobalHeader => return Ok(()),
            _ => {
                self.ignored.add("links and other members that are no files");
                return Ok(());
            }
        }
        let name = self.name(entry)?;
        let base = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if base.starts_with('.') {
            self.ignored.add("hidden");
            return Ok(());
        }
        let (key, ending) = base.split_once('.').unwrap_or((&base, ""));
        let ending = ending.to_lowercase();
        let number = self.number(&name, key, &ending)?;
        match ending.as_str() {
            "cls" => self.samples[number].class = Some(self.class(entry, &name)?),
            "json" => match class_of_json(&self.read(entry, &name)?) {
                Ok(class) => self.samples[number].json = class,
                Err(error) => return Err(self.wrong("JSON", &name, &error.to_string())),
            },
            "txt" if entry.size() > MOST_NAME_BYTES as u64 => self.ignored.add("long .txt"),
            "txt" => {
                let text = String::from_utf8(self.read(entry, &name)?).unwrap_or_default();
                self.samples[number].text = Some(text.trim().to_owned());
            }
            ending => self.image(entry, number, (name, ending)),
        }
        Ok(())
    }

    /// A member's name, which stays inside the shard.
    fn name(&self, entry: &Entry<'_, File>) -> Result<PathBuf, Error> {
        let path = entry.path().map_err(|error| Error::Damaged {
            path: self.path.to_owned(),
            reason: on_one_line(&error.to_string()),
        })?;
        let inside =
            |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if !path.components().all(|part| inside(&part)) {
            return Err(self.wrong("names inside the shard", &path, "a path out of it"));
        }
        Ok(path.components().filter(|part| *part != Component::CurDir).collect())
    }

    /// The sample of a member, which must be the only one of its name.
    fn number(&mut self, name: &Path, key: &str, ending: &str) -> Result<usize, Error> {
        let next = self.samples.len();
        let (number, endings) =
            self.keys.entry(name.with_file_name(key)).or_insert((next, Vec::new()));
        let number = *number;
        if endings.iter().any(|known| known == ending) {
            return Err(self.wrong("one member of each name", name, "it a second time"));
        }
        endings.push(ending.to_owned());
        if number == next {
            self.samples.push(Sample::default());
        }
        Ok(number)
    }

    /// A member that is an image, or that is passed over.
    fn image(&mut self, entry: &Entry<'_, File>, number: usize, (name, ending): (PathBuf, &str)) {
        let sample = &mut self.samples[number];
        match kind_of_ending(ending) {
            Kind::Other(words) => self.ignored.add(words),
            Kind::Image if sample.image.is_some() => {
                self.ignored.add("second images of a sample");
            }
            Kind::Image => {
                let (offset, bytes) = (entry.raw_file_position(), entry.size());
                sample.image = Some(Member { name, offset, bytes });
            }
        }
    }

    /// The content of a member that says a class.
    fn read(&self, entry: &mut Entry<'_, File>, name: &Path) -> Result<Vec<u8>, Error> {
        if entry.size() > MOST_CLASS_BYTES {
            let expected = format!("at most {MOST_CLASS_BYTES} bytes of a class");
            return Err(self.wrong(&expected, name, &format!("{} bytes", entry.size())));
        }
        let mut content = Vec::with_capacity(entry.size() as usize);
        let read = entry.read_to_end(&mut content);
        read.map_err(|source| Error::Unreadable { path: self.path.to_owned(), source })?;
        Ok(content)
    }

    /// What a `.cls` says: a whole number or a name.
    fn class(&self, entry: &mut Entry<'_, File>, name: &Path) -> Result<String, Error> {
        let text = String::from_utf8(self.read(entry, name)?).unwrap_or_default();
        let text = text.trim();
        match text.is_empty() || text.lines().count() > 1 {
            true => Err(self.wrong("a whole number or a name", name, "something else")),
            false => Ok(text.to_owned()),
        }
    }

    /// The error of a member.
    fn wrong(&self, expected: &str, name: &Path, got: &str) -> Error {
        Error::Layout {
            path: self.path.to_owned(),
            expected: expected.to_owned(),
            got: format!("{got} in {}", printable(name)),
        }
    }
}

/// The class in a JSON member.
fn class_of_json(content: &[u8]) -> serde_json::Result<Option<String>> {
    let value: Value = serde_json::from_slice(content)?;
    let found = JSON_CLASSES.iter().find_map(|key| match value.get(key)? {
        Value::Number(number) if number.is_i64() => Some(number.to_string()),
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        _ => None,
    });
    Ok(found)
}
